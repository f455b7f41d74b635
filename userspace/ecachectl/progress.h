/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_PROGRESS_H
#define ECACHECTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * How far long work is: a bar on a terminal, drawn over itself; elsewhere a line at the beginning, at the end, and
 * every ten seconds between.
 */
struct progress {
	bool drawn;		/* the bar stands on the current line */
	char what[32];		/* the work of the last line */
	int64_t line_ms;	/* of that work, when it was written */
};

/* progress_show - @done of @total bytes of @what after @ms. @columns of the terminal, 0: there is none. */
void progress_show(struct progress *p, FILE *to, unsigned int columns, const char *what, uint64_t done, uint64_t total,
		   int64_t ms);

/* progress_break - something else is about to be written. */
void progress_break(struct progress *p, FILE *to);

/* progress_size - "1.5 GiB". progress_columns - of the terminal behind @fd, 0: it is none. */
void progress_size(uint64_t bytes, char out[16]);
unsigned int progress_columns(int fd);

#endif
