// SPDX-License-Identifier: GPL-2.0
/*
 * Bounce pages: exactly the bytes asked for, from the allocator or from the reserve, and
 * all of them back.
 */
#include <linux/random.h>

#include "ecache_kunit.h"

static struct ecache_bounce *new_bounce(struct kunit *test)
{
	struct ecache_bounce *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	return b;
}

/* What the encryption relies on: no gap, whole pages but for the last, offset 0. */
static void check_vecs(struct kunit *test, const struct ecache_bounce *b, unsigned int bytes)
{
	unsigned int i, sum = 0;

	for (i = 0; i < b->nr_vecs; i++) {
		KUNIT_ASSERT_NOT_NULL(test, b->vec[i].bv_page);
		KUNIT_ASSERT_EQ(test, 0, b->vec[i].bv_offset);
		if (i + 1 < b->nr_vecs)
			KUNIT_ASSERT_EQ(test, 0, b->vec[i].bv_len & ~PAGE_MASK);
		/* Every byte can be written: a wrong order would show under KASAN. */
		memset(page_address(b->vec[i].bv_page), 0xee, b->vec[i].bv_len);
		sum += b->vec[i].bv_len;
	}
	KUNIT_ASSERT_EQ(test, bytes, sum);
}

static void test_every_size(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 512);
	struct ecache_bounce_pool *pool = &et->vol->bounce;
	s64 before = percpu_counter_sum(&pool->used);
	struct ecache_bounce *b = new_bounce(test);
	unsigned int bytes;

	for (bytes = 512; bytes <= ECACHE_MAX_WRITE_PAGES * PAGE_SIZE; bytes += 512 * (1 + get_random_u32_below(16))) {
		KUNIT_ASSERT_EQ(test, 0, ecache_bounce_get(et->vol, pool, b, bytes, false));
		check_vecs(test, b, bytes);
		ecache_bounce_put(b);
		KUNIT_ASSERT_EQ(test, before, percpu_counter_sum(&pool->used));
	}
}

/*
 * Above the cap the reserve gives single pages, one largest write of them, and NOWAIT gets
 * nothing.
 */
static void test_above_the_cap(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 512);
	struct ecache_bounce_pool *pool = &et->vol->bounce;
	unsigned int bytes = ECACHE_MAX_WRITE_PAGES * PAGE_SIZE;
	s64 before = percpu_counter_sum(&pool->used);
	struct ecache_bounce *b = new_bounce(test);

	pool->cap = 0;
	KUNIT_EXPECT_EQ(test, -EAGAIN, ecache_bounce_get(et->vol, pool, b, 4096, true));
	KUNIT_ASSERT_EQ(test, 0, ecache_bounce_get(et->vol, pool, b, bytes, false));
	KUNIT_EXPECT_EQ(test, ECACHE_MAX_WRITE_PAGES, b->nr_vecs);
	check_vecs(test, b, bytes);
	KUNIT_EXPECT_EQ_MSG(test, before, percpu_counter_sum(&pool->used), "the reserve is counted from the start");
	ecache_bounce_put(b);
	KUNIT_EXPECT_EQ(test, before, percpu_counter_sum(&pool->used));
	KUNIT_EXPECT_EQ(test, ECACHE_MAX_WRITE_PAGES, pool->pages.curr_nr);
}

static struct kunit_case bounce_cases[] = {
	KUNIT_CASE(test_every_size),
	KUNIT_CASE(test_above_the_cap),
	{}
};

struct kunit_suite ecache_bounce_suite = {
	.name = "ecache_bounce",
	.test_cases = bounce_cases,
};
