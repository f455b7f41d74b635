// SPDX-License-Identifier: GPL-2.0
/*
 * Real mapped devices for tests: dm's own ioctls, from a test.
 *
 * What dm exports makes no device, so this goes the way of userspace: dm's control device, which
 * needs no program, and parameters in memory of a process that the test's thread gets for it.
 */
#include <linux/delay.h>
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

#include "ecache_kunit.h"

/* The control node lives in a file system of its own: a kernel thread sees none of init's. */
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
static struct file *open_control(void)
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

static void close_control(struct file *file)
{
	struct vfsmount *mnt = file->f_path.mnt;

	__fput_sync(file);
	kern_unmount(mnt);
}

/* The ioctl on a copy of @param in memory of this thread's process. */
static int run_ioctl(struct file *file, unsigned int cmd, struct dm_ioctl *param, size_t size)
{
	unsigned long addr;
	int r;

	r = kunit_attach_mm();
	if (r)
		return r;
	addr = vm_mmap(NULL, 0, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, 0);
	if (IS_ERR_VALUE(addr))
		return (int)addr;
	r = copy_to_user((void __user *)addr, param, size) ? -EFAULT : 0;
	if (!r)
		r = file->f_op->unlocked_ioctl(file, cmd, addr);
	if (!r && copy_from_user(param, (void __user *)addr, size))
		r = -EFAULT;
	vm_munmap(addr, size);
	return r;
}

/* @param: as large as @size says; everything but the payload is filled in here. */
static int dm_ioctl(unsigned int cmd, const char *name, u32 flags, struct dm_ioctl *param, size_t size)
{
	struct file *file = open_control();
	int r;

	if (IS_ERR(file))
		return PTR_ERR(file);
	param->version[0] = DM_VERSION_MAJOR;
	param->data_size = size;
	param->data_start = sizeof(*param);
	param->flags = flags;
	strscpy(param->name, name, sizeof(param->name));
	r = run_ioctl(file, cmd, param, size);
	close_control(file);
	return r;
}

static int simple_ioctl(unsigned int cmd, const char *name, u32 flags, struct dm_ioctl *param)
{
	memset(param, 0, sizeof(*param));
	return dm_ioctl(cmd, name, flags, param, sizeof(*param));
}

static void remove_device(void *name)
{
	struct dm_ioctl param;
	int tries, r = -EBUSY;

	/* A file of ours that was closed may be put a little later. */
	for (tries = 0; tries < 100 && r == -EBUSY; tries++) {
		r = simple_ioctl(DM_DEV_REMOVE, name, 0, &param);
		if (r)
			msleep(20);
	}
	WARN(r, "%s cannot be removed: %d", (const char *)name, r);
}

dev_t ecache_kunit_create(struct kunit *test, const char *name)
{
	struct dm_ioctl param;
	int r;

	r = simple_ioctl(DM_DEV_CREATE, name, 0, &param);
	KUNIT_ASSERT_EQ_MSG(test, 0, r, "no device-mapper to make %s", name);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, remove_device, (void *)name));
	return huge_decode_dev(param.dev);
}

void ecache_kunit_remove(struct kunit *test, const char *name)
{
	kunit_release_action(test, remove_device, (void *)name);
}

int ecache_kunit_load(struct kunit *test, const char *name, u64 begin, u64 len, const char *type, const char *args)
{
	size_t spec_size = ALIGN(sizeof(struct dm_target_spec) + strlen(args) + 1, 8);
	size_t size = sizeof(struct dm_ioctl) + spec_size;
	struct dm_ioctl *param = kzalloc(size, GFP_KERNEL);
	struct dm_target_spec *spec = (void *)(param + 1);
	int r;

	/* Not an assertion: a test makes any allocation fail. */
	if (!param)
		return -ENOMEM;
	spec->sector_start = begin;
	spec->length = len;
	spec->next = spec_size;
	strscpy(spec->target_type, type, sizeof(spec->target_type));
	memcpy(spec + 1, args, strlen(args) + 1);
	param->target_count = 1;
	r = dm_ioctl(DM_TABLE_LOAD, name, 0, param, size);
	kfree(param);
	return r;
}

int ecache_kunit_clear(struct kunit *test, const char *name)
{
	struct dm_ioctl param;

	return simple_ioctl(DM_TABLE_CLEAR, name, 0, &param);
}

int ecache_kunit_suspend(struct kunit *test, const char *name, u32 flags)
{
	struct dm_ioctl param;

	return simple_ioctl(DM_DEV_SUSPEND, name, DM_SUSPEND_FLAG | flags, &param);
}

int ecache_kunit_resume(struct kunit *test, const char *name)
{
	struct dm_ioctl param;

	return simple_ioctl(DM_DEV_SUSPEND, name, 0, &param);
}

void ecache_kunit_info(struct kunit *test, const char *name, struct dm_ioctl *info)
{
	KUNIT_ASSERT_EQ(test, 0, simple_ioctl(DM_DEV_STATUS, name, 0, info));
}

/* What is in @param behind its start, into @answer. */
static void take_answer(const struct dm_ioctl *param, size_t skip, char *answer)
{
	strscpy(answer, (const char *)param + param->data_start + skip, ECACHE_KUNIT_ANSWER);
}

int ecache_kunit_message(struct kunit *test, const char *name, const char *message, char *answer)
{
	size_t size = sizeof(struct dm_ioctl) + sizeof(struct dm_target_msg) + ECACHE_KUNIT_ANSWER;
	struct dm_ioctl *param = kunit_kzalloc(test, size, GFP_KERNEL);
	struct dm_target_msg *msg = (void *)(param + 1);
	int r;

	KUNIT_ASSERT_NOT_NULL(test, param);
	KUNIT_ASSERT_LT(test, strlen(message), ECACHE_KUNIT_ANSWER);
	memcpy(msg->message, message, strlen(message) + 1);
	r = dm_ioctl(DM_TARGET_MSG, name, 0, param, size);
	if (!r && answer && param->flags & DM_DATA_OUT_FLAG)
		take_answer(param, 0, answer);
	else if (answer)
		*answer = '\0';
	kunit_kfree(test, param);
	return r;
}

void ecache_kunit_status(struct kunit *test, const char *name, u32 flags, char *answer)
{
	size_t size = sizeof(struct dm_ioctl) + sizeof(struct dm_target_spec) + ECACHE_KUNIT_ANSWER;
	struct dm_ioctl *param = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, param);
	KUNIT_ASSERT_EQ(test, 0, dm_ioctl(DM_TABLE_STATUS, name, flags, param, size));
	take_answer(param, sizeof(struct dm_target_spec), answer);
	kunit_kfree(test, param);
}

static void put_file(void *file)
{
	bdev_fput(file);
}

struct block_device *ecache_kunit_open(struct kunit *test, dev_t dev)
{
	struct file *file = bdev_file_open_by_dev(dev, BLK_OPEN_READ | BLK_OPEN_WRITE, NULL, NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_file, file));
	return file_bdev(file);
}
