/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_REPORT_H
#define ECACHECTL_BENCH_REPORT_H

#include <stdio.h>
#include <json-c/json.h>

#include "bench.h"

/* What was measured, in three forms; @b: one for each of @nr devices. */

/* bench_json - ecachectl(8), JSON OUTPUT; put by the caller. Aborts on no memory. */
struct json_object *bench_json(const struct bench *b, unsigned int nr);

/* bench_table_print - for a terminal. */
void bench_table_print(FILE *to, const struct bench *b, unsigned int nr);

/*
 * bench_html - one page that needs nothing else: styles and plots are in it, scripts there are none. It is XML,
 * too.
 */
void bench_html(FILE *to, const struct bench *b, unsigned int nr);

#endif
