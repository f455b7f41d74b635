// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/log.h"
#include "activity.h"
#include "lock.h"
#include "note.h"
#include "tear.h"
#include "tears.h"
#include "watching.h"
#include "worker.h"

void tear_of(const struct tear_order *o, struct tear *t)
{
	*t = (struct tear){
		.name = o->name,
		.policy = o->policy,
		.unit = o->unit,
		.hook = o->hook,
		.verdict_ms = o->verdict_ms,
		.deadline_ms = o->deadline_ms,
		.verdict = o->verdict,
		.reason = o->reason,
		.request_id = o->request_id,
		.key_gone_ms = o->gone_ms ? o->gone_ms - o->verdict_ms : 0,
	};
}

static int run(struct daemon *d, void *arg, int sock)
{
	const struct tear_order *o = arg;
	struct teardown_report report;
	struct err e = ERR_INIT;
	struct tear t;

	(void)sock;
	tear_of(o, &t);
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

static unsigned int op_running(void *ctx)
{
	return worker_count(ctx, WORKER_TEAR);
}

static int op_start(void *ctx, const struct tear_order *o)
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
	struct daemon *d = ctx;
	struct err e = ERR_INIT;

	if (!arg)
		return -ENOMEM;
	*arg = *o;
	spec.arg = arg;
	/*
	 * What opens or closes the volume is in the way of its end; what changes its grant
	 * or header is nearly done.
	 */
	worker_kill(d, o->name);
	if (!worker_start(d, &spec, &e))
		return 0;
	log_err("%s: teardown not started: %s", o->name, e.what);
	return e.rc;
}

static void hang_up(struct daemon *d)
{
	d->ahead_io = sd_event_source_disable_unref(d->ahead_io);
	if (d->ahead >= 0)
		close(d->ahead);
	d->ahead = -1;
	tear_queue_unanswered(&d->tears);
}

static int on_answer(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	const struct tear_order *o;
	struct daemon *d = userdata;
	uint32_t number;
	int got, rc;

	(void)s;
	(void)revents;
	while ((got = revoker_answer(fd, &number, &rc)) > 0) {
		o = tear_queue_answer(&d->tears, number, rc, now_ms());
		if (o && !rc)
			log_msg(LOG_NOTICE, "%s: key gone %lld ms after the verdict, ahead of its teardown, which has to wait",
				o->name, (long long)(o->gone_ms - o->verdict_ms));
		else if (o && rc != -EINPROGRESS)
			log_err("%s: the revoker cannot destroy its key: %s", o->name, strerror(-rc));
	}
	if (got < 0)
		hang_up(d);
	tears_pump(d);
	watching_kick(d);
	return 0;
}

static int dial(struct daemon *d)
{
	int rc;

	if (d->ahead >= 0)
		return 0;
	rc = revoker_connect(&d->revoker, &d->ahead, NULL);
	if (rc)
		return rc;
	rc = sd_event_add_io(d->event, &d->ahead_io, d->ahead, EPOLLIN, on_answer, d);
	if (rc >= 0)
		return 0;
	close(d->ahead);
	d->ahead = -1;
	return rc;
}

static int op_ahead(void *ctx, const struct tear_order *o, uint32_t number)
{
	struct daemon *d = ctx;
	int rc = dial(d);

	if (!rc)
		rc = revoker_ask(d->ahead, o->policy == POLICY_LOCK ? REVOKER_WIPE : REVOKER_REVOKE, o->name, number);
	return rc;
}

void tears_init(struct daemon *d)
{
	static const struct tear_queue_ops ops = { .running = op_running, .start = op_start, .ahead = op_ahead };

	d->tears = (struct tear_queue){ .ops = &ops, .ctx = d };
	d->ahead = -1;
}

void tears_pump(struct daemon *d)
{
	tear_queue_run(&d->tears, now_ms());
}

int64_t tears_due(const struct daemon *d)
{
	return tear_queue_due(&d->tears, now_ms());
}

void tears_hurry(struct daemon *d)
{
	d->tears.hurry = true;
	tears_pump(d);
}

int tears_add(struct daemon *d, const struct tear_order *o)
{
	const char *busy = activity(d, o->name);
	int rc;

	if (busy && (!strcmp(busy, ACTIVITY_TEARING) || !strcmp(busy, ACTIVITY_LOCKING)))
		return -EALREADY;
	rc = tear_queue_add(&d->tears, o);
	if (rc)
		return rc;
	tears_pump(d);
	if (tear_queue_find(&d->tears, o->name) && o->policy == POLICY_TEARDOWN)
		notes_mark(d, o);
	return 0;
}

void tears_forget(struct daemon *d)
{
	hang_up(d);
	tear_queue_free(&d->tears);
}

const char *activity(const struct daemon *d, const char *name)
{
	const struct tear_order *o = tear_queue_find(&d->tears, name);
	const char *busy;

	if (o)
		return o->policy == POLICY_LOCK ? ACTIVITY_LOCKING : ACTIVITY_TEARING;
	busy = worker_busy(d, name);
	if (busy)
		return busy;
	return tear_is_locked(&d->env, name) ? ACTIVITY_TEARING : NULL;
}
