/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_FSSIZE_H
#define ECACHE_FSSIZE_H

#include <stdint.h>

#include "../common/err.h"

/*
 * How much of a device what is on it takes, by its own superblock. libblkid says what it is; how long it
 * is libblkid says since 2.39 only, so ext2/3/4, XFS and swap areas are read here.
 */
struct fssize {
	char type[32];		/* libblkid's word: "ext4"; "" nothing known is there */
	uint64_t bytes;		/* 0: not known */
};

int fssize_look(const char *path, struct fssize *out, struct err *e);

#endif
