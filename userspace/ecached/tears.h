/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_TEARS_H
#define ECACHED_TEARS_H

#include "daemon.h"

/* Teardowns that the watcher or a scan ordered: the queue with the daemon's workers, revoker and timer. */

void tears_init(struct daemon *d);

/*
 * tears_add - a copy of @o is queued or started. -EALREADY: one is under way for the
 * volume; -ENOMEM.
 */
int tears_add(struct daemon *d, const struct tear_order *o);

/* tears_pump - start what may start now; tears_due - when to call it again, INT64_MAX never. */
void tears_pump(struct daemon *d);
int64_t tears_due(const struct daemon *d);

/* tears_hurry - the daemon is about to end: no key that waits for its turn waits any longer. */
void tears_hurry(struct daemon *d);

void tears_forget(struct daemon *d);

/* tear_of - what tear_volume() is to be told; it points into @o. */
struct tear;
void tear_of(const struct tear_order *o, struct tear *t);

#endif
