/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_MARK_H
#define ECACHECTL_BENCH_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/err.h"

/*
 * The processors' time, read just before and just after a sample's I/O by a command of fio's: /proc/uptime and
 * /proc/stat, and the counter of instructions where there is one. What was not idle was used: interrupts and
 * kernel threads count, whoever they run for.
 */
struct bench_mark {
	double uptime;		/* seconds */
	double idle;		/* seconds, of all processors, waiting for I/O included */
	unsigned int cpus;
	uint64_t insns;
	bool counted;
};

/*
 * bench_mark_parse - text of /proc/uptime, /proc/stat and `od -An -v -w8 -td8` of the counter, in any order; @hz
 * is USER_HZ. -EBADMSG.
 */
int bench_mark_parse(const char *text, long hz, struct bench_mark *m, struct err *e);

/* bench_mark_used - seconds of processor time between two, at least 0. */
double bench_mark_used(const struct bench_mark *from, const struct bench_mark *to);

#endif
