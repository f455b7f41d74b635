// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/jitter.h"
#include "watch.h"
#include "watch_act.h"
#include "watch_clock.h"
#include "watch_key.h"

int64_t watch_random(struct watch *w, int64_t n)
{
	return jitter_up_to(&w->random, n);
}

static int64_t jitter(struct watch *w, int64_t interval)
{
	return interval - interval / 5 + watch_random(w, 2 * (interval / 5));
}

void watch_init(struct watch *w, const struct watch_ops *ops, void *ctx, bool canary, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->ops = ops;
	w->ctx = ctx;
	w->canary = canary;
	w->random = seed ? seed : 1;
}

void watch_free(struct watch *w)
{
	while (w->volumes)
		watch_remove(w, w->volumes);
}

struct watch_key *watch_find_key(const struct watch *w, const char *arn)
{
	struct watch_key *k;

	for (k = w->keys; k; k = k->next) {
		if (!strcmp(k->arn, arn))
			return k;
	}
	return NULL;
}

static struct watch_key *get_key(struct watch *w, const char *arn, int64_t first_ms)
{
	struct watch_key *k = watch_find_key(w, arn);

	if (!k) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return NULL;
		k->arn = strdup(arn);
		if (!k->arn) {
			free(k);
			return NULL;
		}
		k->due_ms = first_ms;
		k->next = w->keys;
		w->keys = k;
	}
	k->users++;
	return k;
}

static void put_key(struct watch *w, struct watch_key *k)
{
	struct watch_key **p;

	if (--k->users)
		return;
	for (p = &w->keys; *p != k; p = &(*p)->next)
		;
	*p = k->next;
	if (k->in_flight)
		w->in_flight--;
	free(k->arn);
	free(k);
}

struct watch_volume *watch_find(const struct watch *w, const char *name)
{
	struct watch_volume *v;

	for (v = w->volumes; v; v = v->next) {
		if (!strcmp(v->name, name))
			return v;
	}
	return NULL;
}

const char *watch_key_arn(const struct watch_volume *v)
{
	return v->key->arn;
}

size_t watch_count(const struct watch *w)
{
	struct watch_volume *v;
	size_t n = 0;

	for (v = w->volumes; v; v = v->next)
		n++;
	return n;
}

int watch_add(struct watch *w, const struct watch_add *add, int64_t now_ms, struct watch_volume **out)
{
	struct watch_volume *v;

	if (watch_find(w, add->name))
		return -EEXIST;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->key = get_key(w, add->key_arn, now_ms + watch_random(w, add->interval_ms));
	if (!v->key) {
		free(v);
		return -ENOMEM;
	}
	snprintf(v->name, sizeof(v->name), "%s", add->name);
	v->on_revoke = add->on_revoke;
	v->on_disabled = add->on_disabled;
	v->interval_ms = add->interval_ms;
	v->locked = add->locked;
	v->fail_after_ms = add->fail_after_ms;
	v->lease_ms = add->lease_ms;
	v->stays_locked = add->stays_locked;
	v->ok_ms = add->ok_ms;
	v->vcase.ok_once = add->ok_without_token;
	v->vcase.grant_born_ms = add->grant_born_ms;
	if (add->just_ok && !v->lease_ms)
		v->due_ms = now_ms + jitter(w, v->interval_ms);
	else
		v->due_ms = now_ms + watch_random(w, clock_first_probe(v, now_ms));
	v->next = w->volumes;
	w->volumes = v;
	*out = v;
	return 0;
}

void watch_remove(struct watch *w, struct watch_volume *v)
{
	struct watch_volume **p;

	for (p = &w->volumes; *p != v; p = &(*p)->next)
		;
	*p = v->next;
	w->in_flight -= v->in_flight + v->controlling;
	put_key(w, v->key);
	free(v);
}

bool watch_wants_probe(const struct watch_volume *v)
{
	return !v->in_flight && !v->controlling && !v->ending && !v->busy;
}

static int64_t key_interval(const struct watch *w, const struct watch_key *k)
{
	int64_t interval = INT64_MAX;
	struct watch_volume *v;

	for (v = w->volumes; v; v = v->next) {
		if (v->key == k && v->interval_ms < interval)
			interval = v->interval_ms;
	}
	return interval;
}

void watch_ask(struct watch *w, struct watch_volume *v, int64_t now_ms)
{
	v->in_flight = true;
	v->asked_ms = now_ms;
	v->asked_fresh = v->fresh;
	w->in_flight++;
	hint_asked(&v->hint, now_ms);
	w->ops->probe(w->ctx, v, v->fresh);
}

void watch_ask_key(struct watch *w, struct watch_key *k, int64_t now_ms)
{
	k->in_flight = true;
	w->in_flight++;
	hint_asked(&k->hint, now_ms);
	w->ops->describe(w->ctx, k->arn);
}

void watch_run(struct watch *w, int64_t now_ms)
{
	struct watch_volume *v;
	struct watch_key *k;

	clock_run(w, now_ms);
	for (k = w->keys; k && w->in_flight < WATCH_IN_FLIGHT_MAX; k = k->next) {
		if (!k->in_flight && k->due_ms <= now_ms)
			watch_ask_key(w, k, now_ms);
	}
	for (v = w->volumes; v && w->in_flight < WATCH_IN_FLIGHT_MAX; v = v->next) {
		if (watch_wants_probe(v) && v->due_ms <= now_ms)
			watch_ask(w, v, now_ms);
	}
	hint_run(w, now_ms);
}

int64_t watch_due(const struct watch *w)
{
	int64_t due = clock_due(w);
	struct watch_volume *v;
	struct watch_key *k;

	if (w->in_flight >= WATCH_IN_FLIGHT_MAX)
		return due;	/* the next answer brings us back for the questions */
	for (k = w->keys; k; k = k->next) {
		if (!k->in_flight && k->due_ms < due)
			due = k->due_ms;
	}
	for (v = w->volumes; v; v = v->next) {
		if (watch_wants_probe(v) && v->due_ms < due)
			due = v->due_ms;
	}
	return hint_due(w) < due ? hint_due(w) : due;
}

static void note_evidence(struct watch_volume *v, const struct kms_answer *a, enum kms_key_state state, int64_t now_ms)
{
	struct watch_evidence *ev = &v->evidence;

	memset(ev, 0, sizeof(*ev));
	ev->at_ms = now_ms;
	memcpy(ev->code, a->code, sizeof(ev->code));
	memcpy(ev->request_id, a->request_id, sizeof(ev->request_id));
	if (state != KMS_STATE_NONE && state != KMS_STATE_ENABLED)
		snprintf(ev->reason, sizeof(ev->reason), "key state %s", kms_key_state_name(state));
	else if (*a->code)
		snprintf(ev->reason, sizeof(ev->reason), "%.63s: %.440s", a->code, a->message);
	else
		snprintf(ev->reason, sizeof(ev->reason), "%s", a->message);
}

/*
 * release_brake - once every volume is known to be OK again, the odd hour is over without
 * an operator.
 */
static void release_brake(struct watch *w)
{
	struct watch_volume *v;

	if (!w->brake.engaged)
		return;
	for (v = w->volumes; v; v = v->next) {
		if (!v->probed || v->verdict != VERDICT_OK)
			return;
	}
	memset(&w->brake, 0, sizeof(w->brake));
	w->ops->brake(w->ctx, false);
}

/* conclude - the verdict is settled for now: tell, and do what the policy says. */
static void conclude(struct watch *w, struct watch_volume *v, enum verdict verdict, enum verdict_why why,
		     int64_t now_ms)
{
	bool first = !v->probed, changed = first || v->verdict != verdict || v->why != why;
	enum verdict before = v->verdict;

	v->probed = true;
	v->verdict = verdict;
	v->why = why;
	if (verdict == VERDICT_OK && v->asked_ms > v->ok_ms)
		v->ok_ms = v->asked_ms;
	if (changed) {
		hint_news(&v->hint);
		hint_news(&v->key->hint);
		w->ops->verdict(w->ctx, v, first, before);
	}
	if (first || verdict == VERDICT_OK)
		clock_renew(w, v, now_ms);
	if (verdict == VERDICT_OK) {
		release_brake(w);
		act_come_back(w, v, now_ms);
	} else if (verdict == VERDICT_LOST) {
		act_order(w, v, POLICY_TEARDOWN, WATCH_BY_VERDICT);
	} else if (verdict == VERDICT_REVOKED) {
		act_order(w, v, why == VERDICT_WHY_DENIED ? v->on_revoke : v->on_disabled, WATCH_BY_VERDICT);
	}
}

static bool braked(struct watch *w, struct watch_volume *v, int64_t now_ms)
{
	bool before = w->brake.engaged;

	if (w->canary)
		return false;
	if (verdict_brake_note(&w->brake, v->key->arn, now_ms) && !before)
		w->ops->brake(w->ctx, true);
	return w->brake.engaged;
}

/*
 * confirm - the denials are complete. The control probe has the last word, or without a
 * canary the brake.
 */
static void confirm(struct watch *w, struct watch_volume *v, bool held, int64_t now_ms)
{
	enum verdict_why why = v->vcase.pending_why;

	if (w->canary) {
		v->controlling = true;
		w->in_flight++;
		conclude(w, v, VERDICT_SUSPECT, why, now_ms);
		w->ops->control(w->ctx, v);
		return;
	}
	conclude(w, v, held ? VERDICT_SUSPECT : verdict_control(&v->vcase, VERDICT_OK), why, now_ms);
}

void watch_probed(struct watch *w, const char *name, const struct kms_answer *a, int64_t now_ms)
{
	struct verdict_evidence ev = { .at_ms = now_ms };
	struct watch_volume *v = watch_find(w, name);
	struct verdict_next next = { 0 };
	bool held = false;

	if (!v || !v->in_flight)
		return;
	v->in_flight = false;
	w->in_flight--;
	ev.verdict = verdict_of_probe(a, &ev.why);
	ev.fresh = v->asked_fresh;
	if (ev.verdict == VERDICT_OK && v->key->bad) {
		/*
		 * DescribeKey knows better: ask it again before believing in a key that
		 * came back.
		 */
		v->key->due_ms = now_ms;
		v->due_ms = now_ms + WATCH_SOON_MS;
		return;
	}
	verdict_case_add(&v->vcase, &ev, &next);
	v->fresh = next.refresh || next.fresh_connection;
	v->due_ms = now_ms + (next.retry_in_ms ? next.retry_in_ms : jitter(w, v->interval_ms));
	note_evidence(v, a, KMS_STATE_NONE, now_ms);
	if (next.verdict == VERDICT_SUSPECT)
		held = braked(w, v, now_ms);
	if (next.need_control)
		confirm(w, v, held, now_ms);
	else
		conclude(w, v, next.verdict, next.why, now_ms);
}

void watch_controlled(struct watch *w, const char *name, const struct kms_answer *a, int64_t now_ms)
{
	struct watch_volume *v = watch_find(w, name);
	enum verdict control;

	if (!v || !v->controlling)
		return;
	v->controlling = false;
	w->in_flight--;
	control = verdict_of_probe(a, NULL);
	conclude(w, v, verdict_control(&v->vcase, control), v->vcase.pending_why, now_ms);
}

bool watch_held(const struct watch *w, const struct watch_volume *v)
{
	return w->brake.engaged && v->vcase.confirmed && v->verdict == VERDICT_SUSPECT && !v->ending && !v->busy;
}

void watch_confirm(struct watch *w, struct watch_volume *v, int64_t now_ms)
{
	if (watch_held(w, v))
		conclude(w, v, verdict_control(&v->vcase, VERDICT_OK), v->vcase.pending_why, now_ms);
}

void watch_release(struct watch *w, int64_t now_ms)
{
	if (!w->brake.engaged)
		return;
	verdict_brake_release(&w->brake, now_ms);
	w->ops->brake(w->ctx, false);
}

/* probe_key_soon - spread over a second, so that a key with many volumes is no burst. */
static void probe_key_soon(struct watch *w, const struct watch_key *k, int64_t now_ms)
{
	struct watch_volume *v;
	int64_t soon;

	for (v = w->volumes; v; v = v->next) {
		soon = now_ms + watch_random(w, WATCH_SOON_MS);
		if (v->key == k && v->due_ms > soon)
			v->due_ms = soon;
	}
}

static void key_is_bad(struct watch *w, struct watch_key *k, const struct kms_answer *a, enum kms_key_state state,
		       enum verdict_why why, int64_t now_ms)
{
	struct watch_volume *v;

	k->bad = true;
	for (v = w->volumes; v; v = v->next) {
		if (v->key != k || v->ending)
			continue;
		note_evidence(v, a, state, now_ms);
		conclude(w, v, VERDICT_REVOKED, why, now_ms);
	}
}

void watch_described(struct watch *w, const char *key_arn, const struct kms_answer *a, enum kms_key_state state,
		     int64_t now_ms)
{
	struct watch_key *k = watch_find_key(w, key_arn);
	enum verdict_why why;

	if (!k || !k->in_flight)
		return;
	k->in_flight = false;
	w->in_flight--;
	k->due_ms = now_ms + jitter(w, key_interval(w, k));
	switch (verdict_of_describe(a, state, &why)) {
	case VERDICT_REVOKED:
		key_is_bad(w, k, a, state, why, now_ms);
		return;
	case VERDICT_OK:
		if (k->bad)
			probe_key_soon(w, k, now_ms);
		k->bad = false;
		k->hinted = false;
		return;
	case VERDICT_SUSPECT:
	case VERDICT_LOST:
		if (!k->hinted)
			probe_key_soon(w, k, now_ms);
		k->hinted = true;
		return;
	default:
		return;		/* the volumes' own probes tell */
	}
}

void watch_unasked(struct watch *w, struct watch_volume *v, int64_t now_ms)
{
	w->in_flight -= v->in_flight + v->controlling;
	v->in_flight = false;
	v->controlling = false;
	v->due_ms = now_ms + WATCH_SOON_MS;
}

void watch_undescribed(struct watch *w, const char *key_arn, int64_t now_ms)
{
	struct watch_key *k = watch_find_key(w, key_arn);

	if (!k || !k->in_flight)
		return;
	k->in_flight = false;
	w->in_flight--;
	k->due_ms = now_ms + WATCH_SOON_MS;
}

void watch_retry(struct watch *w, struct watch_volume *v, int64_t now_ms)
{
	(void)w;
	v->busy = false;
	v->ending = false;
	v->order_ms = now_ms + WATCH_SOON_MS;
	v->due_ms = now_ms + WATCH_SOON_MS;
	v->key->due_ms = v->key->due_ms < v->due_ms ? v->key->due_ms : v->due_ms;
}
