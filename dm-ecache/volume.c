// SPDX-License-Identifier: GPL-2.0
/*
 * The volumes: found by their mapped device, shared by all tables of it.
 *
 * Two counts: the tables, with the last of which key and state end; and the references to the
 * memory, which a device that never gives a request back can keep longer.
 */
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dm-ecache.h"

static LIST_HEAD(ecache_volumes);
static DEFINE_MUTEX(ecache_volumes_lock);	/* protects the list and every tables */

static void identity_of(const struct ecache_target *et, struct ecache_identity *id)
{
	memset(id, 0, sizeof(*id));
	id->dev = et->dev->bdev->bd_dev;
	id->start = et->start;
	id->iv_offset = et->iv_offset;
	id->cipher = et->cipher;
	id->engine = et->engine;
	id->key_size = et->key_size;
	id->sector_size = et->sector_size;
	id->dun_bytes = et->dun_bytes;
	id->iv_large_sectors = et->iv_large_sectors;
	memcpy(id->driver, et->driver, sizeof(id->driver));
}

static bool identity_equal(const struct ecache_identity *a, const struct ecache_identity *b)
{
	return a->dev == b->dev && a->start == b->start && a->iv_offset == b->iv_offset &&
	       a->cipher == b->cipher && a->key_size == b->key_size && a->sector_size == b->sector_size &&
	       a->iv_large_sectors == b->iv_large_sectors;
}

/*
 * The target keeps no raw key, so a key that one engine or driver has cannot be given to
 * another.
 */
static bool engine_equal(const struct ecache_identity *a, const struct ecache_identity *b)
{
	return a->engine == b->engine && a->dun_bytes == b->dun_bytes && !strcmp(a->driver, b->driver);
}

static void volume_init(struct ecache_volume *vol, struct mapped_device *md, const struct ecache_target *et)
{
	vol->tables = 1;
	kref_init(&vol->memory);
	vol->md = md;
	vol->bdev = et->dev->bdev;
	identity_of(et, &vol->identity);
	mutex_init(&vol->lock);
	spin_lock_init(&vol->state_lock);
	vol->key_id_known = et->key_id_given;
	memcpy(vol->key_id, et->key_id, sizeof(vol->key_id));
	INIT_WORK(&vol->dying_work, ecache_dying_work);
	init_completion(&vol->key_gone);
	complete_all(&vol->key_gone);
	ecache_lease_init(vol);
	ecache_event_init(vol);
}

static struct ecache_volume *volume_alloc(struct mapped_device *md, const struct ecache_target *et, char **error)
{
	struct ecache_volume *vol;
	int r = -ENOMEM;

	*error = "Cannot allocate the volume";
	vol = kzalloc_obj(*vol);
	if (!vol)
		return ERR_PTR(-ENOMEM);
	volume_init(vol, md, et);

	vol->stats = alloc_percpu(struct ecache_stats);
	if (!vol->stats)
		goto err_free;
	r = ecache_bounce_init(&vol->bounce);
	if (r)
		goto err_stats;
	vol->unkeyed = ecache_cpu_alloc(et->cipher);
	if (IS_ERR(vol->unkeyed)) {
		r = PTR_ERR(vol->unkeyed);
		if (r == -ENOENT)
			*error = "The kernel does not have the cipher";
		goto err_bounce;
	}
	r = et->engine->volume_init(vol, error);
	if (r)
		goto err_unkeyed;
	return vol;

err_unkeyed:
	crypto_free_sync_skcipher(vol->unkeyed);
err_bounce:
	ecache_bounce_exit(&vol->bounce);
err_stats:
	free_percpu(vol->stats);
err_free:
	kfree(vol);
	return ERR_PTR(r);
}

static void volume_free(struct kref *memory)
{
	struct ecache_volume *vol = container_of(memory, struct ecache_volume, memory);

	ecache_event_exit(vol);
	vol->identity.engine->volume_exit(vol);
	crypto_free_sync_skcipher(vol->unkeyed);
	ecache_bounce_exit(&vol->bounce);
	free_percpu(vol->stats);
	kfree(vol);
}

/**
 * ecache_volume_hold - keep the structure, whatever becomes of its tables
 * @vol: the volume
 */
void ecache_volume_hold(struct ecache_volume *vol)
{
	kref_get(&vol->memory);
}

/**
 * ecache_volume_release - undo ecache_volume_hold(); may sleep
 * @vol: the volume
 */
void ecache_volume_release(struct ecache_volume *vol)
{
	kref_put(&vol->memory, volume_free);
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
		*error = "Device, offset, iv_offset, cipher, key or sector size differ from the volume's other table";
		return -EINVAL;
	}
	if (!engine_equal(&id, &vol->identity)) {
		*error = "Engine, driver or size of the data unit number differ from the volume's other table";
		return -EINVAL;
	}
	if (!key_id_fits(vol, et)) {
		*error = "key_id differs from the volume's";
		return -EINVAL;
	}
	vol->tables++;
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
	vol = volume_alloc(md, et, error);
	if (IS_ERR(vol))
		goto out;
	if (ecache_cpu_driver_is_slow(et->cipher, vol->unkeyed))
		DMWARN("%s is plain C, tens of times slower than the CPU's own instructions; load the accelerated driver (aesni_intel, aes_ce_blk) first",
		       ecache_cpu_driver(vol->unkeyed));
	list_add(&vol->node, &ecache_volumes);
out:
	mutex_unlock(&ecache_volumes_lock);
	return vol;
}

/**
 * ecache_volume_put - a table is gone; with the last one the key and the state go
 * @vol: the volume
 *
 * Every bio of the table has ended. What may still use the key is a request that an
 * accelerator never gave back: it keeps the memory, not the caller.
 */
void ecache_volume_put(struct ecache_volume *vol)
{
	bool last;

	mutex_lock(&ecache_volumes_lock);
	last = !--vol->tables;
	if (last)
		list_del(&vol->node);
	mutex_unlock(&ecache_volumes_lock);
	if (!last)
		return;
	ecache_volume_revoke(vol);
	ecache_lease_exit(vol);
	/* An inline engine's key is evicted from the device, which is the caller's to close. */
	if (!atomic_read(&vol->quarantined))
		wait_for_completion(&vol->key_gone);
	ecache_volume_release(vol);
}

/**
 * ecache_volume_for_each - call @fn for every volume, one after another
 * @fn: may sleep; makes and puts no volume
 */
void ecache_volume_for_each(void (*fn)(struct ecache_volume *vol))
{
	struct ecache_volume *vol;

	mutex_lock(&ecache_volumes_lock);
	list_for_each_entry(vol, &ecache_volumes, node)
		fn(vol);
	mutex_unlock(&ecache_volumes_lock);
}
