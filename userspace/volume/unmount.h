/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_UNMOUNT_H
#define ECACHE_UNMOUNT_H

#include <sys/types.h>

#include "../common/err.h"

/* Ending the use of a device by file systems. Both may wait for a disk, so they run in a child. */

/*
 * fs_shutdown - shut the file system on @dev down without writing its log (ext4, xfs): it acts on the superblock,
 * so through one mount of it every namespace is covered. -ENOENT: not mounted; -EOPNOTSUPP: another file system.
 * @fstype (32 bytes) gets its name.
 */
int fs_shutdown(dev_t dev, char *fstype, struct err *e);

struct unmounted {
	unsigned int mounts;	/* gone */
	unsigned int detached;	/* of these: busy, so detached */
	unsigned int namespaces;
};

/*
 * unmount_all - in every mount namespace, the caller's own last: the caller is left in another namespace, so it
 * must end soon. -ENOENT: nothing was mounted; otherwise the first error, after having tried everything.
 */
int unmount_all(dev_t dev, struct unmounted *what, struct err *e);

#endif
