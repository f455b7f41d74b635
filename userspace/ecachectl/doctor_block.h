/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_DOCTOR_BLOCK_H
#define ECACHECTL_DOCTOR_BLOCK_H

#include "doctor.h"

/* What is below a file or a block device, by what sysfs says of it: is it encrypted, and on which disks is it? */
#define BLOCK_NAME_MAX 63
#define BLOCK_DISKS_MAX 32

/* From good to bad: a device of several is as bad as its worst. */
enum block_kind {
	BLOCK_MEMORY,		/* zram without a disk behind it, tmpfs */
	BLOCK_ENCRYPTED,	/* an ecache or dm-crypt mapping, or on one */
	BLOCK_UNKNOWN,
	BLOCK_PLAIN,
};

struct block_disks {
	unsigned int nr;
	char name[BLOCK_DISKS_MAX][BLOCK_NAME_MAX + 1];	/* as in /sys/class/block: "sda", "nvme0n1" */
};

/* By the path of a device node (/dev/disk/by-id/..., /dev/mapper/NAME), or by "MAJOR:MINOR". */
enum block_kind block_kind_of_node(const struct doctor *d, const char *node);
enum block_kind block_kind_of_number(const struct doctor *d, const char *number);
void block_disks_of_node(const struct doctor *d, const char *node, struct block_disks *out);

/* By the path of a file or directory: what its file system is on. */
enum block_kind block_kind_of_file(const struct doctor *d, const char *path);
void block_disks_of_file(const struct doctor *d, const char *path, struct block_disks *out);

/* block_common - a disk that is in both; NULL: none. */
const char *block_common(const struct block_disks *a, const struct block_disks *b);

#endif
