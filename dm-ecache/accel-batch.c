// SPDX-License-Identifier: GPL-2.0
/*
 * A bio's way through an accelerator: a window of requests, the driver's backlog, the watchdog,
 * and the quarantine of what does not come back.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "accel.h"
#include "fault.h"

/* Batches in reserve for each volume. */
#define ACCEL_RESERVE	4

/* Not static: the tests cannot wait for 5 s. */
unsigned int ecache_accel_timeout_param = 5000;
module_param_named(accel_timeout_ms, ecache_accel_timeout_param, uint, 0644);
MODULE_PARM_DESC(accel_timeout_ms, "An accelerator that ends no request for so long is out of work (default 5000, minimum 10)");

static struct workqueue_struct *ecache_accel_wq;

int ecache_accel_init(void)
{
	/* MEM_RECLAIM: writes that free memory go through here, and swapped-out pages come back. */
	ecache_accel_wq = alloc_workqueue("ecache_accel", WQ_UNBOUND | WQ_MEM_RECLAIM, ECACHE_ACCEL_BATCHES);
	return ecache_accel_wq ? 0 : -ENOMEM;
}

/* No batch is left: each holds the module. What may still run are the tails of callbacks. */
void ecache_accel_exit(void)
{
	destroy_workqueue(ecache_accel_wq);
	synchronize_rcu();
}

/**
 * ecache_batch_pool_init - batches for a volume
 * @accel: the engine's part of it
 * @request_size: bytes that the driver wants behind each request
 *
 * Return: 0 or -ENOMEM.
 */
int ecache_batch_pool_init(struct ecache_accel *accel, unsigned int request_size)
{
	int r;

	accel->stride = ALIGN(sizeof(struct ecache_accel_request) + request_size,
			      __alignof__(struct ecache_accel_request));
	r = ecache_bounce_init(&accel->in);
	if (r)
		return r;
	r = ecache_bounce_init(&accel->out);
	if (r)
		goto err_in;
	/* Only of a power of two does kmalloc() promise the alignment. */
	r = mempool_init_kmalloc_pool(&accel->batches, ACCEL_RESERVE,
				      roundup_pow_of_two(sizeof(struct ecache_batch) +
							 ECACHE_ACCEL_WINDOW * accel->stride));
	if (r)
		goto err_out;
	return 0;

err_out:
	ecache_bounce_exit(&accel->out);
err_in:
	ecache_bounce_exit(&accel->in);
	return r;
}

/**
 * ecache_batch_pool_exit - no batch is left, not even in quarantine
 * @accel: initialised
 */
void ecache_batch_pool_exit(struct ecache_accel *accel)
{
	mempool_exit(&accel->batches);
	ecache_bounce_exit(&accel->out);
	ecache_bounce_exit(&accel->in);
}

static struct ecache_accel_request *request_at(struct ecache_batch *batch, unsigned int slot)
{
	const struct ecache_accel *accel = batch->vol->engine;

	return (struct ecache_accel_request *)(batch->requests + slot * accel->stride);
}

/**
 * ecache_batch_free - give pages and batch back; the device has none of its requests
 * @batch: of ecache_batch_alloc()
 *
 * Called in any context.
 */
void ecache_batch_free(struct ecache_batch *batch)
{
	struct ecache_accel *accel = batch->vol->engine;

	ecache_bounce_put(&batch->out);
	ecache_bounce_put(&batch->in);
	mempool_free(batch, &accel->batches);
}

/* The device gave back the last request of a batch that nobody waits for. */
static void late_work(struct work_struct *work)
{
	struct ecache_batch *batch = container_of(work, struct ecache_batch, late);
	struct ecache_volume *vol = batch->vol;
	struct ecache_key *key = batch->key;

	ecache_batch_free(batch);
	atomic_dec(&vol->quarantined);
	/* May be the volume's last reference. */
	percpu_ref_put(&key->users);
	/* ecache_accel_exit() waits until we have returned. */
	module_put(THIS_MODULE);
}

ECACHE_CRYPTO_DONE(request_done)
{
	struct ecache_accel_request *rq = ecache_crypto_data(data);
	struct ecache_batch *batch = rq->batch;
	unsigned long flags;

	spin_lock_irqsave(&batch->lock, flags);
	if (error == -EINPROGRESS) {
		batch->backlog--;
	} else {
		__clear_bit(rq->slot, &batch->busy);
		if (error && !batch->error)
			batch->error = error;
		if (batch->abandoned && !batch->busy)
			queue_work(ecache_accel_wq, &batch->late);
	}
	wake_up(&batch->wait);
	spin_unlock_irqrestore(&batch->lock, flags);
}

/*
 * Takes a slot, if one is free and the driver's backlog lets us go on. After an error there is
 * no use in going on: then it is the one behind the last, and not waited for.
 */
static bool take_slot(struct ecache_batch *batch, unsigned int *slot)
{
	bool taken = true;

	spin_lock_irq(&batch->lock);
	*slot = ffz(batch->busy);
	if (batch->error)
		*slot = ECACHE_ACCEL_WINDOW;
	else if (batch->backlog <= 0 && *slot < ECACHE_ACCEL_WINDOW)
		__set_bit(*slot, &batch->busy);
	else
		taken = false;
	spin_unlock_irq(&batch->lock);
	return taken;
}

static bool all_done(struct ecache_batch *batch)
{
	bool done;

	spin_lock_irq(&batch->lock);
	done = !batch->busy;
	spin_unlock_irq(&batch->lock);
	return done;
}

/**
 * ecache_accel_timeout_ms - how long an accelerator may end no request
 *
 * Return: milliseconds.
 */
unsigned int ecache_accel_timeout_ms(void)
{
	return max(READ_ONCE(ecache_accel_timeout_param), 10U);
}

static long watchdog(void)
{
	return msecs_to_jiffies(ecache_accel_timeout_ms());
}

static void set_iv(const struct ecache_target *et, const struct ecache_key *key, u8 *to, u64 sector)
{
	__le64 iv[ECACHE_MAX_IV_SIZE / 8] = { cpu_to_le64(sector >> et->iv_shift) };

	if (key->essiv)
		ecache_essiv_iv(key->essiv, iv);
	memcpy(to, iv, sizeof(iv));
}

/* One crypto sector to the device. What it answers at once comes by request_done(), too. */
static void submit(struct ecache_batch *batch, struct ecache_accel_request *rq, unsigned int bytes, bool encrypt)
{
	int r;

	skcipher_request_set_tfm(&rq->req, batch->key->engine);
	skcipher_request_set_callback(&rq->req, CRYPTO_TFM_REQ_MAY_BACKLOG, request_done, rq);
	skcipher_request_set_crypt(&rq->req, &rq->src, &rq->dst, bytes, rq->iv);
	if (ecache_fault(ECACHE_FAULT_ACCEL))
		r = -EIO;
	else
		r = encrypt ? crypto_skcipher_encrypt(&rq->req) : crypto_skcipher_decrypt(&rq->req);

	spin_lock_irq(&batch->lock);
	if (r == -EBUSY) {
		/* Backlogged: the callback comes twice. A driver that lies here hangs. */
		batch->backlog++;
		ecache_count(batch->vol, backlog, 1);
	} else if (r != -EINPROGRESS) {
		__clear_bit(rq->slot, &batch->busy);
		if (r && !batch->error)
			batch->error = r;
	}
	spin_unlock_irq(&batch->lock);
}

static void set_sg(struct scatterlist *sg, const struct bio_vec *vec, struct bvec_iter it, unsigned int bytes)
{
	struct bio_vec bv = bvec_iter_bvec(vec, it);

	sg_init_table(sg, 1);
	sg_set_page(sg, bv.bv_page, bytes, bv.bv_offset);
}

/**
 * ecache_batch_run - all sectors of a batch through the device
 * @batch: with key and input
 * @sector: of the IV of the first, in 512-byte sectors
 * @bytes: a multiple of the sector size
 * @encrypt: or decrypt
 *
 * Sleeps, for at most the watchdog's time after the last sign of life.
 *
 * Return: 0; -ETIMEDOUT if the device has some of them still; or its error, after it gave all
 * back.
 */
int ecache_batch_run(struct ecache_batch *batch, u64 sector, unsigned int bytes, bool encrypt)
{
	struct bvec_iter in = { .bi_size = bytes }, out = { .bi_size = bytes };
	const struct ecache_target *et = batch->io->et;
	const unsigned int unit = et->sector_size;
	struct ecache_accel_request *rq;
	unsigned int slot = 0;

	for (; in.bi_size; sector += unit >> SECTOR_SHIFT) {
		if (!wait_event_timeout(batch->wait, take_slot(batch, &slot), watchdog()))
			return -ETIMEDOUT;
		if (slot == ECACHE_ACCEL_WINDOW)
			break;
		rq = request_at(batch, slot);
		rq->batch = batch;
		rq->slot = slot;
		set_sg(&rq->src, batch->in.vec, in, unit);
		set_sg(&rq->dst, batch->out.vec, out, unit);
		set_iv(et, batch->key, rq->iv, sector);
		submit(batch, rq, unit, encrypt);
		bvec_iter_advance(batch->in.vec, &in, unit);
		bvec_iter_advance(batch->out.vec, &out, unit);
	}
	if (!wait_event_timeout(batch->wait, all_done(batch), watchdog()))
		return -ETIMEDOUT;
	return batch->error;
}

/**
 * ecache_batch_pending - how many requests the device has
 * @batch: that ran
 *
 * Return: their number.
 */
unsigned int ecache_batch_pending(struct ecache_batch *batch)
{
	unsigned int pending;

	spin_lock_irq(&batch->lock);
	pending = hweight_long(batch->busy);
	spin_unlock_irq(&batch->lock);
	return pending;
}

/**
 * ecache_batch_leave - the end of a batch's way: back to the pool, or into quarantine
 * @batch: with key; whatever is still wanted of its pages was taken
 */
void ecache_batch_leave(struct ecache_batch *batch)
{
	struct ecache_volume *vol = batch->vol;
	struct ecache_key *key = batch->key;
	unsigned int pending;

	spin_lock_irq(&batch->lock);
	pending = hweight_long(batch->busy);
	if (pending) {
		/* Before the last callback can see it. */
		__module_get(THIS_MODULE);
		atomic_inc(&vol->quarantined);
		batch->abandoned = true;
	}
	spin_unlock_irq(&batch->lock);
	if (!pending) {
		ecache_batch_free(batch);
		percpu_ref_put(&key->users);
	}
}

/**
 * ecache_batch_alloc - a batch and its private pages
 * @io: with et set
 * @bytes: of the bio
 * @work: what ecache_batch_queue() runs
 *
 * Sleeps for its pages; each set from a pool of its own, so that nobody holds pages of the
 * pool that he waits for.
 *
 * Return: the batch, never NULL.
 */
struct ecache_batch *ecache_batch_alloc(struct ecache_io *io, unsigned int bytes, work_func_t work)
{
	struct ecache_volume *vol = io->et->vol;
	struct ecache_accel *accel = vol->engine;
	struct ecache_batch *batch = mempool_alloc(&accel->batches, GFP_NOIO);

	memset(batch, 0, sizeof(*batch));
	batch->io = io;
	batch->vol = vol;
	spin_lock_init(&batch->lock);
	init_waitqueue_head(&batch->wait);
	INIT_WORK(&batch->work, work);
	INIT_WORK(&batch->late, late_work);
	ecache_bounce_get(vol, &accel->in, &batch->in, bytes, false);
	ecache_bounce_get(vol, &accel->out, &batch->out, bytes, false);
	return batch;
}

/**
 * ecache_batch_queue - its work's turn
 * @batch: filled, or about to be read
 *
 * Called in any context.
 */
void ecache_batch_queue(struct ecache_batch *batch)
{
	queue_work(ecache_accel_wq, &batch->work);
}
