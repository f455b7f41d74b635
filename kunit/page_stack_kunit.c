// SPDX-License-Identifier: GPL-2.0
/*
 * The stacks of free pages, single and large: the last one in is the first one out, so many and no more, nothing
 * left after a drain; a write gets the page of the one before.
 */
#include <linux/mm.h>
#include <linux/preempt.h>

#include "ecache_kunit.h"

static struct page *new_pages(struct kunit *test, unsigned int order)
{
	struct page *page = alloc_pages_node(numa_mem_id(), GFP_KERNEL | __GFP_THISNODE | __GFP_COMP, order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	return page;
}

/* The stack is this CPU's; a test ends with it empty. */
static void stay(void)
{
	migrate_disable();
	ecache_page_stack_drain(smp_processor_id());
}

static void leave(void)
{
	ecache_page_stack_drain(smp_processor_id());
	migrate_enable();
}

static void last_in_first_out(struct kunit *test, unsigned int order, unsigned int nr)
{
	struct page *pages[ECACHE_PAGE_STACK];
	unsigned int i;

	stay();
	KUNIT_EXPECT_NULL(test, ecache_page_pop(order));
	for (i = 0; i < nr; i++) {
		pages[i] = new_pages(test, order);
		KUNIT_ASSERT_TRUE(test, ecache_page_push(pages[i], order));
	}
	while (i--) {
		KUNIT_EXPECT_PTR_EQ(test, pages[i], ecache_page_pop(order));
		__free_pages(pages[i], order);
	}
	KUNIT_EXPECT_NULL(test, ecache_page_pop(order));
	leave();
}

static void test_last_in_first_out(struct kunit *test)
{
	last_in_first_out(test, 0, ECACHE_PAGE_STACK);
}

static void test_large_ones_have_their_own_room(struct kunit *test)
{
	BUILD_BUG_ON(ECACHE_LARGE_STACK > ECACHE_PAGE_STACK);
	last_in_first_out(test, ECACHE_LARGE_ORDER, ECACHE_LARGE_STACK);
	stay();
	KUNIT_ASSERT_TRUE(test, ecache_page_push(new_pages(test, 0), 0));
	KUNIT_EXPECT_NULL(test, ecache_page_pop(ECACHE_LARGE_ORDER));
	KUNIT_ASSERT_TRUE(test, ecache_page_push(new_pages(test, ECACHE_LARGE_ORDER), ECACHE_LARGE_ORDER));
	__free_page(ecache_page_pop(0));
	KUNIT_EXPECT_NULL(test, ecache_page_pop(0));
	leave();
}

static void full(struct kunit *test, unsigned int order, unsigned int nr)
{
	struct page *page = new_pages(test, order);

	stay();
	while (nr--)
		KUNIT_ASSERT_TRUE(test, ecache_page_push(new_pages(test, order), order));
	KUNIT_EXPECT_FALSE(test, ecache_page_push(page, order));
	__free_pages(page, order);
	leave();
}

static void test_full(struct kunit *test)
{
	full(test, 0, ECACHE_PAGE_STACK);
	full(test, ECACHE_LARGE_ORDER, ECACHE_LARGE_STACK);
}

static void test_other_sizes_are_not_kept(struct kunit *test)
{
	struct page *page = new_pages(test, 1);

	stay();
	KUNIT_EXPECT_FALSE(test, ecache_page_push(page, 1));
	KUNIT_EXPECT_NULL(test, ecache_page_pop(1));
	__free_pages(page, 1);
	leave();
}

static void test_drain(struct kunit *test)
{
	stay();
	KUNIT_ASSERT_TRUE(test, ecache_page_push(new_pages(test, 0), 0));
	KUNIT_ASSERT_TRUE(test, ecache_page_push(new_pages(test, ECACHE_LARGE_ORDER), ECACHE_LARGE_ORDER));
	KUNIT_EXPECT_EQ(test, 0, ecache_page_stack_drain(smp_processor_id()));
	KUNIT_EXPECT_NULL(test, ecache_page_pop(0));
	KUNIT_EXPECT_NULL(test, ecache_page_pop(ECACHE_LARGE_ORDER));
	leave();
}

/* The second write is as large as the first, in pages. */
static void a_write_takes_the_last_ones_page(struct kunit *test, unsigned int first_bytes, unsigned int bytes,
					     unsigned int order)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 512);
	struct ecache_bounce *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	struct page *first;

	KUNIT_ASSERT_NOT_NULL(test, b);
	stay();
	KUNIT_ASSERT_EQ(test, 0, ecache_bounce_get(et->vol, &et->vol->bounce, b, first_bytes, true));
	first = b->vec[0].bv_page;
	KUNIT_ASSERT_EQ(test, 1, b->nr_vecs);
	ecache_bounce_put(b);
	KUNIT_ASSERT_EQ(test, 0, ecache_bounce_get(et->vol, &et->vol->bounce, b, bytes, true));
	KUNIT_EXPECT_PTR_EQ(test, first, b->vec[0].bv_page);
	ecache_bounce_put(b);
	KUNIT_EXPECT_PTR_EQ(test, first, ecache_page_pop(order));
	__free_pages(first, order);
	leave();
}

static void test_a_write_takes_the_last_ones_page(struct kunit *test)
{
	a_write_takes_the_last_ones_page(test, 512, PAGE_SIZE, 0);
	a_write_takes_the_last_ones_page(test, SZ_64K, SZ_64K, ECACHE_LARGE_ORDER);
}

static struct kunit_case page_stack_cases[] = {
	KUNIT_CASE(test_last_in_first_out),
	KUNIT_CASE(test_large_ones_have_their_own_room),
	KUNIT_CASE(test_full),
	KUNIT_CASE(test_other_sizes_are_not_kept),
	KUNIT_CASE(test_drain),
	KUNIT_CASE(test_a_write_takes_the_last_ones_page),
	{}
};

struct kunit_suite ecache_page_stack_suite = {
	.name = "ecache_page_stack",
	.test_cases = page_stack_cases,
};
