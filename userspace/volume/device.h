/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_DEVICE_H
#define ECACHE_DEVICE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../common/err.h"

/*
 * The block device under a volume, opened once: from then on its path plays no part. @fd is a plain
 * descriptor that holds a flock (udev does not probe a locked device); @claim is a second one
 * opened O_EXCL, which keeps everybody else (mount, dm, mkfs) out until device_unclaim().
 * libcryptsetup's format and dm's table load need the claim dropped.
 */
struct device {
	int fd;
	int claim;			/* -1 when dropped */
	dev_t rdev;			/* 0 for a regular file */
	uint64_t bytes;
	unsigned int logical_block;	/* bytes */
	bool read_only;
	char name[PATH_MAX];		/* as given, for messages */
	char path[32];			/* "/proc/self/fd/N": stays this device */
};

#define DEVICE_INIT { .fd = -1, .claim = -1 }

enum device_open_flags {
	DEVICE_FILE = 1,	/* a regular file will do (tests, images); else -ENOTBLK */
	DEVICE_UNCLAIMED = 2,	/* do not claim: to look only */
	DEVICE_READ = 4,	/* for reading: may be read-only */
};

/*
 * device_open - -ENOENT, -ENOTBLK, -EBUSY with the user of the device in @e (a mount, swap, a
 * holder such as dm or md, another program), -EROFS, -EOVERFLOW (smaller than a header and one
 * sector).
 */
int device_open(struct device *d, const char *path, unsigned int flags, struct err *e);
void device_unclaim(struct device *d);
int device_reclaim(struct device *d, struct err *e);	/* -EBUSY */
void device_close(struct device *d);

/*
 * device_name_is_stable - whether a path names one disk whatever the order in which disks are found: for a device that
 * nothing on it tells from others.
 */
#define DEVICE_STABLE_NAMES "/dev/disk/by-partuuid/ or /dev/disk/by-id/"
bool device_name_is_stable(const char *path);

/* device_major_minor - "M:N". */
void device_major_minor(const struct device *d, char out[24]);

/*
 * device_check_blank - -EEXIST when libblkid knows any signature on it (file system, RAID, LUKS,
 * partition table); @e names the kind and --force.
 */
int device_check_blank(const struct device *d, struct err *e);

/*
 * device_users - who uses the device, in words ("mounted on /srv, swap, held by dm-3 (vg-data)"),
 * "" when nobody that we can see. Reads /proc and /sys only.
 */
void device_users(dev_t rdev, char *out, size_t size);

/*
 * device_save - copy the first HEADER_BYTES to a new file (0600, durable); -EEXIST. device_restore
 * writes them back.
 */
int device_save(const struct device *d, const char *file, struct err *e);
int device_restore(const struct device *d, const char *file, struct err *e);

/*
 * device_discard - tell the device that nothing from byte @from on is needed any more; what reads of it
 * give then is the device's affair. -EOPNOTSUPP: it takes no discards.
 */
int device_discard(const struct device *d, uint64_t from, struct err *e);

#endif
