/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DM_ECACHE_ACCEL_H
#define DM_ECACHE_ACCEL_H

#include <linux/wait.h>

#include "dm-ecache.h"

/* Requests of one batch that the device has at once, and how many batches run. */
#define ECACHE_ACCEL_WINDOW	8
#define ECACHE_ACCEL_BATCHES	16

/*
 * One crypto sector with the device. What the device writes to shares no line with what a CPU
 * writes to; cache lines, too, where the architecture asks for less.
 */
struct ecache_accel_request {
	struct ecache_batch *batch;
	unsigned int slot;
	struct scatterlist src, dst;
	u8 iv[ECACHE_MAX_IV_SIZE] __aligned(ARCH_DMA_MINALIGN) ____cacheline_aligned;
	/* and the driver's part */
	struct skcipher_request req __aligned(ARCH_DMA_MINALIGN) ____cacheline_aligned;
};

/*
 * struct ecache_batch - a bio with an accelerator
 *
 * @io: whose; not looked at any more once the batch is abandoned
 * @key: a reference in its users, from the start of the work
 * @in: ciphertext of a read, plaintext of a write
 * @out: the other
 * @orig_vec: reads: what @in stands in for while the disk works
 * @work: the bio's way through the device
 * @late: frees it, when it was abandoned and the device gave it back
 * @lock: protects what follows; taken in completions, and woken under: whoever finds the
 *	condition true may free the batch
 * @busy: slots whose request the device has
 * @backlog: requests that the driver called backlogged, less those it then took; below 0 for
 *	a moment when it was quicker than our look at its answer
 * @error: of the first request that failed
 * @abandoned: the last callback frees the batch
 */
struct ecache_batch {
	struct ecache_io *io;
	struct ecache_volume *vol;
	struct ecache_key *key;
	struct ecache_bounce in, out;
	struct bio_vec *orig_vec;
	struct work_struct work;
	struct work_struct late;
	spinlock_t lock;	/* what follows */
	wait_queue_head_t wait;
	unsigned long busy;
	int backlog;
	int error;
	bool abandoned;
	u8 requests[] __aligned(ARCH_DMA_MINALIGN) ____cacheline_aligned;
};

/* The engine's part of a volume. */
struct ecache_accel {
	struct crypto_skcipher *unkeyed;
	unsigned int stride;			/* bytes from one request to the next */
	mempool_t batches;			/* a few in reserve */
	struct ecache_bounce_pool in, out;
};

/* accel-batch.c */
extern unsigned int ecache_accel_timeout_param;	/* ms; read by ecache_accel_timeout_ms() */
int ecache_batch_pool_init(struct ecache_accel *accel, unsigned int request_size);
void ecache_batch_pool_exit(struct ecache_accel *accel);
struct ecache_batch *ecache_batch_alloc(struct ecache_io *io, unsigned int bytes, work_func_t work);
void ecache_batch_free(struct ecache_batch *batch);
void ecache_batch_queue(struct ecache_batch *batch);
int ecache_batch_run(struct ecache_batch *batch, u64 sector, unsigned int bytes, bool encrypt);
unsigned int ecache_batch_pending(struct ecache_batch *batch);
void ecache_batch_leave(struct ecache_batch *batch);
unsigned int ecache_accel_timeout_ms(void);

#endif
