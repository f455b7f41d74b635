// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "../common/clock.h"
#include "../common/log.h"
#include "../volume/unit.h"
#include "activity.h"
#include "hook.h"
#include "open.h"
#include "reopen.h"
#include "report.h"
#include "watching.h"
#include "worker.h"

struct reopening {
	char name[VOLUME_NAME_MAX + 1];
	char unit[PIN_UNIT_MAX + 1];
	char hook[POLICY_HOOK_MAX + 1];
};

/* start_unit - what the lock has stopped; its mount comes with it by its own dependencies. */
static void start_unit(struct daemon *d, const struct reopening *a)
{
	struct err e = ERR_INIT;

	if (!*a->unit || !report_unit_to_start(&d->env, a->name))
		return;
	if (unit_start(a->unit, &e))
		log_fields(LOG_ERR, e.what, "ECACHE_VOLUME", a->name, "ECACHE_EVENT", "unit-not-started", NULL);
	else
		log_info("%s: starting %s", a->name, a->unit);
}

static void run_hook(const struct reopening *a, const struct opened *opened)
{
	const struct hook h = {
		.path = a->hook,
		.event = "reopened",
		.name = a->name,
		.verdict = verdict_name(VERDICT_OK),
		.request_id = opened->request_id,
		.unit = a->unit,
	};

	hook_start(&h);
}

static int run_reopen(struct daemon *d, void *arg, int sock)
{
	const struct reopening *a = arg;
	const struct open_options o = { .name = a->name };
	struct talk none = TALK_NONE;
	struct err e = ERR_INIT;
	struct opened opened;

	(void)sock;
	if (!volume_open(&d->env, &none, &o, &opened, &e)) {
		log_fields(LOG_NOTICE, "key allowed again: volume reopened", "ECACHE_VOLUME", o.name, "ECACHE_EVENT",
			   "reopen", "ECACHE_REQUEST_ID", opened.request_id, NULL);
		start_unit(d, a);
		run_hook(a, &opened);
		return WORKER_OK;
	}
	log_err("%s: not reopened: %s", o.name, e.what);
	return WORKER_FAILED;
}

static void reopen_done(struct daemon *d, const char *name, void *arg, int status)
{
	struct watch_volume *v = watch_find(&d->watch, name);

	(void)arg;
	if (v)
		watch_reopened(&d->watch, v, status == WORKER_OK, now_ms());
	volumes_refresh(d, name);
	watching_kick(d);
}

void volume_reopen(struct daemon *d, struct watch_volume *v)
{
	struct worker_spec spec = {
		.kind = WORKER_CHANGE,
		.name = v->name,
		.activity = ACTIVITY_REOPENING,
		.killable = true,
		.sock = -1,
		.run = run_reopen,
		.done = reopen_done,
	};
	const struct watched *more = v->data;
	struct err e = ERR_INIT;
	struct reopening *a = calloc(1, sizeof(*a));

	if (!a) {
		watch_reopened(&d->watch, v, false, now_ms());
		return;
	}
	strcpy(a->name, v->name);
	strcpy(a->unit, more->unit);
	strcpy(a->hook, more->hook);
	spec.arg = a;
	if (worker_start(d, &spec, &e)) {
		log_info("%s: not reopened now: %s", v->name, e.what);
		watch_reopened(&d->watch, v, false, now_ms());
	}
}
