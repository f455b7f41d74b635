// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "../common/clock.h"
#include "supervise.h"
#include "text.h"

/*
 * The revoker gets this part of the key's slot; if it does not answer, the rest is for a child that does it by itself.
 */
#define REVOKER_SHARE 2

/* Where each step ends at the latest, as a part of the deadline. */
static const struct {
	int num, den;
} slot_end[TEARDOWN_NR] = {
	[TEARDOWN_STOP] = { 1, 3 },
	[TEARDOWN_KILL] = { 5, 12 },
	[TEARDOWN_SHUTDOWN] = { 1, 2 },
	[TEARDOWN_UMOUNT] = { 6, 10 },
	[TEARDOWN_SWAPOFF] = { 6, 10 },
	[TEARDOWN_KEY] = { 8, 10 },
	[TEARDOWN_ERROR] = { 9, 10 },
	[TEARDOWN_REMOVE] = { 1, 1 },
	[TEARDOWN_VERIFY] = { 1, 1 },
};

void teardown_order(const struct teardown_spec *spec, int64_t now, enum teardown_step order[TEARDOWN_NR])
{
	bool late = now - spec->verdict_ms >= spec->deadline_ms / 2;
	unsigned int n = 0, s;

	if (late)
		order[n++] = TEARDOWN_KEY;
	for (s = 0; s < TEARDOWN_NR; s++) {
		if (!late || s != TEARDOWN_KEY)
			order[n++] = s;
	}
}

static int64_t end_of(const struct teardown_spec *spec, enum teardown_step s)
{
	return spec->verdict_ms + spec->deadline_ms * slot_end[s].num / slot_end[s].den;
}

int64_t teardown_until(const struct teardown_spec *spec, const enum teardown_step order[TEARDOWN_NR], unsigned int i,
		       int64_t now)
{
	int64_t until = end_of(spec, order[i]), key_at = end_of(spec, TEARDOWN_SWAPOFF), share;
	unsigned int key = 0;

	while (order[key] != TEARDOWN_KEY)
		key++;
	if (i >= key)
		return until > now + TEARDOWN_GRACE_MS ? until : now + TEARDOWN_GRACE_MS;
	/* A late start: what is left until the key must go is shared by the steps before it. */
	if (key_at <= now)
		return now;
	share = now + (key_at - now) / (key - i);
	return until > share ? until : share;
}

struct run {
	const struct teardown_spec *spec;
	const struct teardown_steps *steps;
	int revoker, events;
	struct teardown_report report;
};

/* What a step's child says at its end. */
struct verdict_of_step {
	int rc;
	char text[TEARDOWN_ERR_MAX + 1];
};

#define KEEP TEARDOWN_NR	/* not a step, but run like one: the report is kept */

static int64_t since(const struct run *r)
{
	return now_ms() - r->spec->verdict_ms;
}

/* Nobody may be left to hear it; the work goes on. */
static void tell(const struct run *r, unsigned int what, const struct teardown_step_report *re)
{
	struct teardown_event ev = { .what = what, .report = *re };

	send(r->events, &ev, sizeof(ev), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void child_main(const struct run *r, enum teardown_step s, int64_t until, int out)
{
	struct verdict_of_step v = { 0 };

	child_settle(s == KEEP ? "ecache-report" : "ecache-step", &out, 1);
	if (s == KEEP)
		r->spec->keeper->keep(r->spec->keeper->ctx, &r->report);
	else
		v.rc = r->steps->run[s](r->spec, until, v.text);
	v.text[TEARDOWN_ERR_MAX] = '\0';
	send(out, &v, sizeof(v), MSG_NOSIGNAL);
	_exit(0);
}

/* hear - the child's word; -ETIME when its time is over, -ECHILD when it died without one. */
static int hear(int sock, int64_t until, struct verdict_of_step *v)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int64_t left;
	ssize_t n;

	for (;;) {
		left = until - now_ms();
		if (left <= 0)
			return -ETIME;
		if (poll(&p, 1, left) <= 0)
			continue;
		n = recv(sock, v, sizeof(*v), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		return n == sizeof(*v) ? 0 : -ECHILD;
	}
}

/*
 * in_child - run a step with a time limit. A child in D state survives SIGKILL for as long as its disk hangs: it is
 * not waited for, and init reaps it when we have ended.
 */
static int in_child(const struct run *r, enum teardown_step s, int64_t until, struct verdict_of_step *v)
{
	int pair[2], rc;
	pid_t pid;

	memset(v, 0, sizeof(*v));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (pid < 0) {
		rc = -errno;
		close(pair[0]);
		close(pair[1]);
		return rc;
	}
	if (!pid)
		child_main(r, s, until, pair[1]);
	close(pair[1]);
	rc = hear(pair[0], until, v);
	close(pair[0]);
	if (rc)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, WNOHANG);
	return rc;
}

static void set_outcome(struct teardown_step_report *re, int run_rc, const struct verdict_of_step *v)
{
	if (run_rc == -ETIME) {
		re->outcome = STEP_ABANDONED;
		re->rc = -ETIMEDOUT;
		text_set(re->text, "not done in its time, left behind");
		return;
	}
	if (run_rc) {
		re->outcome = STEP_FAILED;
		re->rc = run_rc;
		text_set(re->text, run_rc == -ECHILD ? "its process died" : "no process could be made");
		return;
	}
	re->rc = v->rc;
	text_set(re->text, v->text);
	if (v->rc == -ENOENT) {
		re->rc = 0;
		re->outcome = STEP_SKIPPED;
	} else {
		re->outcome = v->rc < 0 ? STEP_FAILED : STEP_OK;
	}
}

/* ask_revoker - true when the target said that the key is gone. */
static bool ask_revoker(const struct run *r, int64_t until, struct teardown_step_report *re)
{
	enum revoker_op op = r->spec->policy == POLICY_LOCK ? REVOKER_WIPE : REVOKER_REVOKE;
	struct err e = ERR_INIT;
	int64_t share = (until - now_ms()) / REVOKER_SHARE;

	if (r->revoker < 0 || share <= 0)
		return false;
	if (revoker_call(r->revoker, op, r->spec->name, share, &e))
		return false;
	re->outcome = STEP_OK;
	text_set(re->text, "by the revoker");
	return true;
}

static void note_key_gone(struct run *r, const struct teardown_step_report *by)
{
	if (r->report.key_gone)
		return;
	r->report.key_gone = true;
	r->report.key_gone_ms = by->start_ms + by->ms;
}

static void run_step(struct run *r, enum teardown_step s, int64_t until)
{
	struct teardown_step_report *re = &r->report.step[s];
	struct verdict_of_step v;
	int rc;

	re->outcome = STEP_RUNNING;
	re->start_ms = since(r);
	tell(r, s, re);
	if (r->steps->idle && r->steps->idle(r->spec, s)) {
		re->outcome = STEP_SKIPPED;
	} else if (s != TEARDOWN_KEY || !ask_revoker(r, until, re)) {
		rc = in_child(r, s, until, &v);
		set_outcome(re, rc, &v);
	}
	re->ms = since(r) - re->start_ms;
	/* "Nothing there" has no key either. VERIFY succeeds only when there is none. */
	if ((s == TEARDOWN_KEY || s == TEARDOWN_VERIFY) && (re->outcome == STEP_OK || re->outcome == STEP_SKIPPED))
		note_key_gone(r, re);
	tell(r, s, re);
}

/* record_main - waits for as long as its disk does, be the supervisor and the daemon gone; tells by itself. */
static void record_main(struct run *r)
{
	const struct teardown_keeper *k = r->spec->keeper;
	struct teardown_step_report *re = &r->report.record;
	char note[TEARDOWN_ERR_MAX + 1] = "";

	child_settle("ecache-record", &r->events, 1);
	re->rc = k->record(k->ctx, note);
	note[TEARDOWN_ERR_MAX] = '\0';
	re->outcome = re->rc ? STEP_FAILED : STEP_OK;
	text_set(re->text, note);
	re->ms = since(r) - re->start_ms;
	tell(r, TEARDOWN_EVENT_RECORD, re);
	_exit(0);
}

static void start_record(struct run *r)
{
	struct teardown_step_report *re = &r->report.record;
	pid_t pid;

	if (!r->spec->keeper || !r->spec->keeper->record)
		return;
	re->outcome = STEP_RUNNING;
	re->start_ms = since(r);
	tell(r, TEARDOWN_EVENT_RECORD, re);	/* before the child can tell more */
	pid = fork();
	if (!pid)
		record_main(r);
	if (pid > 0)
		return;
	re->outcome = STEP_PENDING;
	tell(r, TEARDOWN_EVENT_RECORD, re);
}

static void end(struct run *r)
{
	struct teardown_report *re = &r->report;
	struct teardown_event ev = { .what = TEARDOWN_EVENT_END };
	struct verdict_of_step v;

	re->removed = re->step[TEARDOWN_VERIFY].outcome == STEP_OK && re->step[TEARDOWN_VERIFY].rc == LEFT_NOTHING;
	re->total_ms = since(r);
	re->in_time = re->key_gone && re->key_gone_ms <= r->spec->deadline_ms;
	re->done = true;
	ev.end.ahead = re->ahead;
	ev.end.key_gone = re->key_gone;
	ev.end.key_gone_ms = re->key_gone_ms;
	ev.end.removed = re->removed;
	ev.end.total_ms = re->total_ms;
	ev.end.in_time = re->in_time;
	if (r->spec->keeper && r->spec->keeper->keep)
		in_child(r, KEEP, now_ms() + TEARDOWN_KEEP_MS, &v);
	/* Whoever hears of the end must find the lock free. */
	if (r->spec->lock)
		close(r->spec->lock);
	send(r->events, &ev, sizeof(ev), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void supervise(const struct teardown_spec *spec, const struct teardown_steps *steps, int revoker, int events)
{
	struct run r = {
		.spec = spec, .steps = steps, .revoker = revoker, .events = events, .report = { .key_gone_ms = -1 },
	};
	enum teardown_step order[TEARDOWN_NR];
	unsigned int i;

	if (spec->key_gone_ms) {
		r.report.ahead = true;
		r.report.key_gone = true;
		r.report.key_gone_ms = spec->key_gone_ms;
	}
	start_record(&r);
	teardown_order(spec, now_ms(), order);
	for (i = 0; i < TEARDOWN_NR; i++)
		run_step(&r, order[i], teardown_until(spec, order, i, now_ms()));
	end(&r);
}
