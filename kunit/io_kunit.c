// SPDX-License-Identifier: GPL-2.0
/*
 * The data path with the cpu engine, through dm: what reaches the disk and what comes back, for
 * every operation, shape and end; and what is counted.
 */
#include <linux/blkdev.h>
#include <linux/percpu_counter.h>
#include <linux/random.h>

#include "rig.h"

struct layout {
	const char *cipher, *options;
	unsigned int key_size, sector_size, iv_shift;
	u64 iv_offset;
};

static const struct layout layouts[] = {
	{ "aes-xts-plain64", "", 64, 512, 0, 0 },
	{ "aes-xts-plain64", "", 32, 512, 0, (1ULL << 32) - 100 },
	{ "aes-xts-plain64", "2 sector_size:4096 iv_large_sectors", 64, 4096, 3, 1ULL << 35 },
	{ "aes-xts-plain64", "1 sector_size:4096", 64, 4096, 0, 0 },
	{ "aes-xts-plain64", "", 64, 512, 0, 0ULL - RIG_SECTORS - 1 },
	{ "aes-cbc-essiv:sha256", "1 sector_size:1024", 32, 1024, 0, 78 },
	{ "xchacha12,aes-adiantum-plain64", "1 sector_size:4096", 32, 4096, 0, 8 },
};

static void layout_to_desc(const struct layout *l, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s key %u sector %u from %llu", l->cipher, l->key_size, l->sector_size,
		 l->iv_offset);
}

KUNIT_ARRAY_PARAM(layout, layouts, layout_to_desc);

static void count(const struct rig_dm *dm, struct ecache_stats *stats)
{
	ecache_stats_sum(dm->vol, stats);
}

static s64 bounce_pages(const struct rig_dm *dm)
{
	return percpu_counter_sum(&dm->vol->bounce.used);
}

static struct rig_dm *simple(struct kunit *test, const char *options, u8 *key)
{
	ecache_kunit_key(key, 64, 3);
	return rig_active(test, "aes-xts-plain64", key, 64, 0, options);
}

/*
 * Random reads and writes in random shapes: after each write the disk has the ciphertext of the
 * model and nothing else changed, each read gives what was written last; no bounce page is left.
 */
static void test_random_io_against_the_model(struct kunit *test)
{
	const struct layout *l = test->param_value;
	const unsigned int size = RIG_SECTORS << SECTOR_SHIFT;
	struct rig_shape *s = rig_shape_create(test);
	u8 *want = rig_buffer(test, size), *buf = rig_buffer(test, RIG_MAX_BYTES);
	u8 *got = rig_buffer(test, RIG_MAX_BYTES);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct ecache_stats stats;
	unsigned int i, bytes, writes = 0, reads = 0;
	struct rig_model *m;
	struct rig_dm *dm;
	s64 pages;
	u64 sector;

	ecache_kunit_key(key, l->key_size, 9);
	dm = rig_active(test, l->cipher, key, l->key_size, l->iv_offset, l->options);
	m = rig_model_create(test, l->cipher, key, l->key_size, l->sector_size);
	m->iv_shift = l->iv_shift;
	m->iv_offset = l->iv_offset;
	pages = bounce_pages(dm);

	for (i = 0; i < ecache_kunit_rounds(40); i++) {
		bytes = rig_shape_random(s, i & 1 ? 512 : l->sector_size, l->sector_size, 1 + get_random_u32_below(32));
		if (!bytes)
			continue;
		sector = get_random_u32_below(RIG_SECTORS - bytes / SECTOR_SIZE);
		sector = round_down(sector, l->sector_size / SECTOR_SIZE);
		get_random_bytes(buf, bytes);
		rig_shape_copy(s, buf, bytes, true);
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, sector, bytes));
		rig_shape_copy(s, got, bytes, false);
		KUNIT_ASSERT_EQ_MSG(test, bytes, rig_same(buf, got, bytes), "a write touched its source");
		writes++;
		memcpy(want + sector * SECTOR_SIZE, buf, bytes);
		rig_model_crypt(test, m, sector, want + sector * SECTOR_SIZE, bytes, true);
		KUNIT_ASSERT_EQ_MSG(test, size, rig_same(want, dm->disk->data, size), "not the model's disk");

		rig_shape_random(s, l->sector_size, l->sector_size, 1);
		rig_shape_plain(s, bytes);
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ, s, sector, bytes));
		rig_shape_copy(s, got, bytes, false);
		KUNIT_ASSERT_EQ_MSG(test, bytes, rig_same(buf, got, bytes), "not what was written");
		reads++;
	}
	KUNIT_EXPECT_EQ(test, pages, bounce_pages(dm));
	count(dm, &stats);
	KUNIT_EXPECT_EQ(test, writes, stats.writes);
	KUNIT_EXPECT_GE(test, stats.reads, reads);
	KUNIT_EXPECT_EQ(test, 0, stats.errors);
	KUNIT_EXPECT_EQ(test, stats.reads, stats.inline_reads + stats.deferred_reads);
}

/* The disk below is one that dm-crypt can read, and the other way round. */
static void test_bytes_are_dm_crypts(struct kunit *test)
{
	const struct layout *l = test->param_value;
	struct rig_shape *s = rig_shape_create(test);
	u8 *buf = rig_buffer(test, 65536), *got = rig_buffer(test, 65536);
	struct rig_dm *dm, *crypt;
	u8 key[ECACHE_MAX_KEY_SIZE];
	char params[512];
	dev_t dev;

	ecache_kunit_key(key, l->key_size, 5);
	dm = rig_active(test, l->cipher, key, l->key_size, l->iv_offset, l->options);
	crypt = rig_dm_create(test, dm->disk, "ecache-kunit-crypt");
	dev = disk_devt(dm->disk->disk);
	/* Its options are ours by name. */
	snprintf(params, sizeof(params), "%s %*phN %llu %u:%u 0 %s", l->cipher, (int)l->key_size, key, l->iv_offset,
		 MAJOR(dev), MINOR(dev), l->options);
	if (rig_dm_load(test, crypt, "crypt", params))
		kunit_skip(test, "the kernel has no dm-crypt");
	KUNIT_ASSERT_EQ(test, 0, rig_dm_resume(test, crypt));
	rig_dm_open(test, crypt);

	rig_shape_plain(s, 65536);
	get_random_bytes(buf, 65536);
	rig_shape_copy(s, buf, 65536, true);
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 64, 65536));
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, crypt, REQ_OP_READ, s, 64, 65536));
	rig_shape_copy(s, got, 65536, false);
	KUNIT_EXPECT_EQ_MSG(test, 65536, rig_same(buf, got, 65536), "dm-crypt reads something else");

	get_random_bytes(buf, 65536);
	rig_shape_copy(s, buf, 65536, true);
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, crypt, REQ_OP_WRITE, s, 8000, 65536));
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ, s, 8000, 65536));
	rig_shape_copy(s, got, 65536, false);
	KUNIT_EXPECT_EQ_MSG(test, 65536, rig_same(buf, got, 65536), "we read something else");
}

/* Flushes pass, with a key and without; a discard passes with a key only; the rest never. */
static void test_operations(struct kunit *test)
{
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm = simple(test, "1 allow_discards", key);

	rig_shape_plain(s, 4096);
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE | REQ_PREFLUSH, NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, 1, dm->disk->flushes);
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_DISCARD, NULL, 16, 1 << 20));
	KUNIT_EXPECT_EQ(test, 1, dm->disk->discards);
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE | REQ_PREFLUSH | REQ_FUA, s, 0, 4096));
	KUNIT_EXPECT_EQ(test, BLK_STS_NOTSUPP, rig_io(test, dm, REQ_OP_WRITE_ZEROES, NULL, 0, 4096));
	KUNIT_EXPECT_EQ(test, BLK_STS_NOTSUPP, rig_io(test, dm, REQ_OP_SECURE_ERASE, NULL, 0, 4096));
	KUNIT_EXPECT_NE(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_ZONE_APPEND, s, 0, 4096));

	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE | REQ_PREFLUSH, NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, 3, dm->disk->flushes);
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io(test, dm, REQ_OP_DISCARD, NULL, 16, 1 << 20));
	KUNIT_EXPECT_EQ(test, 1, dm->disk->discards);
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io(test, dm, REQ_OP_WRITE, s, 0, 4096));
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io(test, dm, REQ_OP_READ, s, 0, 4096));
}

static void test_no_discard_unless_allowed(struct kunit *test)
{
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm = simple(test, "", key);

	KUNIT_EXPECT_EQ(test, BLK_STS_NOTSUPP, rig_io(test, dm, REQ_OP_DISCARD, NULL, 16, 1 << 20));
	KUNIT_EXPECT_EQ(test, 0, dm->disk->discards);
}

/* Bios that the limits exclude and that come all the same never reach the disk. */
static void test_misaligned_bios_fail(struct kunit *test)
{
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm = simple(test, "2 sector_size:4096 allow_discards", key);
	unsigned int bios = dm->disk->bios;
	struct ecache_stats stats;

	rig_shape_plain(s, 8192);
	KUNIT_EXPECT_NE(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 1, 4096));
	KUNIT_EXPECT_NE(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ, s, 8, 512));
	count(dm, &stats);
	KUNIT_EXPECT_EQ(test, 2, stats.errors);
	KUNIT_EXPECT_EQ(test, bios, dm->disk->bios);
	/* A crypto sector in pieces that AES cannot work on. */
	bvec_set_page(&s->vec[0], s->pages[0], 1000, 0);
	bvec_set_page(&s->vec[1], s->pages[1], 3096, 0);
	s->nr = 2;
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io(test, dm, REQ_OP_WRITE, s, 0, 4096));
	KUNIT_EXPECT_EQ(test, bios, dm->disk->bios);
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io(test, dm, REQ_OP_READ, s, 0, 4096));
}

/* A larger write than one bounce may be is cut, and all of it arrives. */
static void test_cut(struct kunit *test)
{
	struct rig_shape *s = rig_shape_create(test);
	u8 *buf = rig_buffer(test, RIG_MAX_BYTES), *got = rig_buffer(test, RIG_MAX_BYTES);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm = simple(test, "", key);
	struct ecache_target *et = list_first_entry(&dm->vol->targets, struct ecache_target, node);
	struct ecache_stats stats;

	KUNIT_EXPECT_EQ(test, ECACHE_MAX_WRITE_PAGES * PAGE_SIZE, et->max_sectors[WRITE] * SECTOR_SIZE);
	et->max_sectors[WRITE] = 96;
	rig_shape_plain(s, RIG_MAX_BYTES);
	get_random_bytes(buf, RIG_MAX_BYTES);
	rig_shape_copy(s, buf, RIG_MAX_BYTES, true);
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 0, RIG_MAX_BYTES));
	count(dm, &stats);
	KUNIT_EXPECT_EQ(test, DIV_ROUND_UP(RIG_MAX_BYTES / SECTOR_SIZE, 96), stats.writes);
	KUNIT_EXPECT_EQ(test, RIG_MAX_BYTES / SECTOR_SIZE, stats.write_sectors);
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ, s, 0, RIG_MAX_BYTES));
	rig_shape_copy(s, got, RIG_MAX_BYTES, false);
	KUNIT_EXPECT_EQ(test, RIG_MAX_BYTES, rig_same(buf, got, RIG_MAX_BYTES));
	count(dm, &stats);
	KUNIT_EXPECT_LE(test, RIG_MAX_BYTES / SECTOR_SIZE, stats.read_sectors);
}

/* A NOWAIT write that finds no page goes back untouched, and is counted; the next one works. */
static void test_nowait(struct kunit *test)
{
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm = simple(test, "", key);
	unsigned long cap = dm->vol->bounce.cap;
	unsigned int bios = dm->disk->bios;
	struct ecache_stats stats;

	rig_shape_plain(s, 8192);
	dm->vol->bounce.cap = 0;
	KUNIT_EXPECT_EQ(test, BLK_STS_AGAIN, rig_io(test, dm, REQ_OP_WRITE | REQ_NOWAIT, s, 0, 8192));
	count(dm, &stats);
	KUNIT_EXPECT_EQ(test, 1, stats.wouldblock);
	KUNIT_EXPECT_EQ(test, bios, dm->disk->bios);
	/* Who waits gets the reserve's. */
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 0, 8192));
	count(dm, &stats);
	KUNIT_EXPECT_EQ(test, 1, stats.reserve);
	dm->vol->bounce.cap = cap;
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE | REQ_NOWAIT, s, 0, 8192));
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ | REQ_NOWAIT, s, 0, 8192));
}

/* The disk's own error comes through, both ways, and the pages come back. */
static void test_disk_error(struct kunit *test)
{
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm = simple(test, "", key);
	s64 pages = bounce_pages(dm);
	struct ecache_stats stats;

	rig_shape_plain(s, 65536);
	dm->disk->status = BLK_STS_MEDIUM;
	KUNIT_EXPECT_EQ(test, BLK_STS_MEDIUM, rig_io(test, dm, REQ_OP_WRITE, s, 0, 65536));
	KUNIT_EXPECT_EQ(test, BLK_STS_MEDIUM, rig_io(test, dm, REQ_OP_READ, s, 0, 65536));
	count(dm, &stats);
	KUNIT_EXPECT_EQ(test, 2, stats.errors);
	KUNIT_EXPECT_EQ(test, 0, stats.writes);
	KUNIT_EXPECT_EQ(test, pages, bounce_pages(dm));
}

/*
 * The key goes while the disk works: the read fails and gives ciphertext to nobody, the write says
 * what the disk said. Another key does not decrypt what began under the first.
 */
static void test_key_goes_under_way(struct kunit *test)
{
	struct rig_shape *in = rig_shape_create(test), *out = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm = simple(test, "", key);
	struct rig_io *read, *write;
	s64 pages;

	rig_shape_plain(in, 16384);
	rig_shape_plain(out, 16384);
	pages = bounce_pages(dm);
	dm->disk->hold = true;
	read = rig_io_start(test, dm, REQ_OP_READ, in, 0, 16384);
	write = rig_io_start(test, dm, REQ_OP_WRITE, out, 512, 16384);
	rig_disk_wait_held(test, dm->disk, 2);
	KUNIT_EXPECT_LT(test, pages, bounce_pages(dm));
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	KUNIT_EXPECT_EQ(test, 2, rig_disk_release(dm->disk, RIG_TASK));
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io_wait(test, read));
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io_wait(test, write));
	KUNIT_EXPECT_EQ(test, pages, bounce_pages(dm));

	KUNIT_ASSERT_EQ(test, 0, rig_set_key(test, dm, key, 64));
	read = rig_io_start(test, dm, REQ_OP_READ, in, 0, 16384);
	rig_disk_wait_held(test, dm->disk, 1);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	KUNIT_ASSERT_EQ(test, 0, rig_set_key(test, dm, key, 64));
	KUNIT_EXPECT_EQ(test, 1, rig_disk_release(dm->disk, RIG_TASK));
	KUNIT_EXPECT_EQ_MSG(test, BLK_STS_IOERR, rig_io_wait(test, read), "the epoch is another one");
}

/*
 * Completions where no cipher may run: small reads go to a bottom half, in whatever number, large
 * ones to a workqueue, and all of them end right.
 */
static void test_deferred_reads(struct kunit *test)
{
	static const unsigned int sizes[] = { 4096, 65536 };
	struct rig_shape *s[40];
	u8 *buf = rig_buffer(test, 65536), *got = rig_buffer(test, 65536);
	struct rig_io *io[ARRAY_SIZE(s)];
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm = simple(test, "", key);
	struct ecache_stats before, after;
	unsigned int i, round;

	for (i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = rig_shape_create(test);
	get_random_bytes(buf, 65536);
	rig_shape_plain(s[0], 65536);
	rig_shape_copy(s[0], buf, 65536, true);
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s[0], 0, 65536));
	for (round = 0; round < ARRAY_SIZE(sizes); round++) {
		dm->disk->hold = true;
		for (i = 0; i < ARRAY_SIZE(s); i++) {
			rig_shape_plain(s[i], sizes[round]);
			io[i] = rig_io_start(test, dm, REQ_OP_READ, s[i], 0, sizes[round]);
		}
		rig_disk_wait_held(test, dm->disk, ARRAY_SIZE(s));
		count(dm, &before);
		/* One after another with bottom halves off: the list grows past one batch. */
		local_bh_disable();
		rig_disk_release(dm->disk, RIG_IRQS_OFF);
		local_bh_enable();
		for (i = 0; i < ARRAY_SIZE(s); i++) {
			KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io_wait(test, io[i]));
			rig_shape_copy(s[i], got, sizes[round], false);
			KUNIT_ASSERT_EQ(test, sizes[round], rig_same(buf, got, sizes[round]));
		}
		count(dm, &after);
		KUNIT_EXPECT_EQ(test, ARRAY_SIZE(s), after.deferred_reads - before.deferred_reads);
		KUNIT_EXPECT_EQ(test, before.inline_reads, after.inline_reads);
		dm->disk->hold = false;
	}
}

/* One bio in ECACHE_SAMPLE is timed: a table's worth of them shows in the latencies. */
static void test_latency_is_sampled(struct kunit *test)
{
	char *answer = (char *)rig_buffer(test, ECACHE_KUNIT_ANSWER);
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_dm *dm = simple(test, "", key);
	u64 timed[2] = {};
	struct ecache_stats stats;
	unsigned int i;

	rig_shape_plain(s, 512);
	for (i = 0; i < 2 * ECACHE_SAMPLE; i++)
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 0, 512));
	for (i = 0; i < 2 * ECACHE_SAMPLE; i++)
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ, s, 0, 512));
	count(dm, &stats);
	for (i = 0; i < ECACHE_LATENCY_BUCKETS; i++) {
		timed[READ] += stats.latency[READ][i];
		timed[WRITE] += stats.latency[WRITE][i];
	}
	KUNIT_EXPECT_GE(test, timed[WRITE], 1);
	KUNIT_EXPECT_GE(test, timed[READ], 1);
	KUNIT_EXPECT_GE(test, (stats.reads + stats.writes) / ECACHE_SAMPLE + num_possible_cpus(),
			timed[READ] + timed[WRITE]);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "stats", answer));
	KUNIT_EXPECT_NOT_NULL(test, strstr(answer, "write_latency "));
}

static struct kunit_case io_cases[] = {
	KUNIT_CASE_PARAM(test_random_io_against_the_model, layout_gen_params),
	KUNIT_CASE_PARAM(test_bytes_are_dm_crypts, layout_gen_params),
	KUNIT_CASE(test_operations),
	KUNIT_CASE(test_no_discard_unless_allowed),
	KUNIT_CASE(test_misaligned_bios_fail),
	KUNIT_CASE(test_cut),
	KUNIT_CASE(test_nowait),
	KUNIT_CASE(test_disk_error),
	KUNIT_CASE(test_key_goes_under_way),
	KUNIT_CASE(test_deferred_reads),
	KUNIT_CASE(test_latency_is_sampled),
	{}
};

struct kunit_suite ecache_io_suite = {
	.name = "ecache_io",
	.test_cases = io_cases,
};
