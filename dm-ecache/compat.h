/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DM_ECACHE_COMPAT_H
#define DM_ECACHE_COMPAT_H

/*
 * The only file that knows that kernels differ. Kbuild looks features up in the kernel's
 * headers; nothing here or elsewhere compares version numbers.
 */

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/device-mapper.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/key.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <crypto/aes.h>

#ifdef ECACHE_HAVE_HEX_H
#include <linux/hex.h>
#else
#include <linux/kernel.h>
#endif

#ifndef kzalloc_obj
#define kzalloc_obj(obj, ...)	kzalloc(sizeof(obj), GFP_KERNEL)
#endif

#ifndef REQ_ATOMIC
#define REQ_ATOMIC	0	/* never set: no kernel without it makes such a bio */
#endif

#ifndef DM_TARGET_ATOMIC_WRITES
#define DM_TARGET_ATOMIC_WRITES	0
#endif

/*
 * No atomic write larger than @bytes, nor than the device below takes: what dm stacks is what
 * its hardware could, which can be more than its segments allow.
 */
static inline void ecache_limit_atomic_writes(struct queue_limits *limits, struct block_device *bdev,
					      unsigned int bytes)
{
#ifdef ECACHE_HAVE_ATOMIC_WRITES
	unsigned int below = bdev_atomic_write_unit_max_bytes(bdev);

	limits->atomic_write_hw_unit_max = min3(limits->atomic_write_hw_unit_max, bytes, below);
	limits->atomic_write_hw_max = min(limits->atomic_write_hw_max, bytes);
#endif
}

/*
 * NOWAIT is offered by the target type, but not by every engine. Where it is one of the limits,
 * the hints of one table take it away; before, only a flag of the queue could, which dm sets
 * anew with every table and before it resumes.
 */
static inline void ecache_limits_no_nowait(struct queue_limits *limits)
{
#ifdef BLK_FEAT_NOWAIT
	limits->features &= ~BLK_FEAT_NOWAIT;
#endif
}

static inline void ecache_queue_no_nowait(struct request_queue *q)
{
#ifndef BLK_FEAT_NOWAIT
	blk_queue_flag_clear(QUEUE_FLAG_NOWAIT, q);
#endif
}

/* A single AES block by the library. */
#ifdef ECACHE_HAVE_AES_ENCKEY
struct ecache_aes_enckey {
	struct aes_enckey key;
};

static inline int ecache_aes_prepare(struct ecache_aes_enckey *aes, const u8 *key, unsigned int size)
{
	return aes_prepareenckey(&aes->key, key, size);
}
#else
struct ecache_aes_enckey {
	struct crypto_aes_ctx key;
};

static inline int ecache_aes_prepare(struct ecache_aes_enckey *aes, const u8 *key, unsigned int size)
{
	return aes_expandkey(&aes->key, key, size);
}
#endif

static inline void ecache_aes_encrypt(const struct ecache_aes_enckey *aes, u8 *out, const u8 *in)
{
	aes_encrypt(&aes->key, out, in);
}

/* What the crypto API calls when an asynchronous request is done: its argument changed. */
#ifdef ECACHE_HAVE_COMPLETION_DATA
#define ECACHE_CRYPTO_DONE(name)	static void name(void *data, int error)

static inline void *ecache_crypto_data(void *data)
{
	return data;
}
#else
#define ECACHE_CRYPTO_DONE(name)	static void name(struct crypto_async_request *data, int error)

static inline void *ecache_crypto_data(struct crypto_async_request *data)
{
	return data->data;
}
#endif

static inline void ecache_hrtimer_setup(struct hrtimer *timer, enum hrtimer_restart (*fn)(struct hrtimer *timer))
{
#ifdef ECACHE_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, CLOCK_BOOTTIME, HRTIMER_MODE_ABS);
#else
	hrtimer_init(timer, CLOCK_BOOTTIME, HRTIMER_MODE_ABS);
	timer->function = fn;
#endif
}

/*
 * What a workqueue that is bound to CPUs must say. Kernels that do not know the flag, or
 * know it but refuse it for a BH workqueue, bind without being told.
 */
#ifdef ECACHE_HAVE_WQ_BH_PERCPU
#define ECACHE_WQ_PERCPU	WQ_PERCPU
#else
#define ECACHE_WQ_PERCPU	0
#endif

/*
 * ecache_iter_rewind_to_vec - point @iter at the start of a new bvec array; its sector and
 * size stay.
 */
static inline void ecache_iter_rewind_to_vec(struct bvec_iter *iter)
{
	iter->bi_idx = 0;
#ifdef ECACHE_HAVE_BI_OFFSET
	iter->bi_offset = 0;
#else
	iter->bi_bvec_done = 0;
#endif
}

/*
 * ecache_bio_clear_gap - what the block layer knows of gaps between the old bvecs does not
 * hold for new ones.
 */
static inline void ecache_bio_clear_gap(struct bio *bio)
{
#ifdef ECACHE_HAVE_BVEC_GAP_BIT
	bio->bi_bvec_gap_bit = 0;
#endif
}

static inline void ecache_stack_bs_limits(struct queue_limits *limits, unsigned int bs)
{
#ifdef ECACHE_HAVE_STACK_BS_LIMITS
	dm_stack_bs_limits(limits, bs);
#else
	limits->logical_block_size = max_t(unsigned int, limits->logical_block_size, bs);
	limits->physical_block_size = max_t(unsigned int, limits->physical_block_size, bs);
	limits->io_min = max_t(unsigned int, limits->io_min, bs);
#endif
}

/*
 * ecache_flush_bypasses_map - empty flushes go to the device below without a clone through
 * our map.
 */
static inline void ecache_flush_bypasses_map(struct dm_target *ti)
{
#ifdef ECACHE_HAVE_FLUSH_BYPASSES_MAP
	ti->flush_bypasses_map = true;
#endif
}

/*
 * Bottom half on the CPU that asked for it: a work item of a BH workqueue, where there is none
 * a tasklet. One per CPU, never one per bio: the tasklet core still touches a tasklet after its
 * function has returned.
 */
struct ecache_bh {
	void (*func)(struct ecache_bh *bh);
#ifdef ECACHE_HAVE_WQ_BH
	struct work_struct work;
#else
	struct tasklet_struct tasklet;
#endif
};

#ifdef ECACHE_HAVE_WQ_BH

static inline void ecache_bh_work(struct work_struct *work)
{
	struct ecache_bh *bh = container_of(work, struct ecache_bh, work);

	bh->func(bh);
}

static inline void ecache_bh_init(struct ecache_bh *bh, void (*func)(struct ecache_bh *bh))
{
	bh->func = func;
	INIT_WORK(&bh->work, ecache_bh_work);
}

static inline struct workqueue_struct *ecache_bh_create(void)
{
	return alloc_workqueue("ecache_bh", WQ_BH | WQ_HIGHPRI | ECACHE_WQ_PERCPU, 0);
}

static inline void ecache_bh_schedule(struct workqueue_struct *wq, struct ecache_bh *bh)
{
	queue_work(wq, &bh->work);
}

static inline void ecache_bh_kill(struct ecache_bh *bh)
{
	cancel_work_sync(&bh->work);
}

static inline void ecache_bh_destroy(struct workqueue_struct *wq)
{
	destroy_workqueue(wq);
}

#else

static inline void ecache_bh_tasklet(struct tasklet_struct *tasklet)
{
	struct ecache_bh *bh = container_of(tasklet, struct ecache_bh, tasklet);

	bh->func(bh);
}

static inline void ecache_bh_init(struct ecache_bh *bh, void (*func)(struct ecache_bh *bh))
{
	bh->func = func;
	tasklet_setup(&bh->tasklet, ecache_bh_tasklet);
}

/* Any address that is not NULL: the caller only tests it. */
static inline struct workqueue_struct *ecache_bh_create(void)
{
	return system_wq;
}

static inline void ecache_bh_schedule(struct workqueue_struct *wq, struct ecache_bh *bh)
{
	tasklet_hi_schedule(&bh->tasklet);
}

static inline void ecache_bh_kill(struct ecache_bh *bh)
{
	tasklet_kill(&bh->tasklet);
}

static inline void ecache_bh_destroy(struct workqueue_struct *wq)
{
}

#endif /* ECACHE_HAVE_WQ_BH */

/* Key types of modules that may be absent: NULL where we cannot link to them. */
#if IS_REACHABLE(CONFIG_ENCRYPTED_KEYS)
#include <keys/encrypted-type.h>
#define ECACHE_KEY_TYPE_ENCRYPTED	(&key_type_encrypted)
#else
#define ECACHE_KEY_TYPE_ENCRYPTED	NULL
struct encrypted_key_payload {
	unsigned short decrypted_datalen;
	u8 *decrypted_data;
};
#endif

#if IS_REACHABLE(CONFIG_TRUSTED_KEYS)
#include <keys/trusted-type.h>
#define ECACHE_KEY_TYPE_TRUSTED		(&key_type_trusted)
#else
#define ECACHE_KEY_TYPE_TRUSTED		NULL
struct trusted_key_payload {
	unsigned int key_len;
	unsigned char *key;
};
#endif

#endif
