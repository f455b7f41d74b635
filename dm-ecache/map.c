// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping: which bios pass, and how. The bio that dm hands us is the only bio: with cpu it
 * goes to the disk itself, with its end_io hooked and, for a write, its bvecs pointing at
 * ciphertext. There is no thread, no queue and no second bio.
 */
#include <linux/blkdev.h>
#include <linux/blk-crypto.h>
#include <linux/blk-integrity.h>

#include "dm-ecache.h"
#include "trace.h"

static int map_fail(struct ecache_target *et)
{
	ecache_count(et->vol, errors, 1);
	/* dm frees the clone and never calls its end_io: nothing of ours may hang on it. */
	return DM_MAPIO_KILL;
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
	if ((offset | bio_sectors(bio)) & et->sector_mask || bio->bi_iter.bi_size & (SECTOR_SIZE - 1))
		return false;
	switch (bio_op(bio)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		return bio_has_data(bio);
	case REQ_OP_DISCARD:
		return true;
	default:
		return false;
	}
}

/* One bio in ECACHE_SAMPLE on each CPU is timed. A turn may be lost to an interrupt: raw, no more than an addition. */
static u64 start_time(struct ecache_volume *vol)
{
	if (likely((raw_cpu_inc_return(vol->stats->turn) - 1) & (ECACHE_SAMPLE - 1)))
		return 0;
	return ktime_get_ns();
}

static noinline int map_other_engine(struct ecache_target *et, struct bio *bio, struct ecache_io *io)
{
	return et->engine->map(et, bio, io);
}

/* map_checked - what is left to do for a bio that is cut and checked */
static __always_inline int map_checked(struct ecache_target *et, struct bio *bio)
{
	struct ecache_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct ecache_volume *vol = et->vol;

	io->epoch = ecache_volume_epoch(vol);
	if (unlikely(!io->epoch)) {
		if (ecache_hold(et, bio))
			return DM_MAPIO_SUBMITTED;
		io->epoch = ecache_volume_epoch(vol);
		if (!io->epoch)
			return ecache_hold_later(et, bio) ? DM_MAPIO_REQUEUE : map_fail(et);
	}
	if (unlikely(bio_op(bio) == REQ_OP_DISCARD)) {
		bio->bi_iter.bi_sector = et->start + dm_target_offset(et->ti, bio->bi_iter.bi_sector);
		return DM_MAPIO_REMAPPED;
	}
	io->et = et;
	io->start_ns = start_time(vol);
	trace_ecache_io_start(vol->devt, bio, io->epoch);
	/* Spares the usual case an indirect call. */
	if (likely(et->engine == &ecache_engine_cpu))
		return ecache_cpu_map(et, bio, io);
	return map_other_engine(et, bio, io);
}

/**
 * ecache_map_held - map a bio that was cut and checked, and waited for a key
 * @et: the live table
 * @bio: the clone, not hooked
 *
 * Return: as ecache_map().
 */
int ecache_map_held(struct ecache_target *et, struct bio *bio)
{
	return map_checked(et, bio);
}

/**
 * ecache_map - dm's map
 * @ti: the target
 * @bio: the clone, ours until it is remapped
 *
 * Return: DM_MAPIO_REMAPPED; DM_MAPIO_KILL without a key or for a bio that cannot be;
 * DM_MAPIO_REQUEUE for one that waits for a key on dm's side of a suspend;
 * DM_MAPIO_SUBMITTED for one that waits for a key, that an engine took, or that is NOWAIT and
 * would have to wait.
 */
int ecache_map(struct dm_target *ti, struct bio *bio)
{
	struct ecache_target *et = ti->private;
	unsigned int max;

	bio_set_dev(bio, et->dev->bdev);

	/* Empty flushes pass in every state: they show and change nothing. */
	if (!bio_sectors(bio))
		return DM_MAPIO_REMAPPED;
	if (unlikely(!bio_is_acceptable(et, bio)))
		return map_fail(et);

	/*
	 * Before anything else that looks at the size, and only here: dm allows it in map
	 * alone. It may not cut an atomic write; the limits keep those below.
	 */
	max = et->max_sectors[bio_data_dir(bio)];
	if (unlikely(bio_sectors(bio) > max) && bio_op(bio) != REQ_OP_DISCARD) {
		if (bio->bi_opf & REQ_ATOMIC)
			return map_fail(et);
		dm_accept_partial_bio(bio, max);
	}
	return map_checked(et, bio);
}
