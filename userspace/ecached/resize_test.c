// SPDX-License-Identifier: GPL-2.0-or-later
/* An open volume follows its device, and nothing is cut off that was there. */
#include "../common/test.h"
#include "life.h"

#define MIB (1024 * 1024ULL)

static void grow_disk(const struct place *p, uint64_t bytes)
{
	assert_int_equal(truncate(p->disk, (off_t)bytes), 0);
}

/* opened - c1, open, over a disk of 8 MiB: 7 MiB are the volume's. */
static struct place *opened(void)
{
	struct place *p = place_with_volume();

	grow_disk(p, 8 * MIB);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	return p;
}

static enum ran resize_to(struct place *p, uint64_t bytes, bool force, struct err *e)
{
	struct request rq = ask(REQUEST_RESIZE);

	rq.size = bytes;
	rq.force = force;
	return run_job(p, job_resize, &rq, e);
}

static uint64_t length(void)
{
	assert_int_equal(world->dm.nr, 1);
	return world->dm.dev[0].sectors * 512;
}

static void a_volume_grows_with_its_device_and_stays_open(void **state)
{
	struct place *p = opened();

	(void)state;
	assert_int_equal(length(), 7 * MIB);
	grow_disk(p, 16 * MIB + 512);
	assert_int_equal(do_verb(p, REQUEST_RESIZE, NULL), RAN_OK);
	assert_int_equal(length(), 15 * MIB);		/* whole sectors */
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	assert_true(recorded(p, "\"event\":\"resize\""));
	assert_true(recorded(p, "\"old_bytes\":7340032,\"bytes\":15728640"));
	place_drop(p);
}

static void a_volume_that_is_as_long_as_its_device_is_left_alone(void **state)
{
	struct place *p = opened();

	(void)state;
	world->dm.reload_rc = -EIO;
	assert_int_equal(do_verb(p, REQUEST_RESIZE, NULL), RAN_OK);
	assert_false(recorded(p, "\"event\":\"resize\""));
	place_drop(p);
}

static void a_locked_volume_grows_too(void **state)
{
	struct place *p = opened();

	(void)state;
	dm_fake_lock(&world->dm.dev[0], "lease-expired");
	grow_disk(p, 16 * MIB);
	assert_int_equal(do_verb(p, REQUEST_RESIZE, NULL), RAN_OK);
	assert_int_equal(length(), 15 * MIB);
	assert_int_equal(mapped(p), DM_STATE_LOCKED);
	place_drop(p);
}

static void what_is_on_it_is_not_cut_off(void **state)
{
	struct place *p = opened();
	struct err e = ERR_INIT;

	(void)state;
	world->fs = (struct fssize){ .type = "ext4", .bytes = 4 * MIB + 4096 };
	assert_int_equal(resize_to(p, 4 * MIB, true, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "the ext4 on c1 reaches to byte 4198400"));
	assert_non_null(strstr(e.hint, "resize2fs /dev/mapper/c1"));
	world->fs = (struct fssize){ .type = "xfs", .bytes = 7 * MIB };
	assert_int_equal(resize_to(p, 4 * MIB, false, &e), RAN_FAILED);
	assert_non_null(strstr(e.hint, "XFS cannot"));
	assert_int_equal(length(), 7 * MIB);
	world->fs = (struct fssize){ .type = "ext4", .bytes = 4 * MIB };
	assert_int_equal(resize_to(p, 4 * MIB, false, NULL), RAN_OK);
	assert_int_equal(length(), 4 * MIB);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	place_drop(p);
}

static void what_does_not_say_how_far_it_reaches_is_not_cut_without_force(void **state)
{
	struct place *p = opened();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(resize_to(p, 4 * MIB, false, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "(nothing known)"));
	world->fs = (struct fssize){ .type = "btrfs" };
	assert_int_equal(resize_to(p, 4 * MIB, false, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "(btrfs)"));
	assert_int_equal(length(), 7 * MIB);
	assert_int_equal(resize_to(p, 4 * MIB, true, NULL), RAN_OK);
	assert_int_equal(length(), 4 * MIB);
	place_drop(p);
}

static void what_cannot_be_seen_is_not_cut(void **state)
{
	struct place *p = opened();
	struct err e = ERR_INIT;

	(void)state;
	world->fs = (struct fssize){ .type = "ext4", .bytes = MIB };
	dm_fake_lock(&world->dm.dev[0], "key-wipe");
	assert_int_equal(resize_to(p, 4 * MIB, true, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "is locked"));
	assert_int_equal(length(), 7 * MIB);
	place_drop(p);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *why;
	} bad[] = {
		{ 7 * MIB + 4096, "has room for 7340032 bytes" }, { MIB + 512, "not whole sectors of 4096" },
	};
	struct place *p = opened();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(resize_to(p, bad[i].bytes, true, &e), RAN_FAILED);
		assert_non_null(strstr(e.what, bad[i].why));
	}
	assert_int_equal(length(), 7 * MIB);
	place_drop(p);
}

static void a_closed_volume_has_no_length(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_RESIZE, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "c1 is closed"));
	place_drop(p);
}

static void a_target_that_refuses_leaves_it_as_it_was(void **state)
{
	struct place *p = opened();

	(void)state;
	grow_disk(p, 16 * MIB);
	world->dm.reload_rc = -EINVAL;
	assert_int_equal(do_verb(p, REQUEST_RESIZE, NULL), RAN_FAILED);
	assert_int_equal(length(), 7 * MIB);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	assert_false(recorded(p, "\"event\":\"resize\""));
	place_drop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_grows_with_its_device_and_stays_open),
		cmocka_unit_test(a_volume_that_is_as_long_as_its_device_is_left_alone),
		cmocka_unit_test(a_locked_volume_grows_too),
		cmocka_unit_test(what_is_on_it_is_not_cut_off),
		cmocka_unit_test(what_does_not_say_how_far_it_reaches_is_not_cut_without_force),
		cmocka_unit_test(what_cannot_be_seen_is_not_cut),
		cmocka_unit_test(sizes_that_cannot_be_are_refused),
		cmocka_unit_test(a_closed_volume_has_no_length),
		cmocka_unit_test(a_target_that_refuses_leaves_it_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
