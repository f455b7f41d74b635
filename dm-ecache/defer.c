// SPDX-License-Identifier: GPL-2.0
/*
 * Reads that complete where no cipher may run: in a hard interrupt (every interrupt-driven
 * NVMe), with interrupts off, or on top of code that uses the vector unit. Small ones go to
 * a bottom half of the same CPU, large ones to a workqueue, so that a megabyte of AES does
 * not sit between an interrupt and everything else that waits for it.
 */
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/workqueue.h>

#include "dm-ecache.h"

#define ECACHE_DEFER_SMALL_BYTES	(16 * 1024)

/* What one run of the bottom half takes before it queues itself again and lets others run. */
#define ECACHE_DEFER_BATCH		16

/**
 * struct ecache_defer - one CPU's deferred small reads
 *
 * @incoming: lock-free, because the producer is an interrupt on top of the consumer, and
 *	because a bottom half may move to another CPU when its own goes away. One atomic
 *	operation a bio is the price.
 * @batch: taken off @incoming, in order; the bottom half's alone
 * @bh: runs ecache_defer_run() on this CPU
 */
struct ecache_defer {
	struct llist_head incoming;
	struct llist_node *batch;
	struct ecache_bh bh;
};

static struct ecache_defer __percpu *ecache_defers;
static struct workqueue_struct *ecache_bh_wq;
static struct workqueue_struct *ecache_read_wq;

static void ecache_defer_work(struct work_struct *work)
{
	ecache_read_finish(container_of(work, struct ecache_io, work));
}

static void defer_to_work(struct ecache_io *io)
{
	INIT_WORK(&io->work, ecache_defer_work);
	queue_work(ecache_read_wq, &io->work);
}

/*
 * A bottom half may still be no place for a cipher: where kernel_fpu_begin() leaves bottom
 * halves enabled (6.1 and 6.12), it can run on top of a section that uses the vector unit.
 * A task never does, so what cannot run here goes on to the workqueue.
 */
static void ecache_defer_run(struct ecache_bh *bh)
{
	struct ecache_defer *owner = container_of(bh, struct ecache_defer, bh);
	unsigned int budget = ECACHE_DEFER_BATCH;
	struct llist_node *node;

	while (budget--) {
		if (!owner->batch)
			owner->batch = llist_reverse_order(llist_del_all(&owner->incoming));
		node = owner->batch;
		if (!node)
			return;
		owner->batch = node->next;	/* before the io goes */
		if (likely(ecache_cpu_usable_here()))
			ecache_read_finish(llist_entry(node, struct ecache_io, node));
		else
			defer_to_work(llist_entry(node, struct ecache_io, node));
	}
	if (owner->batch || !llist_empty(&owner->incoming))
		ecache_bh_schedule(ecache_bh_wq, &owner->bh);
}

/**
 * ecache_defer_read - finish a completed read later, in a context that may run the cipher
 * @io: not touched by the caller any more
 *
 * Called in any context.
 */
void ecache_defer_read(struct ecache_io *io)
{
	struct ecache_defer *defer;

	if (io->iter.bi_size > ECACHE_DEFER_SMALL_BYTES) {
		defer_to_work(io);
		return;
	}
	/* Which CPU's list it is does not matter, only that most often it is ours. */
	defer = raw_cpu_ptr(ecache_defers);
	/*
	 * A list that was not empty has its bottom half scheduled, or running and about to
	 * look again.
	 */
	if (llist_add(&io->node, &defer->incoming))
		ecache_bh_schedule(ecache_bh_wq, &defer->bh);
}

int ecache_defer_init(void)
{
	int cpu;

	ecache_defers = alloc_percpu(struct ecache_defer);
	if (!ecache_defers)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct ecache_defer *defer = per_cpu_ptr(ecache_defers, cpu);

		init_llist_head(&defer->incoming);
		ecache_bh_init(&defer->bh, ecache_defer_run);
	}
	ecache_bh_wq = ecache_bh_create();
	if (!ecache_bh_wq)
		goto err_percpu;
	/* MEM_RECLAIM: swapped-out pages come back through here. */
	ecache_read_wq = alloc_workqueue("ecache_read", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!ecache_read_wq)
		goto err_bh;
	return 0;

err_bh:
	ecache_bh_destroy(ecache_bh_wq);
err_percpu:
	free_percpu(ecache_defers);
	return -ENOMEM;
}

/*
 * No target is left, so no bio; what may still run is the return path of the functions that
 * ended the last ones.
 */
void ecache_defer_exit(void)
{
	int cpu;

	destroy_workqueue(ecache_read_wq);
	for_each_possible_cpu(cpu)
		ecache_bh_kill(&per_cpu_ptr(ecache_defers, cpu)->bh);
	ecache_bh_destroy(ecache_bh_wq);
	free_percpu(ecache_defers);
}
