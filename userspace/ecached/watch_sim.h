/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WATCH_SIM_H
#define ECACHED_WATCH_SIM_H

/*
 * For tests of the watcher: it runs on a virtual clock against a KMS that is a table. What
 * the KMS answers is set per volume (v0, v1, ...) and per key, answers take a latency, and
 * what the watcher orders is counted. Include after common/test.h.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "watch.h"
#include "watch_clock.h"

#define MAX 256
#define LATENCY_MS 20
#define MINUTE 60000
#define ARN "arn:aws:kms:eu-test-1:111122223333:key/%u"

enum says { SAYS_OK, SAYS_DENIED, SAYS_NOT_FOUND, SAYS_DISABLED, SAYS_NO_ANSWER, SAYS_EXPIRED, SAYS_BAD_BLOB,
	SAYS_THROTTLED };

struct question {
	bool pending;
	enum { ASK_PROBE, ASK_DESCRIBE, ASK_CONTROL } kind;
	char name[80];
	int64_t asked_ms;
	int64_t answer_ms;
};

struct sim {
	struct watch w;
	int64_t now;
	struct question q[MAX];
	enum says volume[MAX];
	enum kms_key_state key[MAX];
	enum says describe;		/* overrides key[] when not SAYS_OK */
	enum says control;
	unsigned int acts[3], brakes, releases, verdicts, probes, describes, controls, max_flight;
	unsigned int fresh, acts_of[MAX][3];
	int64_t last_act_ms;
	int64_t ok_of[MAX];		/* the KMS's last OK about a volume, by when it was asked */
	bool act_fails;
	bool reopen_fails;
	unsigned int renewals;
	/* What a test puts in for the target and the teardown; NULL: they always do as they are told. */
	int (*renewed)(struct sim *s, struct watch_volume *v, unsigned int seconds);
	void (*acted)(struct sim *s, struct watch_volume *v, enum watch_act what);
};

static inline unsigned int number(const char *name)
{
	return strtoul(strrchr(name, *name == 'a' ? '/' : 'v') + 1, NULL, 10);
}

static inline void ask(struct sim *s, int kind, const char *name)
{
	unsigned int i;

	for (i = 0; s->q[i].pending; i++)
		assert_true(i + 1 < MAX);
	s->q[i].pending = true;
	s->q[i].kind = kind;
	snprintf(s->q[i].name, sizeof(s->q[i].name), "%s", name);
	s->q[i].asked_ms = s->now;
	s->q[i].answer_ms = s->now + LATENCY_MS;
	if (s->w.in_flight > s->max_flight)
		s->max_flight = s->w.in_flight;
}

static inline void probe(void *ctx, struct watch_volume *v, bool fresh)
{
	struct sim *s = ctx;

	s->probes++;
	s->fresh += fresh;
	ask(s, ASK_PROBE, v->name);
}

static inline void describe(void *ctx, const char *key_arn)
{
	struct sim *s = ctx;

	s->describes++;
	ask(s, ASK_DESCRIBE, key_arn);
}

static inline void control(void *ctx, struct watch_volume *v)
{
	struct sim *s = ctx;

	s->controls++;
	ask(s, ASK_CONTROL, v->name);
}

static inline void verdict(void *ctx, struct watch_volume *v, bool first, enum verdict before)
{
	struct sim *s = ctx;

	(void)v;
	(void)first;
	(void)before;
	s->verdicts++;
}

static inline void act(void *ctx, struct watch_volume *v, enum watch_act what)
{
	struct sim *s = ctx;

	s->acts[what]++;
	s->acts_of[number(v->name)][what]++;
	s->last_act_ms = s->now;
	if (s->acted)
		s->acted(s, v, what);
	if (s->act_fails)
		watch_retry(&s->w, v, s->now);
	else if (what == WATCH_LOCK)
		watch_locked(&s->w, v, s->now);
	else if (what == WATCH_REOPEN)
		watch_reopened(&s->w, v, !s->reopen_fails, s->now);
}

static inline void brake(void *ctx, bool engaged)
{
	struct sim *s = ctx;

	s->brakes += engaged;
	s->releases += !engaged;
}

static inline int renew(void *ctx, struct watch_volume *v, unsigned int seconds)
{
	struct sim *s = ctx;

	s->renewals++;
	return s->renewed ? s->renewed(s, v, seconds) : 0;
}

static const struct watch_ops ops = {
	.probe = probe, .describe = describe, .control = control, .verdict = verdict, .act = act, .brake = brake,
	.renew = renew,
};

static inline struct kms_answer say(enum says says)
{
	static const struct {
		int transport, status;
		const char *code;
	} table[] = {
		[SAYS_OK] = { KMS_ANSWERED, 400, "DryRunOperationException" },
		[SAYS_DENIED] = { KMS_ANSWERED, 400, "AccessDeniedException" },
		[SAYS_NOT_FOUND] = { KMS_ANSWERED, 400, "NotFoundException" },
		[SAYS_DISABLED] = { KMS_ANSWERED, 400, "DisabledException" },
		[SAYS_NO_ANSWER] = { KMS_NO_ANSWER, 0, "" },
		[SAYS_EXPIRED] = { KMS_ANSWERED, 400, "ExpiredTokenException" },
		[SAYS_BAD_BLOB] = { KMS_ANSWERED, 400, "InvalidCiphertextException" },
		[SAYS_THROTTLED] = { KMS_ANSWERED, 400, "ThrottlingException" },
	};
	struct kms_answer a = { .transport = table[says].transport, .http_status = table[says].status };

	snprintf(a.code, sizeof(a.code), "%s", table[says].code);
	snprintf(a.message, sizeof(a.message), "in words");
	snprintf(a.request_id, sizeof(a.request_id), "rid-%d", says);
	return a;
}

static inline void deliver(struct sim *s, struct question *q)
{
	unsigned int n = number(q->name);
	struct kms_answer a;

	q->pending = false;
	switch (q->kind) {
	case ASK_PROBE:
		a = say(s->volume[n]);
		if (s->volume[n] == SAYS_OK)
			s->ok_of[n] = q->asked_ms;
		watch_probed(&s->w, q->name, &a, s->now);
		break;
	case ASK_CONTROL:
		a = say(s->control);
		watch_controlled(&s->w, q->name, &a, s->now);
		break;
	case ASK_DESCRIBE:
		a = say(s->describe);
		if (s->describe == SAYS_OK) {
			a.http_status = 200;
			a.code[0] = '\0';
		}
		watch_described(&s->w, q->name, &a, s->describe == SAYS_OK ? s->key[n] : KMS_STATE_NONE, s->now);
		break;
	}
}

static inline struct question *next_answer(struct sim *s)
{
	struct question *q = NULL;
	unsigned int i;

	for (i = 0; i < MAX; i++) {
		if (s->q[i].pending && (!q || s->q[i].answer_ms < q->answer_ms))
			q = &s->q[i];
	}
	return q;
}

static inline void run_for(struct sim *s, int64_t ms)
{
	int64_t end = s->now + ms, due;
	struct question *q;

	for (;;) {
		q = next_answer(s);
		due = watch_due(&s->w);
		if (q && q->answer_ms < due)
			due = q->answer_ms;
		if (due > end)
			break;
		if (due > s->now)
			s->now = due;
		if (q && q->answer_ms <= s->now)
			deliver(s, q);
		else
			watch_run(&s->w, s->now);
	}
	s->now = end;
}

static inline struct sim *sim_new(bool canary, uint64_t seed)
{
	struct sim *s = calloc(1, sizeof(*s));
	unsigned int i;

	assert_non_null(s);
	s->now = 1000000;
	for (i = 0; i < MAX; i++)
		s->key[i] = KMS_STATE_ENABLED;
	watch_init(&s->w, &ops, s, canary, seed);
	return s;
}

static inline void sim_free(struct sim *s)
{
	watch_free(&s->w);
	assert_null(s->w.keys);
	free(s);
}

static inline struct watch_volume *add_as(struct sim *s, unsigned int n, unsigned int key, const struct watch_add *like)
{
	char name[32], arn[80];
	struct watch_add add = *like;
	struct watch_volume *v;

	snprintf(name, sizeof(name), "v%u", n);
	snprintf(arn, sizeof(arn), ARN, key);
	add.name = name;
	add.key_arn = arn;
	assert_int_equal(watch_add(&s->w, &add, s->now, &v), 0);
	return v;
}

static const struct watch_add usual = {
	.on_revoke = POLICY_TEARDOWN, .on_disabled = POLICY_LOCK, .interval_ms = MINUTE, .ok_without_token = true,
};

static inline struct watch_volume *add(struct sim *s, unsigned int n, unsigned int key)
{
	return add_as(s, n, key, &usual);
}

#endif
