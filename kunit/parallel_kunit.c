// SPDX-License-Identifier: GPL-2.0
/*
 * A large bio cut into chunks: the result is that of one walk, in whatever shape, with helpers where
 * there are CPUs for them; an error in one chunk is an error of all.
 */
#include <linux/completion.h>
#include <linux/random.h>

#include "rig.h"

#define PARALLEL_SECTOR	12345U

struct forked {
	struct ecache_fork fork;
	struct completion done;
	unsigned int calls;
};

static void fork_is_done(struct ecache_fork *fork)
{
	struct forked *f = container_of(fork, struct forked, fork);

	f->calls++;
	complete(&f->done);
}

static struct ecache_target *active(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 512);
	u8 key[ECACHE_MAX_KEY_SIZE];
	const char *why = "";

	ecache_kunit_key(key, 64, 3);
	KUNIT_ASSERT_EQ(test, 1, ecache_volume_set_key(et, key, 64, &why));
	return et;
}

static struct ecache_cursor cursor(struct rig_shape *src, struct rig_shape *dst, unsigned int bytes, bool encrypt)
{
	return (struct ecache_cursor){ .src = src->vec, .src_iter.bi_size = bytes, .dst = dst ? dst->vec : NULL,
				       .dst_iter.bi_size = bytes, .sector = PARALLEL_SECTOR, .encrypt = encrypt };
}

/* On the stack, where debugobjects wants the work items of a join. */
static noinline int join(struct ecache_target *et, const struct ecache_cursor *cur, unsigned int bytes, u64 epoch)
{
	struct ecache_fork fork = { .et = et, .cur = *cur, .epoch = epoch, .bytes = bytes };

	return ecache_fork_join(&fork);
}

/* Encrypted by fork and join, decrypted by fork and callback; between them the bytes of one walk. */
static void test_same_as_serial(struct kunit *test)
{
	struct rig_shape *src = rig_shape_create(test), *dst = rig_shape_create(test), *serial = rig_shape_create(test);
	u8 *plain = rig_buffer(test, RIG_MAX_BYTES), *want = rig_buffer(test, RIG_MAX_BYTES);
	u8 *got = rig_buffer(test, RIG_MAX_BYTES);
	struct forked *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct ecache_target *et = active(test);
	u64 epoch = ecache_volume_epoch(et->vol);
	struct ecache_cursor cur;
	unsigned int i, bytes;

	KUNIT_ASSERT_NOT_NULL(test, f);
	for (i = 0; i < 8; i++) {
		bytes = rig_shape_random(src, 512, 512, RIG_PAGES - get_random_u32_below(60));
		get_random_bytes(plain, bytes);
		rig_shape_copy(src, plain, bytes, true);
		rig_shape_plain(dst, bytes);
		rig_shape_plain(serial, bytes);
		cur = cursor(src, serial, bytes, true);
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, ecache_transform(et, &cur, bytes, epoch, true));
		rig_shape_copy(serial, want, bytes, false);

		cur = cursor(src, dst, bytes, true);
		KUNIT_ASSERT_EQ(test, 0, join(et, &cur, bytes, epoch));
		rig_shape_copy(dst, got, bytes, false);
		KUNIT_ASSERT_EQ(test, bytes, rig_same(want, got, bytes));

		f->fork = (struct ecache_fork){ .et = et, .cur = cursor(dst, NULL, bytes, false), .epoch = epoch,
						.bytes = bytes, .done = fork_is_done };
		f->calls = 0;
		init_completion(&f->done);
		ecache_fork_start(&f->fork);
		KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&f->done, 10 * HZ));
		KUNIT_EXPECT_EQ(test, 1, f->calls);
		KUNIT_EXPECT_EQ(test, 0, f->fork.error);
		rig_shape_copy(dst, got, bytes, false);
		KUNIT_ASSERT_EQ(test, bytes, rig_same(plain, got, bytes));
	}
}

/* A piece in the second chunk that AES cannot work on; and a key that is not the bio's. */
static void test_one_error_fails_all(struct kunit *test)
{
	struct forked *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct rig_shape *s = rig_shape_create(test);
	struct ecache_target *et = active(test);
	u64 epoch = ecache_volume_epoch(et->vol);
	struct ecache_cursor cur;
	unsigned int bytes = 4 * ECACHE_KEY_HOLD_BYTES, bad = ECACHE_KEY_HOLD_BYTES / PAGE_SIZE + 1;

	KUNIT_ASSERT_NOT_NULL(test, f);
	rig_shape_plain(s, bytes);
	s->vec[bad].bv_len -= 100;
	s->vec[bad + 1].bv_len += 100;
	cur = cursor(s, NULL, bytes, false);
	KUNIT_EXPECT_EQ(test, -EIO, join(et, &cur, bytes, epoch));

	rig_shape_plain(s, bytes);
	f->fork = (struct ecache_fork){ .et = et, .cur = cursor(s, NULL, bytes, false), .epoch = epoch + 1,
					.bytes = bytes, .done = fork_is_done };
	init_completion(&f->done);
	ecache_fork_start(&f->fork);
	KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&f->done, 10 * HZ));
	KUNIT_EXPECT_NE(test, 0, f->fork.error);
}

/* Small ones never, large ones where there is a second CPU. */
static void test_wanted(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, ecache_parallel_wanted(4096));
	KUNIT_EXPECT_FALSE(test, ecache_parallel_wanted(ECACHE_KEY_HOLD_BYTES));
	KUNIT_EXPECT_EQ(test, num_online_cpus() > 1, ecache_parallel_wanted(SZ_1M));
}

static struct kunit_case parallel_cases[] = {
	KUNIT_CASE(test_same_as_serial),
	KUNIT_CASE(test_one_error_fails_all),
	KUNIT_CASE(test_wanted),
	{}
};

struct kunit_suite ecache_parallel_suite = {
	.name = "ecache_parallel",
	.test_cases = parallel_cases,
};
