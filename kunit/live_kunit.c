// SPDX-License-Identifier: GPL-2.0
/*
 * Tables as dm loads them: which are refused, what a reload may change, and bios that wait for a
 * key in a device that is live.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>

#include "rig.h"

static int load(struct kunit *test, struct rig_dm *dm, const char *before, const char *after)
{
	dev_t dev = disk_devt(dm->disk->disk);
	char params[256];

	snprintf(params, sizeof(params), "%s %u:%u %s", before, MAJOR(dev), MINOR(dev), after);
	return rig_dm_load(test, dm, "ecache", params);
}

/* What could wrap, split a crypto sector, or lie outside the device is no table. */
static void test_geometry(struct kunit *test)
{
	struct rig_disk *disk = rig_disk_create(test);
	struct rig_dm *dm = rig_dm_create(test, disk, "ecache-kunit-geometry");

	KUNIT_EXPECT_EQ(test, -EINVAL, load(test, dm, "aes-xts-plain64 64 0", "1"));
	KUNIT_EXPECT_EQ(test, -EINVAL, load(test, dm, "aes-xts-plain64 64 0", "16384"));
	KUNIT_EXPECT_EQ(test, -EINVAL, load(test, dm, "aes-xts-plain64 64 0", "4 1 sector_size:4096"));
	KUNIT_EXPECT_EQ(test, -EINVAL, load(test, dm, "aes-xts-plain64 64 1", "0 2 sector_size:4096 iv_large_sectors"));
	KUNIT_EXPECT_EQ(test, -EINVAL, load(test, dm, "aes-xts-plain64 64 18446744073709551615", "0"));
	KUNIT_EXPECT_EQ(test, -EINVAL, load(test, dm, "aes-xts-plain64 64", "0"));
	KUNIT_EXPECT_NE(test, 0, rig_dm_load(test, dm, "ecache", "aes-xts-plain64 64 0 0:0 0"));
	dm->length = RIG_SECTORS - 4;
	KUNIT_EXPECT_EQ(test, -EINVAL, load(test, dm, "aes-xts-plain64 64 0", "0 1 sector_size:4096"));
	KUNIT_EXPECT_EQ(test, 0, load(test, dm, "aes-xts-plain64 64 0", "4 1 lease:60"));
}

/* A reload keeps key and state; one that would change what the bytes mean is refused. */
static void test_reload(struct kunit *test)
{
	char *answer = (char *)rig_buffer(test, ECACHE_KUNIT_ANSWER);
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm;

	ecache_kunit_key(key, 64, 3);
	dm = rig_active(test, "aes-xts-plain64", key, 64, 0, "");
	rig_shape_plain(s, 4096);
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 0, 4096));
	KUNIT_EXPECT_EQ(test, -EINVAL, load(test, dm, "aes-xts-plain64 32 0", "0"));
	KUNIT_EXPECT_EQ(test, -EINVAL, load(test, dm, "aes-xts-plain64 64 8", "0"));
	KUNIT_EXPECT_EQ(test, -EINVAL, load(test, dm, "aes-xts-plain64 64 0", "0 1 engine:inline"));
	KUNIT_ASSERT_EQ(test, 0, load(test, dm, "aes-xts-plain64 64 0", "0 1 allow_discards"));
	KUNIT_ASSERT_EQ(test, 0, rig_dm_suspend(test, dm, false));
	KUNIT_ASSERT_EQ(test, 0, rig_dm_resume(test, dm));
	KUNIT_EXPECT_EQ(test, ECACHE_ACTIVE, dm->vol->state);
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ, s, 0, 4096));
	rig_dm_status(test, dm, true, answer);
	KUNIT_EXPECT_NOT_NULL(test, strstr(answer, "allow_discards"));
	KUNIT_EXPECT_EQ(test, -EINVAL, rig_dm_message(test, dm, "key", NULL));
}

/* What waits is in the target that the device has now. */
static unsigned int waiting(struct rig_dm *dm)
{
	struct ecache_target *et = list_last_entry(&dm->vol->targets, struct ecache_target, node);
	unsigned int nr;

	spin_lock_irq(&et->hold_lock);
	nr = bio_list_size(&et->held);
	spin_unlock_irq(&et->hold_lock);
	return nr;
}

/*
 * queue_if_locked in a live device: reads, writes and discards wait, and go on with the next key, in
 * order; who would not wait does not; suspend, revoke and the timeout end the wait.
 */
static void test_bios_wait_for_a_key(struct kunit *test)
{
	struct rig_shape *in = rig_shape_create(test), *out = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE], *buf = rig_buffer(test, 8192);
	struct rig_io *read, *write, *discard;
	struct ecache_stats stats;
	struct rig_dm *dm;

	ecache_kunit_key(key, 64, 3);
	dm = rig_active(test, "aes-xts-plain64", key, 64, 0, "2 queue_if_locked allow_discards");
	rig_shape_plain(in, 8192);
	rig_shape_plain(out, 8192);
	memset(buf, 0x5a, 8192);
	rig_shape_copy(out, buf, 8192, true);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));

	write = rig_io_start(test, dm, REQ_OP_WRITE, out, 64, 8192);
	discard = rig_io_start(test, dm, REQ_OP_DISCARD, NULL, 512, 8192);
	read = rig_io_start(test, dm, REQ_OP_READ, in, 64, 8192);
	KUNIT_EXPECT_EQ(test, 3, waiting(dm));
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io(test, dm, REQ_OP_READ | REQ_RAHEAD, out, 64, 8192));
	KUNIT_EXPECT_NE(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ | REQ_NOWAIT, out, 64, 8192));
	KUNIT_EXPECT_FALSE(test, completion_done(&write->done));
	KUNIT_ASSERT_EQ(test, 0, rig_set_key(test, dm, key, 64));
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io_wait(test, write));
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io_wait(test, discard));
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io_wait(test, read));
	KUNIT_EXPECT_EQ(test, 1, dm->disk->discards);
	ecache_stats_sum(dm->vol, &stats);
	KUNIT_EXPECT_EQ(test, 3, stats.held);
	rig_shape_copy(in, buf, 8192, false);
	KUNIT_EXPECT_NULL(test, memchr_inv(buf, 0x5a, 8192));

	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	read = rig_io_start(test, dm, REQ_OP_READ, in, 0, 8192);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_suspend(test, dm, false));
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io_wait(test, read));
	KUNIT_ASSERT_EQ(test, 0, rig_dm_resume(test, dm));
	read = rig_io_start(test, dm, REQ_OP_READ, in, 0, 8192);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_suspend(test, dm, true));
	KUNIT_EXPECT_FALSE_MSG(test, completion_done(&read->done), "noflush: dm keeps it");
	KUNIT_ASSERT_EQ(test, 0, rig_dm_resume(test, dm));
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key revoke", NULL));
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io_wait(test, read));
}

static void test_wait_ends(struct kunit *test)
{
	struct rig_shape *in = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm;

	ecache_kunit_key(key, 64, 3);
	dm = rig_active(test, "aes-xts-plain64", key, 64, 0, "1 queue_if_locked:1");
	rig_shape_plain(in, 8192);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io(test, dm, REQ_OP_READ, in, 0, 8192));
	/* From the end of the time on nothing waits. */
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io(test, dm, REQ_OP_READ, in, 0, 8192));
	KUNIT_EXPECT_EQ(test, 0, waiting(dm));
	KUNIT_ASSERT_EQ(test, 0, rig_set_key(test, dm, key, 64));
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ, in, 0, 8192));
}

static struct kunit_case target_cases[] = {
	KUNIT_CASE(test_geometry),
	KUNIT_CASE(test_reload),
	KUNIT_CASE(test_bios_wait_for_a_key),
	KUNIT_CASE(test_wait_ends),
	{}
};

struct kunit_suite ecache_live_suite = {
	.name = "ecache_live",
	.test_cases = target_cases,
};
