// SPDX-License-Identifier: GPL-2.0
/*
 * From the hook to the end of a bio, with the cpu engine.
 *
 * Rules that hold for every kernel this builds on: the iterator is saved after remapping
 * and cutting; bi_private, bi_vcnt and bi_max_vecs are left alone (a dm device below parks
 * its poll list in bi_private); end_io is hooked last and put back before the bio goes on;
 * nothing of ours is touched after bio_endio(), which may free it; a completed bio is never
 * submitted again.
 */
#include "dm-ecache.h"
#include "trace.h"

/**
 * ecache_io_end - count and end a bio whose bi_end_io and data are its own again
 * @io: ours; gone when this returns, with all that hung on it put back before
 * @bio: its status says how it went
 */
void ecache_io_end(struct ecache_io *io, struct bio *bio)
{
	struct ecache_volume *vol = io->et->vol;
	bool write = bio_data_dir(bio) == WRITE;
	unsigned int sectors = io->iter.bi_size >> SECTOR_SHIFT;

	if (unlikely(bio->bi_status)) {
		/* What the disk would have to wait for comes again; that is no error. */
		if (bio->bi_status == BLK_STS_AGAIN)
			ecache_count(vol, wouldblock, 1);
		else
			ecache_count(vol, errors, 1);
	} else if (write) {
		ecache_count(vol, writes, 1);
		ecache_count(vol, write_sectors, sectors);
	} else {
		if (likely(io->decrypted == ECACHE_IN_COMPLETION))
			ecache_count(vol, inline_reads, 1);
		else if (io->decrypted == ECACHE_LATER)
			ecache_count(vol, deferred_reads, 1);
		else
			ecache_count(vol, reads, 1);
		ecache_count(vol, read_sectors, sectors);
	}
	if (unlikely(io->start_ns))
		ecache_stats_latency(vol, write, io->start_ns);
	trace_ecache_io_done(vol->devt, bio, &io->iter);
	bio_endio(bio);
}

static void fork_done(struct ecache_fork *fork)
{
	struct ecache_io *io = container_of(fork, struct ecache_io, fork);
	struct bio *bio = ecache_io_bio(io);

	bio->bi_status = fork->error ? BLK_STS_IOERR : BLK_STS_OK;
	ecache_io_end(io, bio);
}

/* Spares small bios the call. */
static bool is_spread(unsigned int bytes)
{
	return unlikely(bytes > ECACHE_KEY_HOLD_BYTES) && ecache_parallel_wanted(bytes);
}

static __always_inline void read_finish(struct ecache_io *io, struct bio *bio)
{
	struct ecache_target *et = io->et;
	unsigned int bytes = io->iter.bi_size;
	struct ecache_cursor cur = {
		.src = bio->bi_io_vec,
		.src_iter = io->iter,
		.sector = et->iv_offset + (io->iter.bi_sector - et->start),
	};

	if (is_spread(bytes)) {
		io->fork = (struct ecache_fork){ .et = et, .cur = cur, .epoch = io->epoch, .bytes = bytes,
						 .done = fork_done };
		/* Does not wait: whoever comes last ends the bio. */
		ecache_fork_start(&io->fork);
		return;
	}
	/*
	 * Never cond_resched() here: a polled completion runs inside its poller's RCU
	 * section.
	 */
	bio->bi_status = ecache_transform(et, &cur, bytes, io->epoch, false);
	ecache_io_end(io, bio);
}

/**
 * ecache_read_finish - decrypt in place and end the bio
 * @io: ours; gone when this returns, or a little later when helpers are still at it
 */
void ecache_read_finish(struct ecache_io *io)
{
	read_finish(io, ecache_io_bio(io));
}

static void read_endio(struct bio *bio)
{
	struct ecache_io *io = dm_per_bio_data(bio, sizeof(*io));

	bio->bi_end_io = io->end_io;
	if (unlikely(bio->bi_status)) {
		ecache_io_end(io, bio);
		return;
	}
	if (likely(ecache_cpu_usable_here())) {
		io->decrypted = ECACHE_IN_COMPLETION;
		read_finish(io, bio);
		return;
	}
	io->decrypted = ECACHE_LATER;
	ecache_defer_read(io);
}

static int map_read(struct ecache_target *et, struct bio *bio, struct ecache_io *io)
{
	bio->bi_iter.bi_sector = et->start + dm_target_offset(et->ti, bio->bi_iter.bi_sector);
	io->iter = bio->bi_iter;
	io->end_io = bio->bi_end_io;
	bio->bi_end_io = read_endio;
	return DM_MAPIO_REMAPPED;
}

static void write_endio(struct bio *bio)
{
	struct ecache_io *io = dm_per_bio_data(bio, sizeof(*io));

	bio->bi_io_vec = io->orig_vec;
	bio->bi_iter = io->iter;
	bio->bi_end_io = io->end_io;
	ecache_bounce_put(&io->bounce);
	/* A write reports what the disk said, whatever became of the key. */
	ecache_io_end(io, bio);
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

	bio->bi_io_vec = io->bounce.vec;
	ecache_iter_rewind_to_vec(&bio->bi_iter);
	ecache_bio_clear_gap(bio);
	bio->bi_end_io = write_endio;
}

/* Out of line: the stack that it needs is for large bios only. */
static noinline blk_status_t encrypt_parallel(struct ecache_target *et, const struct ecache_cursor *cur,
					      unsigned int bytes, u64 epoch)
{
	struct ecache_fork fork = { .et = et, .cur = *cur, .epoch = epoch, .bytes = bytes };

	return ecache_fork_join(&fork) ? BLK_STS_IOERR : BLK_STS_OK;
}

static blk_status_t encrypt_bio(struct ecache_target *et, struct bio *bio, struct ecache_io *io, u64 sector)
{
	const bool nowait = bio->bi_opf & REQ_NOWAIT;
	unsigned int bytes = bio->bi_iter.bi_size;
	struct ecache_cursor cur = {
		.src = bio->bi_io_vec,
		.src_iter = bio->bi_iter,
		.dst = io->bounce.vec,
		.dst_iter = { .bi_size = bytes },
		.sector = sector,
		.encrypt = true,
	};

	/* A NOWAIT bio may be mapped inside dm's RCU section: no waiting for helpers there. */
	if (!nowait && is_spread(bytes))
		return encrypt_parallel(et, &cur, bytes, io->epoch);
	return ecache_transform(et, &cur, bytes, io->epoch, !nowait);
}

static int map_write(struct ecache_target *et, struct bio *bio, struct ecache_io *io)
{
	sector_t sector = dm_target_offset(et->ti, bio->bi_iter.bi_sector);
	struct ecache_volume *vol = et->vol;

	if (ecache_bounce_get(vol, &vol->bounce, &io->bounce, bio->bi_iter.bi_size, bio->bi_opf & REQ_NOWAIT)) {
		/* Only a NOWAIT bio can miss. It is not hooked yet. */
		ecache_count(vol, wouldblock, 1);
		bio_wouldblock_error(bio);
		return DM_MAPIO_SUBMITTED;
	}
	if (encrypt_bio(et, bio, io, et->iv_offset + sector)) {
		ecache_bounce_put(&io->bounce);
		ecache_count(vol, errors, 1);
		return DM_MAPIO_KILL;
	}
	bio->bi_iter.bi_sector = et->start + sector;
	ecache_write_hook(io, bio);
	return DM_MAPIO_REMAPPED;
}

/**
 * ecache_cpu_map - the cpu engine's part of map
 * @et: the target
 * @bio: a read or write with data, cut
 * @io: with et, epoch and start_ns set
 *
 * Return: DM_MAPIO_REMAPPED, or KILL or SUBMITTED as ecache_map() says.
 */
int ecache_cpu_map(struct ecache_target *et, struct bio *bio, struct ecache_io *io)
{
	return bio_data_dir(bio) == WRITE ? map_write(et, bio, io) : map_read(et, bio, io);
}
