// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <stdlib.h>

#include "bench_stat.h"

#define ROUNDS_LEAST 3

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* summarize - sorts @v. */
static struct bench_summary summarize(double *v, unsigned int nr)
{
	struct bench_summary s = { .nr = nr, .median = NAN, .min = NAN, .max = NAN };

	if (!nr)
		return s;
	qsort(v, nr, sizeof(*v), compare);
	s.min = v[0];
	s.max = v[nr - 1];
	s.median = nr % 2 ? v[nr / 2] : (v[nr / 2 - 1] + v[nr / 2]) / 2;
	return s;
}

struct bench_summary bench_summary(const struct bench *b, unsigned int cell, unsigned int target,
				   enum bench_measure m)
{
	double v[BENCH_ROUNDS_MAX];
	unsigned int i, nr = 0;

	for (i = 0; i < b->rounds; i++) {
		double x = bench_at(b, cell, target, i)->v[m];

		if (isfinite(x))
			v[nr++] = x;
	}
	return summarize(v, nr);
}

struct bench_summary bench_ratio(const struct bench *b, unsigned int cell, unsigned int target, unsigned int to,
				 enum bench_measure m)
{
	double v[BENCH_ROUNDS_MAX];
	unsigned int i, nr = 0;

	for (i = 0; i < b->rounds; i++) {
		double x = bench_at(b, cell, target, i)->v[m] / bench_at(b, cell, to, i)->v[m];

		if (isfinite(x))
			v[nr++] = x;
	}
	return summarize(v, nr);
}

double bench_noise(const struct bench *b, unsigned int cell, enum bench_measure m)
{
	int a = bench_find(b, BENCH_ECACHE), again = bench_find(b, BENCH_AGAIN);
	struct bench_summary s;

	if (a < 0 || again < 0)
		return NAN;
	s = bench_ratio(b, cell, again, a, m);
	return s.nr ? fmax(fabs(s.max - 1), fabs(s.min - 1)) : NAN;
}

int bench_differs(struct bench_summary ratio, double noise)
{
	if (ratio.nr < ROUNDS_LEAST || !(fabs(ratio.median - 1) > noise))
		return 0;
	if (ratio.max < 1)
		return -1;
	return ratio.min > 1;
}
