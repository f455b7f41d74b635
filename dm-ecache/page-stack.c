// SPDX-License-Identifier: GPL-2.0
/*
 * A few free pages per CPU. A write needs a page for as long as the disk works, and the page
 * allocator is what costs most about a small one; with init_on_alloc it also clears what is
 * overwritten at once.
 *
 * One stack for all volumes: the cap of each bounds what it uses, this one what nobody does, 192 KiB
 * per CPU. Pages of 64 KiB have room of their own: the allocator has no per-CPU list for them, as it has for
 * those up to 32 KiB, and prepares each of their struct pages. Other sizes are not kept. What lies here
 * is ciphertext, or, by an accelerator, what any free page may hold.
 */
#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/local_lock.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/topology.h>

#include "dm-ecache.h"

/*
 * @lock: map pops in a task, the end of a bio pushes in any context, so interrupts are off for
 *	both. A list without a lock (this_cpu_cmpxchg) would have to read a page that another
 *	context may have taken.
 */
struct ecache_page_stack {
	local_lock_t lock;
	unsigned int nr, nr_large;
	struct page *page[ECACHE_PAGE_STACK];
	struct page *large[ECACHE_LARGE_STACK];
};

static DEFINE_PER_CPU(struct ecache_page_stack, ecache_page_stack) = {
	.lock = INIT_LOCAL_LOCK(lock),
};

static int ecache_cpuhp_state;

/**
 * ecache_page_pop - a page that was used before
 * @order: of how many pages, log2
 *
 * Return: the page, of this CPU's node, or NULL: none is kept.
 */
struct page *ecache_page_pop(unsigned int order)
{
	struct ecache_page_stack *stack;
	struct page *page = NULL;
	unsigned long flags;

	if (order && order != ECACHE_LARGE_ORDER)
		return NULL;
	local_lock_irqsave(&ecache_page_stack.lock, flags);
	stack = this_cpu_ptr(&ecache_page_stack);
	if (!order && stack->nr)
		page = stack->page[--stack->nr];
	else if (order && stack->nr_large)
		page = stack->large[--stack->nr_large];
	local_unlock_irqrestore(&ecache_page_stack.lock, flags);
	return page;
}

static bool page_keep(struct ecache_page_stack *stack, struct page *page, unsigned int order)
{
	if (page_to_nid(page) != numa_mem_id())
		return false;
	if (!order && stack->nr < ECACHE_PAGE_STACK)
		stack->page[stack->nr++] = page;
	else if (order && stack->nr_large < ECACHE_LARGE_STACK)
		stack->large[stack->nr_large++] = page;
	else
		return false;
	return true;
}

/**
 * ecache_page_push - keep a page for the next write
 * @page: nobody else's, not from the kernel's reserves
 * @order: its, log2; a compound page, if it is not 0
 *
 * Called in any context.
 *
 * Return: false when the caller has to free it: the stack is full, or the page another node's.
 */
bool ecache_page_push(struct page *page, unsigned int order)
{
	unsigned long flags;
	bool kept;

	if (order && order != ECACHE_LARGE_ORDER)
		return false;
	local_lock_irqsave(&ecache_page_stack.lock, flags);
	kept = page_keep(this_cpu_ptr(&ecache_page_stack), page, order);
	local_unlock_irqrestore(&ecache_page_stack.lock, flags);
	return kept;
}

/**
 * ecache_page_stack_drain - free what a CPU keeps
 * @cpu: dead, or nothing pushes or pops any more
 *
 * Return: 0.
 */
int ecache_page_stack_drain(unsigned int cpu)
{
	struct ecache_page_stack *stack = per_cpu_ptr(&ecache_page_stack, cpu);

	while (stack->nr)
		__free_page(stack->page[--stack->nr]);
	while (stack->nr_large)
		__free_pages(stack->large[--stack->nr_large], ECACHE_LARGE_ORDER);
	return 0;
}

/* In the section in which the CPU is dead: while it dies, bios still end on it. */
int ecache_page_stack_init(void)
{
	int state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "dm/ecache:dead", NULL, ecache_page_stack_drain);

	if (state < 0)
		return state;
	ecache_cpuhp_state = state;
	return 0;
}

void ecache_page_stack_exit(void)
{
	unsigned int cpu;

	cpuhp_remove_state_nocalls(ecache_cpuhp_state);
	for_each_possible_cpu(cpu)
		ecache_page_stack_drain(cpu);
}
