// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped devices from inside the kernel: dm's own ioctls on its control device, which needs no file
 * system and no program. The kernel exports nothing that would make one otherwise.
 */
#include <linux/blkdev.h>
#include <linux/dm-ioctl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/kdev_t.h>
#include <linux/major.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/uaccess.h>

#include "rig.h"

#define CALL_SIZE	16384

static int control_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, 0x65636b75) ? 0 : -ENOMEM;
}

static struct file_system_type control_fs = {
	.name = "ecache_kunit",
	.owner = THIS_MODULE,
	.init_fs_context = control_init_fs_context,
	.kill_sb = kill_anon_super,
};

/* The node that /dev/mapper/control would be. */
static struct file *control_open(void)
{
	struct vfsmount *mnt = kern_mount(&control_fs);
	struct inode *inode;
	struct file *file;
	int r;

	if (IS_ERR(mnt))
		return ERR_CAST(mnt);
	inode = alloc_anon_inode(mnt->mnt_sb);
	if (IS_ERR(inode)) {
		kern_unmount(mnt);
		return ERR_CAST(inode);
	}
	init_special_inode(inode, S_IFCHR | 0600, MKDEV(MISC_MAJOR, MAPPER_CTRL_MINOR));
	file = alloc_file_pseudo(inode, mnt, "control", O_RDWR, inode->i_fop);
	if (IS_ERR(file)) {
		iput(inode);
		kern_unmount(mnt);
		return file;
	}
	r = inode->i_fop->open(inode, file);
	if (r) {
		file->f_mode &= ~FMODE_OPENED;
		__fput_sync(file);
		kern_unmount(mnt);
		return ERR_PTR(r);
	}
	return file;
}

static void control_close(struct file *file)
{
	struct vfsmount *mnt = file->f_path.mnt;

	__fput_sync(file);
	kern_unmount(mnt);
}

struct call {
	struct dm_ioctl head;
	char body[CALL_SIZE - sizeof(struct dm_ioctl)];
};

static struct call *new_call(struct kunit *test, const struct rig_dm *dm)
{
	struct call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, call);
	call->head.version[0] = DM_VERSION_MAJOR;
	call->head.data_size = sizeof(*call);
	call->head.data_start = sizeof(call->head);
	strscpy(call->head.name, dm->name, sizeof(call->head.name));
	return call;
}

/* Userspace memory for the time of the call; a test's thread has none of its own. */
static int do_call(struct rig_dm *dm, unsigned int cmd, struct call *call)
{
	unsigned long user;
	int r;

	r = kunit_attach_mm();
	if (r)
		return r;
	user = vm_mmap(NULL, 0, sizeof(*call), PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, 0);
	if (IS_ERR_VALUE(user))
		return (int)user;
	r = -EFAULT;
	if (copy_to_user((void __user *)user, call, sizeof(*call)))
		goto out;
	r = dm->control->f_op->unlocked_ioctl(dm->control, cmd, user);
	if (!r && copy_from_user(call, (void __user *)user, sizeof(*call)))
		r = -EFAULT;
out:
	vm_munmap(user, sizeof(*call));
	return r;
}

/* Closed when it returns: fput() by a kernel thread is not, and an open device cannot be removed. */
void rig_dm_close(struct rig_dm *dm)
{
	if (dm->bdev_file)
		__fput_sync(dm->bdev_file);
	dm->bdev_file = NULL;
	dm->bdev = NULL;
}

static void dm_remove(void *data)
{
	struct rig_dm *dm = data;
	struct call *call;

	rig_dm_close(dm);
	/* The test may have been aborted with bios under way. */
	WRITE_ONCE(dm->disk->hold, false);
	rig_disk_release(dm->disk, RIG_TASK);
	call = kzalloc_obj(*call);
	if (call && dm->created) {
		call->head.version[0] = DM_VERSION_MAJOR;
		call->head.data_size = sizeof(*call);
		strscpy(call->head.name, dm->name, sizeof(call->head.name));
		WARN_ON_ONCE(do_call(dm, DM_DEV_REMOVE, call));
	}
	kfree(call);
	control_close(dm->control);
}

struct rig_dm *rig_dm_create(struct kunit *test, struct rig_disk *disk, const char *name)
{
	struct rig_dm *dm = kunit_kzalloc(test, sizeof(*dm), GFP_KERNEL);
	struct call *call;

	KUNIT_ASSERT_NOT_NULL(test, dm);
	dm->disk = disk;
	dm->length = RIG_SECTORS;
	strscpy(dm->name, name, sizeof(dm->name));
	dm->control = control_open();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dm->control);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, dm_remove, dm));
	call = new_call(test, dm);
	KUNIT_ASSERT_EQ(test, 0, do_call(dm, DM_DEV_CREATE, call));
	dm->created = true;
	return dm;
}

static struct ecache_volume *found;
static dev_t wanted;

static void find_volume(struct ecache_volume *vol)
{
	if (vol->identity.dev == wanted)
		found = vol;
}

int rig_dm_load(struct kunit *test, struct rig_dm *dm, const char *target, const char *params)
{
	struct call *call = new_call(test, dm);
	struct dm_target_spec *spec = (void *)call->body;
	int r;

	call->head.target_count = 1;
	spec->length = dm->length;
	strscpy(spec->target_type, target, sizeof(spec->target_type));
	strscpy((char *)(spec + 1), params, sizeof(call->body) - sizeof(*spec));
	spec->next = sizeof(*spec) + ALIGN(strlen(params) + 1, 8);
	r = do_call(dm, DM_TABLE_LOAD, call);
	kunit_kfree(test, call);
	return r;
}

static int suspend(struct kunit *test, struct rig_dm *dm, unsigned int flags)
{
	struct call *call = new_call(test, dm);
	int r;

	call->head.flags = flags;
	r = do_call(dm, DM_DEV_SUSPEND, call);
	kunit_kfree(test, call);
	return r;
}

int rig_dm_suspend(struct kunit *test, struct rig_dm *dm, bool noflush)
{
	return suspend(test, dm, DM_SUSPEND_FLAG | (noflush ? DM_NOFLUSH_FLAG : 0));
}

int rig_dm_resume(struct kunit *test, struct rig_dm *dm)
{
	return suspend(test, dm, 0);
}

int rig_dm_message(struct kunit *test, struct rig_dm *dm, const char *message, char *answer, unsigned int size)
{
	struct call *call = new_call(test, dm);
	struct dm_target_msg *msg = (void *)call->body;
	int r;

	strscpy(msg->message, message, sizeof(call->body) - sizeof(*msg));
	r = do_call(dm, DM_TARGET_MSG, call);
	if (!r && answer)
		strscpy(answer, call->head.flags & DM_DATA_OUT_FLAG ? call->body : "", size);
	kunit_kfree(test, call);
	return r;
}

int rig_dm_status(struct kunit *test, struct rig_dm *dm, bool table, char *answer, unsigned int size)
{
	struct call *call = new_call(test, dm);
	int r;

	call->head.flags = table ? DM_STATUS_TABLE_FLAG : 0;
	r = do_call(dm, DM_TABLE_STATUS, call);
	if (!r)
		strscpy(answer, call->body + sizeof(struct dm_target_spec), size);
	kunit_kfree(test, call);
	return r;
}

/* Open the device that has a live table. */
void rig_dm_open(struct kunit *test, struct rig_dm *dm)
{
	struct call *call = new_call(test, dm);

	KUNIT_ASSERT_EQ(test, 0, do_call(dm, DM_DEV_STATUS, call));
	dm->bdev_file = bdev_file_open_by_dev(new_decode_dev(call->head.dev), BLK_OPEN_READ | BLK_OPEN_WRITE, NULL,
					      NULL);
	if (IS_ERR(dm->bdev_file)) {
		dm->bdev_file = NULL;
		KUNIT_FAIL_AND_ABORT(test, "the mapped device does not open");
	}
	dm->bdev = file_bdev(dm->bdev_file);
	found = NULL;
	wanted = disk_devt(dm->disk->disk);
	ecache_volume_for_each(find_volume);
	dm->vol = found;
	kunit_kfree(test, call);
}

int rig_set_key(struct kunit *test, struct rig_dm *dm, const u8 *key, unsigned int size)
{
	char message[sizeof("key set ") + 2 * ECACHE_MAX_KEY_SIZE];

	snprintf(message, sizeof(message), "key set %*phN", (int)size, key);
	return rig_dm_message(test, dm, message, NULL, 0);
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
