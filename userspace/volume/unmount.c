// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mounts.h"
#include "text.h"
#include "unmount.h"

/* EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are one number; neither is in the headers of Linux 6.1. */
#define IOC_GOINGDOWN		_IOR('X', 125, uint32_t)
#define GOING_FLAGS_NOLOGFLUSH	2

#define ROUNDS 16	/* mounts stacked on one mount point */

static bool can_shutdown(const char *fstype)
{
	return !strcmp(fstype, "ext4") || !strcmp(fstype, "xfs");
}

/* shutdown_at - through this mount; what is found there must be on our device: something may be mounted over it. */
static int shutdown_at(const struct mount *m, dev_t dev)
{
	uint32_t flags = GOING_FLAGS_NOLOGFLUSH;
	char path[PATH_MAX];
	struct stat st;
	int fd, rc = 0;

	if (snprintf(path, sizeof(path), "/proc/%d/root%s", (int)m->pid, m->path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (st.st_dev != dev)
		rc = -EXDEV;
	else if (ioctl(fd, IOC_GOINGDOWN, &flags))
		rc = -errno;
	close(fd);
	return rc;
}

int fs_shutdown(dev_t dev, char *fstype, struct err *e)
{
	struct mount_list list;
	size_t i;
	int rc;

	fstype[0] = '\0';
	rc = mounts_find("/proc", dev, &list, e);
	if (rc)
		return rc;
	rc = -ENOENT;
	for (i = 0; i < list.nr && rc; i++) {
		text_copy(fstype, sizeof(list.mounts[i].fstype), list.mounts[i].fstype);
		rc = can_shutdown(fstype) ? shutdown_at(&list.mounts[i], dev) : -EOPNOTSUPP;
		if (rc)
			err_sys(e, rc, "cannot shut down the file system (%s) at %s", fstype, list.mounts[i].path);
	}
	mount_list_free(&list);
	return rc;
}

/*
 * unmount_here - in the namespace that we are in, the last mount first, until there is none. @proc is the host's
 * /proc.
 */
static int unmount_here(int proc, dev_t dev, struct unmounted *what, struct err *e)
{
	struct mount_list list;
	int fd, rc, round;
	size_t i;

	for (round = 0; round < ROUNDS; round++) {
		fd = openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, -errno, "cannot read the mounts");
		rc = mounts_read(fd, dev, &list, e);
		close(fd);
		if (rc || !list.nr)
			return rc;
		for (i = list.nr; i-- > 0 && !rc;) {
			if (!umount2(list.mounts[i].path, UMOUNT_NOFOLLOW)) {
				what->mounts++;
			} else if (!umount2(list.mounts[i].path, UMOUNT_NOFOLLOW | MNT_DETACH)) {
				what->mounts++;
				what->detached++;
			} else {
				rc = err_sys(e, -errno, "cannot unmount %s", list.mounts[i].path);
			}
		}
		mount_list_free(&list);
		if (rc)
			return rc;
	}
	return err_set(e, -EBUSY, "it is mounted again and again");
}

/* A namespace to visit, opened before we leave ours. */
struct target {
	ino_t ns;
	int fd;
	bool own;
};

static int open_targets(const struct mount_list *list, struct target *t, size_t *nr)
{
	char path[64];
	size_t i, k;
	int fd;

	*nr = 0;
	for (i = 0; i < list->nr; i++) {
		for (k = 0; k < *nr && t[k].ns != list->mounts[i].ns; k++)
			;
		if (k < *nr)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)list->mounts[i].pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;	/* the process has ended, most likely the namespace too */
		t[*nr].ns = list->mounts[i].ns;
		t[*nr].fd = fd;
		t[(*nr)++].own = list->mounts[i].own;
	}
	return *nr ? 0 : -ENOENT;
}

static int visit(const struct target *t, int proc, dev_t dev, struct unmounted *what, struct err *e)
{
	/* Also for our own: setns() drops a chroot, so that paths are those of the namespace's root. */
	if (setns(t->fd, CLONE_NEWNS))
		return err_sys(e, -errno, "cannot enter a mount namespace");
	what->namespaces++;
	return unmount_here(proc, dev, what, e);
}

int unmount_all(dev_t dev, struct unmounted *what, struct err *e)
{
	struct err other = ERR_INIT;
	struct mount_list list;
	struct target *t;
	size_t nr = 0, i;
	int proc, rc, r, own;

	memset(what, 0, sizeof(*what));
	rc = mounts_find("/proc", dev, &list, e);
	if (rc)
		return rc;
	t = calloc(list.nr + 1, sizeof(*t));
	proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = !t || proc < 0 ? -ENOMEM : open_targets(&list, t, &nr);
	mount_list_free(&list);
	/*
	 * Our own last: only the last unmount of a superblock writes to the disk, and what waits there has the
	 * others behind it.
	 */
	for (own = 0; own <= 1; own++) {
		for (i = 0; i < nr; i++) {
			if (t[i].own != own)
				continue;
			r = visit(&t[i], proc, dev, what, rc ? &other : e);
			rc = rc ? rc : r;
		}
	}
	for (i = 0; i < nr; i++)
		close(t[i].fd);
	if (proc >= 0)
		close(proc);
	free(t);
	return rc;
}
