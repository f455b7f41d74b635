/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_METRICS_H
#define ECACHED_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <json-c/json.h>

#include "../common/err.h"
#include "watch.h"

/*
 * The page of metrics: what `ecachectl status --json` shows of each volume and of the agent, so
 * that both always say the same, and what is only counted. A pure function. Labels name volumes,
 * and neither keys nor caches nor uuids: a page is easier to come by than a status.
 */
struct metrics_view {
	struct json_object *const *volume;	/* as status_answer() tells them */
	size_t nr;
	struct json_object *agent;		/* its object "agent" */
	const struct watch *watch;		/* data of its volumes: struct watched */
	bool net_asked, net_up;
	uint64_t net_failures;
	unsigned int teardowns_running, teardowns_waiting;
	int64_t oldest_wait_ms;			/* since the verdict of the first that waits; 0 none */
	uint64_t scrapes_served, scrapes_cut, scrapes_refused;
};

/* metrics_page - *text is freed by the caller. */
int metrics_page(const struct metrics_view *v, char **text, size_t *len, struct err *e);

#endif
