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

#include "../common/clock.h"
#include "mounts.h"
#include "text.h"
#include "unmount.h"

/* EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are one number; neither is in the headers of Linux 6.1. */
#define IOC_GOINGDOWN		_IOR('X', 125, uint32_t)
#define GOING_FLAGS_NOLOGFLUSH	2

#define ROUNDS 16	/* mounts stacked on one mount point */

/* Processes that were just killed let go within moments; all mounts together are given this much for it. */
#define BUSY_TRIES 10
#define BUSY_PAUSE_MS 50

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

/* What unmount_all() goes about with. @proc is the host's /proc. */
struct unmounting {
	int proc;
	dev_t dev;
	unsigned int tries;		/* left, for what is busy */
	struct unmounted *what;
};

/* unmount_one - what is busy until the tries are over is detached. */
static int unmount_one(struct unmounting *u, const char *path)
{
	while (umount2(path, UMOUNT_NOFOLLOW)) {
		if (errno == EBUSY && u->tries) {
			u->tries--;
			sleep_ms(BUSY_PAUSE_MS);
			continue;
		}
		if (umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH))
			return -errno;
		u->what->detached++;
		break;
	}
	u->what->mounts++;
	return 0;
}

/*
 * unmount_here - in the namespace that we are in, the last mount first, until there is none. One that cannot be
 * unmounted does not save the others; propagation may have taken one away that is still on the list.
 */
static int unmount_here(struct unmounting *u, struct err *e)
{
	struct mount_list list;
	unsigned int before;
	int fd, rc, r, round;
	size_t i;

	for (round = 0; round < ROUNDS; round++) {
		fd = openat(u->proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, -errno, "cannot read the mounts");
		rc = mounts_read(fd, u->dev, &list, e);
		close(fd);
		if (rc || !list.nr)
			return rc;
		before = u->what->mounts;
		for (i = list.nr; i-- > 0;) {
			r = unmount_one(u, list.mounts[i].path);
			if (r && !rc)
				rc = err_sys(e, r, "cannot unmount %s", list.mounts[i].path);
		}
		mount_list_free(&list);
		if (rc && u->what->mounts == before)
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

static int visit(const struct target *t, struct unmounting *u, struct err *e)
{
	/* Also for our own: setns() drops a chroot, so that paths are those of the namespace's root. */
	if (setns(t->fd, CLONE_NEWNS))
		return err_sys(e, -errno, "cannot enter a mount namespace");
	u->what->namespaces++;
	return unmount_here(u, e);
}

int unmount_all(dev_t dev, struct unmounted *what, struct err *e)
{
	struct unmounting u = { .dev = dev, .tries = BUSY_TRIES, .what = what };
	struct err other = ERR_INIT;
	struct mount_list list;
	struct target *t;
	size_t nr = 0, i;
	int rc, r, own;

	memset(what, 0, sizeof(*what));
	rc = mounts_find("/proc", dev, &list, e);
	if (rc)
		return rc;
	t = calloc(list.nr + 1, sizeof(*t));
	u.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = !t || u.proc < 0 ? -ENOMEM : open_targets(&list, t, &nr);
	mount_list_free(&list);
	/*
	 * Our own last: only the last unmount of a superblock writes to the disk, and what waits there has the
	 * others behind it.
	 */
	for (own = 0; own <= 1; own++) {
		for (i = 0; i < nr; i++) {
			if (t[i].own != own)
				continue;
			r = visit(&t[i], &u, rc ? &other : e);
			rc = rc ? rc : r;
		}
	}
	for (i = 0; i < nr; i++)
		close(t[i].fd);
	if (u.proc >= 0)
		close(u.proc);
	free(t);
	return rc;
}
