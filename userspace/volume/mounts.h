/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_MOUNTS_H
#define ECACHE_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../common/err.h"

/*
 * Where a device is mounted, in every mount namespace that has a process (a namespace kept alive by
 * a bind mount alone is not seen; shutting the file system down covers it). Reading mountinfo never
 * waits for a disk.
 */
struct mount {
	pid_t pid;		/* one process of the namespace: /proc/PID/root reaches it */
	ino_t ns;		/* inode of the mount namespace */
	unsigned int id;	/* of the mount, unique on the host while it lasts */
	bool own;		/* the caller's own namespace */
	char *path;		/* mount point as that process sees it, unescaped */
	char fstype[32];
};

struct mount_list {
	struct mount *mounts;	/* per namespace in the order of mounting: unmount backwards */
	size_t nr;
};

/*
 * mounts_find - @proc is "/proc" (tests give another). 0 also when there are none. -ENOMEM, -EIO.
 */
int mounts_find(const char *proc, dev_t dev, struct mount_list *out, struct err *e);
void mount_list_free(struct mount_list *l);

/*
 * mounts_read - the mounts of the device in one mountinfo text (a descriptor, read to its end); pid, ns and own are
 * 0.
 */
int mounts_read(int fd, dev_t dev, struct mount_list *out, struct err *e);

/* mounts_unescape - the kernel writes blank, tab, newline and backslash in a path as \ooo; in place. */
void mounts_unescape(char *path);

/* mounts_is_device - whether a path as the kernel writes it (unescaped here, in place) is that block device. */
bool mounts_is_device(char *path, dev_t dev);

#endif
