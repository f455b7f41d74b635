// SPDX-License-Identifier: GPL-2.0
/*
 * One table line as dm sees it: constructor, destructor, limits.
 */
#include <linux/blkdev.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "dm-ecache.h"

/*
 * What dm-crypt would map to the same bytes, and nothing that could wrap or split a crypto
 * sector.
 */
static int check_geometry(const struct ecache_target *et, char **error)
{
	const struct dm_target *ti = et->ti;
	sector_t size = bdev_nr_sectors(et->dev->bdev);
	u64 end;

	if (bdev_is_zoned(et->dev->bdev)) {
		*error = "Zoned devices are not supported";
		return -EINVAL;
	}
	if ((ti->len | ti->begin) & et->sector_mask) {
		*error = "Start or length is not a multiple of sector_size";
		return -EINVAL;
	}
	if (et->start & et->sector_mask) {
		*error = "Device offset is not a multiple of sector_size";
		return -EINVAL;
	}
	/* dm-crypt would refuse it, and with it the way back. */
	if (et->iv_offset & et->sector_mask) {
		*error = "iv_offset is not a multiple of sector_size";
		return -EINVAL;
	}
	if (check_add_overflow(et->iv_offset, (u64)ti->len, &end)) {
		*error = "iv_offset plus length goes past 64 bits";
		return -EINVAL;
	}
	if (et->start >= size || ti->len > size - et->start) {
		*error = "Device is too small for offset and length";
		return -EINVAL;
	}
	return 0;
}

static unsigned int max_write_bytes = SZ_1M;
module_param(max_write_bytes, uint, 0644);
MODULE_PARM_DESC(max_write_bytes, "Larger writes are cut; taken when a table is loaded (4096 to 1048576, the default)");

/* The engine's own limit, and for writes what the bounce pages hold. 512-byte sectors. */
static void set_max_sectors(struct ecache_target *et)
{
	unsigned int write = clamp_t(unsigned int, READ_ONCE(max_write_bytes), ECACHE_MAX_SECTOR, SZ_1M);
	const unsigned int *max = et->engine->max_bytes;

	write = min_t(unsigned int, write, ECACHE_MAX_WRITE_PAGES * PAGE_SIZE);
	if (max[WRITE])
		write = min(write, max[WRITE]);
	et->max_sectors[WRITE] = round_down(write, et->sector_size) >> SECTOR_SHIFT;
	et->max_sectors[READ] = max[READ] ? max[READ] >> SECTOR_SHIFT : UINT_MAX;
}

static void set_target_limits(struct dm_target *ti, const struct ecache_target *et)
{
	ti->per_io_data_size = sizeof(struct ecache_io);
	ti->num_flush_bios = 1;
	ti->num_discard_bios = et->allow_discards ? 1 : 0;
	/*
	 * Zeroes on disk are not the ciphertext of zeroes, and an erase below us is not
	 * ours to promise: both stay 0.
	 */
	ti->num_write_zeroes_bios = 0;
	ti->num_secure_erase_bios = 0;
	/*
	 * Bounce pages are memory that swapping out needs: dm then bounds the swap bios in
	 * flight.
	 */
	ti->limit_swap_bios = true;
	/* Bios that wait for a key, and those of an engine that submits them itself. */
	ti->accounts_remapped_io = et->queue_if_locked || et->engine->owns_bios;
	ecache_flush_bypasses_map(ti);
}

/**
 * ecache_ctr - dm's constructor
 * @ti: the target; ti->error says why not
 * @argc: number of arguments
 * @argv: they
 *
 * Return: 0 or a negative errno, with nothing left behind.
 */
int ecache_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct ecache_target *et;
	const char *dev;
	int r;

	et = kzalloc_obj(*et);
	if (!et) {
		ti->error = "Out of memory";
		return -ENOMEM;
	}
	et->ti = ti;
	ecache_hold_init(et);

	r = ecache_parse(et, argc, argv, &dev, &ti->error);
	if (r)
		goto err_free;
	r = dm_get_device(ti, dev, dm_table_get_mode(ti->table), &et->dev);
	if (r) {
		ti->error = "Device lookup failed";
		goto err_free;
	}
	r = check_geometry(et, &ti->error);
	if (r)
		goto err_device;
	if (et->engine->check) {
		r = et->engine->check(et, &ti->error);
		if (r)
			goto err_device;
	}
	et->vol = ecache_volume_get(dm_table_get_md(ti->table), et, &ti->error);
	if (IS_ERR(et->vol)) {
		r = PTR_ERR(et->vol);
		goto err_device;
	}
	et->vol->devt = disk_devt(dm_disk(dm_table_get_md(ti->table)));
	set_max_sectors(et);
	set_target_limits(ti, et);
	ti->private = et;
	ecache_event_join(et);
	return 0;

err_device:
	dm_put_device(ti, et->dev);
err_free:
	kfree(et);
	return r;
}

/**
 * ecache_dtr - dm's destructor: the table is unused, every bio that went through it has ended
 * @ti: the target
 */
void ecache_dtr(struct dm_target *ti)
{
	struct ecache_target *et = ti->private;

	ecache_event_leave(et);
	ecache_hold_exit(et);
	ecache_volume_put(et->vol);
	dm_put_device(ti, et->dev);
	kfree(et);
}

/**
 * ecache_io_hints - dm's io_hints
 * @ti: the target
 * @limits: of the mapped device
 */
void ecache_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	struct ecache_target *et = ti->private;

	ecache_stack_bs_limits(limits, et->sector_size);
	/*
	 * Most crypto sectors then lie in one bvec, which is the fast path of
	 * crypt_piece().
	 */
	limits->dma_alignment = limits->logical_block_size - 1;
	/* dm may not cut these. */
	ecache_limit_atomic_writes(limits, et->dev->bdev, et->max_sectors[WRITE] << SECTOR_SHIFT);
	if (et->engine->outlives)
		ecache_limits_no_nowait(limits);
}

/**
 * ecache_resume - dm's resume: the table is live from now on
 * @ti: the target
 */
void ecache_resume(struct dm_target *ti)
{
	struct ecache_target *et = ti->private;

	if (et->engine->outlives)
		ecache_queue_no_nowait(dm_disk(dm_table_get_md(ti->table))->queue);
	ecache_hold_start(et);
}
