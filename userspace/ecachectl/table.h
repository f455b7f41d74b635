/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_TABLE_H
#define ECACHECTL_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "tone.h"

/*
 * Columns as wide as what is in them, two blanks apart. A column that is empty in all rows is not shown. A title with a
 * '>' before it has its cells at the right edge.
 */
#define TABLE_COLS 16

struct cell {
	char *text;
	enum tone tone;
};

struct table {
	const char *const *titles;	/* NULL-terminated */
	unsigned int cols;
	unsigned int rows;
	struct cell *cells;		/* row after row */
	bool broken;			/* no memory: said in its place, since top must not die in the middle */
};

void table_init(struct table *t, const char *const *titles);

/* table_row - a new row, its cells empty; table_put - a cell of the last one. */
void table_row(struct table *t);
void table_put(struct table *t, unsigned int col, enum tone tone, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * table_print - @width: lines are cut there, 0: never. @height: lines, the titles among them, 0: all. No line ends with
 * blanks, so that a table in a pipe is easy to compare.
 */
void table_print(FILE *to, const struct table *t, bool tones, unsigned int width, unsigned int height);
void table_free(struct table *t);

/* table_width - of the terminal behind @to; 0: none, so lines are not cut. */
unsigned int table_width(FILE *to);

#endif
