// SPDX-License-Identifier: GPL-2.0
/*
 * A mapped device over a disk that a test plays, and the volume behind it. Not assertions where a test makes
 * allocations fail.
 */
#include <linux/blkdev.h>
#include <linux/dm-ioctl.h>
#include <linux/file.h>
#include <linux/kdev_t.h>

#include "rig.h"

/* Closed when it returns: fput() by a kernel thread is not, and an open device cannot be removed. */
void rig_dm_close(struct rig_dm *dm)
{
	if (dm->bdev_file)
		__fput_sync(dm->bdev_file);
	dm->bdev_file = NULL;
	dm->bdev = NULL;
}

/* The test may have been aborted with bios under way. */
static void dm_let_go(void *data)
{
	struct rig_dm *dm = data;

	rig_dm_close(dm);
	WRITE_ONCE(dm->disk->hold, false);
	rig_disk_release(dm->disk, RIG_TASK);
}

struct rig_dm *rig_dm_create(struct kunit *test, struct rig_disk *disk, const char *name)
{
	struct rig_dm *dm = kunit_kzalloc(test, sizeof(*dm), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dm);
	dm->disk = disk;
	dm->length = RIG_SECTORS;
	strscpy(dm->name, name, sizeof(dm->name));
	ecache_kunit_create(test, dm->name);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, dm_let_go, dm));
	return dm;
}

int rig_dm_load(struct kunit *test, struct rig_dm *dm, const char *target, const char *params)
{
	return ecache_kunit_load(test, dm->name, 0, dm->length, target, params);
}

int rig_dm_suspend(struct kunit *test, struct rig_dm *dm, bool noflush)
{
	return ecache_kunit_suspend(test, dm->name, noflush ? DM_NOFLUSH_FLAG : 0);
}

int rig_dm_resume(struct kunit *test, struct rig_dm *dm)
{
	return ecache_kunit_resume(test, dm->name);
}

/* @answer: ECACHE_KUNIT_ANSWER bytes, or NULL. */
int rig_dm_message(struct kunit *test, struct rig_dm *dm, const char *message, char *answer)
{
	return ecache_kunit_message(test, dm->name, message, answer);
}

void rig_dm_status(struct kunit *test, struct rig_dm *dm, bool table, char *answer)
{
	ecache_kunit_status(test, dm->name, table ? DM_STATUS_TABLE_FLAG : 0, answer);
}

static struct ecache_volume *found;
static dev_t wanted;

static void find_volume(struct ecache_volume *vol)
{
	if (vol->identity.dev == wanted)
		found = vol;
}

/* Open the device that has a live table. */
void rig_dm_open(struct kunit *test, struct rig_dm *dm)
{
	struct dm_ioctl info;

	ecache_kunit_info(test, dm->name, &info);
	dm->bdev_file = bdev_file_open_by_dev(new_decode_dev(info.dev), BLK_OPEN_READ | BLK_OPEN_WRITE, NULL, NULL);
	if (IS_ERR(dm->bdev_file)) {
		dm->bdev_file = NULL;
		KUNIT_FAIL_AND_ABORT(test, "the mapped device does not open");
	}
	dm->bdev = file_bdev(dm->bdev_file);
	found = NULL;
	wanted = disk_devt(dm->disk->disk);
	ecache_volume_for_each(find_volume);
	dm->vol = found;
}

int rig_set_key(struct kunit *test, struct rig_dm *dm, const u8 *key, unsigned int size)
{
	char message[sizeof("key set ") + 2 * ECACHE_MAX_KEY_SIZE];

	snprintf(message, sizeof(message), "key set %*phN", (int)size, key);
	return rig_dm_message(test, dm, message, NULL);
}

struct rig_dm *rig_active(struct kunit *test, const char *cipher, const u8 *key, unsigned int key_size,
			  u64 iv_offset, const char *options)
{
	struct rig_disk *disk = rig_disk_create(test);
	struct rig_dm *dm = rig_dm_create(test, disk, disk->disk->disk_name);
	dev_t dev = disk_devt(disk->disk);
	char params[256];

	snprintf(params, sizeof(params), "%s %u %llu %u:%u 0%s%s", cipher, key_size, iv_offset, MAJOR(dev), MINOR(dev),
		 *options ? " " : "", options);
	KUNIT_ASSERT_EQ(test, 0, rig_dm_load(test, dm, "ecache", params));
	KUNIT_ASSERT_EQ(test, 0, rig_dm_resume(test, dm));
	rig_dm_open(test, dm);
	KUNIT_ASSERT_NOT_NULL(test, dm->vol);
	KUNIT_ASSERT_EQ(test, 0, rig_set_key(test, dm, key, key_size));
	return dm;
}
