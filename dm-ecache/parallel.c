// SPDX-License-Identifier: GPL-2.0
/*
 * Large bios on several CPUs.
 *
 * The bio is cut into chunks of ECACHE_KEY_HOLD_BYTES. Whoever is free claims the next one: the
 * CPU that has the bio, and up to three helpers on an unbound workqueue. A helper that has not
 * begun when the last chunk is claimed is taken back, so nobody ever waits for a CPU that is
 * busy with something else, and the cost of asking in vain is that of queueing.
 *
 * A write waits for the helpers that began, in map and outside any RCU section. A read waits
 * for nobody: it may be in a completion; the last one to finish ends it.
 */
#include <linux/cpumask.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "dm-ecache.h"

/*
 * Where it did not lose when measured (scripts/bench-native --parallel; testing.md has the
 * figures): what it takes to wake a CPU has to be won back first.
 */
static unsigned int parallel_bytes = SZ_1M;
module_param(parallel_bytes, uint, 0644);
MODULE_PARM_DESC(parallel_bytes, "Bios of so many bytes or more are spread over CPUs (default 1048576, 0: none)");

static unsigned int parallel_helpers = ECACHE_MAX_HELPERS;
module_param(parallel_helpers, uint, 0644);
MODULE_PARM_DESC(parallel_helpers, "CPUs besides its own that a bio may use (default and maximum 3)");

static struct workqueue_struct *ecache_parallel_wq;

int ecache_parallel_init(void)
{
	/* MEM_RECLAIM though nobody waits for a helper to begin: it may not need memory, either. */
	ecache_parallel_wq = alloc_workqueue("ecache_parallel", WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	return ecache_parallel_wq ? 0 : -ENOMEM;
}

void ecache_parallel_exit(void)
{
	destroy_workqueue(ecache_parallel_wq);
}

/**
 * ecache_parallel_wanted - whether a transform of so many bytes is spread over CPUs
 * @bytes: its size
 *
 * Return: true if it is.
 */
bool ecache_parallel_wanted(unsigned int bytes)
{
	unsigned int threshold = READ_ONCE(parallel_bytes);

	return unlikely(threshold && bytes >= threshold && bytes > ECACHE_KEY_HOLD_BYTES) &&
	       num_online_cpus() > 1 && READ_ONCE(parallel_helpers);
}

/* One user's share: chunks until none is left. @may_resched: between two chunks. */
static void take_chunks(struct ecache_fork *fork, bool may_resched)
{
	unsigned int at, bytes;
	struct ecache_cursor cur;

	/* The atomic that chunks are claimed with: one for 64 KiB of AES, in large bios only. */
	while ((at = (atomic_inc_return_relaxed(&fork->next) - 1) * ECACHE_KEY_HOLD_BYTES) < fork->bytes) {
		bytes = min_t(unsigned int, fork->bytes - at, ECACHE_KEY_HOLD_BYTES);
		cur = fork->cur;
		bvec_iter_advance(cur.src, &cur.src_iter, at);
		if (cur.dst)
			bvec_iter_advance(cur.dst, &cur.dst_iter, at);
		cur.sector += at >> SECTOR_SHIFT;
		if (READ_ONCE(fork->error))
			continue;
		if (ecache_transform(fork->et, &cur, bytes, fork->epoch, false) != BLK_STS_OK)
			WRITE_ONCE(fork->error, 1);
		if (may_resched)
			cond_resched();
	}
}

static void help(struct work_struct *work)
{
	struct ecache_fork *fork = container_of(work, struct ecache_helper, work)->fork;

	/* The last user may end the bio, and with it the fork. */
	take_chunks(fork, true);
	if (atomic_dec_and_test(&fork->users) && fork->done)
		fork->done(fork);
}

static unsigned int call_helpers(struct ecache_fork *fork)
{
	unsigned int chunks = DIV_ROUND_UP(fork->bytes, ECACHE_KEY_HOLD_BYTES);
	unsigned int nr = min3(READ_ONCE(parallel_helpers), (unsigned int)ECACHE_MAX_HELPERS, chunks - 1), i;

	nr = min(nr, num_online_cpus() - 1);
	atomic_set(&fork->next, 0);
	atomic_set(&fork->users, 1 + nr);
	for (i = 0; i < nr; i++)
		queue_work(ecache_parallel_wq, &fork->helper[i].work);
	return nr;
}

/* Those that have not begun will find no chunk: take them back. Returns how many. */
static unsigned int dismiss_helpers(struct ecache_fork *fork, unsigned int nr)
{
	unsigned int i, dismissed = 0;

	for (i = 0; i < nr; i++)
		dismissed += cancel_work(&fork->helper[i].work);
	return dismissed;
}

/**
 * ecache_fork_start - transform, and have fork->done called at the end, by whoever is last
 * @fork: et, cur, epoch, bytes and done set; its owner's memory until done is called
 *
 * Called where ecache_transform() may be.
 */
void ecache_fork_start(struct ecache_fork *fork)
{
	unsigned int i, nr, dismissed;

	for (i = 0; i < ECACHE_MAX_HELPERS; i++) {
		INIT_WORK(&fork->helper[i].work, help);
		fork->helper[i].fork = fork;
	}
	nr = call_helpers(fork);
	take_chunks(fork, false);
	/* Our own use keeps the fork until here. */
	dismissed = dismiss_helpers(fork, nr);
	if (dismissed < nr)
		ecache_count(fork->et->vol, parallel, 1);
	if (atomic_sub_and_test(1 + dismissed, &fork->users))
		fork->done(fork);
}

/**
 * ecache_fork_join - transform, and return when it is done
 * @fork: et, cur, epoch and bytes set; on the stack
 *
 * May sleep.
 *
 * Return: 0 or -EIO.
 */
int ecache_fork_join(struct ecache_fork *fork)
{
	unsigned int i, nr, dismissed;

	for (i = 0; i < ECACHE_MAX_HELPERS; i++) {
		INIT_WORK_ONSTACK(&fork->helper[i].work, help);
		fork->helper[i].fork = fork;
	}
	nr = call_helpers(fork);
	take_chunks(fork, true);
	dismissed = dismiss_helpers(fork, nr);
	if (dismissed < nr)
		ecache_count(fork->et->vol, parallel, 1);
	/* What is not dismissed is at its last chunk. */
	for (i = 0; i < nr; i++)
		flush_work(&fork->helper[i].work);
	for (i = 0; i < ECACHE_MAX_HELPERS; i++)
		destroy_work_on_stack(&fork->helper[i].work);
	return fork->error ? -EIO : 0;
}
