/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_RUN_H
#define ECACHECTL_BENCH_RUN_H

#include "../common/err.h"
#include "bench.h"

/*
 * The rounds. In each, every cell is measured on every target, one after the other in a new random order: what a
 * machine does by itself (its clock, its neighbours, a disk that gets warm) meets all of them.
 */
struct bench_runner {
	const char *fio;	/* the program */
	const char *counter;	/* file with the counts of instructions, NULL: none */
	int signals;		/* readable: give up */
	const int *fd;		/* of each target */
	void (*progress)(void *ctx, unsigned int done, unsigned int of, const char *what);	/* may be NULL */
	void *ctx;
};

/*
 * bench_fill - random bytes over the whole area through the raw target: a disk answers for what it never wrote
 * without reading.
 */
int bench_fill(struct bench *b, const struct bench_runner *r, struct err *e);

/*
 * bench_run - fills @b->samples (allocated here, freed by the caller). -EINTR: a signal; what fio refused is in
 * @e.
 */
int bench_run(struct bench *b, const struct bench_runner *r, struct err *e);

/* bench_busy - the share of all processors that is in use while nothing is measured, by a look of @ms. */
double bench_busy(int ms);

#endif
