/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WATCH_ACT_H
#define ECACHED_WATCH_ACT_H

#include "watch.h"

/*
 * What the watcher orders, for watch.c and watch_clock.c; the outcomes come back through
 * watch.h. One act at a time a volume: what is ordered meanwhile is ordered again by the
 * next answer.
 */

/* act_order - the act of a policy, unless one is under way. */
void act_order(struct watch *w, struct watch_volume *v, enum policy policy, enum watch_cause cause);

/*
 * act_come_back - OK: what is locked reopens, unless it stays. A key that the kernel took
 * away left a file system behind that met errors: it is ended in order first.
 */
void act_come_back(struct watch *w, struct watch_volume *v, int64_t now_ms);

#endif
