// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping: which bios pass, and how. The bio that dm hands us is the only bio: it goes to
 * the disk itself, with its end_io hooked and, for a write, its bvecs pointing at
 * ciphertext. There is no thread, no queue and no second bio.
 */
#include <linux/blkdev.h>
#include <linux/blk-crypto.h>
#include <linux/blk-integrity.h>

#include "dm-ecache.h"

static int map_fail(struct ecache_target *et)
{
	ecache_count(et->vol, errors, 1);
	/* dm frees the clone and never calls its end_io: nothing of ours may hang on it. */
	return DM_MAPIO_KILL;
}

static unsigned int max_write_sectors(void)
{
	return min_t(unsigned int, ECACHE_MAX_WRITE_PAGES << (PAGE_SHIFT - SECTOR_SHIFT), SZ_1M >> SECTOR_SHIFT);
}

/*
 * Sizes and tags that the constructor's limits exclude; a bio that has them all the same
 * must not reach the disk.
 */
static bool bio_is_acceptable(const struct ecache_target *et, struct bio *bio)
{
	const struct dm_target *ti = et->ti;
	sector_t offset = bio->bi_iter.bi_sector - ti->begin;

	if (WARN_ON_ONCE(bio_has_crypt_ctx(bio) || bio_integrity(bio)))
		return false;
	return !((offset | bio_sectors(bio)) & et->sector_mask) &&
	       !(bio->bi_iter.bi_size & (SECTOR_SIZE - 1));
}

static int map_read(struct ecache_target *et, struct bio *bio, struct ecache_io *io)
{
	bio->bi_iter.bi_sector = et->start + dm_target_offset(et->ti, bio->bi_iter.bi_sector);
	ecache_read_hook(io, bio);
	return DM_MAPIO_REMAPPED;
}

static int encrypt_bio(struct ecache_target *et, struct bio *bio, struct ecache_io *io, u64 sector)
{
	struct ecache_cursor cur = {
		.src = bio->bi_io_vec,
		.src_iter = bio->bi_iter,
		.dst = io->vec,
		.dst_iter = { .bi_size = bio->bi_iter.bi_size },
		.sector = sector,
		.encrypt = true,
	};

	/* A NOWAIT bio may be mapped inside dm's RCU section. */
	return ecache_transform(et, &cur, bio->bi_iter.bi_size, io->epoch, !(bio->bi_opf & REQ_NOWAIT));
}

static int map_write(struct ecache_target *et, struct bio *bio, struct ecache_io *io)
{
	const bool nowait = bio->bi_opf & REQ_NOWAIT;
	u64 sector;
	int r;

	/* First of all, since it changes the bio's size. dm may not cut an atomic write. */
	if (bio_sectors(bio) > max_write_sectors()) {
		if (bio->bi_opf & REQ_ATOMIC)
			return map_fail(et);
		dm_accept_partial_bio(bio, max_write_sectors());
	}
	sector = dm_target_offset(et->ti, bio->bi_iter.bi_sector);

	r = ecache_bounce_get(&et->vol->bounce, io, bio->bi_iter.bi_size, nowait);
	if (r) {
		/* Only a NOWAIT bio can miss. It is not hooked yet. */
		bio_wouldblock_error(bio);
		return DM_MAPIO_SUBMITTED;
	}
	if (encrypt_bio(et, bio, io, et->iv_offset + sector)) {
		ecache_bounce_put(&et->vol->bounce, io);
		return map_fail(et);
	}
	bio->bi_iter.bi_sector = et->start + sector;
	ecache_write_hook(io, bio);
	return DM_MAPIO_REMAPPED;
}

/**
 * ecache_map - dm's map
 * @ti: the target
 * @bio: the clone, ours until it is remapped
 *
 * Return: DM_MAPIO_REMAPPED; DM_MAPIO_KILL without a key or for a bio that cannot be;
 * DM_MAPIO_SUBMITTED for a NOWAIT bio that would have to wait.
 */
int ecache_map(struct dm_target *ti, struct bio *bio)
{
	struct ecache_target *et = ti->private;
	struct ecache_io *io;
	u64 epoch;

	bio_set_dev(bio, et->dev->bdev);

	/* Empty flushes pass in every state: they show and change nothing. */
	if (!bio_sectors(bio))
		return DM_MAPIO_REMAPPED;

	epoch = ecache_volume_epoch(et->vol);
	if (unlikely(!epoch || !bio_is_acceptable(et, bio)))
		return map_fail(et);

	if (!bio_has_data(bio)) {
		if (bio_op(bio) != REQ_OP_DISCARD)
			return map_fail(et);
		bio->bi_iter.bi_sector = et->start + dm_target_offset(ti, bio->bi_iter.bi_sector);
		return DM_MAPIO_REMAPPED;
	}

	io = dm_per_bio_data(bio, sizeof(*io));
	io->et = et;
	io->epoch = epoch;
	switch (bio_op(bio)) {
	case REQ_OP_READ:
		return map_read(et, bio, io);
	case REQ_OP_WRITE:
		return map_write(et, bio, io);
	default:
		return map_fail(et);
	}
}
