/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_DISK_H
#define ECACHECTL_BENCH_DISK_H

#include "../common/err.h"
#include "../volume/device.h"

/*
 * The device that is written to. The benchmark overwrites zeroes only: the device must be in nobody's use, hold
 * nothing that blkid(8) knows, be no volume of this host, and the area that is used must read as zeroes, all of
 * it. Given back, it does again.
 */
#define BENCH_AREA_LEAST (8 * 1024 * 1024)

/*
 * bench_disk_take - @area: bytes from the start, made smaller to what the device has, whole MiB; @pins as in
 * PIN_DIR. -EBUSY, -EEXIST, and what device_open() says. The claim is dropped only for dm, after the checks.
 */
int bench_disk_take(struct device *d, const char *path, unsigned int flags, const char *pins, uint64_t *area,
		    struct err *e);

/* bench_disk_give_back - zeroes over the area, and closed. No mapping may be on it any more. */
int bench_disk_give_back(struct device *d, uint64_t area, struct err *e);

#endif
