// SPDX-License-Identifier: GPL-2.0
/*
 * The inline engine, through dm and the block layer's software fallback: the same bytes as cpu, and
 * the key held while the disk works.
 */
#include <linux/blkdev.h>
#include <linux/random.h>

#include "inline.h"
#include "rig.h"

struct layout {
	const char *cipher, *options;
	unsigned int key_size, sector_size, iv_shift;
	u64 iv_offset;
};

static const struct layout layouts[] = {
	{ "aes-xts-plain64", "1 engine:inline", 64, 512, 0, 0 },
	{ "aes-xts-plain64", "3 engine:inline sector_size:4096 iv_large_sectors", 64, 4096, 3, 1ULL << 36 },
	{ "aes-cbc-essiv:sha256", "1 engine:inline", 16, 512, 0, 77 },
	{ "xchacha12,aes-adiantum-plain64", "3 engine:inline sector_size:4096 iv_large_sectors", 32, 4096, 3, 8 },
};

static void layout_to_desc(const struct layout *l, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s sector %u from %llu", l->cipher, l->sector_size, l->iv_offset);
}

KUNIT_ARRAY_PARAM(layout, layouts, layout_to_desc);

static int inline_init(struct kunit *test)
{
	if (!ecache_engine_inline())
		kunit_skip(test, "no blk-crypto for modules");
	return 0;
}

static void test_random_io_against_the_model(struct kunit *test)
{
	const struct layout *l = test->param_value;
	struct rig_shape *s = rig_shape_create(test);
	u8 *buf = rig_buffer(test, RIG_MAX_BYTES), *want = rig_buffer(test, RIG_MAX_BYTES);
	u8 key[ECACHE_MAX_KEY_SIZE];
	unsigned int i, bytes;
	struct rig_model *m;
	struct rig_dm *dm;
	u64 sector;

	ecache_kunit_key(key, l->key_size, 9);
	dm = rig_active(test, l->cipher, key, l->key_size, l->iv_offset, l->options);
	m = rig_model_create(test, l->cipher, key, l->key_size, l->sector_size);
	m->iv_shift = l->iv_shift;
	m->iv_offset = l->iv_offset;
	for (i = 0; i < ecache_kunit_rounds(10); i++) {
		bytes = rig_shape_random(s, l->sector_size, l->sector_size, 1 + get_random_u32_below(32));
		sector = round_down(get_random_u32_below(RIG_SECTORS - 1024), l->sector_size / SECTOR_SIZE);
		get_random_bytes(buf, bytes);
		rig_shape_copy(s, buf, bytes, true);
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, sector, bytes));
		memcpy(want, buf, bytes);
		rig_model_crypt(test, m, sector, want, bytes, true);
		KUNIT_ASSERT_EQ(test, bytes, rig_same(want, dm->disk->data + sector * SECTOR_SIZE, bytes));
		rig_shape_copy(s, want, bytes, true);
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ, s, sector, bytes));
		rig_shape_copy(s, want, bytes, false);
		KUNIT_ASSERT_EQ(test, bytes, rig_same(buf, want, bytes));
	}
}

/* The bio carries the key: wipe leads to REVOKING until the disk is done, and the read fails. */
static void test_key_is_held(struct kunit *test)
{
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_io *read, *write;
	struct rig_dm *dm;

	ecache_kunit_key(key, 64, 9);
	dm = rig_active(test, "aes-xts-plain64", key, 64, 0, "1 engine:inline");
	rig_shape_plain(s, 8192);
	dm->disk->hold = true;
	read = rig_io_start(test, dm, REQ_OP_READ, s, 0, 8192);
	write = rig_io_start(test, dm, REQ_OP_WRITE, s, 64, 8192);
	rig_disk_wait_held(test, dm->disk, 2);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKING, dm->vol->state);
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io(test, dm, REQ_OP_READ, s, 128, 8192));
	rig_disk_release(dm->disk, RIG_TASK);
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io_wait(test, read));
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io_wait(test, write));
	KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&dm->vol->key_gone, 10 * HZ));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, dm->vol->state);
	dm->disk->hold = false;

	KUNIT_ASSERT_EQ(test, 0, rig_set_key(test, dm, key, 64));
	dm->disk->status = BLK_STS_MEDIUM;
	KUNIT_EXPECT_EQ(test, BLK_STS_MEDIUM, rig_io(test, dm, REQ_OP_WRITE, s, 0, 8192));
	KUNIT_EXPECT_EQ(test, BLK_STS_MEDIUM, rig_io(test, dm, REQ_OP_READ, s, 0, 8192));
}

/* Equal halves, which controllers do not look for; NOWAIT; and who does the work, in the status. */
static void test_refusals(struct kunit *test)
{
	char *answer = (char *)rig_buffer(test, ECACHE_KUNIT_ANSWER);
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct ecache_stats stats;
	struct rig_dm *dm;

	ecache_kunit_key(key, 64, 9);
	dm = rig_active(test, "aes-xts-plain64", key, 64, 0, "1 engine:inline");
	rig_shape_plain(s, 4096);
	KUNIT_EXPECT_NE(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ | REQ_NOWAIT, s, 0, 4096));
	rig_dm_status(test, dm, false, answer);
	KUNIT_EXPECT_NOT_NULL(test, strstr(answer, "blk-crypto-fallback"));
	ecache_stats_sum(dm->vol, &stats);
	KUNIT_EXPECT_EQ(test, 0, stats.writes);
}

static void test_forbidden_key(struct kunit *test)
{
	struct rig_disk *disk = rig_disk_create(test);
	struct rig_dm *dm = rig_dm_create(test, disk, "ecache-kunit-weak");
	u8 key[ECACHE_MAX_KEY_SIZE] = {};
	char params[128];

	snprintf(params, sizeof(params), "aes-xts-plain64 64 0 %u:%u 0 1 engine:inline",
		 MAJOR(disk_devt(disk->disk)), MINOR(disk_devt(disk->disk)));
	KUNIT_ASSERT_EQ(test, 0, rig_dm_load(test, dm, "ecache", params));
	KUNIT_ASSERT_EQ(test, 0, rig_dm_resume(test, dm));
	KUNIT_EXPECT_EQ(test, -EINVAL, rig_set_key(test, dm, key, 64));
}

/* What blk-crypto cannot say is no table: other key sizes, and sectors that step by more than one. */
static void test_tables_refused(struct kunit *test)
{
	static const char * const bad[] = {
		"aes-xts-plain64 32 0 %u:%u 0 1 engine:inline",
		"aes-cbc-essiv:sha256 32 0 %u:%u 0 1 engine:inline",
		"aes-xts-plain64 64 0 %u:%u 0 2 engine:inline sector_size:4096",
	};
	struct rig_disk *disk = rig_disk_create(test);
	struct rig_dm *dm = rig_dm_create(test, disk, "ecache-kunit-bad");
	char params[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(params, sizeof(params), bad[i], MAJOR(disk_devt(disk->disk)), MINOR(disk_devt(disk->disk)));
		KUNIT_EXPECT_EQ(test, -EINVAL, rig_dm_load(test, dm, "ecache", params));
	}
}

static struct kunit_case inline_cases[] = {
	KUNIT_CASE_PARAM(test_random_io_against_the_model, layout_gen_params),
	KUNIT_CASE(test_key_is_held),
	KUNIT_CASE(test_refusals),
	KUNIT_CASE(test_forbidden_key),
	KUNIT_CASE(test_tables_refused),
	{}
};

struct kunit_suite ecache_inline_suite = {
	.name = "ecache_inline",
	.init = inline_init,
	.test_cases = inline_cases,
};
