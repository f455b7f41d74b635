// SPDX-License-Identifier: GPL-2.0
/*
 * queue_if_locked: bios that wait for a key instead of failing.
 *
 * The map step never sleeps for a key: it puts the bio on a list and the bio comes back through
 * the same step when a key is set. It is not held, or not any longer: once the volume is
 * revoked; past the table's time, from the first bio that waits, until the next key; while the
 * device suspends, for that waits for every bio; and ever, when the submitter would not wait
 * (NOWAIT) or does not care (readahead).
 */
#include <linux/bio.h>
#include <linux/jiffies.h>

#include "dm-ecache.h"

/*
 * MEM_RECLAIM: swapped-out pages may be among what waits. Not the keys' queue: a resubmitted
 * write can wait for the disk.
 */
static struct workqueue_struct *ecache_hold_wq;

int ecache_hold_setup(void)
{
	ecache_hold_wq = alloc_workqueue("ecache_hold", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return ecache_hold_wq ? 0 : -ENOMEM;
}

void ecache_hold_teardown(void)
{
	destroy_workqueue(ecache_hold_wq);
}

/* With @stop nothing is held from now on. */
static void take_held(struct ecache_target *et, struct bio_list *held, bool stop)
{
	unsigned long flags;

	bio_list_init(held);
	spin_lock_irqsave(&et->hold_lock, flags);
	bio_list_merge(held, &et->held);
	bio_list_init(&et->held);
	if (stop)
		et->holding = false;
	spin_unlock_irqrestore(&et->hold_lock, flags);
}

static void end_held(struct ecache_target *et, blk_status_t status, bool stop)
{
	struct bio_list held;
	struct bio *bio;

	take_held(et, &held, stop);
	while ((bio = bio_list_pop(&held)) != NULL) {
		bio->bi_status = status;
		bio_endio(bio);
	}
}

/**
 * ecache_hold - keep a bio that found no key
 * @et: the live table
 * @bio: cut and checked; not hooked
 *
 * Return: true if it is held. False: it fails, unless a key came meanwhile.
 */
bool ecache_hold(struct ecache_target *et, struct bio *bio)
{
	struct ecache_volume *vol = et->vol;
	unsigned long flags;
	bool hold;

	if (!et->queue_if_locked || (bio->bi_opf & (REQ_NOWAIT | REQ_RAHEAD)))
		return false;
	spin_lock_irqsave(&et->hold_lock, flags);
	/*
	 * Under the lock that resubmission and failure take after they changed the state: they
	 * find the bio, or we find the change.
	 */
	hold = et->holding && READ_ONCE(vol->next) != ECACHE_REVOKED && !ecache_volume_epoch(vol);
	if (hold) {
		if (et->hold_seconds && bio_list_empty(&et->held))
			queue_delayed_work(ecache_hold_wq, &et->hold_timeout, et->hold_seconds * HZ);
		bio_list_add(&et->held, bio);
	}
	spin_unlock_irqrestore(&et->hold_lock, flags);
	if (hold)
		ecache_count(vol, held, 1);
	return hold;
}

/**
 * ecache_hold_later - whether a bio that is not held waits with dm
 * @et: the live table
 * @bio: that ecache_hold() refused
 *
 * A noflush suspend: what was held is dm's, but until dm blocks I/O, which it does after presuspend,
 * it sends it again at once.
 *
 * Return: true: dm shall have it again.
 */
bool ecache_hold_later(const struct ecache_target *et, const struct bio *bio)
{
	return et->queue_if_locked && !(bio->bi_opf & (REQ_NOWAIT | REQ_RAHEAD)) &&
	       READ_ONCE(et->vol->next) != ECACHE_REVOKED && dm_noflush_suspending(et->ti);
}

static void resubmit_work(struct work_struct *work)
{
	struct ecache_target *et = container_of(work, struct ecache_target, resubmit_work);
	struct bio_list held;
	struct bio *bio;

	/* That key is gone again: the next one's work takes them. */
	if (!ecache_volume_epoch(et->vol))
		return;
	take_held(et, &held, false);
	while ((bio = bio_list_pop(&held)) != NULL) {
		switch (ecache_map_held(et, bio)) {
		case DM_MAPIO_REMAPPED:
			dm_submit_bio_remap(bio, NULL);
			break;
		case DM_MAPIO_SUBMITTED:
			break;
		case DM_MAPIO_REQUEUE:
			bio->bi_status = BLK_STS_DM_REQUEUE;
			bio_endio(bio);
			break;
		default:
			bio_io_error(bio);
		}
		cond_resched();
	}
}

static void hold_timeout(struct work_struct *work)
{
	struct ecache_target *et = container_of(to_delayed_work(work), struct ecache_target, hold_timeout);

	end_held(et, BLK_STS_IOERR, true);
}

/**
 * ecache_hold_start - hold from now on: after resume, and after each key
 * @et: the live table
 */
void ecache_hold_start(struct ecache_target *et)
{
	unsigned long flags;

	spin_lock_irqsave(&et->hold_lock, flags);
	et->holding = et->queue_if_locked;
	spin_unlock_irqrestore(&et->hold_lock, flags);
}

/**
 * ecache_hold_resubmit - a key was set: what waits goes on, from work
 * @et: the live table
 */
void ecache_hold_resubmit(struct ecache_target *et)
{
	if (!et->queue_if_locked)
		return;
	cancel_delayed_work(&et->hold_timeout);
	ecache_hold_start(et);
	queue_work(ecache_hold_wq, &et->resubmit_work);
}

/**
 * ecache_hold_fail - the volume is revoked: what waits ends
 * @et: the live table
 */
void ecache_hold_fail(struct ecache_target *et)
{
	cancel_delayed_work(&et->hold_timeout);
	end_held(et, BLK_STS_IOERR, false);
}

/**
 * ecache_presuspend - dm's hook before it waits for every bio
 * @ti: the live table
 *
 * noflush: dm keeps the bios itself and sends them again after resume; see ecache_hold_later().
 */
void ecache_presuspend(struct dm_target *ti)
{
	struct ecache_target *et = ti->private;

	cancel_delayed_work_sync(&et->hold_timeout);
	end_held(et, dm_noflush_suspending(ti) ? BLK_STS_DM_REQUEUE : BLK_STS_IOERR, true);
}

/**
 * ecache_presuspend_undo - the suspend did not happen
 * @ti: the live table
 */
void ecache_presuspend_undo(struct dm_target *ti)
{
	ecache_hold_start(ti->private);
}

void ecache_hold_init(struct ecache_target *et)
{
	spin_lock_init(&et->hold_lock);
	bio_list_init(&et->held);
	INIT_WORK(&et->resubmit_work, resubmit_work);
	INIT_DELAYED_WORK(&et->hold_timeout, hold_timeout);
}

/* The table is unused: dm waited for every bio. What may still run are the works' tails. */
void ecache_hold_exit(struct ecache_target *et)
{
	cancel_delayed_work_sync(&et->hold_timeout);
	cancel_work_sync(&et->resubmit_work);
	if (WARN_ON_ONCE(!bio_list_empty(&et->held)))
		end_held(et, BLK_STS_IOERR, true);
}
