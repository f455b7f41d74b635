/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_STAT_H
#define ECACHECTL_BENCH_STAT_H

#include "bench.h"

/* What the rounds of one cell say together. */
struct bench_summary {
	unsigned int nr;	/* rounds that have the measure; 0: the rest is NAN */
	double median;
	double min, max;
};

/* bench_summary - of one measure of a target. */
struct bench_summary bench_summary(const struct bench *b, unsigned int cell, unsigned int target,
				   enum bench_measure m);

/* bench_ratio - of a target to another, round by round: what changes slowly on a machine is in both. */
struct bench_summary bench_ratio(const struct bench *b, unsigned int cell, unsigned int target, unsigned int to,
				 enum bench_measure m);

/*
 * bench_noise - how far apart the same thing was, measured twice: the largest distance from 1 of the control's
 * ratios in a cell. NAN: there is no control.
 */
double bench_noise(const struct bench *b, unsigned int cell, enum bench_measure m);

/*
 * bench_differs - whether a ratio says more than the control: -1 below 1, 1 above, 0 not to be told. All rounds
 * must be on one side, at least three of them, and the median further from 1 than the control ever was.
 */
int bench_differs(struct bench_summary ratio, double noise);

#endif
