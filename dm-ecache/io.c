// SPDX-License-Identifier: GPL-2.0
/*
 * From the hook to the end of a bio.
 *
 * Rules that hold for every kernel this builds on: the iterator is saved after remapping
 * and cutting; bi_private, bi_vcnt and bi_max_vecs are left alone (a dm device below parks
 * its poll list in bi_private); end_io is hooked last and put back before the bio goes on;
 * nothing of ours is touched after bio_endio(), which may free it; a completed bio is never
 * submitted again.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "dm-ecache.h"

/**
 * ecache_transform - encrypt or decrypt the data of a bio under the key it began with
 * @et: the target
 * @cur: where
 * @bytes: how much, a multiple of the sector size
 * @epoch: of the key with which the bio began
 * @may_resched: the caller may sleep between two holds of the key
 *
 * The key is held while bytes are transformed, in pieces, and looked up anew for each: a
 * wipe waits for one piece at most, and a bio that was under way when the key went, or
 * finds another one, fails as a whole.
 *
 * Return: BLK_STS_OK or BLK_STS_IOERR.
 */
blk_status_t ecache_transform(struct ecache_target *et, struct ecache_cursor *cur, unsigned int bytes, u64 epoch,
			      bool may_resched)
{
	struct ecache_volume *vol = et->vol;
	struct ecache_key *key;
	unsigned int piece;
	int r;

	while (bytes) {
		piece = min_t(unsigned int, bytes, ECACHE_KEY_HOLD_BYTES);
		rcu_read_lock();
		key = rcu_dereference(vol->key);
		if (unlikely(!key || key->epoch != epoch)) {
			rcu_read_unlock();
			return BLK_STS_IOERR;
		}
		r = ecache_cpu_crypt(et, key->tfm, cur, piece);
		if (unlikely(rcu_access_pointer(vol->key) != key))
			r = -EKEYREVOKED;
		rcu_read_unlock();
		if (unlikely(r))
			return BLK_STS_IOERR;
		bytes -= piece;
		if (bytes && may_resched)
			cond_resched();
	}
	return BLK_STS_OK;
}

/**
 * ecache_read_finish - decrypt in place and end the bio
 * @io: ours; gone when this returns
 */
void ecache_read_finish(struct ecache_io *io)
{
	struct bio *bio = ecache_io_bio(io);
	struct ecache_target *et = io->et;
	unsigned int bytes = io->iter.bi_size;
	struct ecache_cursor cur = {
		.src = bio->bi_io_vec,
		.src_iter = io->iter,
		.sector = et->iv_offset + (io->iter.bi_sector - et->start),
	};

	/*
	 * Never cond_resched() here: a polled completion runs inside its poller's RCU
	 * section.
	 */
	bio->bi_status = ecache_transform(et, &cur, bytes, io->epoch, false);
	if (likely(!bio->bi_status)) {
		ecache_count(et->vol, reads, 1);
		ecache_count(et->vol, read_sectors, bytes >> SECTOR_SHIFT);
	} else {
		ecache_count(et->vol, errors, 1);
	}
	bio_endio(bio);
}

static void read_endio(struct bio *bio)
{
	struct ecache_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct ecache_volume *vol = io->et->vol;

	bio->bi_end_io = io->end_io;
	if (unlikely(bio->bi_status)) {
		ecache_count(vol, errors, 1);
		bio_endio(bio);
		return;
	}
	if (likely(ecache_cpu_usable_here())) {
		ecache_count(vol, inline_reads, 1);
		ecache_read_finish(io);
		return;
	}
	ecache_count(vol, deferred_reads, 1);
	ecache_defer_read(io);
}

/**
 * ecache_read_hook - remember what the completion needs and take the completion over
 * @io: with et and epoch set
 * @bio: remapped
 */
void ecache_read_hook(struct ecache_io *io, struct bio *bio)
{
	io->iter = bio->bi_iter;
	io->end_io = bio->bi_end_io;
	bio->bi_end_io = read_endio;
}

static void write_endio(struct bio *bio)
{
	struct ecache_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct ecache_volume *vol = io->et->vol;

	bio->bi_io_vec = io->orig_vec;
	bio->bi_iter = io->iter;
	bio->bi_end_io = io->end_io;
	ecache_bounce_put(&vol->bounce, io);
	/* A write reports what the disk said, whatever became of the key. */
	if (likely(!bio->bi_status)) {
		ecache_count(vol, writes, 1);
		ecache_count(vol, write_sectors, bio_sectors(bio));
	} else {
		ecache_count(vol, errors, 1);
	}
	bio_endio(bio);
}

/**
 * ecache_write_hook - put the ciphertext in the plaintext's place and take the completion over
 * @io: with its bounce pages filled
 * @bio: remapped
 */
void ecache_write_hook(struct ecache_io *io, struct bio *bio)
{
	io->iter = bio->bi_iter;
	io->orig_vec = bio->bi_io_vec;
	io->end_io = bio->bi_end_io;

	bio->bi_io_vec = io->vec;
	ecache_iter_rewind_to_vec(&bio->bi_iter);
	ecache_bio_clear_gap(bio);
	bio->bi_end_io = write_endio;
}
