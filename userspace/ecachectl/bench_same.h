/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_SAME_H
#define ECACHECTL_BENCH_SAME_H

#include "bench_target.h"

/*
 * bench_same - what dm-ecache wrote is read through every target that encrypts, and not from the disk itself: else
 * what is compared would not be the same work. -EBADMSG naming the one that reads otherwise.
 */
int bench_same(const struct bench_targets *t, const struct bench *b, struct err *e);

#endif
