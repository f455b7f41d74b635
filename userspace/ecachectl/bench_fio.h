/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_FIO_H
#define ECACHECTL_BENCH_FIO_H

#include "../common/err.h"
#include "bench.h"

/* fio's command line, and what it answers. */
#define BENCH_FIO_WORDS 32
#define BENCH_FIO_FD 9		/* the device, in fio: no name, which could lead somewhere else by now */
#define BENCH_FIO_OUTPUT "output"
#define BENCH_FIO_BEFORE "cell.prerun.txt"	/* fio's own names for what the commands print */
#define BENCH_FIO_AFTER "cell.postrun.txt"

struct bench_fio_job {
	const struct bench_cell *cell;	/* NULL: fill the area once with random bytes */
	uint64_t area;			/* bytes */
	unsigned int seconds;		/* 0: @ios counts */
	unsigned int ios;
	uint64_t seed;
	const char *counter;		/* file with the counts of instructions, NULL: none */
};

struct bench_fio_words {
	char *v[BENCH_FIO_WORDS + 1];	/* ended by NULL */
	unsigned int nr;
	bool failed;			/* no memory */
};

/* bench_fio_words - for a job, "fio" first. -ENOMEM; bench_fio_words_free() in any case. */
int bench_fio_words(const struct bench_fio_job *job, struct bench_fio_words *w);
void bench_fio_words_free(struct bench_fio_words *w);

struct bench_fio_answer {
	char version[32];
	uint64_t ios;
	struct bench_sample sample;	/* without BENCH_CPU and BENCH_INSNS */
};

/*
 * bench_fio_parse - the output of `fio --output-format=json`, before which fio may say other things. -EBADMSG;
 * -EIO when I/O failed.
 */
int bench_fio_parse(const char *text, struct bench_fio_answer *a, struct err *e);

#endif
