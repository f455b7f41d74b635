/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_INUSE_H
#define ECACHE_INUSE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * inuse_describe - who uses a block device, in words: "mounted on /srv, swap, held by dm-3 (vg-data), partition
 * vdb1 mounted on /x". @out is "" when nobody that we can see does. @proc and @sys are "/proc" and "/sys" (tests
 * give others). Waits for no disk.
 */
void inuse_describe(const char *proc, const char *sys, dev_t rdev, char *out, size_t size);

#endif
