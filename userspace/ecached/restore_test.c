// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was backed up comes back as another volume under a key and a grant of its own; or, whatever fails, the
 * device is as it was and no grant is left.
 */
#include "../common/test.h"
#include "life.h"

#define DATA (WORLD_DISK - HEADER_BYTES)
#define GRAIN CONTENT_GRAIN

static const char *second_disk(const struct place *p)
{
	static char path[96];

	snprintf(path, sizeof(path), "%.80s/disk2", p->scratch.dir);
	return path;
}

static void make_second(const struct place *p, off_t bytes)
{
	int fd = open(second_disk(p), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	close(fd);
}

/* sum_of - of a volume or an image, under the key that the world gives for its uuid; the first grain is @mark. */
static void sum_of(const char *path, int mark, struct content_sum *sum)
{
	struct header *h = calloc(1, sizeof(*h));
	struct secret key = SECRET_INIT;
	uint8_t buf[GRAIN];
	struct content c;
	struct device d;

	assert_int_equal(device_open(&d, path, DEVICE_FILE, NULL), 0);
	assert_int_equal(header_load(d.path, h, NULL), 0);
	world_key_of(h, &key);
	assert_int_equal(content_open(&c, &d, h, &key, true, NULL), 0);
	if (mark) {
		memset(buf, mark, sizeof(buf));
		assert_int_equal(xts_encrypt(&c.xts, 7 * GRAIN, buf, sizeof(buf)), 0);
		assert_int_equal(pwrite(d.fd, buf, sizeof(buf), HEADER_BYTES + 7 * GRAIN), sizeof(buf));
	}
	assert_int_equal(content_read(&c, DATA, NULL, sum, NULL), 0);
	content_close(&c);
	secret_wipe(&key);
	device_close(&d);
	free(h);
}

/* place_with_backup - c1, its image, and a blank second disk. */
static struct place *place_with_backup(struct content_sum *sum)
{
	struct place *p = place_with_volume();

	sum_of(p->disk, 0x42, sum);
	assert_int_equal(do_verb(p, REQUEST_BACKUP, NULL), RAN_OK);
	make_second(p, WORLD_DISK);
	return p;
}

static struct request request_for(const struct place *p)
{
	struct request rq = { .verb = REQUEST_RESTORE, .name = "c2", .sector_size = 4096, .key_size = 64 };

	strcpy(rq.file, image_of(p));
	strcpy(rq.device, second_disk(p));
	strcpy(rq.cache_id, "another");
	return rq;
}

static enum ran restore(struct place *p, struct err *e)
{
	struct request rq = request_for(p);

	return run_job(p, job_restore, &rq, e);
}

static bool is_blank(const char *path)
{
	static uint8_t buf[HEADER_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, buf, sizeof(buf)), sizeof(buf));
	close(fd);
	return !buf[0] && !memcmp(buf, buf + 1, sizeof(buf) - 1);
}

static void assert_restored(struct place *p, const struct content_sum *sum)
{
	struct content_sum now;
	struct state *s = calloc(1, sizeof(*s)), *first = state_of(p);

	assert_int_equal(state_load(p->state, "c2", s, NULL), 0);
	assert_true(world_find_grant(s->grant_id)->alive);
	assert_string_not_equal(s->luks_uuid, first->luks_uuid);
	assert_string_not_equal(s->token.key_id, first->token.key_id);
	assert_int_equal(world_alive(), 2);	/* c1's and c2's, and none of the backup */
	sum_of(second_disk(p), 0, &now);
	assert_string_equal(now.sha256, sum->sha256);
	free(s);
	free(first);
}

static void a_backup_comes_back_as_another_volume(void **state)
{
	struct content_sum sum;
	struct place *p = place_with_backup(&sum);

	(void)state;
	assert_int_equal(restore(p, NULL), RAN_OK);
	assert_restored(p, &sum);
	assert_false(exists(p->intents, "c2", ".json"));
	assert_true(recorded(p, "\"to\":\"restore\""));
	assert_true(recorded(p, "\"restored_from\":"));
	assert_int_equal(restore(p, NULL), RAN_FAILED);		/* the name is taken */
	place_drop(p);
}

static void it_comes_back_without_the_volume_and_this_hosts_records(void **state)
{
	struct request rq, gone = ask(REQUEST_DESTROY);
	struct content_sum sum, now;
	struct place *p = place_with_backup(&sum);
	struct pin pin;
	char uuid[LUKS_UUID_LEN + 1];
	struct state *s;

	(void)state;
	s = state_of(p);
	strcpy(uuid, s->luks_uuid);
	free(s);
	assert_int_equal(run_job(p, job_destroy, &gone, NULL), RAN_OK);
	nftw(p->backups, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
	rq = request_for(p);
	strcpy(rq.name, "c1");
	*rq.cache_id = '\0';		/* the backup's */
	assert_int_equal(run_job(p, job_restore, &rq, NULL), RAN_OK);
	assert_int_equal(pin_load(p->pins, "c1", &pin, NULL), 0);
	assert_string_not_equal(pin.luks_uuid, uuid);
	sum_of(second_disk(p), 0, &now);
	assert_string_equal(now.sha256, sum.sha256);
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

static void a_device_too_small_is_refused_before_anything(void **state)
{
	struct content_sum sum;
	struct place *p = place_with_backup(&sum);
	struct err e = ERR_INIT;
	unsigned int made = world->grants_made;

	(void)state;
	make_second(p, WORLD_DISK - 4096);
	assert_int_equal(restore(p, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "needs"));
	assert_int_equal(world->grants_made, made);
	assert_true(is_blank(second_disk(p)));
	place_drop(p);
}

static void a_damaged_image_is_told_by_the_sum_that_this_host_knows(void **state)
{
	struct content_sum sum;
	struct place *p = place_with_backup(&sum);
	struct err e = ERR_INIT;
	int fd;

	(void)state;
	fd = open(image_of(p), O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, HEADER_BYTES + 7 * GRAIN + 5), 1);
	close(fd);
	assert_int_equal(restore(p, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "damaged"));
	assert_true(is_blank(second_disk(p)));
	assert_int_equal(world_alive(), 1);
	assert_false(exists(p->intents, "c2", ".json"));
	place_drop(p);
}

static void what_is_no_backup_is_refused(void **state)
{
	struct content_sum sum;
	struct place *p = place_with_backup(&sum);
	struct request rq = request_for(p);
	struct err e = ERR_INIT;

	(void)state;
	strcpy(rq.file, p->audit);
	assert_int_equal(run_job(p, job_restore, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "no backup"));
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

static void a_kms_that_is_away_at_the_end_leaves_the_volume_whole(void **state)
{
	struct content_sum sum;
	struct place *p = place_with_backup(&sum);

	(void)state;
	world->retire_refused = true;
	assert_int_equal(restore(p, NULL), RAN_OK);
	assert_int_equal(world_alive(), 3);
	world->retire_refused = false;
	recover_all(p, "c2");
	assert_restored(p, &sum);
	place_drop(p);
}

static void a_strike_at_restore_leaves_all_or_nothing(void **state)
{
	enum fault_mode mode;
	unsigned int at, struck = 0;
	bool hit;

	(void)state;
	for (mode = FAULT_FAIL_BEFORE; mode < FAULT_MODES; mode++) {
		for (at = 1, hit = true; hit; at++) {
			struct content_sum sum;
			struct place *p = place_with_backup(&sum);
			enum ran how;

			world->fault = (struct fault){ .mode = mode, .at = at };
			how = restore(p, NULL);
			hit = *world->fault.name;
			struck += hit;
			recover_all(p, "c2");
			if (how == RAN_OK && !exists(p->pins, "c2", ""))
				fail_msg("told it worked, after %s", world->fault.name);
			if (world_alive() != (exists(p->pins, "c2", "") ? 2u : 1u))
				fail_msg("%u grants after %s", world_alive(), world->fault.name);
			if (!exists(p->pins, "c2", "")) {
				assert_true(is_blank(second_disk(p)));
				assert_false(exists(p->state, "c2", ".json"));
				assert_int_equal(world->dm.nr, 0);
				if (!(at % 7))
					assert_int_equal(restore(p, NULL), RAN_OK);
			}
			if (exists(p->pins, "c2", ""))
				assert_restored(p, &sum);
			place_drop(p);
		}
	}
	assert_true(struck > 40);
}

static void the_creator_of_a_restore_may_die(void **state)
{
	enum creator_mode mode;
	unsigned int at;

	(void)state;
	for (mode = CREATOR_DIES_BEFORE; mode <= CREATOR_FAILS; mode++) {
		for (at = 1; at <= 3; at++) {
			struct content_sum sum;
			struct place *p = place_with_backup(&sum);

			world->creator = mode;
			world->creator_at = at;
			restore(p, NULL);
			world->creator = CREATOR_GOOD;
			recover_all(p, "c2");
			if (world_alive() != (exists(p->pins, "c2", "") ? 2u : 1u))
				fail_msg("%u grants, mode %d at %u", world_alive(), mode, at);
			place_drop(p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backup_comes_back_as_another_volume),
		cmocka_unit_test(it_comes_back_without_the_volume_and_this_hosts_records),
		cmocka_unit_test(a_device_too_small_is_refused_before_anything),
		cmocka_unit_test(a_damaged_image_is_told_by_the_sum_that_this_host_knows),
		cmocka_unit_test(what_is_no_backup_is_refused),
		cmocka_unit_test(a_kms_that_is_away_at_the_end_leaves_the_volume_whole),
		cmocka_unit_test(a_strike_at_restore_leaves_all_or_nothing),
		cmocka_unit_test(the_creator_of_a_restore_may_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
