// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../common/clock.h"
#include "../common/log.h"
#include "../volume/token.h"
#include "activity.h"
#include "confirm.h"
#include "job.h"
#include "netcall.h"
#include "note.h"
#include "reopen.h"
#include "tears.h"
#include "watch_clock.h"
#include "watching.h"

#define NOTE_OK_MS (10 * 60 * 1000)	/* how far the record of the last OK may lag behind */
#define JUST_MS 2000

static void probed(struct daemon *d, const char *name, const struct net_answer *a)
{
	struct watch_volume *v = watch_find(&d->watch, name);
	int64_t now = now_ms(), took = v ? now - v->asked_ms : 0;

	watch_probed(&d->watch, name, &a->a, now);
	v = watch_find(&d->watch, name);
	if (v) {
		tally_probe(&((struct watched *)v->data)->tally, v->verdict,
			    a->a.transport == KMS_ANSWERED ? took : -1);
		listed_ask(d, v);
	}
	watching_kick(d);
}

static void described(struct daemon *d, const char *key_arn, const struct net_answer *a)
{
	watch_described(&d->watch, key_arn, &a->a, a->key.state, now_ms());
	watching_kick(d);
}

static void controlled(struct daemon *d, const char *name, const struct net_answer *a)
{
	watch_controlled(&d->watch, name, &a->a, now_ms());
	watching_kick(d);
}

static void op_probe(void *ctx, struct watch_volume *v, bool fresh)
{
	const struct watched *more = v->data;
	struct daemon *d = ctx;
	struct kms_context context;
	const struct net_request rq = {
		.op = "probe",
		.key_arn = watch_key_arn(v),
		.context = &context,
		.blob = more->blob,
		.blob_len = more->blob_len,
		.fresh = fresh,
	};

	volume_context(more->cache_id, more->luks_uuid, &context);
	if (netcall_start(d, &rq, v->name, probed))
		watch_unasked(&d->watch, v, now_ms());
}

static void op_describe(void *ctx, const char *key_arn)
{
	const struct net_request rq = { .op = "describe", .key_arn = key_arn };
	struct daemon *d = ctx;

	if (netcall_start(d, &rq, key_arn, described))
		watch_undescribed(&d->watch, key_arn, now_ms());
}

static void op_control(void *ctx, struct watch_volume *v)
{
	struct daemon *d = ctx;
	const struct net_request rq = { .op = "probe", .key_arn = d->conf.canary_key, .fresh = true };

	if (netcall_start(d, &rq, v->name, controlled))
		watch_unasked(&d->watch, v, now_ms());
}

static int verdict_level(enum verdict v)
{
	switch (v) {
	case VERDICT_OK:
		return LOG_INFO;
	case VERDICT_REVOKED:
	case VERDICT_LOST:
		return LOG_CRIT;
	case VERDICT_AGENT_FAULT:
	case VERDICT_HEADER_FAULT:
		return LOG_ERR;
	default:
		return LOG_WARNING;
	}
}

static void op_verdict(void *ctx, struct watch_volume *v, bool first, enum verdict before)
{
	struct watched *more = v->data;
	char text[WATCH_REASON_MAX + 128];

	(void)ctx;
	snprintf(text, sizeof(text), "%s: verdict %s (%s)%s%s%s%s", v->name, verdict_name(v->verdict),
		 verdict_why_name(v->why), first ? "" : ", was ", first ? "" : verdict_name(before),
		 v->verdict == VERDICT_OK ? "" : ": ", v->verdict == VERDICT_OK ? "" : v->evidence.reason);
	log_fields(verdict_level(v->verdict), text, "ECACHE_VOLUME", v->name, "ECACHE_EVENT", "verdict",
		   "ECACHE_VERDICT", verdict_name(v->verdict), "ECACHE_REQUEST_ID", v->evidence.request_id, NULL);
	more->note_due = true;
}

/* explain - what an act is ordered for, in words: the KMS's, or that there were none. */
static void explain(const struct watch_volume *v, struct tear_order *o)
{
	switch (v->cause) {
	case WATCH_BY_FAIL_AFTER:
		strcpy(o->verdict, "fail-after");
		snprintf(o->reason, sizeof(o->reason), "no OK for %lld s; last: %s: %.400s",
			 (long long)(now_ms() - v->ok_ms) / 1000, v->probed ? verdict_name(v->verdict) : "no answer",
			 v->evidence.reason);
		break;
	case WATCH_BY_KEY_LOST:
		strcpy(o->verdict, "key-lost");
		strcpy(o->reason, "the kernel took the key (lease or hibernation); the KMS allows it again");
		break;
	case WATCH_BY_VERDICT:
		snprintf(o->verdict, sizeof(o->verdict), "%s", verdict_name(v->verdict));
		memcpy(o->reason, v->evidence.reason, sizeof(o->reason));
		break;
	}
	memcpy(o->request_id, v->evidence.request_id, sizeof(o->request_id));
}

static void tear(struct daemon *d, struct watch_volume *v, enum policy policy)
{
	const struct watched *more = v->data;
	struct tear_order o = { .policy = policy, .verdict_ms = now_ms(), .deadline_ms = more->deadline_ms };
	int rc;

	strcpy(o.name, v->name);
	strcpy(o.unit, more->unit);
	strcpy(o.hook, more->hook);
	explain(v, &o);
	rc = tears_add(d, &o);
	if (rc && rc != -EALREADY)
		watch_retry(&d->watch, v, now_ms());
}

static void op_act(void *ctx, struct watch_volume *v, enum watch_act act)
{
	switch (act) {
	case WATCH_TEARDOWN:
		tear(ctx, v, POLICY_TEARDOWN);
		break;
	case WATCH_LOCK:
		tear(ctx, v, POLICY_LOCK);
		break;
	case WATCH_REOPEN:
		volume_reopen(ctx, v);
		break;
	}
}

static void op_brake(void *ctx, bool engaged)
{
	(void)ctx;
	if (engaged)
		log_fields(LOG_ALERT, "denials under several keys at once: held, nothing is torn down until all "
			   "answer OK; `ecachectl confirm` says that they are meant", "ECACHE_EVENT", "brake", NULL);
	else
		log_fields(LOG_NOTICE, "the brake is released: denials count again", "ECACHE_EVENT",
			   "brake-released", NULL);
}

/*
 * op_renew - in the loop: a message that waits for no disk, and the look that follows it. A
 *	key that is gone is told once, by watch_key_lost()'s volume being looked at.
 */
static int op_renew(void *ctx, struct watch_volume *v, unsigned int seconds)
{
	struct daemon *d = ctx;
	struct err e = ERR_INIT;
	int rc = mapping_renew(&d->env.dm, v->name, seconds, &e);

	if (rc)
		log_fields(rc == -ENOKEY ? LOG_WARNING : LOG_ERR, e.what, "ECACHE_VOLUME", v->name, "ECACHE_EVENT",
			   rc == -ENOKEY ? "key-lost" : "lease-not-renewed", NULL);
	return rc;
}

static const struct watch_ops ops = {
	.probe = op_probe,
	.describe = op_describe,
	.control = op_control,
	.verdict = op_verdict,
	.act = op_act,
	.brake = op_brake,
	.renew = op_renew,
};

/* lag_of - how far the record of the last OK may be behind: after a restart fail-after counts from it. */
static int64_t lag_of(const struct watch_volume *v)
{
	int64_t share = v->fail_after_ms / 8;

	return share && share < NOTE_OK_MS ? share : NOTE_OK_MS;
}

/* take_notes - verdicts that changed and OKs that have become old go on record. */
static void take_notes(struct daemon *d)
{
	int64_t now = now_ms();
	struct watch_volume *v;
	struct watched *more;
	bool changed;

	for (v = d->watch.volumes; v; v = v->next) {
		more = v->data;
		changed = more->note_due;
		if (!changed && (!v->ok_ms || v->ok_ms - more->noted_ms < lag_of(v)))
			continue;
		if (notes_verdict(d, v, changed))
			continue;
		more->note_due = false;
		more->noted_ms = now;
	}
	notes_pump(d);
}

static int on_watch_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
	(void)s;
	(void)usec;
	watching_kick(userdata);
	return 0;
}

void watching_kick(struct daemon *d)
{
	int64_t due, other, now = now_ms();

	if (d->stopping)
		return;
	tears_pump(d);
	watch_run(&d->watch, now);
	take_notes(d);
	due = watch_due(&d->watch);
	other = tears_due(d);
	if (other < due)
		due = other;
	if (due == INT64_MAX) {
		sd_event_source_set_enabled(d->watch_timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(d->watch_timer, due > 0 ? (uint64_t)due * 1000 : 0);
	sd_event_source_set_enabled(d->watch_timer, SD_EVENT_ONESHOT);
}

void watching_confirm(struct daemon *d, const struct request *rq)
{
	struct watch_volume *v;

	for (v = d->watch.volumes; v; v = v->next) {
		if (confirm_names(rq->volumes, v->name))
			watch_confirm(&d->watch, v, now_ms());
	}
	if (!*rq->name)
		watch_release(&d->watch, now_ms());
	watching_kick(d);
}

int watching_start(struct daemon *d, struct err *e)
{
	uint64_t seed;
	int rc;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return err_sys(e, -errno, "no random numbers");
	watch_init(&d->watch, &ops, d, *d->conf.canary_key, seed);
	rc = sd_event_add_time(d->event, &d->watch_timer, CLOCK_BOOTTIME, UINT64_MAX, 1000, on_watch_timer, d);
	return rc < 0 ? err_sys(e, rc, "cannot make a timer") : 0;
}

void watching_remove(struct daemon *d, const char *name)
{
	struct watch_volume *v = watch_find(&d->watch, name);
	struct watched *more;

	if (!v)
		return;
	more = v->data;
	netcall_cancel(d, name);
	watch_remove(&d->watch, v);
	free(more);
}

void watching_stop(struct daemon *d)
{
	netcall_cancel(d, NULL);
	while (d->watch.volumes)
		watching_remove(d, d->watch.volumes->name);
	d->watch_timer = sd_event_source_disable_unref(d->watch_timer);
}

/* lease_of - of the mapping's key: 0 when it has none. One that the file no longer wants is kept long. */
static int64_t lease_of(const struct mapping *m, const struct policies *p)
{
	unsigned int lease = policies_lease_of(p);

	if (m->status.lease < 0)
		return 0;
	return 1000LL * (lease ? lease : POLICY_LEASE_MAX);
}

/* set_interval - a shorter one counts at once; what is left of the longer keeps its place in it: no herd. */
static void set_interval(struct watch_volume *v, int64_t interval_ms)
{
	int64_t now = now_ms(), left = v->due_ms - now;

	if (left > interval_ms && interval_ms < v->interval_ms)
		v->due_ms = now + left / 1000 * interval_ms / (v->interval_ms / 1000);
	v->interval_ms = interval_ms;
}

static void set_policies(struct watch_volume *v, const struct mapping *m, const struct policies *p)
{
	struct watched *more = v->data;

	v->on_revoke = p->on_revoke;
	v->on_disabled = p->on_disabled;
	set_interval(v, 1000LL * p->probe_interval);
	v->fail_after_ms = 1000LL * p->fail_after;
	v->stays_locked = p->after_lock == AFTER_LOCK_STAY;
	if (m->status.state == DM_STATE_ACTIVE && v->lease_ms != lease_of(m, p)) {
		v->lease_ms = lease_of(m, p);
		v->renew_ms = 0;
	}
	more->deadline_ms = 1000LL * p->teardown_deadline;
	strcpy(more->hook, p->hook);
}

static void set_identity(struct watched *more, const struct pin *p, const struct state *s)
{
	strcpy(more->cache_id, p->cache_id);
	strcpy(more->luks_uuid, p->luks_uuid);
	strcpy(more->unit, p->unit);
	more->blob_len = s->token.blob_len;
	memcpy(more->blob, s->token.blob, s->token.blob_len);
}

static struct watch_volume *add(struct daemon *d, const struct mapping *m, const struct pin *p, const struct state *s,
				const struct policies *policies)
{
	int64_t now = now_ms(), ok = state_ok_this_boot(s), age = (time(NULL) - s->grant_created) * 1000;
	struct watch_add wa = {
		.name = m->name,
		.key_arn = p->key_arn,
		.on_revoke = policies->on_revoke,
		.on_disabled = policies->on_disabled,
		.interval_ms = 1000LL * policies->probe_interval,
		.fail_after_ms = 1000LL * policies->fail_after,
		.lease_ms = lease_of(m, policies),
		.stays_locked = policies->after_lock == AFTER_LOCK_STAY,
		.ok_without_token = s->ok_without_token,
		.grant_born_ms = s->grant_created ? now - age : 0,
		.ok_ms = ok,
		.just_ok = ok && now - ok < JUST_MS,
		.locked = m->status.state == DM_STATE_LOCKED && !m->open_count,
	};
	struct watched *more = calloc(1, sizeof(*more));
	struct watch_volume *v;

	if (!more)
		return NULL;
	more->noted_ms = now;
	if (watch_add(&d->watch, &wa, now, &v)) {
		free(more);
		return NULL;
	}
	v->data = more;
	log_info("watching %s: probe every %u s, on-revoke %s, on-disabled %s, fail-after %u s, lease %u s", m->name,
		 policies->probe_interval, policy_name(policies->on_revoke), policy_name(policies->on_disabled),
		 policies->fail_after, policies_lease_of(policies));
	return v;
}

/* follow_mapping - what the watcher thinks of the key, and what device-mapper says. */
static void follow_mapping(struct daemon *d, struct watch_volume *v, const struct mapping *m, const struct state *s)
{
	if (v->busy)
		return;
	if (m->status.state == DM_STATE_LOCKED)
		watch_key_lost(&d->watch, v, now_ms());
	else if (v->locked || v->key_lost)
		watch_opened(&d->watch, v, state_ok_this_boot(s), now_ms());
}

int watching_add(struct daemon *d, const struct mapping *m, const struct pin *p, const struct state *s)
{
	struct watch_volume *v = watch_find(&d->watch, m->name);
	struct policies policies;
	struct err e = ERR_INIT;
	bool known;

	if (job_policies(&d->env, m->name, p, &policies, &e)) {
		log_err("%s; %s", e.what, v ? "the policies from before stay" : "ecached.conf's alone are used");
		policies = d->conf.policy;
	}
	/* What was heard under another key or grant is no evidence about this one. */
	if (v && (strcmp(watch_key_arn(v), p->key_arn) || strcmp(v->grant_id, s->grant_id))) {
		watching_remove(d, m->name);
		v = NULL;
	}
	known = v;
	if (!known)
		v = add(d, m, p, s, &policies);
	if (!v)
		return -ENOMEM;
	set_identity(v->data, p, s);
	snprintf(v->grant_id, sizeof(v->grant_id), "%s", s->grant_id);
	if (!e.rc || !known)
		set_policies(v, m, &policies);
	follow_mapping(d, v, m, s);
	return 0;
}
