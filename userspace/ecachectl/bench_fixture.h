/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_FIXTURE_H
#define ECACHECTL_BENCH_FIXTURE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_cell.h"
#include "bench_target.h"

/* A benchmark that nobody ran: the tests put in what they are about. */
static inline void fixture_free(struct bench *b)
{
	free(b->samples);
}

/* fixture - cells of @list on the disk, dm-crypt twice, dm-ecache and its control; every measure NAN. */
static inline struct bench fixture(const char *list, unsigned int rounds)
{
	static const enum bench_kind kinds[] = { BENCH_RAW, BENCH_CRYPT, BENCH_CRYPT_NWQ, BENCH_ECACHE, BENCH_AGAIN };
	struct bench b = { .rounds = rounds, .seconds = 3, .sector_size = 4096, .disk.area = 1 << 30 };
	unsigned int i, m, nr;

	if (bench_choose_cells(&b, list, NULL))
		abort();
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		b.targets[i].kind = kinds[i];
		b.targets[i].name = bench_kind_name(kinds[i]);
		b.targets[i].title = "a way to the disk";
		b.nr_targets++;
	}
	nr = b.nr_cells * b.nr_targets * rounds;
	b.samples = calloc(nr, sizeof(*b.samples));
	if (!b.samples)
		abort();
	for (i = 0; i < nr; i++) {
		for (m = 0; m < BENCH_MEASURES; m++)
			b.samples[i].v[m] = NAN;
	}
	return b;
}

/* fill - one measure of a kind in all rounds: @v has as many values as there are rounds. */
static inline void fill(struct bench *b, unsigned int cell, enum bench_kind kind, enum bench_measure m, const double *v)
{
	unsigned int i;

	for (i = 0; i < b->rounds; i++)
		bench_at(b, cell, (unsigned int)bench_find(b, kind), i)->v[m] = v[i];
}

#endif
