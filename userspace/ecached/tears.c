// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/clock.h"
#include "../common/log.h"
#include "activity.h"
#include "tear.h"
#include "tears.h"
#include "watching.h"
#include "worker.h"

static int run(struct daemon *d, void *arg, int sock)
{
	const struct tear_order *o = arg;
	const struct tear t = {
		.name = o->name,
		.policy = o->policy,
		.unit = o->unit,
		.hook = o->hook,
		.verdict_ms = o->verdict_ms,
		.deadline_ms = o->deadline_ms,
		.verdict = o->verdict,
		.reason = o->reason,
		.request_id = o->request_id,
	};
	struct teardown_report report;
	struct err e = ERR_INIT;

	(void)sock;
	if (!tear_volume(&d->env, &t, &report, &e))
		return WORKER_OK;
	log_fields(LOG_ALERT, e.what, "ECACHE_VOLUME", o->name, "ECACHE_EVENT", "teardown-failed", NULL);
	return WORKER_FAILED;
}

static void done(struct daemon *d, const char *name, void *arg, int status)
{
	struct watch_volume *v = watch_find(&d->watch, name);
	const struct tear_order *o = arg;

	/*
	 * A key that is not confirmed gone: again, but by the watcher or the next scan, not
	 * in a circle.
	 */
	if (v && status != WORKER_OK)
		watch_retry(&d->watch, v, now_ms());
	else if (v && o->policy == POLICY_LOCK)
		watch_locked(&d->watch, v, now_ms());
	if (status == WORKER_OK)
		volumes_refresh(d, name);
	tears_pump(d);
	watching_kick(d);
}

/* start - false: not now, it stays in the queue. */
static bool start(struct daemon *d, const struct tear_order *o)
{
	struct worker_spec spec = {
		.kind = WORKER_TEAR,
		.name = o->name,
		.activity = o->policy == POLICY_LOCK ? ACTIVITY_LOCKING : ACTIVITY_TEARING,
		.sock = -1,
		.run = run,
		.done = done,
	};
	struct tear_order *arg = malloc(sizeof(*arg));
	struct err e = ERR_INIT;

	if (!arg)
		return false;
	*arg = *o;
	spec.arg = arg;
	/*
	 * What opens or closes the volume is in the way of its end; what changes its grant
	 * or header is nearly done.
	 */
	worker_kill(d, o->name);
	if (!worker_start(d, &spec, &e))
		return true;
	log_err("%s: teardown not started: %s", o->name, e.what);
	return false;
}

static bool is_late(const struct tear_order *o, int64_t now)
{
	return now - o->verdict_ms >= o->deadline_ms / 2;
}

void tears_pump(struct daemon *d)
{
	struct tear_order **p = &d->tears, *o;
	int64_t now = now_ms();

	while ((o = *p)) {
		if ((worker_count(d, WORKER_TEAR) < TEARS_MAX || is_late(o, now)) && start(d, o)) {
			*p = o->next;
			free(o);
		} else {
			p = &o->next;
		}
	}
}

int64_t tears_due(const struct daemon *d)
{
	int64_t due = INT64_MAX, now = now_ms(), half;
	const struct tear_order *o;

	for (o = d->tears; o; o = o->next) {
		half = o->verdict_ms + o->deadline_ms / 2;
		if (half <= now)
			half = now + 100;	/* could not be started: again, soon */
		if (half < due)
			due = half;
	}
	return due;
}

bool tears_queued(const struct daemon *d, const char *name)
{
	const struct tear_order *o;

	for (o = d->tears; o; o = o->next) {
		if (!strcmp(o->name, name))
			return true;
	}
	return false;
}

int tears_add(struct daemon *d, const struct tear_order *o)
{
	const char *busy = worker_busy(d, o->name);
	struct tear_order *copy;

	if (tears_queued(d, o->name) || (busy && (!strcmp(busy, ACTIVITY_TEARING) || !strcmp(busy, ACTIVITY_LOCKING))))
		return -EALREADY;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *o;
	copy->next = d->tears;
	d->tears = copy;
	tears_pump(d);
	return 0;
}

void tears_forget(struct daemon *d)
{
	struct tear_order *o;

	while ((o = d->tears)) {
		d->tears = o->next;
		free(o);
	}
}

const char *activity(const struct daemon *d, const char *name)
{
	return tears_queued(d, name) ? ACTIVITY_TEARING : worker_busy(d, name);
}
