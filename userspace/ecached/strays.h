/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_STRAYS_H
#define ECACHED_STRAYS_H

#include <json-c/json.h>

#include "env.h"

/* Where the disks of this host are listed, and their nodes; tests have others. */
struct strays_place {
	const char *list;	/* "/sys/class/block"; NULL: look at no disks but those that pins name */
	const char *nodes;	/* "/dev" */
};

#define STRAYS_TIMEOUT_MS 5000

/*
 * strays_find - what of a volume is there without the rest, into the array @out:
 *	{"what":"pin", "name":S, "device":S, "why":S}		no header that goes with it
 *	{"what":"header", "device":S, "luks_uuid":S, "cache_id":S}	no pin of this host names its uuid
 *	{"what":"state", "name":S, "luks_uuid":S, "grant_id":S}	no pin of that name
 *	What unfinished work names is none. Disks are read by a child, which is given up after
 *	@timeout_ms: false, not all was seen.
 */
bool strays_find(const struct env *env, const struct strays_place *p, int timeout_ms, struct json_object *out);

#endif
