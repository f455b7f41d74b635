/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_CELL_H
#define ECACHECTL_BENCH_CELL_H

#include "../common/err.h"
#include "bench.h"

/*
 * bench_choose_cells - the cells that @list names, separated by commas, in the table's order; NULL: all. -EINVAL
 * with those that there are in @e.
 */
int bench_choose_cells(struct bench *b, const char *list, struct err *e);

#endif
