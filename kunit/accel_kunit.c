// SPDX-License-Identifier: GPL-2.0
/*
 * The accel engine, through dm, with a driver that does what the test says: the same bytes as cpu,
 * and no bio lost or wrong when it backlogs, fails, hangs or answers late.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/percpu_counter.h>
#include <linux/random.h>

#include "accel.h"
#include "accel_fake.h"
#include "rig.h"

#define OPTIONS	"2 engine:accel driver:xts-aes-ecache-kunit"
#define BYTES	65536U

static unsigned int timeout_before;

/* The first action of the test, so that its last: the rig is gone, and so are the keys that workers end. */
static void unregister(void *unused)
{
	flush_workqueue(ecache_key_wq);
	fake_accel_unregister();
}

static int accel_init(struct kunit *test)
{
	int r = fake_accel_register();

	timeout_before = ecache_accel_timeout_param;
	return r ?: kunit_add_action_or_reset(test, unregister, NULL);
}

/* Before the rig goes: dm would wait for a bio that hangs. */
static void accel_exit(struct kunit *test)
{
	fake_accel_release();
	WRITE_ONCE(ecache_accel_timeout_param, timeout_before);
}

static struct rig_dm *active(struct kunit *test, const char *cipher, unsigned int key_size, const char *options)
{
	u8 key[ECACHE_MAX_KEY_SIZE];

	ecache_kunit_key(key, key_size, 3);
	return rig_active(test, cipher, key, key_size, 0, options);
}

static struct rig_dm *accel(struct kunit *test)
{
	return active(test, "aes-xts-plain64", 64, OPTIONS);
}

static struct rig_shape *filled(struct kunit *test, u8 *buf)
{
	struct rig_shape *s = rig_shape_create(test);

	rig_shape_plain(s, BYTES);
	get_random_bytes(buf, BYTES);
	rig_shape_copy(s, buf, BYTES, true);
	return s;
}

static void is_on_disk(struct kunit *test, struct rig_dm *dm, u64 sector, const u8 *buf)
{
	u8 key[ECACHE_MAX_KEY_SIZE], *want = rig_buffer(test, BYTES);
	struct rig_model *m;

	ecache_kunit_key(key, 64, 3);
	m = rig_model_create(test, "aes-xts-plain64", key, 64, 512);
	memcpy(want, buf, BYTES);
	rig_model_crypt(test, m, sector, want, BYTES, true);
	KUNIT_EXPECT_EQ_MSG(test, BYTES, rig_same(want, dm->disk->data + sector * SECTOR_SIZE, BYTES),
			    "not the cpu's ciphertext");
}

static void reads_back(struct kunit *test, struct rig_dm *dm, u64 sector, const u8 *buf)
{
	struct rig_shape *s = rig_shape_create(test);
	u8 *got = rig_buffer(test, BYTES);

	rig_shape_plain(s, BYTES);
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ, s, sector, BYTES));
	rig_shape_copy(s, got, BYTES, false);
	KUNIT_EXPECT_EQ(test, BYTES, rig_same(buf, got, BYTES));
}

/* No page of the bounce pools but their reserves. */
static void no_page_left(struct kunit *test, const struct rig_dm *dm)
{
	struct ecache_accel *accel = dm->vol->engine;

	KUNIT_EXPECT_EQ(test, ECACHE_MAX_WRITE_PAGES, percpu_counter_sum(&dm->vol->bounce.used));
	KUNIT_EXPECT_EQ(test, ECACHE_MAX_WRITE_PAGES, percpu_counter_sum(&accel->in.used));
	KUNIT_EXPECT_EQ(test, ECACHE_MAX_WRITE_PAGES, percpu_counter_sum(&accel->out.used));
}

struct answer {
	const char *name;
	bool at_once, backlog;
	int error;
};

static const struct answer answers[] = {
	{ "later" },
	{ "at once", .at_once = true },
	{ "from the backlog", .backlog = true },
	{ "with an error, later", .error = -EIO },
	{ "with an error, at once", .at_once = true, .error = -EIO },
	{ "with an error, from the backlog", .backlog = true, .error = -ENOMEM },
};

static void answer_to_desc(const struct answer *a, char *desc)
{
	strscpy(desc, a->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(answer, answers, answer_to_desc);

/* However the driver answers, the disk has the cpu's bytes and a read gives what was written. */
static void test_answers(struct kunit *test)
{
	const struct answer *a = test->param_value;
	struct rig_dm *dm = accel(test);
	u8 *buf = rig_buffer(test, BYTES);
	struct rig_shape *s = filled(test, buf);
	struct ecache_stats stats;
	unsigned int i;

	fake_accel.answer_at_once = a->at_once;
	fake_accel.backlog = a->backlog;
	fake_accel.error = a->error;
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 256 * i, BYTES));
		is_on_disk(test, dm, 256 * i, buf);
		reads_back(test, dm, 256 * i, buf);
	}
	ecache_stats_sum(dm->vol, &stats);
	KUNIT_EXPECT_EQ(test, 0, stats.errors);
	KUNIT_EXPECT_EQ(test, 3, stats.writes);
	KUNIT_EXPECT_GE(test, a->error ? stats.redone : stats.accel, 6);
	KUNIT_EXPECT_EQ(test, 0, a->error ? stats.accel : stats.redone);
	KUNIT_EXPECT_EQ(test, a->backlog, stats.backlog > 0);
	KUNIT_EXPECT_FALSE(test, dm->vol->demoted);
	no_page_left(test, dm);
}

/* Random shapes against cpu's bytes, with ESSIV and large sectors too. */
static void test_essiv(struct kunit *test)
{
	struct rig_dm *dm = active(test, "aes-cbc-essiv:sha256", 32,
				   "3 sector_size:4096 engine:accel driver:cbc-aes-ecache-kunit");
	u8 *buf = rig_buffer(test, RIG_MAX_BYTES), *want = rig_buffer(test, RIG_MAX_BYTES);
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	unsigned int i, bytes;
	struct rig_model *m;

	ecache_kunit_key(key, 32, 3);
	m = rig_model_create(test, "aes-cbc-essiv:sha256", key, 32, 4096);
	for (i = 0; i < ecache_kunit_rounds(10); i++) {
		bytes = rig_shape_random(s, 512, 4096, 2 + get_random_u32_below(30));
		if (!bytes)
			continue;
		get_random_bytes(buf, bytes);
		rig_shape_copy(s, buf, bytes, true);
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 80, bytes));
		memcpy(want, buf, bytes);
		rig_model_crypt(test, m, 80, want, bytes, true);
		KUNIT_ASSERT_EQ(test, bytes, rig_same(want, dm->disk->data + 80 * SECTOR_SIZE, bytes));
		rig_shape_copy(s, want, bytes, true);
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ, s, 80, bytes));
		rig_shape_copy(s, want, bytes, false);
		KUNIT_ASSERT_EQ(test, bytes, rig_same(buf, want, bytes));
	}
	no_page_left(test, dm);
}

static bool becomes(atomic_t *value, int want)
{
	unsigned int i;

	for (i = 0; i < 500 && atomic_read(value) != want; i++)
		msleep(20);
	return atomic_read(value) == want;
}

/*
 * A driver that does not answer: cpu does this bio and all later ones, the batch waits in
 * quarantine with its key and pages, and with the last late answer everything is given back. The
 * next key is another try.
 */
static void hangs(struct kunit *test, bool write)
{
	struct rig_dm *dm = accel(test);
	u8 key[ECACHE_MAX_KEY_SIZE], *buf = rig_buffer(test, BYTES);
	struct rig_shape *s = filled(test, buf);
	unsigned int requests;

	ecache_kunit_key(key, 64, 3);
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 0, BYTES));
	WRITE_ONCE(ecache_accel_timeout_param, 50);
	fake_accel.hang = true;
	if (write) {
		KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 512, BYTES));
		is_on_disk(test, dm, 512, buf);
	} else {
		reads_back(test, dm, 0, buf);
	}
	KUNIT_EXPECT_TRUE(test, dm->vol->demoted);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&dm->vol->demotions));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&dm->vol->quarantined));
	requests = fake_accel.requests;
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 1024, BYTES));
	is_on_disk(test, dm, 1024, buf);
	reads_back(test, dm, 1024, buf);
	KUNIT_EXPECT_EQ_MSG(test, requests, fake_accel.requests, "a demoted driver got work");

	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKING, dm->vol->state);
	KUNIT_EXPECT_EQ(test, -EBUSY, rig_set_key(test, dm, key, 64));
	KUNIT_EXPECT_EQ(test, ECACHE_ACCEL_WINDOW, fake_accel_release());
	KUNIT_ASSERT_TRUE(test, becomes(&dm->vol->quarantined, 0));
	KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&dm->vol->key_gone, 10 * HZ));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, dm->vol->state);
	no_page_left(test, dm);

	KUNIT_ASSERT_EQ(test, 0, rig_set_key(test, dm, key, 64));
	KUNIT_EXPECT_FALSE(test, dm->vol->demoted);
	reads_back(test, dm, 0, buf);
	KUNIT_EXPECT_LT(test, requests, fake_accel.requests);
}

static void test_hang_in_a_read(struct kunit *test)
{
	hangs(test, false);
}

static void test_hang_in_a_write(struct kunit *test)
{
	hangs(test, true);
}

/* NOWAIT is not this engine's: the disk is not touched. And whose work it is says the status. */
static void test_nowait(struct kunit *test)
{
	struct rig_dm *dm = accel(test);
	char *answer = (char *)rig_buffer(test, ECACHE_KUNIT_ANSWER);
	u8 *buf = rig_buffer(test, BYTES);
	struct rig_shape *s = filled(test, buf);
	struct ecache_stats stats;

	KUNIT_EXPECT_NE(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_READ | REQ_NOWAIT, s, 0, BYTES));
	KUNIT_EXPECT_NE(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE | REQ_NOWAIT, s, 0, BYTES));
	ecache_stats_sum(dm->vol, &stats);
	KUNIT_EXPECT_EQ(test, 0, stats.writes);
	KUNIT_EXPECT_EQ(test, 0, dm->disk->data[0]);
	rig_dm_status(test, dm, false, answer);
	KUNIT_EXPECT_NOT_NULL(test, strstr(answer, "xts-aes-ecache-kunit"));
}

static void test_disk_error(struct kunit *test)
{
	struct rig_dm *dm = accel(test);
	u8 *buf = rig_buffer(test, BYTES);
	struct rig_shape *s = filled(test, buf);
	struct ecache_stats stats;

	dm->disk->status = BLK_STS_MEDIUM;
	KUNIT_EXPECT_EQ(test, BLK_STS_MEDIUM, rig_io(test, dm, REQ_OP_WRITE, s, 0, BYTES));
	KUNIT_EXPECT_EQ(test, BLK_STS_MEDIUM, rig_io(test, dm, REQ_OP_READ, s, 0, BYTES));
	ecache_stats_sum(dm->vol, &stats);
	KUNIT_EXPECT_EQ(test, 2, stats.errors);
	no_page_left(test, dm);
}

/*
 * The key goes while the disk works, and while the driver does: a read ends in an error with none of
 * its plaintext handed out, a write that had no ciphertext yet too.
 */
static void test_key_goes_under_way(struct kunit *test)
{
	struct rig_dm *dm = accel(test);
	u8 *buf = rig_buffer(test, BYTES), *got = rig_buffer(test, BYTES);
	struct rig_shape *s = filled(test, buf), *in = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct rig_io *io;

	ecache_kunit_key(key, 64, 3);
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, rig_io(test, dm, REQ_OP_WRITE, s, 0, BYTES));
	rig_shape_plain(in, BYTES);
	dm->disk->hold = true;
	io = rig_io_start(test, dm, REQ_OP_READ, in, 0, BYTES);
	rig_disk_wait_held(test, dm->disk, 1);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	rig_disk_release(dm->disk, RIG_IRQS_OFF);
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io_wait(test, io));
	dm->disk->hold = false;
	KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&dm->vol->key_gone, 10 * HZ));

	KUNIT_ASSERT_EQ(test, 0, rig_set_key(test, dm, key, 64));
	fake_accel.hang = true;
	fake_accel.requests = 0;
	io = rig_io_start(test, dm, REQ_OP_READ, in, 0, BYTES);
	while (READ_ONCE(fake_accel.requests) < ECACHE_ACCEL_WINDOW)
		msleep(20);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKING, dm->vol->state);
	fake_accel_release();
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io_wait(test, io));
	rig_shape_copy(in, got, BYTES, false);
	KUNIT_EXPECT_EQ_MSG(test, BYTES, rig_same(rig_buffer(test, BYTES), got, BYTES), "plaintext handed out");
	KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&dm->vol->key_gone, 10 * HZ));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, dm->vol->state);
	no_page_left(test, dm);
}

/* Neither the driver nor cpu may encrypt a write whose key has gone: it ends in an error, unwritten. */
static void test_hang_and_key_goes(struct kunit *test)
{
	struct rig_dm *dm = accel(test);
	u8 *buf = rig_buffer(test, BYTES);
	struct rig_shape *s = filled(test, buf);
	unsigned int bios = dm->disk->bios;
	struct rig_io *io;

	WRITE_ONCE(ecache_accel_timeout_param, 500);
	fake_accel.hang = true;
	io = rig_io_start(test, dm, REQ_OP_WRITE, s, 0, BYTES);
	while (READ_ONCE(fake_accel.requests) < ECACHE_ACCEL_WINDOW)
		msleep(20);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, rig_io_wait(test, io));
	KUNIT_EXPECT_EQ(test, bios, dm->disk->bios);
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKING, dm->vol->state);
	KUNIT_EXPECT_EQ(test, ECACHE_ACCEL_WINDOW, fake_accel_release());
	KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&dm->vol->key_gone, 10 * HZ));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, dm->vol->state);
	no_page_left(test, dm);
}

/* A driver that refuses the key: so does the volume, with nothing left behind. */
static void test_key_refused(struct kunit *test)
{
	struct rig_dm *dm = accel(test);
	u8 key[ECACHE_MAX_KEY_SIZE];

	ecache_kunit_key(key, 64, 3);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_message(test, dm, "key wipe", NULL));
	KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&dm->vol->key_gone, 10 * HZ));
	fake_accel.refuse_keys = true;
	KUNIT_EXPECT_EQ(test, -EIO, rig_set_key(test, dm, key, 64));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, dm->vol->state);
	fake_accel.refuse_keys = false;
	KUNIT_EXPECT_EQ(test, 0, rig_set_key(test, dm, key, 64));
}

/* No such driver, one of another cipher, an algorithm's name: no table. */
static void test_driver_must_fit(struct kunit *test)
{
	static const char * const bad[] = { "no-such-driver", "cbc-aes-ecache-kunit", "xts(aes)" };
	struct rig_dm *dm = accel(test);
	struct rig_dm *other = rig_dm_create(test, dm->disk, "ecache-kunit-bad");
	dev_t dev = disk_devt(dm->disk->disk);
	char params[256];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(params, sizeof(params), "aes-xts-plain64 64 0 %u:%u 0 2 engine:accel driver:%s", MAJOR(dev),
			 MINOR(dev), bad[i]);
		KUNIT_EXPECT_NE(test, 0, rig_dm_load(test, other, "ecache", params));
	}
}

static struct kunit_case accel_cases[] = {
	KUNIT_CASE_PARAM(test_answers, answer_gen_params),
	KUNIT_CASE(test_essiv),
	KUNIT_CASE(test_hang_in_a_read),
	KUNIT_CASE(test_hang_in_a_write),
	KUNIT_CASE(test_nowait),
	KUNIT_CASE(test_disk_error),
	KUNIT_CASE(test_key_goes_under_way),
	KUNIT_CASE(test_hang_and_key_goes),
	KUNIT_CASE(test_key_refused),
	KUNIT_CASE(test_driver_must_fit),
	{}
};

struct kunit_suite ecache_accel_suite = {
	.name = "ecache_accel",
	.init = accel_init,
	.exit = accel_exit,
	.test_cases = accel_cases,
};
