/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_TEARS_H
#define ECACHED_TEARS_H

#include "daemon.h"
#include "../volume/pin.h"

/*
 * Teardowns that the watcher ordered: at most TEARS_MAX at a time. One that has waited for
 * half its deadline is started beyond the limit; volume/teardown.h then lets the key go
 * first.
 */
#define TEARS_MAX 16

struct tear_order {
	struct tear_order *next;
	char name[VOLUME_NAME_MAX + 1];
	enum policy policy;
	char unit[PIN_UNIT_MAX + 1];
	char hook[POLICY_HOOK_MAX + 1];
	int64_t verdict_ms;
	int64_t deadline_ms;
	char verdict[32];
	char reason[512];
	char request_id[80];
};

/*
 * tears_add - a copy of @o is queued or started. -EALREADY: one is under way for the
 * volume; -ENOMEM.
 */
int tears_add(struct daemon *d, const struct tear_order *o);

/* tears_pump - start what may start now; tears_due - when to call it again, INT64_MAX never. */
void tears_pump(struct daemon *d);
int64_t tears_due(const struct daemon *d);

bool tears_queued(const struct daemon *d, const char *name);
void tears_forget(struct daemon *d);

#endif
