// SPDX-License-Identifier: GPL-2.0
/*
 * The stack of free pages: the last one in is the first one out, so many and no more, nothing left after a drain; a
 * write gets the page of the one before.
 */
#include <linux/mm.h>
#include <linux/preempt.h>

#include "ecache_kunit.h"

static struct page *new_page(struct kunit *test)
{
	struct page *page = alloc_pages_node(numa_mem_id(), GFP_KERNEL | __GFP_THISNODE, 0);

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

static void test_last_in_first_out(struct kunit *test)
{
	struct page *pages[ECACHE_PAGE_STACK];
	int i;

	stay();
	KUNIT_EXPECT_NULL(test, ecache_page_pop());
	for (i = 0; i < ECACHE_PAGE_STACK; i++) {
		pages[i] = new_page(test);
		KUNIT_ASSERT_TRUE(test, ecache_page_push(pages[i]));
	}
	while (i--) {
		KUNIT_EXPECT_PTR_EQ(test, pages[i], ecache_page_pop());
		__free_page(pages[i]);
	}
	KUNIT_EXPECT_NULL(test, ecache_page_pop());
	leave();
}

static void test_full(struct kunit *test)
{
	struct page *page = new_page(test);
	int i;

	stay();
	for (i = 0; i < ECACHE_PAGE_STACK; i++)
		KUNIT_ASSERT_TRUE(test, ecache_page_push(new_page(test)));
	KUNIT_EXPECT_FALSE(test, ecache_page_push(page));
	__free_page(page);
	leave();
}

static void test_drain(struct kunit *test)
{
	stay();
	KUNIT_ASSERT_TRUE(test, ecache_page_push(new_page(test)));
	KUNIT_ASSERT_TRUE(test, ecache_page_push(new_page(test)));
	KUNIT_EXPECT_EQ(test, 0, ecache_page_stack_drain(smp_processor_id()));
	KUNIT_EXPECT_NULL(test, ecache_page_pop());
	leave();
}

static void test_a_write_takes_the_last_ones_page(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 512);
	struct ecache_bounce *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	struct page *first;

	KUNIT_ASSERT_NOT_NULL(test, b);
	stay();
	KUNIT_ASSERT_EQ(test, 0, ecache_bounce_get(et->vol, &et->vol->bounce, b, 512, true));
	first = b->vec[0].bv_page;
	ecache_bounce_put(b);
	KUNIT_ASSERT_EQ(test, 0, ecache_bounce_get(et->vol, &et->vol->bounce, b, PAGE_SIZE, true));
	KUNIT_EXPECT_PTR_EQ(test, first, b->vec[0].bv_page);
	ecache_bounce_put(b);
	KUNIT_EXPECT_PTR_EQ(test, first, ecache_page_pop());
	__free_page(first);
	leave();
}

static struct kunit_case page_stack_cases[] = {
	KUNIT_CASE(test_last_in_first_out),
	KUNIT_CASE(test_full),
	KUNIT_CASE(test_drain),
	KUNIT_CASE(test_a_write_takes_the_last_ones_page),
	{}
};

struct kunit_suite ecache_page_stack_suite = {
	.name = "ecache_page_stack",
	.test_cases = page_stack_cases,
};
