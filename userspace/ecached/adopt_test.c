// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * adopt, all or nothing: a LUKS2 volume of cryptsetup's is a volume of ours, or it is what it was, whatever fails and
 * whoever is killed, and no grant is left over.
 */
#include "../common/test.h"
#include "adopting.h"
#include "life.h"
#include "../volume/foreign_fixture.h"

static struct secret passphrase = SECRET_INIT;
static char image[sizeof("/dev/shm/ecache-foreign-XXXXXX")];	/* made once: keyslots take their time under ASan */

static int make_image(void **state)
{
	const struct foreign_spec spec = FOREIGN_SPEC;
	int fd, status;
	pid_t child;

	(void)state;
	strcpy(image, access("/dev/shm", W_OK) ? "/tmp/ecache-foreign-XXXXXX" : "/dev/shm/ecache-foreign-XXXXXX");
	fd = mkstemp(image);
	assert_true(fd >= 0);
	close(fd);
	child = fork();
	if (!child) {
		foreign_make(image, &spec);
		_exit(0);
	}
	return waitpid(child, &status, 0) == child ? status : -1;
}

static int drop_image(void **state)
{
	(void)state;
	secret_wipe(&passphrase);
	return unlink(image);
}

/* put_disk - the image as p->disk. */
static void put_disk(struct place *p)
{
	static char buf[FOREIGN_BYTES];
	int in = open(image, O_RDONLY | O_CLOEXEC), out = open(p->disk, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(read(in, buf, sizeof(buf)), sizeof(buf));
	assert_int_equal(write(out, buf, sizeof(buf)), sizeof(buf));
	close(in);
	close(out);
}

static struct place *place_with_foreign(void)
{
	struct place *p = place_make();

	put_disk(p);
	return p;
}

/* adoption - `adopt c1`, whose passphrase is number @nr: of two, so 2 is a wrong one. */
static struct request adoption(const struct place *p, unsigned int nr)
{
	struct request rq = { .verb = REQUEST_ADOPT, .name = "c1" };

	foreign_passphrase(nr, &passphrase);	/* wiped by whoever had it before */
	strcpy(rq.device, p->disk);
	rq.secret_bytes = passphrase.len;
	rq.fd = passphrase.fd;
	return rq;
}

static enum ran adopt(struct place *p, struct err *e)
{
	const struct request rq = adoption(p, 0);

	return run_job(p, job_adopt, &rq, e);
}

static enum ran adopt_and_keep(struct place *p, struct err *e)
{
	struct request rq = adoption(p, 0);

	rq.keep_keyslots = true;
	return run_job(p, job_adopt, &rq, e);
}

/*
 * opens_by_passphrase - the way of before, by keyslot @nr, to the same key. In a child: what ASan keeps of a keyslot's
 * buffers would make each fork of this program slower than the one before.
 */
static bool opens_by_passphrase(const struct place *p, unsigned int nr)
{
	struct secret key = SECRET_INIT;
	int status;
	pid_t child;

	foreign_passphrase(nr, &passphrase);
	world->fault.mode = FAULT_NONE;
	child = fork();
	if (!child)
		_exit(foreign_key(p->disk, &passphrase, &key, NULL) || key.len != 64 || key.data[1] != 13 + 5);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return !WEXITSTATUS(status);
}

static void assert_as_it_was(struct place *p)
{
	struct header h;
	struct err e = ERR_INIT;

	assert_false(exists(p->pins, "c1", ""));
	assert_false(exists(p->state, "c1", ".json"));
	assert_false(exists(p->intents, "c1", ".json"));
	assert_int_equal(world_alive(), 0);
	if (header_load_as(p->disk, HEADER_FOREIGN, &h, &e))
		fail_msg("%s after %s", e.what, world->fault.name);
	assert_true(opens_by_passphrase(p, 0));
	assert_true(opens_by_passphrase(p, 1));
}

/* assert_adopted - one grant, by which it opens; @keyslots are left. */
static void assert_adopted(struct place *p, unsigned int keyslots)
{
	struct header h;
	struct err e = ERR_INIT;

	assert_true(exists(p->pins, "c1", ""));
	assert_false(exists(p->intents, "c1", ".json"));
	if (world_alive() != 1)
		fail_msg("%u grants after %s", world_alive(), world->fault.name);
	assert_true(world_allows(WORLD_ARN, false));
	assert_int_equal(header_load_as(p->disk, HEADER_WITH_KEYSLOTS, &h, &e), 0);
	assert_int_equal(h.keyslots, keyslots);
	assert_int_equal(opens_by_passphrase(p, 0), keyslots > 0);
	if (do_verb(p, REQUEST_OPEN, &e) != RAN_OK)
		fail_msg("%s after %s", e.what, world->fault.name);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
}

static void an_adopted_volume_opens_by_the_kms_and_by_no_passphrase(void **state)
{
	struct place *p = place_with_foreign();

	(void)state;
	assert_int_equal(adopt(p, NULL), RAN_OK);
	assert_int_equal(world->wrapped_len, 64);
	assert_int_equal(world->wrapped[1], 13 + 5);
	assert_int_equal(world->grants_made, 2);	/* the first, to encrypt, is gone */
	assert_adopted(p, 0);
	assert_true(recorded(p, "\"event\":\"adopt\""));
	assert_true(recorded(p, "\"event\":\"adopt-keyslots-removed\""));
	place_drop(p);
}

static void the_mapping_begins_where_the_data_does(void **state)
{
	struct place *p = place_with_foreign();
	char want[32];

	(void)state;
	assert_int_equal(adopt(p, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	snprintf(want, sizeof(want), " %d ", FOREIGN_OFFSET / 512);
	assert_non_null(strstr(world->dm.dev[0].params, want));
	place_drop(p);
}

static void kept_keyslots_stay_and_the_volume_is_not_revocable(void **state)
{
	struct place *p = place_with_foreign();
	struct pin pin;

	(void)state;
	assert_int_equal(adopt_and_keep(p, NULL), RAN_OK);
	assert_adopted(p, 2);
	assert_int_equal(pin_load(p->pins, "c1", &pin, NULL), 0);
	assert_int_equal(pin.shape, HEADER_WITH_KEYSLOTS);
	assert_false(recorded(p, "adopt-keyslots-removed"));
	place_drop(p);
}

/* What an operator does to have it revocable after all. */
static void kept_keyslots_can_go_later(void **state)
{
	struct place *p = place_with_foreign();
	struct err e = ERR_INIT;
	struct pin pin;

	(void)state;
	assert_int_equal(adopt_and_keep(p, NULL), RAN_OK);
	assert_int_equal(pin_load(p->pins, "c1", &pin, NULL), 0);
	pin.shape = HEADER_ADOPTED;
	assert_int_equal(pin_replace(p->pins, "c1", &pin, NULL), 0);
	assert_int_equal(do_verb(p, REQUEST_OPEN, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "has keyslots"));
	assert_int_equal(foreign_drop_keyslots(p->disk, NULL), 0);
	assert_adopted(p, 0);
	place_drop(p);
}

static void a_wrong_passphrase_asks_the_kms_nothing(void **state)
{
	struct place *p = place_with_foreign();
	const struct request rq = adoption(p, 2);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run_job(p, job_adopt, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "no keyslot opens"));
	assert_int_equal(world->grants_made, 0);
	assert_as_it_was(p);
	place_drop(p);
}

static void what_is_adopted_already_is_refused(void **state)
{
	struct place *p = place_with_foreign();
	struct request rq;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(adopt_and_keep(p, NULL), RAN_OK);
	rq = adoption(p, 0);
	strcpy(rq.name, "c2");
	assert_int_equal(run_job(p, job_adopt, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "already"));
	/* nor under another name with a header put back that knows nothing of it */
	put_disk(p);
	rq = adoption(p, 0);
	strcpy(rq.name, "c2");
	assert_int_equal(run_job(p, job_adopt, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "holds volume c1"));
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

/* Whatever the KMS does not do: nothing was written that is not undone. */
static void without_the_kms_nothing_is_adopted(void **state)
{
	struct place *p;
	struct err e = ERR_INIT;
	int what;

	(void)state;
	for (what = 0; what < 4; what++) {
		p = place_with_foreign();
		world->wrap_refused = what == 0;
		world->key_disabled = what == 1;
		world->wrong_key = what == 2;		/* it lies about what it unwrapped */
		world->creator = what == 3 ? CREATOR_FAILS : CREATOR_GOOD;
		world->creator_at = 2;
		assert_int_equal(adopt(p, &e), RAN_FAILED);
		assert_as_it_was(p);
		place_drop(p);
	}
}

static void a_grant_that_does_not_go_is_tried_again(void **state)
{
	struct place *p = place_with_foreign();

	(void)state;
	world->retire_refused = true;		/* of the one to encrypt: then nothing else is done */
	assert_int_equal(adopt(p, NULL), RAN_FAILED);
	assert_true(exists(p->intents, "c1", ".json"));
	assert_int_equal(world_alive(), 1);
	assert_false(world_allows(WORLD_ARN, false));
	assert_true(opens_by_passphrase(p, 0));
	world->retire_refused = false;
	recover_all(p, "c1");
	assert_as_it_was(p);
	place_drop(p);
}

/* strike_at_adoption - as strike_every_call(), but on a disk of cryptsetup's. */
static unsigned int strike_at_adoption(enum ran (*run)(struct place *p, struct err *e), unsigned int keyslots,
				       enum fault_mode first)
{
	enum fault_mode mode;
	unsigned int at, struck = 0;
	bool hit;

	for (mode = first; mode < FAULT_MODES; mode++) {
		for (at = 1, hit = true; hit; at++) {
			struct place *p = place_with_foreign();
			struct err e = ERR_INIT;
			enum ran how;

			world->fault = (struct fault){ .mode = mode, .at = at };
			how = run(p, &e);
			hit = *world->fault.name;
			recover_all(p, "c1");
			if (!hit && how != RAN_OK)
				fail_msg("not struck, and yet: %s", e.what);
			if (exists(p->pins, "c1", ""))
				assert_adopted(p, keyslots);
			else
				assert_as_it_was(p);
			if (how == RAN_OK)
				assert_true(exists(p->pins, "c1", ""));
			struck += hit;
			place_drop(p);
		}
	}
	return struck;
}

static void a_strike_leaves_it_adopted_or_as_it_was(void **state)
{
	(void)state;
	assert_true(strike_at_adoption(adopt, 0, FAULT_FAIL_BEFORE) > 60);
}

static void a_strike_with_kept_keyslots_too(void **state)
{
	(void)state;
	assert_true(strike_at_adoption(adopt_and_keep, 2, FAULT_KILL_AFTER) > 10);
}

static void the_creator_may_die_or_give_up(void **state)
{
	enum creator_mode mode;
	unsigned int at;

	(void)state;
	for (mode = CREATOR_DIES_BEFORE; mode <= CREATOR_FAILS; mode++) {
		for (at = 1; at <= 2; at++) {
			struct place *p = place_with_foreign();
			enum ran how;

			world->creator = mode;
			world->creator_at = at;
			how = adopt(p, NULL);
			world->creator = CREATOR_GOOD;
			recover_all(p, "c1");
			if (how == RAN_OK)
				assert_adopted(p, 0);
			else
				assert_as_it_was(p);
			place_drop(p);
		}
	}
}

/* The life after it is any volume's. */
static void a_regrant_and_a_destroy_know_it(void **state)
{
	struct place *p = place_with_foreign();
	struct err e = ERR_INIT;
	struct header h;

	(void)state;
	assert_int_equal(adopt(p, NULL), RAN_OK);
	revoke_grant(p);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_FAILED);
	assert_int_equal(do_verb(p, REQUEST_REGRANT, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_DUMP, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_DESTROY, NULL), RAN_OK);
	assert_int_equal(world_alive(), 0);
	assert_int_equal(header_load_as(p->disk, HEADER_WITH_KEYSLOTS, &h, &e), -ENOENT);
	place_drop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_adopted_volume_opens_by_the_kms_and_by_no_passphrase),
		cmocka_unit_test(the_mapping_begins_where_the_data_does),
		cmocka_unit_test(kept_keyslots_stay_and_the_volume_is_not_revocable),
		cmocka_unit_test(kept_keyslots_can_go_later),
		cmocka_unit_test(a_wrong_passphrase_asks_the_kms_nothing),
		cmocka_unit_test(what_is_adopted_already_is_refused),
		cmocka_unit_test(without_the_kms_nothing_is_adopted),
		cmocka_unit_test(a_grant_that_does_not_go_is_tried_again),
		cmocka_unit_test(a_strike_leaves_it_adopted_or_as_it_was),
		cmocka_unit_test(a_strike_with_kept_keyslots_too),
		cmocka_unit_test(the_creator_may_die_or_give_up),
		cmocka_unit_test(a_regrant_and_a_destroy_know_it),
	};

	return cmocka_run_group_tests(tests, make_image, drop_image);
}
