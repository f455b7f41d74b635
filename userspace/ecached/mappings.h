/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_MAPPINGS_H
#define ECACHED_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "../volume/mapping.h"

/*
 * Every mapping of ours with its status, asked in a child so that the caller waits no
 * longer than it wants to.
 */
struct mappings {
	struct mapping *m;
	size_t nr;
	bool complete;		/* false: the time was over */
};

int mappings_get(const struct dm *dm, int timeout_ms, struct mappings *out);
void mappings_free(struct mappings *m);
const struct mapping *mappings_find(const struct mappings *m, const char *name);

#endif
