/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_WORDS_H
#define ECACHECTL_BENCH_WORDS_H

#include <stddef.h>

#include "bench.h"

/* How measures and numbers are called, the same in table, JSON and page. */
struct bench_measure_words {
	const char *name;	/* member in JSON */
	const char *title;
	const char *unit;	/* "" when the title says it */
	bool more;		/* more of it is better */
};

extern const struct bench_measure_words bench_measures[BENCH_MEASURES];

/* bench_number - three digits that count: "0.42", "7.31", "98.2", "1234", "12.3k", "1.20M"; "-" for none. */
void bench_number(double v, char *out, size_t size);

/*
 * bench_effort - what an I/O costs here: instructions where they are counted, since under emulation time says
 * nothing; else CPU time.
 */
enum bench_measure bench_effort(const struct bench *b);

/* bench_method - how the samples were taken, in a sentence. */
void bench_method(const struct bench *b, char *out, size_t size);

#endif
