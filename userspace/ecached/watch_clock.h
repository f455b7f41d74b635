/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WATCH_CLOCK_H
#define ECACHED_WATCH_CLOCK_H

#include "watch.h"

/*
 * The watcher's two clocks, which run beside the questions; no answer that is on its way
 * holds them up.
 *
 * fail-after: so long after the last OK, whatever the reason, the volume is locked. The
 * last OK is the KMS's own word, kept across a restart by the caller.
 *
 * The lease, which is the kernel's: renewed when a third of it is over, and by each OK,
 * while the newest verdict is neither REVOKED nor LOST; under fail-after never past the
 * time when that locks the volume. Before this watcher has had an answer it renews nothing:
 * an agent that dies again and again before it can ask must not keep a key alive.
 */

#define WATCH_RENEWALS 3	/* in the length of a lease */

/* watch_fails_at - when fail-after locks the volume, if no OK comes; INT64_MAX: never. */
int64_t watch_fails_at(const struct watch_volume *v);

/*
 * watch_stopping - the agent is about to end: leases that may be renewed are, to their full
 * length, so that it has all of it to come back.
 */
void watch_stopping(struct watch *w, int64_t now_ms);

/* For watch.c: run what is due, when to run it next (INT64_MAX: nothing), renew now. */
void clock_run(struct watch *w, int64_t now_ms);
int64_t clock_due(const struct watch *w);
void clock_renew(struct watch *w, struct watch_volume *v, int64_t now_ms);

/*
 * clock_first_probe - within how many ms to ask about a new volume first, whatever its
 * interval: before its clocks are over.
 */
int64_t clock_first_probe(const struct watch_volume *v, int64_t now_ms);

#endif
