// SPDX-License-Identifier: GPL-2.0
/*
 * The volume: key, state and epoch of a mapped device, across all its tables.
 *
 * A key dies in three steps, always in this order: unpublish (no new reader finds it), a
 * grace period (no reader has it), wipe and free. Readers hold it for at most
 * ECACHE_KEY_HOLD_BYTES of AES, so none of the steps waits for I/O.
 */
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "dm-ecache.h"

static LIST_HEAD(ecache_volumes);
static DEFINE_MUTEX(ecache_volumes_lock);	/* protects the list and every refs */

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
	};

	return names[reason];
}

static void identity_of(const struct ecache_target *et, struct ecache_identity *id)
{
	*id = (struct ecache_identity){
		.dev = et->dev->bdev->bd_dev,
		.start = et->start,
		.iv_offset = et->iv_offset,
		.key_size = et->key_size,
		.sector_size = et->sector_size,
		.iv_large_sectors = et->iv_large_sectors,
	};
}

static bool identity_equal(const struct ecache_identity *a, const struct ecache_identity *b)
{
	return a->dev == b->dev && a->start == b->start && a->iv_offset == b->iv_offset &&
	       a->key_size == b->key_size && a->sector_size == b->sector_size &&
	       a->iv_large_sectors == b->iv_large_sectors;
}

static struct ecache_volume *volume_alloc(struct mapped_device *md, const struct ecache_target *et)
{
	struct ecache_volume *vol;
	int r = -ENOMEM;

	vol = kzalloc_obj(*vol);
	if (!vol)
		return ERR_PTR(-ENOMEM);
	vol->refs = 1;
	vol->md = md;
	identity_of(et, &vol->identity);
	mutex_init(&vol->lock);
	spin_lock_init(&vol->state_lock);
	vol->key_id_known = et->key_id_given;
	memcpy(vol->key_id, et->key_id, sizeof(vol->key_id));

	vol->stats = alloc_percpu(struct ecache_stats);
	if (!vol->stats)
		goto err_free;
	r = ecache_bounce_init(&vol->bounce);
	if (r)
		goto err_stats;
	vol->unkeyed = ecache_cpu_alloc();
	if (IS_ERR(vol->unkeyed)) {
		r = PTR_ERR(vol->unkeyed);
		goto err_bounce;
	}
	return vol;

err_bounce:
	ecache_bounce_exit(&vol->bounce);
err_stats:
	free_percpu(vol->stats);
err_free:
	kfree(vol);
	return ERR_PTR(r);
}

/* No table is left, so no reader: the grace period is behind us. */
static void volume_free(struct ecache_volume *vol)
{
	ecache_key_free(rcu_dereference_protected(vol->key, true));
	crypto_free_sync_skcipher(vol->unkeyed);
	ecache_bounce_exit(&vol->bounce);
	free_percpu(vol->stats);
	kfree(vol);
}

static struct ecache_volume *volume_find(struct mapped_device *md)
{
	struct ecache_volume *vol;

	lockdep_assert_held(&ecache_volumes_lock);
	list_for_each_entry(vol, &ecache_volumes, node)
		if (vol->md == md)
			return vol;
	return NULL;
}

/*
 * Whether a table with et's key_id may join. One without key_id takes whatever the volume
 * has.
 */
static bool key_id_fits(struct ecache_volume *vol, const struct ecache_target *et)
{
	bool fits;

	if (!et->key_id_given)
		return true;
	spin_lock_irq(&vol->state_lock);
	fits = vol->key_id_known && !memcmp(vol->key_id, et->key_id, ECACHE_KEY_ID_SIZE);
	spin_unlock_irq(&vol->state_lock);
	return fits;
}

static int volume_join(struct ecache_volume *vol, const struct ecache_target *et, char **error)
{
	struct ecache_identity id;

	identity_of(et, &id);
	if (!identity_equal(&id, &vol->identity)) {
		*error = "Device, offset, iv_offset, key size or sector size differ from the volume's other table";
		return -EINVAL;
	}
	if (!key_id_fits(vol, et)) {
		*error = "key_id differs from the volume's";
		return -EINVAL;
	}
	vol->refs++;
	return 0;
}

/**
 * ecache_volume_get - the volume of a mapped device, made with its first table
 * @md: the mapped device
 * @et: the new table's target: parsed, device open
 * @error: why not
 *
 * Return: the volume with a reference for the table, or an ERR_PTR().
 */
struct ecache_volume *ecache_volume_get(struct mapped_device *md, const struct ecache_target *et, char **error)
{
	struct ecache_volume *vol;
	int r;

	mutex_lock(&ecache_volumes_lock);
	vol = volume_find(md);
	if (vol) {
		r = volume_join(vol, et, error);
		if (r)
			vol = ERR_PTR(r);
		goto out;
	}
	vol = volume_alloc(md, et);
	if (IS_ERR(vol)) {
		*error = PTR_ERR(vol) == -ENOENT ? "The kernel has no xts(aes)" : "Cannot allocate the volume";
		goto out;
	}
	if (ecache_cpu_driver_is_slow(vol->unkeyed))
		DMWARN("%s is plain C, tens of times slower than AES instructions; load the accelerated driver (aesni_intel, aes_ce_blk) first",
		       ecache_cpu_driver(vol->unkeyed));
	list_add(&vol->node, &ecache_volumes);
out:
	mutex_unlock(&ecache_volumes_lock);
	return vol;
}

/**
 * ecache_volume_put - a table is gone; with the last one the key and the state go
 * @vol: the volume
 */
void ecache_volume_put(struct ecache_volume *vol)
{
	bool last;

	mutex_lock(&ecache_volumes_lock);
	last = !--vol->refs;
	if (last)
		list_del(&vol->node);
	mutex_unlock(&ecache_volumes_lock);
	if (last)
		volume_free(vol);
}

/**
 * ecache_volume_epoch - the epoch under which a new bio begins
 * @vol: the volume
 *
 * Return: 0 if there is no key: the bio must fail.
 */
u64 ecache_volume_epoch(struct ecache_volume *vol)
{
	struct ecache_key *key;
	u64 epoch;

	rcu_read_lock();
	key = rcu_dereference(vol->key);
	epoch = key ? key->epoch : 0;
	rcu_read_unlock();
	return epoch;
}

/* Whether a key of this id may be installed now; 1: it is installed already. */
static int may_set_key(struct ecache_volume *vol, const u8 *id, const char **why)
{
	lockdep_assert_held(&vol->state_lock);

	if (vol->state == ECACHE_REVOKED || vol->state == ECACHE_REVOKING) {
		*why = "the volume is revoked and takes no key ever again";
		return -EKEYREVOKED;
	}
	if (vol->key_id_known && memcmp(vol->key_id, id, ECACHE_KEY_ID_SIZE)) {
		*why = "the key's id is not the volume's key_id";
		return -EKEYREJECTED;
	}
	return vol->state == ECACHE_ACTIVE;
}

/**
 * ecache_volume_set_key - LOCKED to ACTIVE
 * @vol: the volume
 * @key: the bytes; the caller wipes them
 * @size: their number
 * @why: why not
 *
 * The same key on an ACTIVE volume is a no-op.
 *
 * Return: 0; -EKEYREVOKED on a revoked volume, -EKEYREJECTED for another key than the
 * volume's, -EINVAL for a size that is not the table's or for a key that XTS forbids (equal
 * halves), -ENOMEM.
 */
int ecache_volume_set_key(struct ecache_volume *vol, const u8 *key, unsigned int size, const char **why)
{
	u8 id[ECACHE_KEY_ID_SIZE];
	struct ecache_key *new;
	int r;

	if (size != vol->identity.key_size) {
		*why = "the key's size is not the table's";
		return -EINVAL;
	}
	ecache_key_id(key, size, id);

	mutex_lock(&vol->lock);
	spin_lock_irq(&vol->state_lock);
	r = may_set_key(vol, id, why);
	spin_unlock_irq(&vol->state_lock);
	if (r)
		goto out;

	new = ecache_key_alloc(key, size);
	if (IS_ERR(new)) {
		r = PTR_ERR(new);
		*why = r == -EINVAL ? "XTS forbids this key (are its halves equal?)" : "no memory for the key";
		goto out;
	}
	memcpy(new->id, id, sizeof(id));

	/* Only messages change the state, and vol->lock keeps them out: it is still LOCKED. */
	spin_lock_irq(&vol->state_lock);
	new->epoch = ++vol->epoch;
	memcpy(vol->key_id, id, sizeof(id));
	vol->key_id_known = true;
	vol->state = ECACHE_ACTIVE;
	vol->reason = ECACHE_WHY_KEY_SET;
	rcu_assign_pointer(vol->key, new);
	spin_unlock_irq(&vol->state_lock);
out:
	mutex_unlock(&vol->lock);
	return r < 0 ? r : 0;
}

/*
 * Unpublish, grace period, wipe. Afterwards no copy of the key that the target owned or
 * used is in memory: a reader that still ran has left its read section, and what it had on
 * its stack are tweaks, not round keys. Returns whether there was a key.
 */
static bool end_key(struct ecache_volume *vol, enum ecache_state state, enum ecache_reason reason)
{
	struct ecache_key *old;

	lockdep_assert_held(&vol->lock);

	spin_lock_irq(&vol->state_lock);
	old = rcu_dereference_protected(vol->key, lockdep_is_held(&vol->state_lock));
	rcu_assign_pointer(vol->key, NULL);
	vol->state = state;
	vol->reason = reason;
	spin_unlock_irq(&vol->state_lock);

	if (!old)
		return false;
	synchronize_rcu();
	ecache_key_free(old);
	return true;
}

/**
 * ecache_volume_wipe_key - ACTIVE to LOCKED; returns when no copy of the key is left
 * @vol: the volume
 *
 * Idempotent; a revoked volume stays revoked.
 *
 * Return: 1 if a key was destroyed, else 0.
 */
int ecache_volume_wipe_key(struct ecache_volume *vol)
{
	int wiped = 0;

	mutex_lock(&vol->lock);
	/* Stable without state_lock: only messages change it, and they hold vol->lock. */
	if (vol->state == ECACHE_ACTIVE)
		wiped = end_key(vol, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE);
	mutex_unlock(&vol->lock);
	return wiped;
}

/**
 * ecache_volume_revoke - to REVOKED, for ever; returns when no copy of the key is left
 * @vol: the volume
 *
 * Idempotent.
 *
 * Return: 1 if the state changed, else 0.
 */
int ecache_volume_revoke(struct ecache_volume *vol)
{
	int revoked = 0;

	mutex_lock(&vol->lock);
	if (vol->state != ECACHE_REVOKED) {
		end_key(vol, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE);
		revoked = 1;
	}
	mutex_unlock(&vol->lock);
	return revoked;
}
