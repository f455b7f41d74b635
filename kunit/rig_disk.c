// SPDX-License-Identifier: GPL-2.0
/*
 * The disk below: bios end when the test says so.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/vmalloc.h>

#include "rig.h"

static void copy_bio(struct rig_disk *disk, struct bio *bio)
{
	u8 *at = disk->data + (bio->bi_iter.bi_sector << SECTOR_SHIFT);
	struct bvec_iter it;
	struct bio_vec bv;

	bio_for_each_segment(bv, bio, it) {
		if (bio_data_dir(bio) == WRITE)
			memcpy_from_bvec(at, &bv);
		else
			memcpy_to_bvec(&bv, at);
		at += bv.bv_len;
	}
}

/* What a write leaves is taken when it ends: its pages must be there until then. */
static void end_bio(struct rig_disk *disk, struct bio *bio)
{
	bool data = bio_has_data(bio) && (bio_op(bio) == REQ_OP_READ || bio_op(bio) == REQ_OP_WRITE);

	bio->bi_status = data ? disk->status : BLK_STS_OK;
	if (data && !bio->bi_status)
		copy_bio(disk, bio);
	bio_endio(bio);
}

static void disk_submit_bio(struct bio *bio)
{
	struct rig_disk *disk = bio->bi_bdev->bd_disk->private_data;
	unsigned long flags;
	bool hold;

	spin_lock_irqsave(&disk->lock, flags);
	disk->bios++;
	disk->flushes += !!(bio->bi_opf & REQ_PREFLUSH);
	disk->discards += bio_op(bio) == REQ_OP_DISCARD;
	hold = disk->hold;
	if (hold)
		bio_list_add(&disk->held, bio);
	spin_unlock_irqrestore(&disk->lock, flags);
	if (!hold)
		end_bio(disk, bio);
}

static const struct block_device_operations disk_ops = {
	.owner = THIS_MODULE,
	.submit_bio = disk_submit_bio,
};

unsigned int rig_disk_held(struct rig_disk *disk)
{
	unsigned long flags;
	unsigned int nr;

	spin_lock_irqsave(&disk->lock, flags);
	nr = bio_list_size(&disk->held);
	spin_unlock_irqrestore(&disk->lock, flags);
	return nr;
}

/* Ends what it holds, and returns how many; it goes on holding. */
unsigned int rig_disk_release(struct rig_disk *disk, enum rig_context context)
{
	struct bio_list held;
	unsigned long flags;
	unsigned int nr = 0;
	struct bio *bio;

	spin_lock_irqsave(&disk->lock, flags);
	held = disk->held;
	bio_list_init(&disk->held);
	spin_unlock_irqrestore(&disk->lock, flags);
	while ((bio = bio_list_pop(&held)) != NULL) {
		if (context == RIG_IRQS_OFF)
			local_irq_save(flags);
		end_bio(disk, bio);
		if (context == RIG_IRQS_OFF)
			local_irq_restore(flags);
		nr++;
	}
	return nr;
}

/* Until so many bios are with the disk, which holds. */
void rig_disk_wait_held(struct kunit *test, struct rig_disk *disk, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < 1000 && rig_disk_held(disk) < nr; i++)
		msleep(20);
	KUNIT_ASSERT_EQ(test, nr, rig_disk_held(disk));
}

static void disk_free(void *data)
{
	struct rig_disk *disk = data;

	del_gendisk(disk->disk);
	put_disk(disk->disk);
	vfree(disk->data);
}

struct rig_disk *rig_disk_create(struct kunit *test)
{
	struct queue_limits lim = {
		.features = BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA | BLK_FEAT_NOWAIT,
		.max_hw_discard_sectors = UINT_MAX,
		.max_write_zeroes_sectors = UINT_MAX,
		.discard_granularity = SECTOR_SIZE,
	};
	struct rig_disk *disk = kunit_kzalloc(test, sizeof(*disk), GFP_KERNEL);
	static atomic_t serial;
	int r;

	KUNIT_ASSERT_NOT_NULL(test, disk);
	spin_lock_init(&disk->lock);
	bio_list_init(&disk->held);
	disk->data = vzalloc((size_t)RIG_SECTORS << SECTOR_SHIFT);
	KUNIT_ASSERT_NOT_NULL(test, disk->data);
	disk->disk = blk_alloc_disk(&lim, NUMA_NO_NODE);
	if (IS_ERR(disk->disk)) {
		vfree(disk->data);
		KUNIT_FAIL_AND_ABORT(test, "no disk");
	}
	disk->disk->fops = &disk_ops;
	disk->disk->private_data = disk;
	snprintf(disk->disk->disk_name, DISK_NAME_LEN, "ecachekunit%d", atomic_inc_return(&serial));
	set_capacity(disk->disk, RIG_SECTORS);
	r = add_disk(disk->disk);
	if (r) {
		put_disk(disk->disk);
		vfree(disk->data);
		KUNIT_FAIL_AND_ABORT(test, "add_disk: %d", r);
	}
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, disk_free, disk));
	return disk;
}
