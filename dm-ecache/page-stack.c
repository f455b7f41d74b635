// SPDX-License-Identifier: GPL-2.0
/*
 * A few free pages per CPU. A write needs a page for as long as the disk works, and the page
 * allocator is what costs most about a small one; with init_on_alloc it also clears what is
 * overwritten at once.
 *
 * One stack for all volumes: the cap of each bounds what it uses, this one what nobody does, 64 KiB
 * per CPU. What lies here is ciphertext, or, by an accelerator, what any free page may hold.
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
	unsigned int nr;
	struct page *page[ECACHE_PAGE_STACK];
};

static DEFINE_PER_CPU(struct ecache_page_stack, ecache_page_stack) = {
	.lock = INIT_LOCAL_LOCK(lock),
};

static int ecache_cpuhp_state;

/**
 * ecache_page_pop - a page that was used before
 *
 * Return: the page, of this CPU's node, or NULL: the stack is empty.
 */
struct page *ecache_page_pop(void)
{
	struct ecache_page_stack *stack;
	struct page *page = NULL;
	unsigned long flags;

	local_lock_irqsave(&ecache_page_stack.lock, flags);
	stack = this_cpu_ptr(&ecache_page_stack);
	if (stack->nr)
		page = stack->page[--stack->nr];
	local_unlock_irqrestore(&ecache_page_stack.lock, flags);
	return page;
}

/**
 * ecache_page_push - keep a page for the next write
 * @page: order 0, nobody else's, not from the kernel's reserves
 *
 * Called in any context.
 *
 * Return: false when the caller has to free it: the stack is full, or the page another node's.
 */
bool ecache_page_push(struct page *page)
{
	struct ecache_page_stack *stack;
	unsigned long flags;
	bool kept = false;

	local_lock_irqsave(&ecache_page_stack.lock, flags);
	stack = this_cpu_ptr(&ecache_page_stack);
	if (stack->nr < ECACHE_PAGE_STACK && page_to_nid(page) == numa_mem_id()) {
		stack->page[stack->nr++] = page;
		kept = true;
	}
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
