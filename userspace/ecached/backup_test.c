// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A backup is a whole volume under another key, or there is none: whatever fails, whoever dies, and wherever, the
 * volume is as it was, with its grant and no other.
 */
#include "../common/test.h"
#include "life.h"

#define DATA (WORLD_DISK - HEADER_BYTES)
#define GRAIN CONTENT_GRAIN

/* One side, opened with the key that the world gives for its uuid. */
struct side {
	struct device d;
	struct header h;
	struct secret key;
	struct content c;
};

static void side_open(struct side *x, const char *path)
{
	assert_int_equal(device_open(&x->d, path, DEVICE_FILE, NULL), 0);
	assert_int_equal(header_load(x->d.path, &x->h, NULL), 0);
	x->key = (struct secret)SECRET_INIT;
	world_key_of(&x->h, &x->key);
	assert_int_equal(header_verify_key(x->d.path, &x->key, NULL), 0);
	assert_int_equal(content_open(&x->c, &x->d, &x->h, &x->key, true, NULL), 0);
}

static void side_close(struct side *x)
{
	content_close(&x->c);
	secret_wipe(&x->key);
	device_close(&x->d);
}

/* write_volume - some grains, as the target would. */
static void write_volume(struct place *p)
{
	struct side *x = calloc(1, sizeof(*x));
	uint8_t buf[GRAIN];
	size_t g;

	side_open(x, p->disk);
	for (g = 0; g < DATA / GRAIN; g += 5) {
		memset(buf, (int)g, sizeof(buf));
		assert_int_equal(xts_encrypt(&x->c.xts, g * GRAIN, buf, sizeof(buf)), 0);
		assert_int_equal(pwrite(x->d.fd, buf, sizeof(buf), HEADER_BYTES + g * GRAIN), sizeof(buf));
	}
	side_close(x);
	free(x);
}

static struct place *place_with_data(void)
{
	struct place *p = place_with_volume();

	write_volume(p);
	return p;
}

/* partial - is there an unfinished image? */
static bool partial(const struct place *p)
{
	char path[128];

	snprintf(path, sizeof(path), "%s" REQUEST_PARTIAL, image_of(p));
	return !access(path, F_OK);
}

static bool image(const struct place *p)
{
	return !access(image_of(p), F_OK);
}

static int count(void *ctx, const char *uuid)
{
	(void)uuid;
	(*(unsigned int *)ctx)++;
	return 0;
}

static unsigned int known(const struct place *p)
{
	unsigned int n = 0;

	assert_int_equal(backup_each(p->backups, count, &n, NULL), 0);
	return n;
}

/* assert_image - it opens as any volume, under a key of its own, and holds what the volume holds. */
static void assert_image(struct place *p)
{
	struct side *from = calloc(1, sizeof(*from)), *to = calloc(1, sizeof(*to));
	struct content_sum a, b;
	struct backup *rec = calloc(1, sizeof(*rec));
	struct stat st;

	side_open(from, p->disk);
	side_open(to, image_of(p));
	assert_string_not_equal(from->h.luks_uuid, to->h.luks_uuid);
	assert_string_not_equal(from->h.token.grant_id, to->h.token.grant_id);
	assert_string_not_equal(from->h.token.key_id, to->h.token.key_id);
	assert_string_equal(from->h.token.cache_id, to->h.token.cache_id);
	assert_int_equal(to->c.bytes, from->c.bytes);
	assert_int_equal(content_read(&from->c, DATA, NULL, &a, NULL), 0);
	assert_int_equal(content_read(&to->c, DATA, NULL, &b, NULL), 0);
	assert_string_equal(a.sha256, b.sha256);
	assert_int_equal(backup_load(p->backups, to->h.luks_uuid, rec, NULL), 0);
	assert_string_equal(rec->sha256, b.sha256);
	assert_string_equal(rec->file, image_of(p));
	assert_string_equal(rec->volume, "c1");
	assert_int_equal(rec->bytes, DATA);
	assert_int_equal(rec->stored, b.stored);
	assert_int_equal(fstat(to->d.fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	side_close(from);
	side_close(to);
	free(from);
	free(to);
	free(rec);
}

static void a_closed_volume_is_copied_under_a_key_of_the_backups_own(void **state)
{
	struct place *p = place_with_data();
	struct state *s;

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_BACKUP, NULL), RAN_OK);
	assert_image(p);
	assert_false(partial(p));
	assert_false(exists(p->intents, "c1", ".json"));
	assert_int_equal(world->grants_made, 2);
	assert_int_equal(world_alive(), 1);
	s = state_of(p);
	assert_true(world_find_grant(s->grant_id)->alive);	/* the volume's */
	free(s);
	assert_true(recorded(p, "\"to\":\"backup\""));
	assert_true(recorded(p, "\"event\":\"backup\""));
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	place_drop(p);
}

static void the_grant_is_named_after_the_backup(void **state)
{
	struct place *p = place_with_data();
	struct side *x = calloc(1, sizeof(*x));
	char purpose[64];

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_BACKUP, NULL), RAN_OK);
	side_open(x, image_of(p));
	snprintf(purpose, sizeof(purpose), ":backup-%s ", x->h.luks_uuid);
	assert_non_null(strstr(world_find_grant(x->h.token.grant_id)->name, purpose));
	side_close(x);
	free(x);
	place_drop(p);
}

static void an_open_volume_is_copied_while_it_stands_still(void **state)
{
	struct place *p = place_with_data();

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_BACKUP, NULL), RAN_OK);
	assert_image(p);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	place_drop(p);
}

static void a_freeze_that_ended_too_early_makes_no_backup(void **state)
{
	struct place *p = place_with_data();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	world->freeze_expires = true;
	assert_int_equal(do_verb(p, REQUEST_BACKUP, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "too early"));
	assert_false(image(p) || partial(p));
	assert_int_equal(known(p), 0);
	assert_int_equal(world_alive(), 1);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	place_drop(p);
}

static void what_is_in_the_way_is_neither_overwritten_nor_removed(void **state)
{
	struct place *p = place_with_data();
	struct err e = ERR_INIT;
	char path[128];
	int i, fd;

	(void)state;
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s", image_of(p), i ? REQUEST_PARTIAL : "");
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(write(fd, "precious", 8), 8);
		close(fd);
		assert_int_equal(do_verb(p, REQUEST_BACKUP, &e), RAN_FAILED);
		assert_non_null(strstr(e.what, "exists"));
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(world->grants_made, 1);	/* nobody was asked for anything */
	place_drop(p);
}

static void a_volume_that_was_revoked_cannot_be_backed_up(void **state)
{
	struct place *p = place_with_data();
	struct err e = ERR_INIT;

	(void)state;
	revoke_grant(p);
	assert_int_equal(do_verb(p, REQUEST_BACKUP, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "revoked"));
	assert_false(image(p) || partial(p));
	assert_int_equal(world->grants_made, 1);
	place_drop(p);
}

static void an_open_volume_whose_key_goes_is_not_read_on(void **state)
{
	struct place *p = place_with_data();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	world->key_goes = true;
	assert_int_equal(do_verb(p, REQUEST_BACKUP, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "lost its key"));
	assert_false(image(p) || partial(p));
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

static void an_image_that_reads_back_otherwise_is_no_backup(void **state)
{
	struct place *p = place_with_data();
	struct err e = ERR_INIT;

	(void)state;
	world->image_rots = true;
	assert_int_equal(do_verb(p, REQUEST_BACKUP, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "read back"));
	assert_false(image(p) || partial(p));
	assert_int_equal(known(p), 0);
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

static void a_kms_that_is_away_at_the_end_leaves_a_backup_and_a_grant_to_retire(void **state)
{
	struct place *p = place_with_data();

	(void)state;
	world->retire_refused = true;
	assert_int_equal(do_verb(p, REQUEST_BACKUP, NULL), RAN_OK);
	assert_true(image(p));
	assert_int_equal(world_alive(), 2);
	assert_true(exists(p->intents, "c1", ".json"));
	world->retire_refused = false;
	recover_all(p, "c1");
	assert_int_equal(world_alive(), 1);
	assert_image(p);
	place_drop(p);
}

/* all_or_nothing - an image that is whole and known, or no trace of one. */
static void all_or_nothing(struct place *p, enum ran how)
{
	assert_false(exists(p->intents, "c1", ".json"));
	assert_false(partial(p));
	if (world_alive() != 1)
		fail_msg("%u grants after %s", world_alive(), world->fault.name);
	if (how == RAN_OK)
		assert_true(image(p));
	if (how == RAN_FAILED)
		assert_false(image(p));
	if (known(p) != image(p))
		fail_msg("%s after %s", image(p) ? "an image that nobody knows" : "a record of no image",
			 world->fault.name);
	if (image(p))
		assert_image(p);
	/* The next one works, too; a few of them are proof enough. */
	if (!image(p) && !(world->fault.calls % 5))
		assert_int_equal(do_verb(p, REQUEST_BACKUP, NULL), RAN_OK);
	if (!world->dm.nr)
		assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
}

/* open_or_not - every other time. */
static void open_or_not(struct place *p)
{
	static bool open;

	write_volume(p);
	open = !open;
	if (open)
		assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
}

static void a_strike_at_backup_leaves_all_or_nothing(void **state)
{
	(void)state;
	assert_true(strike_every_call(REQUEST_BACKUP, open_or_not, all_or_nothing) > 20);
}

static void the_creator_of_a_backup_may_die(void **state)
{
	enum creator_mode mode;
	unsigned int at;

	(void)state;
	for (mode = CREATOR_DIES_BEFORE; mode <= CREATOR_FAILS; mode++) {
		for (at = 1; at <= 3; at++) {
			struct place *p = place_with_data();
			enum ran how;

			world->creator = mode;
			world->creator_at = at;
			how = do_verb(p, REQUEST_BACKUP, NULL);
			world->creator = CREATOR_GOOD;
			recover_all(p, "c1");
			all_or_nothing(p, how);
			place_drop(p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_closed_volume_is_copied_under_a_key_of_the_backups_own),
		cmocka_unit_test(the_grant_is_named_after_the_backup),
		cmocka_unit_test(an_open_volume_is_copied_while_it_stands_still),
		cmocka_unit_test(a_freeze_that_ended_too_early_makes_no_backup),
		cmocka_unit_test(what_is_in_the_way_is_neither_overwritten_nor_removed),
		cmocka_unit_test(a_volume_that_was_revoked_cannot_be_backed_up),
		cmocka_unit_test(an_open_volume_whose_key_goes_is_not_read_on),
		cmocka_unit_test(an_image_that_reads_back_otherwise_is_no_backup),
		cmocka_unit_test(a_kms_that_is_away_at_the_end_leaves_a_backup_and_a_grant_to_retire),
		cmocka_unit_test(a_strike_at_backup_leaves_all_or_nothing),
		cmocka_unit_test(the_creator_of_a_backup_may_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
