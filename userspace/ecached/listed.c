// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "../common/clock.h"
#include "../common/log.h"
#include "listed.h"
#include "netcall.h"
#include "watching.h"

#define EVERY_MS 1000

const char *listed_name(enum listed l)
{
	switch (l) {
	case LISTED_YES:
		return "listed";
	case LISTED_NO:
		return "not-listed";
	case LISTED_UNKNOWN:
	case LISTED_REFUSED:
		break;
	}
	return NULL;
}

static void answered(struct daemon *d, const char *name, const struct net_answer *a)
{
	struct watch_volume *v = watch_find(&d->watch, name);
	struct watched *more;
	char text[512];

	if (!v || a->a.transport != KMS_ANSWERED)
		return;
	more = v->data;
	if (a->a.http_status != 200 || *a->a.code) {
		more->listed = LISTED_REFUSED;
		return;
	}
	more->listed = a->listed ? LISTED_YES : LISTED_NO;
	snprintf(text, sizeof(text), "%s: denied, and its grant is %s", name,
		 a->listed ? "still listed: a policy may deny, or the list is late" : "listed no more");
	log_fields(LOG_NOTICE, text, "ECACHE_VOLUME", name, "ECACHE_EVENT", "grant-listed", "ECACHE_REQUEST_ID",
		   a->a.request_id, NULL);
}

static void ask(struct daemon *d, const struct watch_volume *v)
{
	const struct net_request rq = { .op = "listed", .key_arn = watch_key_arn(v), .grant_id = v->grant_id };

	d->listed_ms = now_ms() + EVERY_MS;
	netcall_start(d, &rq, v->name, answered);
}

void listed_ask(struct daemon *d, struct watch_volume *v)
{
	struct watched *more = v->data;

	if (v->why != VERDICT_WHY_DENIED)
		more->listed = LISTED_UNKNOWN;
	else if (more->listed == LISTED_UNKNOWN && *v->grant_id && !d->stopping && now_ms() >= d->listed_ms)
		ask(d, v);
}
