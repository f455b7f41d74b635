// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/json.h"
#include "child.h"
#include "supervise.h"
#include "teardown.h"

struct teardown {
	int events;
	bool hung_up;		/* nobody is left to tell more */
	struct teardown_report report;
};

const char *teardown_step_name(enum teardown_step s)
{
	static const char *const names[TEARDOWN_NR] = {
		[TEARDOWN_STOP] = "stop-unit",
		[TEARDOWN_KILL] = "kill-cgroup",
		[TEARDOWN_SHUTDOWN] = "fs-shutdown",
		[TEARDOWN_UMOUNT] = "umount",
		[TEARDOWN_SWAPOFF] = "swapoff",
		[TEARDOWN_KEY] = "key",
		[TEARDOWN_ERROR] = "error-table",
		[TEARDOWN_REMOVE] = "remove",
		[TEARDOWN_VERIFY] = "verify",
	};

	return names[s];
}

static const char *outcome_name(enum teardown_outcome o)
{
	static const char *const names[] = {
		[STEP_PENDING] = "pending",
		[STEP_RUNNING] = "running",
		[STEP_OK] = "ok",
		[STEP_SKIPPED] = "skipped",
		[STEP_FAILED] = "failed",
		[STEP_ABANDONED] = "abandoned",
	};

	return names[o];
}

/*
 * fork_away - the supervisor is not our child but init's, so that the daemon need not reap it and it can outlive
 * the daemon. The process between ends at once: waiting for it waits for a fork only.
 */
static int fork_away(const struct teardown_spec *spec, const struct teardown_steps *steps, int revoker, int events)
{
	int keep[3] = { events }, status;
	size_t nr = 1;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		pid = fork();
		if (pid)
			_exit(pid < 0 ? errno : 0);
		if (revoker >= 0)
			keep[nr++] = revoker;
		if (spec->lock)
			keep[nr++] = spec->lock;
		child_settle("ecache-teardown", keep, nr);
		supervise(spec, steps, revoker, events);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 0;	/* ECHILD: a SIGCHLD handler has reaped it; the socket tells the rest */
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EAGAIN;
}

static int check(const struct teardown_spec *spec, struct err *e)
{
	if (spec->policy != POLICY_TEARDOWN && spec->policy != POLICY_LOCK)
		return err_set(e, -EINVAL, "teardown: the policy must be teardown or lock");
	if (spec->deadline_ms < 1000)
		return err_set(e, -EINVAL, "teardown: the deadline must be at least one second");
	return volume_name_check(spec->name, e);
}

int teardown_start_steps(struct teardown **out, const struct teardown_spec *spec, const struct teardown_steps *steps,
			 struct err *e)
{
	int pair[2], revoker = -1, rc;
	struct teardown *t;

	*out = NULL;
	rc = check(spec, e);
	if (rc)
		return rc;
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(e, -ENOMEM, "out of memory");
	t->report.key_gone_ms = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair)) {
		rc = err_sys(e, -errno, "cannot make the teardown's socket");
		goto free_t;
	}
	/* Without it a step's child destroys the key. */
	if (spec->revoker)
		revoker_connect(spec->revoker, &revoker, NULL);
	rc = fork_away(spec, steps, revoker, pair[1]);
	close(pair[1]);
	if (revoker >= 0)
		close(revoker);
	if (rc) {
		err_sys(e, rc, "cannot start the teardown of %s", spec->name);
		close(pair[0]);
		goto free_t;
	}
	t->events = pair[0];
	*out = t;
	return 0;

free_t:
	free(t);
	return rc;
}

int teardown_start(struct teardown **out, const struct teardown_spec *spec, struct err *e)
{
	return teardown_start_steps(out, spec, &teardown_real, e);
}

int teardown_fd(const struct teardown *t)
{
	return t->events;
}

const struct teardown_report *teardown_report(const struct teardown *t)
{
	return &t->report;
}

static void take(struct teardown_report *re, const struct teardown_event *ev)
{
	if (ev->what == TEARDOWN_EVENT_RECORD) {
		re->record = ev->report;
		return;
	}
	if (ev->what < TEARDOWN_NR) {
		re->step[ev->what] = ev->report;
		/* Known at once, so that the daemon can say so before the rest has ended. */
		if (ev->what == TEARDOWN_KEY && !re->key_gone &&
		    (ev->report.outcome == STEP_OK || ev->report.outcome == STEP_SKIPPED)) {
			re->key_gone = true;
			re->key_gone_ms = ev->report.start_ms + ev->report.ms;
		}
		return;
	}
	re->ahead = ev->end.ahead;
	re->key_gone = ev->end.key_gone;
	re->key_gone_ms = ev->end.key_gone_ms;
	re->removed = ev->end.removed;
	re->in_time = ev->end.in_time;
	re->total_ms = ev->end.total_ms;
	re->done = true;
}

int teardown_progress(struct teardown *t)
{
	struct teardown_event ev;
	ssize_t n;

	while (!t->hung_up) {
		n = recv(t->events, &ev, sizeof(ev), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n == sizeof(ev))
			take(&t->report, &ev);
		else
			t->hung_up = true;
	}
	if (t->report.done)
		return 1;
	return t->hung_up ? -EPIPE : 0;
}

bool teardown_recorded(const struct teardown *t)
{
	return t->hung_up || t->report.record.outcome != STEP_RUNNING;
}

void teardown_free(struct teardown *t)
{
	if (!t)
		return;
	close(t->events);
	free(t);
}

int teardown_run(const struct teardown_spec *spec, struct teardown_report *report, struct err *e)
{
	struct pollfd p = { .events = POLLIN };
	struct teardown *t = NULL;
	int rc;

	memset(report, 0, sizeof(*report));
	rc = teardown_start(&t, spec, e);
	if (rc || !t)
		return rc;
	p.fd = teardown_fd(t);
	do {
		if (poll(&p, 1, -1) < 0 && errno != EINTR) {
			rc = -errno;
			break;
		}
		rc = teardown_progress(t);
	} while (!rc);
	*report = *teardown_report(t);
	teardown_free(t);
	return rc < 0 ? err_sys(e, rc, "the teardown of %s did not end by itself", spec->name) : 0;
}

static struct json_object *step_json(enum teardown_step s, const struct teardown_step_report *re)
{
	struct json_object *o = json_object_new_object();

	if (js_put_string(o, "name", teardown_step_name(s)) ||
	    js_put_string(o, "outcome", outcome_name(re->outcome)) ||
	    js_put(o, "start_ms", json_object_new_int64(re->start_ms)) ||
	    js_put(o, "ms", json_object_new_int64(re->ms)) ||
	    js_put_string(o, "text", re->text)) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

static struct json_object *steps_json(const struct teardown_report *report)
{
	struct json_object *list = json_object_new_array(), *o;
	int s;

	for (s = 0; list && s < TEARDOWN_NR; s++) {
		o = step_json(s, &report->step[s]);
		if (!o || json_object_array_add(list, o)) {
			json_object_put(o);
			json_object_put(list);
			return NULL;
		}
	}
	return list;
}

struct json_object *teardown_json(const struct teardown_report *report)
{
	struct json_object *o = json_object_new_object();

	if (js_put(o, "done", json_object_new_boolean(report->done)) ||
	    js_put(o, "key_gone", json_object_new_boolean(report->key_gone)) ||
	    js_put(o, "key_gone_ms", json_object_new_int64(report->key_gone_ms)) ||
	    js_put(o, "in_time", json_object_new_boolean(report->in_time)) ||
	    js_put(o, "ahead", json_object_new_boolean(report->ahead)) ||
	    js_put(o, "removed", json_object_new_boolean(report->removed)) ||
	    js_put(o, "total_ms", json_object_new_int64(report->total_ms)) ||
	    js_put(o, "steps", steps_json(report))) {
		json_object_put(o);
		return NULL;
	}
	return o;
}
