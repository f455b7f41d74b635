// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/agentconf.h"
#include "../common/clock.h"
#include "../common/fsio.h"
#include "../common/json.h"
#include "../common/log.h"
#include "hook.h"
#include "lock.h"
#include "retire.h"
#include "tear.h"

#define STARTS 3
#define MARK_TRIES 20		/* of 100 ms */
#define REPORT_MAX (64 * 1024)

static void report_path(const struct env *env, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s.json", env->report_dir, name);
}

/*
 * mark_state - the lasting "no": from now on open refuses. A host without a state of the
 *	volume has nothing to open with. Who holds the lock writes for a moment at most;
 *	if it is somebody who hangs, the mark is more important than his record.
 */
static int mark_state(const struct env *env, const struct tear *t, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));
	int lock, rc;

	if (!s)
		return err_sys(e, -ENOMEM, "cannot mark %s", t->name);
	lock = volume_lock(env, t->name, MARK_TRIES);
	rc = state_load(env->state_dir, t->name, s, e);
	if (!rc && !s->is_revoked) {
		s->is_revoked = true;
		s->revoked.at = time(NULL);
		snprintf(s->revoked.verdict, sizeof(s->revoked.verdict), "%s", t->verdict);
		snprintf(s->revoked.reason, sizeof(s->revoked.reason), "%s", t->reason);
		snprintf(s->revoked.request_id, sizeof(s->revoked.request_id), "%s", t->request_id);
		rc = state_store(env->state_dir, t->name, s, e);
	}
	free(s);
	if (lock >= 0)
		close(lock);
	return rc;
}

static void records(const struct env *env, const struct tear *t)
{
	struct json_object *fields = json_object_new_object();
	struct err e = ERR_INIT;

	if (t->policy == POLICY_TEARDOWN && !t->boot_key && mark_state(env, t, &e))
		log_err("%s: the revocation could not be noted: %s", t->name, e.what);
	js_put_string(fields, "verdict", t->verdict);
	js_put_string(fields, "reason", t->reason);
	js_put_string(fields, "policy", policy_name(t->policy));
	job_audit_must(env, t->policy == POLICY_TEARDOWN ? "revoke" : "lock", t->name, fields,
		       *t->request_id ? t->request_id : NULL);
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
	snprintf(text, sizeof(text), "%s: %s%s %lld ms after the verdict (%s), done after %lld ms, mapping %s",
		 t->name, t->policy == POLICY_TEARDOWN ? "key destroyed" : "key wiped", r->key_gone ? "" : " NOT CONFIRMED",
		 (long long)r->key_gone_ms, r->in_time ? "in time" : "LATE", (long long)r->total_ms,
		 r->removed ? "removed" : "still there");
	log_fields(r->key_gone && r->in_time ? LOG_WARNING : LOG_ALERT, text, "ECACHE_VOLUME", t->name, "ECACHE_EVENT",
		   "teardown", "ECACHE_VERDICT", t->verdict, "ECACHE_REQUEST_ID", t->request_id, "ECACHE_KEY_GONE_MS",
		   key_gone, NULL);
}

static void keep(const struct env *env, const struct tear *t, const struct teardown_report *r)
{
	struct json_object *o = teardown_json(r);
	struct err e = ERR_INIT;
	char path[PATH_MAX];
	const char *text;
	size_t len;

	js_put(o, "at", json_object_new_int64(time(NULL)));
	js_put_string(o, "policy", policy_name(t->policy));
	js_put_string(o, "verdict", t->verdict);
	js_put_string(o, "reason", t->reason);
	js_put_string(o, "request_id", t->request_id);
	report_path(env, t->name, path, sizeof(path));
	text = o ? js_text(o, &len) : NULL;
	if (!text || fsio_replace(path, text, len, 0600, &e))
		log_err("%s: the teardown's report could not be kept: %s", t->name, text ? e.what : "no memory");
	json_object_put(o);
}

struct json_object *tear_report_load(const struct env *env, const char *name)
{
	struct json_object *o = NULL;
	char path[PATH_MAX], *text;
	size_t len;

	report_path(env, name, path, sizeof(path));
	if (fsio_read(path, REPORT_MAX, &text, &len, NULL))
		return NULL;
	if (js_parse(text, len, 8, &o, NULL))
		o = NULL;
	free(text);
	return o;
}

static const char *text_of(struct json_object *o, const char *member)
{
	struct json_object *m = json_object_object_get(o, member);

	return json_object_is_type(m, json_type_string) ? json_object_get_string(m) : "";
}

/*
 * stopped_unit - whether the last lock of this boot found the unit running, and no reopen has
 *	started it since: a unit that the operator had stopped stays stopped.
 */
static bool stopped_unit(struct json_object *report)
{
	struct json_object *steps = json_object_object_get(report, "steps"), *s;
	size_t i;

	if (strcmp(text_of(report, "policy"), "lock") || json_object_object_get(report, "restarted") ||
	    !json_object_is_type(steps, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(steps); i++) {
		s = json_object_array_get_idx(steps, i);
		if (!strcmp(text_of(s, "name"), teardown_step_name(TEARDOWN_STOP)))
			return strcmp(text_of(s, "outcome"), "skipped");
	}
	return false;
}

bool tear_unit_to_start(const struct env *env, const char *name)
{
	struct json_object *report = tear_report_load(env, name);
	char path[PATH_MAX];
	struct err e = ERR_INIT;
	const char *text;
	size_t len;
	bool yes;

	yes = report && stopped_unit(report);
	if (yes && !js_put(report, "restarted", json_object_new_boolean(true))) {
		report_path(env, name, path, sizeof(path));
		text = js_text(report, &len);
		if (!text || fsio_replace(path, text, len, 0600, &e))
			log_err("%s: the teardown's report could not be kept: %s", name, text ? e.what : "no memory");
	}
	json_object_put(report);
	return yes;
}

/* follow - until the supervisor is done; 1, or -EPIPE when it died. */
static int follow(struct teardown *td)
{
	struct pollfd p = { .fd = teardown_fd(td), .events = POLLIN };
	int rc;

	for (;;) {
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return -errno;
		rc = teardown_progress(td);
		if (rc)
			return rc;
	}
}

static int start(struct teardown **td, const struct teardown_spec *spec, struct err *e)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	int tries, rc;

	for (tries = 0; ; tries++) {
		rc = teardown_start(td, spec, e);
		if (!rc || tries == STARTS)
			return rc;
		nanosleep(&pause, NULL);
	}
}

/* destroy_key - when not even a supervisor can be made: the one thing that matters. */
static int destroy_key(const struct env *env, const struct tear *t, struct err *e)
{
	if (t->policy == POLICY_LOCK)
		return mapping_wipe(&env->dm, t->name, e);
	return mapping_revoke(&env->dm, t->name, e);
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

static int tear_mapping(const struct env *env, const struct tear *t, dev_t dev, struct teardown_report *report,
			struct err *e)
{
	const struct teardown_spec spec = {
		.name = t->name,
		.policy = t->policy,
		.unit = t->unit,
		.dev = dev,
		.verdict_ms = t->verdict_ms,
		.deadline_ms = t->deadline_ms,
		.revoker = env->revoker,
		.dm = &env->dm,
	};
	struct teardown *td;
	bool recorded = false;
	int tries, rc;

	for (tries = 0; tries < STARTS; tries++) {
		rc = start(&td, &spec, e);
		if (rc) {
			rc = destroy_key(env, t, e);
			break;
		}
		if (!recorded) {
			run_hook(t, false);
			records(env, t);
		}
		recorded = true;
		rc = follow(td);
		*report = *teardown_report(td);
		teardown_free(td);
		if (rc == 1)
			break;
	}
	if (!recorded)
		records(env, t);
	if (rc == 1)
		return report->key_gone ? 0 : err_set(e, -EIO, "the key of %s is not confirmed to be gone", t->name);
	return rc;
}

int tear_volume(const struct env *env, const struct tear *t, struct teardown_report *report, struct err *e)
{
	struct mapping m;
	int rc;

	memset(report, 0, sizeof(*report));
	rc = mapping_get(&env->dm, t->name, &m, e);
	if (rc)
		return rc;
	if (!m.exists) {
		records(env, t);
		report->done = true;
		report->key_gone = true;
		report->in_time = true;
		report->removed = true;
		report->key_gone_ms = now_ms() - t->verdict_ms;
		report->total_ms = report->key_gone_ms;
		return 0;
	}
	rc = tear_mapping(env, t, m.dev, report, e);
	tell(t, report);
	keep(env, t, report);
	run_hook(t, true);
	return rc;
}

/* end_grant - revoke --grant: after the teardown, which must not wait for the KMS. */
static int end_grant(struct job *j, const struct pin *pin, struct err *e)
{
	const char *name = j->rq->name;
	struct json_object *fields;
	char request_id[REQUEST_ID_SIZE];
	struct state *s;
	int rc;

	s = calloc(1, sizeof(*s));
	if (!s)
		return err_sys(e, -ENOMEM, "cannot revoke the grant of %s", name);
	rc = state_load(j->env->state_dir, name, s, e);
	if (!rc)
		rc = revoke_grant_by_client(j->env, j->talk, pin->key_arn, s->grant_id, request_id, e);
	if (rc)
		goto out;
	fields = json_object_new_object();
	js_put_string(fields, "key_arn", pin->key_arn);
	js_put_string(fields, "grant_id", s->grant_id);
	job_audit_must(j->env, "revoke-grant", name, fields, *request_id ? request_id : NULL);
	js_put_string(j->result, "grant_id", s->grant_id);
	js_put_string(j->result, "request_id", request_id);
out:
	free(s);
	return rc;
}

int job_revoke(struct job *j, struct err *e)
{
	const char *name = j->rq->name;
	struct teardown_report report;
	struct tear t = {
		.name = name,
		.policy = POLICY_TEARDOWN,
		.verdict_ms = now_ms(),
		.verdict = "revoked",
		.reason = "ecachectl revoke on this host",
		.request_id = "",
	};
	struct policies policies;
	struct pin pin;
	int rc;

	rc = job_pin(j->env, name, &pin, e);
	if (!rc && j->rq->revoke_grant)
		rc = job_has_grant(name, &pin, e);
	if (rc)
		return rc;
	job_policies(j->env, name, &pin, &policies, NULL);	/* whether they go together is for who opens */
	t.unit = pin.unit;
	t.hook = policies.hook;
	t.boot_key = pin.kind == VOLUME_BOOT_SWAP;
	t.deadline_ms = 1000LL * policies.teardown_deadline;
	rc = tear_volume(j->env, &t, &report, e);
	js_put_string(j->result, "name", name);
	js_put(j->result, "teardown", teardown_json(&report));
	if (rc || !j->rq->revoke_grant)
		return rc;
	rc = end_grant(j, &pin, e);
	if (rc)
		err_prefix(e, "%s is revoked on this host, but its grant stands", name);
	return rc;
}
