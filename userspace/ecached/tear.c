// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/json.h"
#include "../common/log.h"
#include "../volume/audit.h"
#include "hook.h"
#include "lock.h"
#include "report.h"

#define STARTS 3
#define START_PAUSE_MS 100
#define RECORD_MS 2000		/* the answer to ecachectl revoke waits that long for the record */
#define FOLLOW_MS ((TEARDOWN_NR + 3) * TEARDOWN_GRACE_MS + TEARDOWN_KEEP_MS)
#define MARK_TRIES 20		/* of 100 ms */

/*
 * Who holds the lock writes for a moment at most; if it is somebody who hangs, the mark is
 * more important than his record.
 */
int tear_mark(const struct env *env, const struct tear *t, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));
	int lock, rc;

	if (!s)
		return err_sys(e, -ENOMEM, "cannot mark %s", t->name);
	lock = volume_lock(env, t->name, MARK_TRIES);
	rc = state_load(env->state_dir, t->name, s, e);
	if (!rc && !s->is_revoked) {
		s->is_revoked = true;
		s->revoked.at = time(NULL) - (now_ms() - t->verdict_ms) / 1000;
		snprintf(s->revoked.verdict, sizeof(s->revoked.verdict), "%s", t->verdict);
		snprintf(s->revoked.reason, sizeof(s->revoked.reason), "%s", t->reason);
		snprintf(s->revoked.request_id, sizeof(s->revoked.request_id), "%s", t->request_id);
		rc = state_store(env->state_dir, t->name, s, e);
	}
	if (rc == -ENOSPC || rc == -EDQUOT) {
		/* The log and the states are mostly on one file system. */
		audit_spend_reserve(env->audit_log);
		rc = state_store(env->state_dir, t->name, s, e);
	}
	free(s);
	if (lock >= 0)
		close(lock);
	return rc ? err_prefix(e, "the revocation could not be noted") : 0;
}

/* records - the mark first: it is what refuses an open. Both are tried; the first error is told. */
static int records(const struct env *env, const struct tear *t, struct err *e)
{
	struct json_object *fields = json_object_new_object();
	struct err other = ERR_INIT;
	int rc = 0, r;

	if (t->policy == POLICY_TEARDOWN && !t->boot_key)
		rc = tear_mark(env, t, e);
	js_put_string(fields, "verdict", t->verdict);
	js_put_string(fields, "reason", t->reason);
	js_put_string(fields, "policy", policy_name(t->policy));
	r = job_audit_anyway(env, t->policy == POLICY_TEARDOWN ? "revoke" : "lock", t->name, fields,
			     *t->request_id ? t->request_id : NULL, rc ? &other : e);
	return rc ? rc : r;
}

static const char *outcome_word(const struct teardown_step_report *s)
{
	static const char *const words[] = {
		[STEP_PENDING] = "not run", [STEP_RUNNING] = "running", [STEP_OK] = "ok", [STEP_SKIPPED] = "skipped",
		[STEP_FAILED] = "failed", [STEP_ABANDONED] = "abandoned",
	};

	return words[s->outcome];
}

static void tell(const struct tear *t, const struct teardown_report *r)
{
	char text[256], key_gone[32];
	unsigned int i;

	for (i = 0; i < TEARDOWN_NR; i++)
		log_info("%s: teardown +%lld ms %s: %s, %lld ms%s%s", t->name, (long long)r->step[i].start_ms,
			 teardown_step_name(i), outcome_word(&r->step[i]), (long long)r->step[i].ms,
			 *r->step[i].text ? ": " : "", r->step[i].text);
	snprintf(key_gone, sizeof(key_gone), "%lld", (long long)r->key_gone_ms);
	snprintf(text, sizeof(text), "%s: %s%s%s %lld ms after the verdict (%s), done after %lld ms, mapping %s",
		 t->name, t->policy == POLICY_TEARDOWN ? "key destroyed" : "key wiped", r->key_gone ? "" : " NOT CONFIRMED",
		 r->ahead ? " ahead of its turn" : "", (long long)r->key_gone_ms, r->in_time ? "in time" : "LATE",
		 (long long)r->total_ms,
		 r->removed ? "removed" : "still there");
	log_fields(r->key_gone && r->in_time ? LOG_WARNING : LOG_ALERT, text, "ECACHE_VOLUME", t->name, "ECACHE_EVENT",
		   "teardown", "ECACHE_VERDICT", t->verdict, "ECACHE_REQUEST_ID", t->request_id, "ECACHE_KEY_GONE_MS",
		   key_gone, NULL);
}

/* What the supervisor's children are told: they are forked with a copy. */
struct keeping {
	const struct env *env;
	const struct tear *t;
};

static int record(void *ctx, char *note)
{
	const struct keeping *k = ctx;
	struct err e = ERR_INIT;
	int rc = records(k->env, k->t, &e);

	if (rc)
		snprintf(note, TEARDOWN_ERR_MAX + 1, "%.*s", TEARDOWN_ERR_MAX, e.what);
	return rc;
}

/* run_hook - beside the work, never before it. */
static void run_hook(const struct tear *t, bool done)
{
	const bool lock = t->policy == POLICY_LOCK;
	const struct hook h = {
		.path = t->hook,
		.event = lock ? (done ? "lock-done" : "lock") : (done ? "teardown-done" : "teardown"),
		.name = t->name,
		.verdict = t->verdict,
		.reason = t->reason,
		.request_id = t->request_id,
		.unit = t->unit,
	};

	hook_start(&h);
}

/* complain - the supervisor's children have no way to the journal but what they print (child_settle()). */
static void complain(const struct tear *t, const struct err *e)
{
	char text[ERR_TEXT + VOLUME_NAME_MAX + 64];

	snprintf(text, sizeof(text), "<3>%s: the teardown's report could not be kept: %s\n", t->name, e->what);
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;		/* nobody is left to hear it */
}

static void keep(void *ctx, const struct teardown_report *report)
{
	const struct keeping *k = ctx;
	struct err e = ERR_INIT;

	if (report_keep(k->env, k->t, report, &e))
		complain(k->t, &e);
	run_hook(k->t, true);
}

/*
 * follow - until the supervisor is done and its record made; 1, -EPIPE when it died,
 *	-ETIMEDOUT when it does not end, as it must by itself.
 */
static int follow(struct teardown *td, const struct tear *t)
{
	struct pollfd p = { .fd = teardown_fd(td), .events = POLLIN };
	int64_t now = now_ms(), end = t->verdict_ms + t->deadline_ms;
	int rc;

	end = (end > now ? end : now) + FOLLOW_MS;
	for (;;) {
		rc = teardown_progress(td);
		if (rc < 0 || (rc && teardown_recorded(td)))
			return rc;
		now = now_ms();
		if (rc && end > now + RECORD_MS)
			end = now + RECORD_MS;
		if (now >= end)
			return rc ? rc : -ETIMEDOUT;
		if (poll(&p, 1, (int)(end - now)) < 0 && errno != EINTR)
			return -errno;
	}
}

static int start(struct teardown **td, const struct teardown_spec *spec, struct err *e)
{
	int tries, rc;

	for (tries = 0; ; tries++) {
		rc = teardown_start(td, spec, e);
		if (!rc || tries == STARTS)
			return rc;
		sleep_ms(START_PAUSE_MS);
	}
}

/* destroy_key - when no supervisor can be made, or none lives: the one thing that matters. */
static int destroy_key(const struct env *env, const struct tear *t, struct teardown_report *report, struct err *e)
{
	int rc;

	if (t->policy == POLICY_LOCK)
		rc = mapping_wipe(&env->dm, t->name, e);
	else
		rc = mapping_revoke(&env->dm, t->name, e);
	if (rc)
		return rc;
	report->key_gone = true;
	report->key_gone_ms = now_ms() - t->verdict_ms;
	report->in_time = report->key_gone_ms <= t->deadline_ms;
	return 0;
}

/* see_to_records - what became of them; where no process could be made for them, here and now. */
static void see_to_records(const struct env *env, const struct tear *t, const struct teardown_step_report *re)
{
	struct err e = ERR_INIT;

	switch (re->outcome) {
	case STEP_OK:
		return;
	case STEP_RUNNING:
		log_err("%s: the records are not written yet; a process waits for their disk", t->name);
		return;
	case STEP_FAILED:
		log_err("%s: %s", t->name, re->text);
		return;
	default:
		if (records(env, t, &e))
			log_err("%s: %s", t->name, e.what);
	}
}

/* supervised - 1: a supervisor came to its end; otherwise an errno, and what is known so far in @report. */
static int supervised(struct teardown_spec *spec, const struct tear *t, struct teardown_keeper *keeper,
		      struct teardown_report *report, struct err *e)
{
	struct teardown_step_report recorded;
	struct teardown *td;
	int tries, rc = 0;

	for (tries = 0; tries < STARTS && rc != 1; tries++) {
		rc = start(&td, spec, e);
		if (rc)
			return rc;
		if (!tries)
			run_hook(t, false);
		recorded = report->record;
		rc = follow(td, t);
		*report = *teardown_report(td);
		teardown_free(td);
		if (!keeper->record)
			report->record = recorded;
		if (report->record.outcome != STEP_PENDING)
			keeper->record = NULL;		/* once is enough */
		if (rc == -ETIMEDOUT)
			break;
	}
	return rc;
}

static int tear_mapping(const struct env *env, const struct tear *t, dev_t dev, struct teardown_report *report,
			struct err *e)
{
	struct keeping keeping = { .env = env, .t = t };
	struct teardown_keeper keeper = { .record = record, .keep = keep, .ctx = &keeping };
	struct teardown_spec spec = {
		.name = t->name,
		.policy = t->policy,
		.unit = t->unit,
		.dev = dev,
		.verdict_ms = t->verdict_ms,
		.deadline_ms = t->deadline_ms,
		.key_gone_ms = t->key_gone_ms,
		.revoker = env->revoker,
		.dm = &env->dm,
		.keeper = &keeper,
	};
	int lock = tear_lock(env, t->name), rc;

	spec.lock = lock > 0 ? lock : 0;	/* without it only less is known of us */
	rc = supervised(&spec, t, &keeper, report, e);
	if (lock > 0)
		close(lock);
	if (rc != 1 && !report->key_gone)
		rc = destroy_key(env, t, report, e);
	see_to_records(env, t, &report->record);
	if (report->key_gone)
		return 0;
	return rc < 0 && e->rc ? e->rc : err_set(e, -EIO, "the key of %s is not confirmed to be gone", t->name);
}

/* device_of - of a mapping whose status is not understood; 0: not known. */
static dev_t device_of(const struct env *env, const char *name)
{
	struct dm_device d;

	return env->dm.ops->info(env->dm.ctx, name, &d, NULL) ? 0 : d.dev;
}

int tear_volume(const struct env *env, const struct tear *t, struct teardown_report *report, struct err *e)
{
	struct err other = ERR_INIT;
	struct mapping m;
	int rc;

	memset(report, 0, sizeof(*report));
	rc = mapping_get(&env->dm, t->name, &m, e);
	if (rc == -EEXIST || rc == -EINVAL)
		return rc;
	if (!rc && !m.exists) {
		if (records(env, t, &other))
			log_err("%s: %s", t->name, other.what);
		report->done = true;
		report->key_gone = true;
		report->in_time = true;
		report->removed = true;
		report->key_gone_ms = now_ms() - t->verdict_ms;
		report->total_ms = report->key_gone_ms;
		return 0;
	}
	/* A status that cannot be read must not save a key. */
	if (rc)
		log_err("%s: %s; torn down all the same", t->name, e->what);
	if (rc)
		*e = (struct err)ERR_INIT;
	rc = tear_mapping(env, t, rc ? device_of(env, t->name) : m.dev, report, e);
	tell(t, report);
	return rc;
}
