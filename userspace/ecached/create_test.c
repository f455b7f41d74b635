// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * create is all or nothing: whatever fails, whoever dies, and wherever, there is afterwards
 * either a whole volume or a device as it was and no grant.
 */
#include "../common/test.h"
#include "world.h"

static struct request request_for(const struct place *p)
{
	struct request rq = { .verb = REQUEST_CREATE, .name = "c1", .sector_size = 4096, .key_size = 64 };

	snprintf(rq.device, sizeof(rq.device), "%s", p->disk);
	return rq;
}

static uint8_t *disk_content(const struct place *p)
{
	uint8_t *buf = malloc(WORLD_DISK);
	int fd = open(p->disk, O_RDONLY | O_CLOEXEC);

	assert_non_null(buf);
	assert_int_equal(read(fd, buf, WORLD_DISK), WORLD_DISK);
	close(fd);
	return buf;
}

static bool disk_is(const struct place *p, const uint8_t *before)
{
	uint8_t *now = disk_content(p);
	bool same = !memcmp(now, before, WORLD_DISK);

	free(now);
	return same;
}

static void assert_clean(const struct place *p, const uint8_t *before)
{
	assert_false(exists(p->intents, "c1", ".json"));
	assert_false(exists(p->pins, "c1", ""));
	assert_false(exists(p->state, "c1", ".json"));
	assert_int_equal(world->dm.nr, 0);
	assert_false(world->swapped);
	assert_true(disk_is(p, before));
	assert_int_equal(rmdir(p->saved), 0);	/* nothing kept */
	assert_int_equal(mkdir(p->saved, 0700), 0);
}

static void assert_whole(const struct place *p, bool open)
{
	struct device d = DEVICE_INIT;
	struct state *s = calloc(1, sizeof(*s));
	struct header *h = calloc(1, sizeof(*h));
	struct mapping m;
	struct pin pin;

	assert_non_null(s);
	assert_non_null(h);
	world->fault.mode = FAULT_NONE;
	assert_false(exists(p->intents, "c1", ".json"));
	assert_int_equal(pin_load(p->pins, "c1", &pin, NULL), 0);
	assert_int_equal(state_load(p->state, "c1", s, NULL), 0);
	assert_int_equal(device_open(&d, p->disk, DEVICE_FILE, NULL), 0);
	assert_int_equal(header_load(d.path, h, NULL), 0);
	assert_int_equal(pin_match(&pin, h, NULL), 0);
	assert_int_equal(state_check_header(s, h, NULL), 0);
	assert_string_equal(h->token.grant_id, s->grant_id);
	assert_int_equal(world_alive(), 1);
	assert_non_null(world_find_grant(s->grant_id));
	assert_int_equal(mapping_get(&p->env.dm, "c1", &m, NULL), 0);
	assert_int_equal(m.exists, open);
	if (open)
		assert_int_equal(m.status.state, DM_STATE_ACTIVE);
	assert_int_equal(world->swapped, open && pin.kind == VOLUME_SWAP);
	assert_int_equal(audit_verify(p->audit, NULL, NULL), 0);
	device_close(&d);
	free(h);
	free(s);
}

static void a_volume_is_made_with_one_grant_and_open(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);

	(void)state;
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_OK);
	assert_whole(p, true);
	assert_int_equal(world->grants_made, 1);
	place_drop(p);
}

static void no_open_leaves_it_closed(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);

	(void)state;
	rq.no_open = true;
	rq.sector_size = 512;
	rq.key_size = 32;
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_OK);
	assert_whole(p, false);
	place_drop(p);
}

/*
 * check_struck - clean, or whole if the kill came after the last step of all: the removal
 * of the record.
 */
static void check_struck(const struct place *p, enum ran how, const uint8_t *before)
{
	const struct fault *f = &world->fault;

	if (how == RAN_KILLED && !f->undoing && !strcmp(f->name, "intent_end") && exists(p->pins, "c1", "")) {
		assert_whole(p, true);
		return;
	}
	if (world_alive() || world->dm.nr)
		fail_msg("a grant or a mapping is left after %s", f->name);
	assert_clean(p, before);
}

/* strike_all - every call that can fail, in every way, until one run goes through unharmed. */
static void strike_all(bool used_disk, enum volume_kind kind)
{
	unsigned int at, struck = 0;
	enum fault_mode mode;

	for (mode = FAULT_FAIL_BEFORE; mode < FAULT_MODES; mode++) {
		for (at = 1; ; at++) {
			struct place *p = place_make();
			struct request rq = request_for(p);
			struct err e = ERR_INIT;
			uint8_t *before;
			enum ran how;

			rq.force = used_disk;
			rq.kind = kind;
			if (used_disk)
				place_used_disk(p);
			before = disk_content(p);
			world->fault.mode = mode;
			world->fault.at = at;
			how = run_job(p, job_create, &rq, &e);
			if (how == RAN_OK) {
				assert_string_equal(world->fault.name, "");
				assert_whole(p, true);
			} else {
				struck++;
				if (how == RAN_FAILED)
					assert_non_null(strstr(e.what, "struck"));
				if (how == RAN_FAILED && !world->fault.struck_undoing &&
				    exists(p->intents, "c1", ".json"))
					fail_msg("left to recovery by a failure of %s", world->fault.name);
				recover_all(p, "c1");
				check_struck(p, how, before);
			}
			free(before);
			place_drop(p);
			if (how == RAN_OK)
				break;
		}
	}
	assert_true(struck > 60);
}

static void a_strike_at_any_call_leaves_nothing(void **state)
{
	(void)state;
	strike_all(false, VOLUME_DATA);
}

static void a_strike_with_force_gives_the_old_content_back(void **state)
{
	(void)state;
	strike_all(true, VOLUME_DATA);
}

static void a_strike_at_a_swap_volume_leaves_nothing(void **state)
{
	(void)state;
	strike_all(false, VOLUME_SWAP);
}

static void the_creator_may_die_or_give_up_at_any_point(void **state)
{
	enum creator_mode mode;
	unsigned int at;

	(void)state;
	for (mode = CREATOR_DIES_BEFORE; mode <= CREATOR_FAILS; mode++) {
		for (at = 1; at <= 3; at++) {
			struct place *p = place_make();
			struct request rq = request_for(p);
			uint8_t *before = disk_content(p);
			struct err e = ERR_INIT;

			world->creator = mode;
			world->creator_at = at;
			assert_int_equal(run_job(p, job_create, &rq, &e), RAN_FAILED);
			assert_clean(p, before);
			assert_int_equal(world_alive(), 0);
			if (mode == CREATOR_FAILS)
				assert_string_equal(e.what, "the creator has no right");
			free(before);
			place_drop(p);
		}
	}
}

static void a_grant_that_cannot_be_retired_now_is_retired_later(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);
	uint8_t *before = disk_content(p);
	struct err e = ERR_INIT;

	(void)state;
	world->creator = CREATOR_DIES_AFTER;
	world->creator_at = 2;		/* the grant exists, ecachectl does not any more */
	world->kms_down = true;
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_FAILED);
	assert_true(exists(p->intents, "c1", ".json"));
	assert_int_equal(world_alive(), 1);
	assert_int_equal(recover_intent(&p->env, "c1", true, &e), -EAGAIN);	/* away is not a refusal */
	world->kms_down = false;
	assert_int_equal(recover_intent(&p->env, "c1", false, &e), 0);
	assert_clean(p, before);
	assert_int_equal(world_alive(), 0);
	free(before);
	place_drop(p);
}

static void a_refused_retire_is_given_up_only_in_the_end(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);
	struct err e = ERR_INIT;

	(void)state;
	world->creator = CREATOR_DIES_AFTER;
	world->creator_at = 3;
	world->key_disabled = true;
	world->retire_refused = true;
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_FAILED);
	assert_int_equal(recover_intent(&p->env, "c1", false, &e), -EAGAIN);
	assert_int_equal(recover_intent(&p->env, "c1", true, &e), 0);
	assert_false(exists(p->intents, "c1", ".json"));
	place_drop(p);
}

static void a_young_grant_is_waited_for(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);

	(void)state;
	world->denials_left = 2;
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_OK);
	assert_int_equal(world->unwraps, 3);
	assert_whole(p, true);
	place_drop(p);
}

static void an_owners_grant_is_used_and_never_retired(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);
	uint8_t *before = disk_content(p);

	(void)state;
	strcpy(rq.grant_id, world_grant("by hand", true)->id);
	world->key_disabled = true;
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_FAILED);
	assert_clean(p, before);
	assert_int_equal(world_alive(), 1);
	world->key_disabled = false;
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_OK);
	assert_whole(p, true);
	assert_int_equal(world->grants_made, 1);
	free(before);
	place_drop(p);
}

static void what_must_not_be_overwritten_is_refused(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);
	struct err e = ERR_INIT;
	uint8_t *before;

	(void)state;
	place_used_disk(p);
	before = disk_content(p);
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_FAILED);
	assert_int_equal(e.rc, -EEXIST);
	assert_clean(p, before);
	free(before);

	rq.force = true;
	rq.no_open = true;
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_OK);
	before = disk_content(p);
	strcpy(rq.name, "c2");		/* another volume of this host on it: not even by force */
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "holds volume c1"));
	assert_true(disk_is(p, before));
	assert_int_equal(world_alive(), 1);
	free(before);
	place_drop(p);
}

/* Which key, and to whom: said before anything is written or asked. Another KMS than ours has no key for everybody. */
static void without_a_key_or_a_grantee_nothing_begins(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);
	struct err e = ERR_INIT;
	uint8_t *before = disk_content(p);

	(void)state;
	p->conf.default_key = p->none;
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_FAILED);
	assert_int_equal(e.rc, -EINVAL);
	assert_non_null(strstr(e.what, "neither --kms-key nor default-key"));
	assert_non_null(strstr(e.hint, "name a key of your KMS"));
	assert_clean(p, before);
	assert_int_equal(world->grants_made, 0);

	p->conf.default_key = p->key;
	p->conf.host_principal = p->none;
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.hint, "host-principal="));
	assert_clean(p, before);
	assert_int_equal(world->grants_made, 0);

	/* a key that is named needs no default */
	p->conf.host_principal = p->principal;
	p->conf.default_key = p->none;
	strcpy(rq.kms_key, WORLD_ARN);
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_OK);
	assert_whole(p, true);
	free(before);
	place_drop(p);
}

static void names_and_ids_in_use_are_refused(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);
	struct err e = ERR_INIT;
	char other[96];

	(void)state;
	strcpy(rq.cache_id, "cache-a");
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_OK);
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "exists already"));
	snprintf(other, sizeof(other), "%.64s/disk2", p->scratch.dir);
	snprintf(p->disk, sizeof(p->disk), "%s", other);
	place_blank_disk(p);
	strcpy(rq.device, other);
	strcpy(rq.name, "c2");
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "cache id cache-a is taken by volume c1"));
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

static void a_bad_key_is_refused_before_anything_is_written(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);
	uint8_t *before = disk_content(p);
	struct err e = ERR_INIT;

	(void)state;
	world->equal_halves = true;
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "equal halves"));
	assert_clean(p, before);
	assert_int_equal(world_alive(), 0);
	free(before);
	place_drop(p);
}

static void a_host_that_cannot_be_named_is_told_so(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);
	struct err e = ERR_INIT;

	(void)state;
	p->conf.host_principal = p->none;
	assert_int_equal(run_job(p, job_create, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "host-principal"));
	assert_int_equal(world->grants_made, 0);
	place_drop(p);
}

static void recovery_never_touches_a_disk_that_is_not_ours(void **state)
{
	struct place *p = place_make();
	struct request rq = request_for(p);
	struct err e = ERR_INIT;
	uint8_t *before;

	(void)state;
	world->fault.mode = FAULT_KILL_AFTER;
	for (world->fault.at = 1; ; world->fault.at++) {
		world->fault.calls = 0;
		assert_int_equal(run_job(p, job_create, &rq, &e), RAN_KILLED);
		if (!strcmp(world->fault.name, "header_write_token"))
			break;
		world->fault.mode = FAULT_NONE;
		recover_all(p, "c1");
		world->fault.mode = FAULT_KILL_AFTER;
	}
	place_used_disk(p);		/* somebody put another disk there */
	before = disk_content(p);
	recover_all(p, "c1");
	assert_clean(p, before);
	assert_int_equal(world_alive(), 0);
	free(before);
	place_drop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_is_made_with_one_grant_and_open),
		cmocka_unit_test(no_open_leaves_it_closed),
		cmocka_unit_test(a_strike_at_any_call_leaves_nothing),
		cmocka_unit_test(a_strike_with_force_gives_the_old_content_back),
		cmocka_unit_test(a_strike_at_a_swap_volume_leaves_nothing),
		cmocka_unit_test(the_creator_may_die_or_give_up_at_any_point),
		cmocka_unit_test(a_grant_that_cannot_be_retired_now_is_retired_later),
		cmocka_unit_test(a_refused_retire_is_given_up_only_in_the_end),
		cmocka_unit_test(a_young_grant_is_waited_for),
		cmocka_unit_test(an_owners_grant_is_used_and_never_retired),
		cmocka_unit_test(what_must_not_be_overwritten_is_refused),
		cmocka_unit_test(without_a_key_or_a_grantee_nothing_begins),
		cmocka_unit_test(names_and_ids_in_use_are_refused),
		cmocka_unit_test(a_bad_key_is_refused_before_anything_is_written),
		cmocka_unit_test(a_host_that_cannot_be_named_is_told_so),
		cmocka_unit_test(recovery_never_touches_a_disk_that_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
