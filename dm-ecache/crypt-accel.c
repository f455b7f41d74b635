// SPDX-License-Identifier: GPL-2.0
/*
 * The accel engine: asynchronous skciphers, named by driver.
 *
 * An accelerator touches our pages only. A read's ciphertext arrives in private pages and is
 * decrypted into a second private set, then copied; a write's plaintext is copied first. So
 * the input of a request is there, untouched, until it succeeded, and whatever a device does
 * late it does to pages that are nobody else's.
 *
 * A bio is one batch: one work item, which keeps a window of requests with the device and
 * sleeps for the rest. Rejected: a state machine in the completion. It would save the work
 * item, but the window, the backlog, the watchdog and the handing over to cpu each need a place
 * that may wait, and completions come in any context.
 *
 * A request that hangs cannot be cancelled. Its batch is then put into quarantine: pages,
 * requests, the key (with it the volume's memory) and the module stay until the last callback
 * came. The volume is demoted, which is told, and cpu redoes this bio and does all later ones.
 */
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "accel.h"
#include "trace.h"

#define ACCEL_MAX_BYTES	(128 * 1024)	/* of a bio: two private sets of pages each */

/* Between private pages and a bio's, in the order of the data. */
static void copy_data(const struct bio_vec *to, struct bvec_iter to_iter, const struct bio_vec *from,
		      struct bvec_iter from_iter)
{
	struct bio_vec src, dst;
	unsigned int len;
	u8 *page;

	while (from_iter.bi_size) {
		src = bvec_iter_bvec(from, from_iter);
		dst = bvec_iter_bvec(to, to_iter);
		len = min(src.bv_len, dst.bv_len);
		page = kmap_local_page(src.bv_page);
		memcpy_to_page(dst.bv_page, dst.bv_offset, page + src.bv_offset, len);
		kunmap_local(page);
		bvec_iter_advance(from, &from_iter, len);
		bvec_iter_advance(to, &to_iter, len);
	}
}

static struct bvec_iter whole(unsigned int bytes)
{
	return (struct bvec_iter){ .bi_size = bytes };
}

static void demote(struct ecache_batch *batch)
{
	struct ecache_volume *vol = batch->vol;

	trace_ecache_accel_demote(vol->devt, vol->identity.driver, ecache_batch_pending(batch));
	if (xchg(&vol->demoted, true))
		return;
	atomic_inc(&vol->demotions);
	DMWARN("%u:%u: %s did not answer for %u ms: its work is cpu's from now on; until it answers the key stays where it can reach it",
	       MAJOR(vol->devt), MINOR(vol->devt), vol->identity.driver, ecache_accel_timeout_ms());
	ecache_event(vol);
}

static void finish_read(struct ecache_batch *batch, int error)
{
	struct ecache_io *io = batch->io;
	struct bio *bio = ecache_io_bio(io);
	unsigned int bytes = io->iter.bi_size;

	if (error) {
		/* As after any disk's read: the ciphertext in the bio's own pages. */
		copy_data(bio->bi_io_vec, io->iter, batch->in.vec, whole(bytes));
		ecache_batch_leave(batch);
		ecache_count(io->et->vol, redone, 1);
		ecache_read_finish(io);
		return;
	}
	/* Not under another key, nor after it: what was decrypted is not handed out. */
	if (ecache_volume_epoch(io->et->vol) == io->epoch)
		copy_data(bio->bi_io_vec, io->iter, batch->out.vec, whole(bytes));
	else
		bio->bi_status = BLK_STS_IOERR;
	ecache_batch_leave(batch);
	ecache_count(io->et->vol, accel, 1);
	ecache_io_end(io, bio);
}

/* The ciphertext by cpu, into pages that no accelerator ever saw. */
static blk_status_t redo_write(struct ecache_batch *batch, struct ecache_bounce *bounce, u64 sector)
{
	struct ecache_io *io = batch->io;
	struct ecache_volume *vol = io->et->vol;
	unsigned int bytes = io->iter.bi_size;
	struct ecache_cursor cur = { .src = batch->in.vec, .src_iter = whole(bytes), .dst_iter = whole(bytes),
				     .sector = sector, .encrypt = true };
	blk_status_t status;

	ecache_bounce_get(vol, &vol->bounce, bounce, bytes, false);
	cur.dst = bounce->vec;
	status = ecache_transform(io->et, &cur, bytes, io->epoch, true);
	if (status)
		ecache_bounce_put(bounce);
	ecache_count(vol, redone, 1);
	return status;
}

static void finish_write(struct ecache_batch *batch, int error, u64 sector)
{
	struct ecache_io *io = batch->io;
	struct bio *bio = ecache_io_bio(io);
	struct ecache_bounce bounce;
	blk_status_t status = BLK_STS_OK;

	if (error) {
		status = redo_write(batch, &bounce, sector);
	} else {
		ecache_bounce_move(&bounce, &batch->out);
		ecache_count(io->et->vol, accel, 1);
	}
	ecache_batch_leave(batch);
	if (status) {
		bio->bi_status = status;
		ecache_io_end(io, bio);
		return;
	}
	/* From here on as if cpu had encrypted it in map. */
	ecache_bounce_move(&io->bounce, &bounce);
	bio->bi_iter.bi_sector = io->iter.bi_sector;
	ecache_write_hook(io, bio);
	dm_submit_bio_remap(bio, NULL);
}

static void batch_work(struct work_struct *work)
{
	struct ecache_batch *batch = container_of(work, struct ecache_batch, work);
	struct ecache_io *io = batch->io;
	struct ecache_target *et = io->et;
	struct bio *bio = ecache_io_bio(io);
	const bool write = bio_data_dir(bio) == WRITE;
	u64 sector = et->iv_offset + (io->iter.bi_sector - et->start);
	int error;

	batch->key = ecache_key_hold(et->vol, io->epoch);
	if (!batch->key) {
		ecache_batch_free(batch);
		bio->bi_status = BLK_STS_IOERR;
		ecache_io_end(io, bio);
		return;
	}
	error = READ_ONCE(et->vol->demoted) ? -ENODEV : ecache_batch_run(batch, sector, io->iter.bi_size, write);
	if (error == -ETIMEDOUT)
		demote(batch);
	if (write)
		finish_write(batch, error, sector);
	else
		finish_read(batch, error);
}

static void accel_read_endio(struct bio *bio)
{
	struct ecache_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct ecache_batch *batch = io->batch;

	bio->bi_io_vec = batch->orig_vec;
	bio->bi_iter = io->iter;
	bio->bi_end_io = io->end_io;
	if (unlikely(bio->bi_status)) {
		ecache_batch_free(batch);
		ecache_io_end(io, bio);
		return;
	}
	io->decrypted = ECACHE_LATER;
	ecache_batch_queue(batch);
}

static int accel_map(struct ecache_target *et, struct bio *bio, struct ecache_io *io)
{
	unsigned int bytes = bio->bi_iter.bi_size;
	struct ecache_batch *batch;

	if (READ_ONCE(et->vol->demoted))
		return ecache_cpu_map(et, bio, io);
	if (bio->bi_opf & REQ_NOWAIT) {
		ecache_count(et->vol, wouldblock, 1);
		bio_wouldblock_error(bio);
		return DM_MAPIO_SUBMITTED;
	}
	/* What follows the disk is no polling's business. */
	bio_clear_polled(bio);
	batch = ecache_batch_alloc(io, bytes, batch_work);
	io->batch = batch;
	io->end_io = bio->bi_end_io;
	if (bio_data_dir(bio) == WRITE) {
		copy_data(batch->in.vec, whole(bytes), bio->bi_io_vec, bio->bi_iter);
		io->iter = bio->bi_iter;
		io->iter.bi_sector = et->start + dm_target_offset(et->ti, bio->bi_iter.bi_sector);
		ecache_batch_queue(batch);
		return DM_MAPIO_SUBMITTED;
	}
	bio->bi_iter.bi_sector = et->start + dm_target_offset(et->ti, bio->bi_iter.bi_sector);
	io->iter = bio->bi_iter;
	batch->orig_vec = bio->bi_io_vec;
	bio->bi_io_vec = batch->in.vec;
	ecache_iter_rewind_to_vec(&bio->bi_iter);
	ecache_bio_clear_gap(bio);
	bio->bi_end_io = accel_read_endio;
	return DM_MAPIO_REMAPPED;
}

/*
 * By its driver name. The mask is empty on purpose: who names a driver may have one that
 * allocates per request; a volume for swap should not. Drivers behind crypto/simd.c are
 * internal, and so is a cryptd over one.
 */
static struct crypto_skcipher *alloc_driver(const struct ecache_volume *vol)
{
	struct crypto_skcipher *tfm = crypto_alloc_skcipher(vol->identity.driver, 0, 0);

	if (PTR_ERR_OR_ZERO(tfm) == -ENOENT)
		tfm = crypto_alloc_skcipher(vol->identity.driver, CRYPTO_ALG_INTERNAL, CRYPTO_ALG_INTERNAL);
	return tfm;
}

/* The driver that was found is of this name, and the one for this cipher. */
static bool driver_fits(const struct ecache_volume *vol, struct crypto_skcipher *tfm)
{
	const struct ecache_cipher *cipher = vol->identity.cipher;
	const char *alg = crypto_tfm_alg_name(crypto_skcipher_tfm(tfm));

	if (strcmp(crypto_tfm_alg_driver_name(crypto_skcipher_tfm(tfm)), vol->identity.driver))
		return false;
	return !strcmp(alg, cipher->alg) || (cipher->inner && !strcmp(alg, cipher->inner));
}

static int accel_volume_init(struct ecache_volume *vol, char **error)
{
	struct ecache_accel *accel;
	int r;

	accel = kzalloc_obj(*accel);
	if (!accel)
		return -ENOMEM;
	accel->unkeyed = alloc_driver(vol);
	if (IS_ERR(accel->unkeyed)) {
		*error = "No such crypto driver (driver:NAME, as in /proc/crypto; is its module loaded?)";
		r = PTR_ERR(accel->unkeyed);
		goto err_free;
	}
	r = -EINVAL;
	if (!driver_fits(vol, accel->unkeyed)) {
		*error = "The driver is for another cipher, or NAME is an algorithm and not a driver";
		goto err_tfm;
	}
	r = ecache_batch_pool_init(accel, crypto_skcipher_reqsize(accel->unkeyed));
	if (r)
		goto err_tfm;
	vol->engine = accel;
	return 0;

err_tfm:
	crypto_free_skcipher(accel->unkeyed);
err_free:
	kfree(accel);
	return r;
}

static void accel_volume_exit(struct ecache_volume *vol)
{
	struct ecache_accel *accel = vol->engine;

	ecache_batch_pool_exit(accel);
	crypto_free_skcipher(accel->unkeyed);
	kfree(accel);
}

static int accel_key_init(struct ecache_volume *vol, struct ecache_key *key, const u8 *raw, const char **why)
{
	struct crypto_skcipher *tfm = alloc_driver(vol);
	int r;

	if (IS_ERR(tfm)) {
		*why = "the accelerator's driver is gone";
		return PTR_ERR(tfm);
	}
	crypto_skcipher_set_flags(tfm, CRYPTO_TFM_REQ_FORBID_WEAK_KEYS);
	r = crypto_skcipher_setkey(tfm, raw, vol->identity.key_size);
	if (r) {
		*why = "the accelerator refuses the key";
		crypto_free_skcipher(tfm);
		return r;
	}
	key->engine = tfm;
	/* It gave everything back: another try. */
	if (!atomic_read(&vol->quarantined))
		WRITE_ONCE(vol->demoted, false);
	return 0;
}

static void accel_key_exit(struct ecache_key *key)
{
	crypto_free_skcipher(key->engine);
}

static const char *accel_driver(struct ecache_volume *vol)
{
	return vol->identity.driver;
}

const struct ecache_engine ecache_engine_accel = {
	.name = "accel",
	.outlives = true,
	.owns_bios = true,
	.max_bytes = { ACCEL_MAX_BYTES, ACCEL_MAX_BYTES },
	.volume_init = accel_volume_init,
	.volume_exit = accel_volume_exit,
	.key_init = accel_key_init,
	.key_exit = accel_key_exit,
	.driver = accel_driver,
	.map = accel_map,
};
