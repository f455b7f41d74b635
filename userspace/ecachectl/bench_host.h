/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_HOST_H
#define ECACHECTL_BENCH_HOST_H

#include <sys/types.h>

#include "bench.h"

/* What a figure means depends on the machine; @root is "" (tests give another). What cannot be read stays empty. */
void bench_host_read(const char *root, struct bench_host *h);
void bench_disk_read(const char *root, dev_t rdev, struct bench_disk *d);

#endif
