// SPDX-License-Identifier: GPL-2.0
/*
 * State, key and epoch of a volume.
 *
 * A key dies in three steps, always in this order: unpublish (no new user finds it), a grace
 * period (no read section has it), end (wiped when nobody uses it, which for cpu is now).
 * Readers hold it for at most ECACHE_KEY_HOLD_BYTES of AES, so none of the steps waits for
 * I/O.
 */
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "dm-ecache.h"
#include "trace.h"

const char *ecache_state_name(enum ecache_state state)
{
	static const char * const names[] = {
		[ECACHE_LOCKED] = "LOCKED",
		[ECACHE_ACTIVE] = "ACTIVE",
		[ECACHE_REVOKING] = "REVOKING",
		[ECACHE_REVOKED] = "REVOKED",
	};

	return names[state];
}

const char *ecache_reason_name(enum ecache_reason reason)
{
	static const char * const names[] = {
		[ECACHE_WHY_NEW] = "new",
		[ECACHE_WHY_KEY_SET] = "key-set",
		[ECACHE_WHY_KEY_WIPE] = "key-wipe",
		[ECACHE_WHY_KEY_REVOKE] = "key-revoke",
		[ECACHE_WHY_LEASE] = "lease-expired",
		[ECACHE_WHY_HIBERNATION] = "hibernation",
	};

	return names[reason];
}

static void set_state(struct ecache_volume *vol, enum ecache_state state, enum ecache_reason reason)
{
	lockdep_assert_held(&vol->state_lock);
	vol->state = state;
	vol->reason = reason;
	vol->events[reason]++;
	trace_ecache_key_state(vol->devt, state, reason, vol->epoch);
}

/* Whether a key of this id may be installed now; 1: it is installed already. */
static int may_set_key(struct ecache_volume *vol, const u8 *id, const char **why)
{
	lockdep_assert_held(&vol->state_lock);

	if (vol->state == ECACHE_REVOKED || (vol->state == ECACHE_REVOKING && vol->next == ECACHE_REVOKED)) {
		*why = "the volume is revoked and takes no key ever again";
		return -EKEYREVOKED;
	}
	if (vol->key_id_known && memcmp(vol->key_id, id, ECACHE_KEY_ID_SIZE)) {
		*why = "the key's id is not the volume's key_id";
		return -EKEYREJECTED;
	}
	if (vol->state == ECACHE_REVOKING) {
		*why = "requests with the last key are not over; try again after the event";
		return -EBUSY;
	}
	return vol->state == ECACHE_ACTIVE;
}

/* Only messages make a volume ACTIVE, and vol->lock keeps them out: it is still LOCKED. */
static void publish(struct ecache_target *et, struct ecache_key *new)
{
	struct ecache_volume *vol = et->vol;

	lockdep_assert_held(&vol->lock);
	spin_lock_irq(&vol->state_lock);
	new->epoch = ++vol->epoch;
	memcpy(vol->key_id, new->id, sizeof(vol->key_id));
	vol->key_id_known = true;
	set_state(vol, ECACHE_ACTIVE, ECACHE_WHY_KEY_SET);
	ecache_lease_start(vol, et->lease);
	rcu_assign_pointer(vol->key, new);
	/* Last: pairs with ecache_volume_epoch(). */
	smp_store_release(&vol->live_epoch, new->epoch);
	spin_unlock_irq(&vol->state_lock);
}

/**
 * ecache_volume_set_key - LOCKED to ACTIVE
 * @et: the live table: its volume, its lease
 * @raw: the bytes; the caller wipes them
 * @size: their number
 * @why: why not
 *
 * The same key on an ACTIVE volume is a no-op, for its lease too.
 *
 * Return: 1 if it was installed, 0 if it was there; -EKEYREVOKED on a revoked volume,
 * -EKEYREJECTED for another key than the volume's, -EINVAL for a size that is not the
 * table's or for a key that XTS forbids (equal halves), -EBUSY while requests with the last
 * key run, -ENOMEM.
 */
int ecache_volume_set_key(struct ecache_target *et, const u8 *raw, unsigned int size, const char **why)
{
	struct ecache_volume *vol = et->vol;
	u8 id[ECACHE_KEY_ID_SIZE];
	struct ecache_key *new;
	int r;

	if (size != vol->identity.key_size) {
		*why = "the key's size is not the table's";
		return -EINVAL;
	}
	ecache_key_id(raw, size, id);

	mutex_lock(&vol->lock);
	/* A lease that ran out this moment: the key it left is ended first. */
	flush_work(&vol->dying_work);
	spin_lock_irq(&vol->state_lock);
	r = may_set_key(vol, id, why);
	spin_unlock_irq(&vol->state_lock);
	if (r) {
		r = min(r, 0);
		goto out;
	}
	new = ecache_key_alloc(vol, raw, why);
	if (IS_ERR(new)) {
		r = PTR_ERR(new);
		goto out;
	}
	memcpy(new->id, id, sizeof(id));
	publish(et, new);
	ecache_event(vol);
	r = 1;
out:
	mutex_unlock(&vol->lock);
	return r;
}

/**
 * ecache_volume_unpublish - from now on nobody finds the key; any context
 * @vol: the volume, its state_lock held
 * @next: LOCKED or REVOKED: the state when the key is gone
 * @reason: for the status
 *
 * What is left to do with the key is vol->dying_work's, or the caller's who takes vol->dying.
 */
void ecache_volume_unpublish(struct ecache_volume *vol, enum ecache_state next, enum ecache_reason reason)
{
	struct ecache_key *old = rcu_dereference_protected(vol->key, lockdep_is_held(&vol->state_lock));
	bool users = vol->state == ECACHE_REVOKING || (old && vol->identity.engine->outlives);

	WRITE_ONCE(vol->live_epoch, 0);
	rcu_assign_pointer(vol->key, NULL);
	WRITE_ONCE(vol->lease_end, KTIME_MAX);
	if (old) {
		/* Set before anybody can see REVOKING. */
		if (users)
			reinit_completion(&vol->key_gone);
		vol->dying = old;
	}
	/* Once REVOKED it stays: ecache_hold() looks without our lock. */
	WRITE_ONCE(vol->next, next);
	set_state(vol, users ? ECACHE_REVOKING : next, reason);
}

/*
 * The part that sleeps: the grace period and the end. Afterwards no copy of the key that the
 * cpu engine owned or used is in memory: a reader that still ran has left its read section,
 * and what it had on its stack are tweaks, not round keys.
 */
static bool end_dying(struct ecache_volume *vol)
{
	struct ecache_key *old;

	spin_lock_irq(&vol->state_lock);
	old = vol->dying;
	vol->dying = NULL;
	spin_unlock_irq(&vol->state_lock);
	if (!old)
		return false;
	synchronize_rcu();
	ecache_key_end(old);
	return true;
}

/**
 * ecache_dying_work - ends the key that the lease's timer took away
 * @work: of the volume
 */
void ecache_dying_work(struct work_struct *work)
{
	struct ecache_volume *vol = container_of(work, struct ecache_volume, dying_work);

	if (end_dying(vol))
		ecache_event(vol);
}

/**
 * ecache_volume_end_key - ACTIVE to LOCKED, without a way back for the key
 * @vol: the volume
 * @reason: for the status
 *
 * Idempotent; a revoked volume stays revoked. With cpu no copy of the key is left when this
 * returns; with the others the state is REVOKING until that holds.
 *
 * Return: 1 if there was a key, else 0.
 */
int ecache_volume_end_key(struct ecache_volume *vol, enum ecache_reason reason)
{
	bool active;

	mutex_lock(&vol->lock);
	spin_lock_irq(&vol->state_lock);
	active = vol->state == ECACHE_ACTIVE;
	if (active)
		ecache_volume_unpublish(vol, ECACHE_LOCKED, reason);
	spin_unlock_irq(&vol->state_lock);
	if (end_dying(vol) || active)
		ecache_event(vol);
	/* Or the lease's timer was first: what it left is gone when we return, too. */
	flush_work(&vol->dying_work);
	mutex_unlock(&vol->lock);
	return active;
}

/**
 * ecache_volume_revoke - to REVOKED, for ever
 * @vol: the volume
 *
 * Idempotent. With cpu no copy of the key is left when this returns; with the others the
 * state is REVOKING until that holds.
 *
 * Return: 1 if something changed, else 0.
 */
int ecache_volume_revoke(struct ecache_volume *vol)
{
	bool change;

	mutex_lock(&vol->lock);
	spin_lock_irq(&vol->state_lock);
	change = vol->state != ECACHE_REVOKED && !(vol->state == ECACHE_REVOKING && vol->next == ECACHE_REVOKED);
	if (change)
		ecache_volume_unpublish(vol, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE);
	spin_unlock_irq(&vol->state_lock);
	if (end_dying(vol) || change)
		ecache_event(vol);
	flush_work(&vol->dying_work);
	if (change)
		trace_ecache_revoke(vol->devt, vol->state);
	mutex_unlock(&vol->lock);
	return change;
}
