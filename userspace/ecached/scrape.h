/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_SCRAPE_H
#define ECACHED_SCRAPE_H

#include "daemon.h"

/*
 * Metrics for Prometheus at metrics-socket, for root and the group ecache: the loop only takes
 * connections and waits for their first byte; a worker makes the page and then, in a sandbox, reads
 * the request (scrape_http.h). A page says how it was when its worker was forked. Each worker ends
 * after SCRAPE_LIMIT_S, whoever it waits for.
 */
#define SCRAPE_LIMIT_S 5

/* scrapes_start - a socket that cannot be had is logged and left: metrics are no reason not to watch volumes. */
void scrapes_start(struct daemon *d);
void scrapes_stop(struct daemon *d);

/* scrapes_close_fds - in a new worker: what is the loop's. */
void scrapes_close_fds(const struct daemon *d);

#endif
