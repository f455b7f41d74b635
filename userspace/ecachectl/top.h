/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_TOP_H
#define ECACHECTL_TOP_H

#include <stdint.h>
#include <json-c/json.h>

#include "table.h"

/*
 * What happened between two answers to `status`: requests and bytes a second of each volume, from the target's
 * counters, beside its probes and its lease. Without clocks and terminals.
 */
struct top_sample {
	int64_t ms;			/* on a clock that does not jump */
	int64_t now;			/* seconds since the epoch, for people */
	struct json_object *volumes;	/* an array, or NULL */
};

void top_drop(struct top_sample *s);

/*
 * top_table - of @now; rates are "-" for a volume that was not in @before, or was opened since (its counters begin at
 * nothing again).
 */
void top_table(struct table *t, const struct top_sample *before, const struct top_sample *now);

/* top_line - all volumes in a line: how many, open, denied, and their rates together. */
void top_line(const struct top_sample *before, const struct top_sample *now, char *out, size_t size);

#endif
