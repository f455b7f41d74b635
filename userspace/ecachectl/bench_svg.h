/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_SVG_H
#define ECACHECTL_BENCH_SVG_H

#include <stdio.h>

#include "bench.h"

/* Plots of one cell, a row for each target, as SVG elements within a page whose style has their classes. */

/* bench_escape - text for XML: in an element or in a quoted attribute. */
void bench_escape(FILE *to, const char *text);

/* bench_svg_bars - a bar for the median of a measure, with a line from the least to the most of the rounds. */
void bench_svg_bars(FILE *to, const struct bench *b, unsigned int cell, enum bench_measure m);

/* bench_svg_latency - median, p99 and p99.9 on a logarithmic axis; @first: BENCH_READ_P50 or BENCH_WRITE_P50. */
void bench_svg_latency(FILE *to, const struct bench *b, unsigned int cell, enum bench_measure first);

#endif
