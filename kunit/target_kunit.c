// SPDX-License-Identifier: GPL-2.0
/*
 * One table line as dm sees it, on real mapped devices: what the constructor refuses, what
 * dm's hooks do, who hears of a change, and what becomes of bios that wait for a key. Below is
 * dm's zero target: writes are lost, reads are zeroes.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/delay.h>

#include "ecache_kunit.h"

#define LOWER		"ecache-kunit-lower"
#define UPPER		"ecache-kunit"
#define LOWER_SECTORS	2048

#define HEX_KEY	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
		"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define KEY_ID	"e3d2739397fac6456a02a512b4212cc1"

struct pair {
	char lower[16];		/* major:minor */
	dev_t dev;
	char answer[ECACHE_KUNIT_ANSWER];
};

/* The zero device, and one above it without a table. */
static struct pair *make_pair(struct kunit *test)
{
	struct pair *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	dev_t lower;

	KUNIT_ASSERT_NOT_NULL(test, p);
	lower = ecache_kunit_create(test, LOWER);
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_load(test, LOWER, 0, LOWER_SECTORS, "zero", ""));
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_resume(test, LOWER));
	snprintf(p->lower, sizeof(p->lower), "%u:%u", MAJOR(lower), MINOR(lower));
	p->dev = ecache_kunit_create(test, UPPER);
	return p;
}

/* @args: with %s for the device below. */
static int load(struct kunit *test, struct pair *p, u64 len, const char *args)
{
	char *line = kunit_kzalloc(test, 512, GFP_KERNEL), *at = strstr(args, "%s");

	KUNIT_ASSERT_NOT_NULL(test, line);
	if (at)
		snprintf(line, 512, "%.*s%s%s", (int)(at - args), args, p->lower, at + 2);
	else
		strscpy(line, args, 512);
	return ecache_kunit_load(test, UPPER, 0, len, "ecache", line);
}

/* The whole device, LOCKED and live; @options as in the table, with their number. */
static struct pair *make_live(struct kunit *test, const char *options)
{
	struct pair *p = make_pair(test);
	char args[256];

	snprintf(args, sizeof(args), "aes-xts-plain64 64 0 %%s 0 %s", options);
	KUNIT_ASSERT_EQ(test, 0, load(test, p, LOWER_SECTORS, args));
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_resume(test, UPPER));
	return p;
}

static int message(struct kunit *test, const char *words)
{
	return ecache_kunit_message(test, UPPER, words, NULL);
}

static void expect_state(struct kunit *test, struct pair *p, const char *state)
{
	ecache_kunit_status(test, UPPER, 0, p->answer);
	KUNIT_EXPECT_EQ_MSG(test, 0, strncmp(p->answer, state, strlen(state)), "not %s: %s", state, p->answer);
}

struct geometry {
	u64 len;
	const char *args;
	int result;
};

/* Each limit from both of its sides. */
static const struct geometry geometries[] = {
	{ 2048, "aes-xts-plain64 64 0 %s 0", 0 },
	{ 2049, "aes-xts-plain64 64 0 %s 0", -EINVAL },
	{ 2040, "aes-xts-plain64 64 0 %s 8", 0 },
	{ 2041, "aes-xts-plain64 64 0 %s 8", -EINVAL },
	{ 1, "aes-xts-plain64 64 0 %s 2047", 0 },
	{ 1, "aes-xts-plain64 64 0 %s 2048", -EINVAL },
	{ 1, "aes-xts-plain64 64 0 %s 18446744073709551615", -EINVAL },
	{ 16, "aes-xts-plain64 64 0 %s 8 1 sector_size:4096", 0 },
	{ 15, "aes-xts-plain64 64 0 %s 8 1 sector_size:4096", -EINVAL },
	{ 16, "aes-xts-plain64 64 0 %s 4 1 sector_size:4096", -EINVAL },
	{ 16, "aes-xts-plain64 64 4 %s 8 1 sector_size:4096", -EINVAL },
	{ 16, "aes-xts-plain64 64 4 %s 8 2 sector_size:4096 iv_large_sectors", -EINVAL },
	{ 16, "aes-xts-plain64 64 8 %s 8 2 sector_size:4096 iv_large_sectors", 0 },
	{ 8, "aes-xts-plain64 64 18446744073709551607 %s 0", 0 },
	{ 8, "aes-xts-plain64 64 18446744073709551608 %s 0", -EINVAL },
	{ 8, "aes-xts-plain64 64 0 %s", -EINVAL },
	{ 8, "aes-xts-plain64 64 0 %s 0 1 nonsense", -EINVAL },
	{ 8, "aes-xts-plain64 64 0 999:999 0", -ENXIO },
	{ 8, "aes-xts-plain64 64 0 %s 0 2 engine:accel driver:ecache-kunit-none", -ENOENT },
	{ 8, "aes-xts-plain64 32 0 %s 0 1 engine:inline", -EINVAL },
	{ 8, "aes-xts-plain64 64 0 %s 0 2 engine:inline sector_size:4096", -EINVAL },
};

static void geometry_to_desc(const struct geometry *g, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%llu: %s", g->len, g->args);
}

KUNIT_ARRAY_PARAM(geometry, geometries, geometry_to_desc);

/* Refused or accepted, and in either case nothing is left: the device below is free again. */
static void test_constructor(struct kunit *test)
{
	const struct geometry *g = test->param_value;
	struct pair *p = make_pair(test);
	struct dm_ioctl info;

	KUNIT_EXPECT_EQ(test, g->result, load(test, p, g->len, g->args));
	ecache_kunit_info(test, LOWER, &info);
	KUNIT_EXPECT_EQ(test, g->result ? 0 : 1, info.open_count);
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_clear(test, UPPER));
	ecache_kunit_info(test, LOWER, &info);
	KUNIT_EXPECT_EQ(test, 0, info.open_count);
}

/* The three lines of dm, through dm: status, table, and what is measured. */
static void test_status_lines(struct kunit *test)
{
	struct pair *p = make_live(test, "4 lease:600 sector_size:4096 queue_if_locked cache_id:abc");
	char want[512];

	expect_state(test, p, "LOCKED cpu ");
	ecache_kunit_status(test, UPPER, DM_STATUS_TABLE_FLAG, p->answer);
	snprintf(want, sizeof(want),
		 "aes-xts-plain64 64 0 %s 0 4 sector_size:4096 lease:600 queue_if_locked cache_id:abc", p->lower);
	KUNIT_EXPECT_STREQ(test, want, p->answer);
	ecache_kunit_status(test, UPPER, DM_IMA_MEASUREMENT_FLAG, p->answer);
	snprintf(want, sizeof(want),
		 "target_name=ecache,target_version=1.0.0,cipher=aes-xts-plain64,key_size=64,iv_offset=0,device=%s,"
		 "start=0,sector_size=4096,iv_large_sectors=n,allow_discards=n,engine=cpu,lease=600,queue_if_locked=y;",
		 p->lower);
	KUNIT_EXPECT_STREQ(test, want, p->answer);
}

static void test_messages(struct kunit *test)
{
	struct pair *p = make_live(test, "1 lease:600");

	KUNIT_EXPECT_EQ(test, -EINVAL, message(test, "key"));
	KUNIT_EXPECT_EQ(test, -EINVAL, message(test, "key set 00"));
	KUNIT_EXPECT_EQ(test, -ENOKEY, message(test, "key renew 60"));
	expect_state(test, p, "LOCKED");
	KUNIT_EXPECT_EQ(test, 0, message(test, "key set " HEX_KEY));
	expect_state(test, p, "ACTIVE");
	KUNIT_EXPECT_NOT_NULL(test, strstr(p->answer, " " KEY_ID " 600 "));
	KUNIT_EXPECT_EQ(test, 0, message(test, "key renew 60"));
	expect_state(test, p, "ACTIVE");
	KUNIT_EXPECT_NOT_NULL(test, strstr(p->answer, " " KEY_ID " 60 "));
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_message(test, UPPER, "stats", p->answer));
	KUNIT_EXPECT_EQ(test, 0, strncmp(p->answer, "reads 0\n", 8));
	KUNIT_EXPECT_NOT_NULL(test, strstr(p->answer, "\nkey-set 1\n"));
	KUNIT_EXPECT_EQ(test, 0, message(test, "key wipe"));
	expect_state(test, p, "LOCKED");
	KUNIT_EXPECT_EQ(test, 0, message(test, "key revoke"));
	expect_state(test, p, "REVOKED");
	KUNIT_EXPECT_EQ(test, -EKEYREVOKED, message(test, "key set " HEX_KEY));
}

/* Whether more events than @before come, soon. */
static bool told(struct kunit *test, u32 *before)
{
	struct dm_ioctl info;
	unsigned int tries;

	for (tries = 0; tries < 500; tries++) {
		ecache_kunit_info(test, UPPER, &info);
		if (info.event_nr != *before) {
			*before = info.event_nr;
			return true;
		}
		msleep(20);
	}
	return false;
}

/* Every change wakes who waits for the device; a message that changed nothing does not. */
static void test_events(struct kunit *test)
{
	struct pair *p = make_live(test, "1 lease:600");
	struct dm_ioctl info;
	u32 events;

	ecache_kunit_info(test, UPPER, &info);
	events = info.event_nr;
	KUNIT_ASSERT_EQ(test, 0, message(test, "key wipe"));
	msleep(50);
	ecache_kunit_info(test, UPPER, &info);
	KUNIT_EXPECT_EQ(test, events, info.event_nr);
	KUNIT_ASSERT_EQ(test, 0, message(test, "key set " HEX_KEY));
	KUNIT_EXPECT_TRUE(test, told(test, &events));
	KUNIT_ASSERT_EQ(test, 0, message(test, "key renew 1"));
	KUNIT_EXPECT_TRUE_MSG(test, told(test, &events), "the lease ran out");
	expect_state(test, p, "LOCKED");
	KUNIT_ASSERT_EQ(test, 0, message(test, "key revoke"));
	KUNIT_EXPECT_TRUE(test, told(test, &events));
}

static int reload(struct kunit *test, struct pair *p, u64 len, const char *args)
{
	int r = load(test, p, len, args);

	if (r)
		return r;
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_suspend(test, UPPER, 0));
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_resume(test, UPPER));
	return 0;
}

/* A reload keeps key, state and revocation, and takes no table of another volume. */
static void test_reload(struct kunit *test)
{
	struct pair *p = make_live(test, "");

	KUNIT_ASSERT_EQ(test, 0, message(test, "key set " HEX_KEY));
	KUNIT_EXPECT_EQ(test, 0, reload(test, p, 1024, "aes-xts-plain64 64 0 %s 0 1 key_id:" KEY_ID));
	expect_state(test, p, "ACTIVE");
	KUNIT_EXPECT_EQ(test, -EINVAL, reload(test, p, 1024, "aes-xts-plain64 64 8 %s 0"));
	KUNIT_EXPECT_EQ(test, -EINVAL, reload(test, p, 1024, "aes-xts-plain64 64 0 %s 0 1 engine:inline"));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			reload(test, p, 1024, "aes-xts-plain64 64 0 %s 0 1 key_id:00112233445566778899aabbccddeeff"));
	expect_state(test, p, "ACTIVE");
	KUNIT_ASSERT_EQ(test, 0, message(test, "key revoke"));
	KUNIT_EXPECT_EQ(test, 0, reload(test, p, 1024, "aes-xts-plain64 64 0 %s 0"));
	expect_state(test, p, "REVOKED");
}

/* What the layers above must know of us. */
static void test_limits(struct kunit *test)
{
	struct pair *p = make_live(test, "2 sector_size:4096 allow_discards");
	struct block_device *bdev = ecache_kunit_open(test, p->dev);

	KUNIT_EXPECT_EQ(test, 4096, bdev_logical_block_size(bdev));
	KUNIT_EXPECT_EQ(test, 4095, bdev_dma_alignment(bdev));
	KUNIT_EXPECT_NE(test, 0, bdev_max_discard_sectors(bdev));
	KUNIT_EXPECT_EQ(test, 0, bdev_write_zeroes_sectors(bdev));
	KUNIT_EXPECT_EQ(test, 0, bdev_max_secure_erase_sectors(bdev));
}

static void test_limits_of_a_plain_table(struct kunit *test)
{
	struct pair *p = make_live(test, "");
	struct block_device *bdev = ecache_kunit_open(test, p->dev);

	KUNIT_EXPECT_EQ(test, 512, bdev_logical_block_size(bdev));
	KUNIT_EXPECT_EQ_MSG(test, 0, bdev_max_discard_sectors(bdev), "discards are not asked for");
}

/* An engine that may have to wait does not offer what must not wait. */
static void test_no_nowait_when_requests_outlive_a_call(struct kunit *test)
{
	struct pair *p = make_live(test, "1 engine:inline");
	struct block_device *bdev = ecache_kunit_open(test, p->dev);

	KUNIT_EXPECT_FALSE(test, bdev_nowait(bdev));
	expect_state(test, p, "LOCKED inline blk-crypto");
}

/* One bio of a page, or without data, with its answer. */
struct one {
	struct bio bio;
	struct bio_vec vec;
	struct completion done;
};

static void one_ended(struct bio *bio)
{
	complete(&container_of(bio, struct one, bio)->done);
}

static struct one *submit(struct kunit *test, struct block_device *bdev, blk_opf_t opf)
{
	struct one *one = kunit_kzalloc(test, sizeof(*one), GFP_KERNEL);
	void *data = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, one);
	KUNIT_ASSERT_NOT_NULL(test, data);
	init_completion(&one->done);
	bio_init(&one->bio, bdev, &one->vec, 1, opf);
	one->bio.bi_end_io = one_ended;
	if ((opf & REQ_OP_MASK) == REQ_OP_DISCARD)
		one->bio.bi_iter.bi_size = PAGE_SIZE;
	else if (!(opf & REQ_PREFLUSH))
		__bio_add_page(&one->bio, virt_to_page(data), PAGE_SIZE, offset_in_page(data));
	submit_bio(&one->bio);
	return one;
}

static int wait(struct kunit *test, struct one *one)
{
	KUNIT_ASSERT_NE_MSG(test, 0, wait_for_completion_timeout(&one->done, 20 * HZ), "the bio did not end");
	return blk_status_to_errno(one->bio.bi_status);
}

static bool waits(struct one *one)
{
	return !wait_for_completion_timeout(&one->done, HZ / 10);
}

#define FLUSH	(REQ_OP_WRITE | REQ_PREFLUSH)

static const char * const engines[] = { "cpu", "accel", "inline" };

static void engine_to_desc(const char * const *e, char *desc)
{
	strscpy(desc, *e, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(engine, engines, engine_to_desc);

/* A table that needs its driver named; cryptd makes an asynchronous one of any. */
static struct pair *make_live_engine(struct kunit *test, const char *engine)
{
	struct crypto_sync_skcipher *tfm;
	char options[160];

	if (strcmp(engine, "accel")) {
		snprintf(options, sizeof(options), "2 allow_discards engine:%s", engine);
		return make_live(test, options);
	}
	tfm = ecache_cpu_alloc(ecache_cipher_find("aes-xts-plain64"));
	KUNIT_ASSERT_FALSE(test, IS_ERR(tfm));
	snprintf(options, sizeof(options), "3 allow_discards engine:accel driver:cryptd(%s)", ecache_cpu_driver(tfm));
	crypto_free_sync_skcipher(tfm);
	return make_live(test, options);
}

/* No byte moves without a key; an empty flush shows and changes nothing. Whoever does the work. */
static void test_io_by_state(struct kunit *test)
{
	const char * const *engine = test->param_value;
	struct pair *p = make_live_engine(test, *engine);
	struct block_device *bdev = ecache_kunit_open(test, p->dev);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		int want = i == 1 ? 0 : -EIO;

		if (i == 1)
			KUNIT_ASSERT_EQ(test, 0, message(test, "key set " HEX_KEY));
		if (i == 2)
			KUNIT_ASSERT_EQ(test, 0, message(test, "key revoke"));
		KUNIT_EXPECT_EQ(test, want, wait(test, submit(test, bdev, REQ_OP_READ)));
		KUNIT_EXPECT_EQ(test, want, wait(test, submit(test, bdev, REQ_OP_WRITE)));
		KUNIT_EXPECT_EQ(test, want, wait(test, submit(test, bdev, REQ_OP_DISCARD)));
		KUNIT_EXPECT_EQ(test, 0, wait(test, submit(test, bdev, FLUSH)));
	}
}

/* queue_if_locked: what came before the key is done when it is there. */
static void test_held_bios_go_on_with_a_key(struct kunit *test)
{
	struct pair *p = make_live(test, "2 queue_if_locked allow_discards");
	struct block_device *bdev = ecache_kunit_open(test, p->dev);
	struct one *read = submit(test, bdev, REQ_OP_READ), *write = submit(test, bdev, REQ_OP_WRITE);
	struct one *discard = submit(test, bdev, REQ_OP_DISCARD);

	KUNIT_EXPECT_TRUE(test, waits(read));
	KUNIT_EXPECT_EQ(test, 0, wait(test, submit(test, bdev, FLUSH)));
	KUNIT_EXPECT_EQ(test, -EIO, wait(test, submit(test, bdev, REQ_OP_READ | REQ_RAHEAD)));
	KUNIT_ASSERT_EQ(test, 0, message(test, "key set " HEX_KEY));
	KUNIT_EXPECT_EQ(test, 0, wait(test, read));
	KUNIT_EXPECT_EQ(test, 0, wait(test, write));
	KUNIT_EXPECT_EQ(test, 0, wait(test, discard));
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_message(test, UPPER, "stats", p->answer));
	KUNIT_EXPECT_NOT_NULL(test, strstr(p->answer, "\nheld 3\n"));
}

static void test_held_bios_fail_with_the_revocation(struct kunit *test)
{
	struct pair *p = make_live(test, "1 queue_if_locked");
	struct block_device *bdev = ecache_kunit_open(test, p->dev);
	struct one *read = submit(test, bdev, REQ_OP_READ), *write = submit(test, bdev, REQ_OP_WRITE);

	KUNIT_EXPECT_TRUE(test, waits(read));
	KUNIT_ASSERT_EQ(test, 0, message(test, "key revoke"));
	KUNIT_EXPECT_EQ(test, -EIO, wait(test, read));
	KUNIT_EXPECT_EQ(test, -EIO, wait(test, write));
	KUNIT_EXPECT_EQ_MSG(test, -EIO, wait(test, submit(test, bdev, REQ_OP_READ)), "nobody waits any more");
}

static void test_held_bios_fail_in_time(struct kunit *test)
{
	struct pair *p = make_live(test, "1 queue_if_locked:1");
	struct block_device *bdev = ecache_kunit_open(test, p->dev);
	struct one *read = submit(test, bdev, REQ_OP_READ);

	KUNIT_EXPECT_TRUE(test, waits(read));
	KUNIT_EXPECT_EQ(test, -EIO, wait(test, read));
	KUNIT_EXPECT_EQ_MSG(test, -EIO, wait(test, submit(test, bdev, REQ_OP_READ)), "the time was over");
	KUNIT_ASSERT_EQ(test, 0, message(test, "key set " HEX_KEY));
	KUNIT_ASSERT_EQ(test, 0, message(test, "key wipe"));
	KUNIT_EXPECT_TRUE_MSG(test, waits(submit(test, bdev, REQ_OP_READ)), "after a key it begins anew");
	KUNIT_ASSERT_EQ(test, 0, message(test, "key revoke"));
}

/* A suspend that waits for every bio must not wait for a key. */
static void test_held_bios_fail_with_a_suspend(struct kunit *test)
{
	struct pair *p = make_live(test, "1 queue_if_locked");
	struct block_device *bdev = ecache_kunit_open(test, p->dev);
	struct one *read = submit(test, bdev, REQ_OP_READ);

	KUNIT_EXPECT_TRUE(test, waits(read));
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_suspend(test, UPPER, DM_SKIP_LOCKFS_FLAG));
	KUNIT_EXPECT_EQ(test, -EIO, wait(test, read));
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_resume(test, UPPER));
	read = submit(test, bdev, REQ_OP_READ);
	KUNIT_EXPECT_TRUE_MSG(test, waits(read), "after resume it holds again");
	KUNIT_ASSERT_EQ(test, 0, message(test, "key set " HEX_KEY));
	KUNIT_EXPECT_EQ(test, 0, wait(test, read));
}

/* noflush: dm keeps them over the reload, and the new table holds them. */
static void test_held_bios_survive_a_noflush_reload(struct kunit *test)
{
	struct pair *p = make_live(test, "1 queue_if_locked");
	struct block_device *bdev = ecache_kunit_open(test, p->dev);
	struct one *read = submit(test, bdev, REQ_OP_READ);

	KUNIT_EXPECT_TRUE(test, waits(read));
	KUNIT_ASSERT_EQ(test, 0, load(test, p, LOWER_SECTORS, "aes-xts-plain64 64 0 %s 0 1 queue_if_locked"));
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_suspend(test, UPPER, DM_NOFLUSH_FLAG | DM_SKIP_LOCKFS_FLAG));
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_resume(test, UPPER));
	KUNIT_EXPECT_TRUE(test, waits(read));
	KUNIT_ASSERT_EQ(test, 0, message(test, "key set " HEX_KEY));
	KUNIT_EXPECT_EQ(test, 0, wait(test, read));
}

static struct kunit_case target_cases[] = {
	KUNIT_CASE_PARAM(test_constructor, geometry_gen_params),
	KUNIT_CASE(test_status_lines),
	KUNIT_CASE(test_messages),
	KUNIT_CASE(test_events),
	KUNIT_CASE(test_reload),
	KUNIT_CASE(test_limits),
	KUNIT_CASE(test_limits_of_a_plain_table),
	KUNIT_CASE(test_no_nowait_when_requests_outlive_a_call),
	KUNIT_CASE_PARAM(test_io_by_state, engine_gen_params),
	KUNIT_CASE(test_held_bios_go_on_with_a_key),
	KUNIT_CASE(test_held_bios_fail_with_the_revocation),
	KUNIT_CASE(test_held_bios_fail_in_time),
	KUNIT_CASE(test_held_bios_fail_with_a_suspend),
	KUNIT_CASE(test_held_bios_survive_a_noflush_reload),
	{}
};

struct kunit_suite ecache_target_suite = {
	.name = "ecache_target",
	.test_cases = target_cases,
};
