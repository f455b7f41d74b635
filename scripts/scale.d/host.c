// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define TEARDOWN_MS 1000	/* from the order until ecached forgets the volume */
#define LIST_EVERY_MS 1000	/* ecached/listed.c */
#define PLANS_AHEAD 256

unsigned int fleet_caches_of(const struct fleet *f, unsigned long host)
{
	unsigned long before = host * f->per_host;

	return before + f->per_host <= f->caches ? f->per_host : f->caches - before;
}

unsigned long fleet_key(const struct fleet *f, unsigned long host, unsigned int i)
{
	return (host * f->keys_per_host + i % f->keys_per_host) % f->keys;
}

static void swap(struct coming *a, struct coming *b)
{
	struct coming t = *a;

	*a = *b;
	*b = t;
}

void host_later(struct host *h, int64_t at_ms, enum coming_kind kind, unsigned long nr, enum says says)
{
	struct coming *more;
	size_t i;

	if (h->coming == h->room) {
		h->room = h->room ? 2 * h->room : PLANS_AHEAD;
		more = need(h->room, sizeof(*more));
		if (h->coming)
			memcpy(more, h->heap, h->coming * sizeof(*more));
		free(h->heap);
		h->heap = more;
	}
	i = h->coming++;
	h->heap[i] = (struct coming){ .at_ms = at_ms, .kind = kind, .says = says, .nr = nr };
	for (; i && h->heap[i].at_ms < h->heap[(i - 1) / 2].at_ms; i = (i - 1) / 2)
		swap(&h->heap[i], &h->heap[(i - 1) / 2]);
}

bool host_next(struct host *h, int64_t until_ms, struct coming *out)
{
	size_t i = 0, least;

	if (!h->coming || h->heap[0].at_ms > until_ms)
		return false;
	*out = h->heap[0];
	h->heap[0] = h->heap[--h->coming];
	for (;;) {
		least = i;
		if (2 * i + 1 < h->coming && h->heap[2 * i + 1].at_ms < h->heap[least].at_ms)
			least = 2 * i + 1;
		if (2 * i + 2 < h->coming && h->heap[2 * i + 2].at_ms < h->heap[least].at_ms)
			least = 2 * i + 2;
		if (least == i)
			return true;
		swap(&h->heap[i], &h->heap[least]);
		i = least;
	}
}

static struct cache *cache_of(const struct host *h, const struct watch_volume *v)
{
	return &h->cache[strtoul(v->name + 1, NULL, 10)];
}

static uint64_t subject_of(const struct host *h, const struct cache *c)
{
	return h->p->taken == TAKEN_KEY ? c->key : h->f->keys + h->nr * h->f->per_host + (c - h->cache);
}

/* weather - what keeps the KMS from an answer of its own, whatever it is asked. */
static enum says weather(struct host *h)
{
	const struct plan *p = h->p;

	if (h->now >= p->outage_ms && h->now < p->outage_end_ms)
		return SAYS_NOTHING;
	if (p->refused && chance_unit(&h->random) < p->refused[h->now / 1000]) {
		h->s->throttled += h->weight;
		return SAYS_THROTTLED;
	}
	return SAYS_OK;
}

static enum says ask_about(struct host *h, const struct cache *c)
{
	enum says says = weather(h);
	unsigned int server = chance_up_to(&h->random, KMS_SERVERS - 1);

	if (says != SAYS_OK || c->taken_ms == NEVER ||
	    !kms_knows(h->f, subject_of(h, c), server, c->taken_ms, h->now))
		return says;
	return h->p->taken == TAKEN_KEY ? SAYS_DISABLED : SAYS_DENIED;
}

static void op_probe(void *ctx, struct watch_volume *v, bool fresh)
{
	struct host *h = ctx;
	struct cache *c = cache_of(h, v);
	enum says says;

	(void)fresh;
	load_add(&h->s->load, CALL_DECRYPT, h->now, h->weight);
	says = ask_about(h, c);
	host_later(h, h->now + kms_latency(h->f, says, &h->random), COMING_PROBE, c - h->cache, says);
}

static void op_control(void *ctx, struct watch_volume *v)
{
	struct host *h = ctx;
	enum says says = weather(h);

	load_add(&h->s->load, CALL_DECRYPT, h->now, h->weight);
	host_later(h, h->now + kms_latency(h->f, says, &h->random), COMING_CONTROL, cache_of(h, v) - h->cache, says);
}

static void op_describe(void *ctx, const char *key_arn)
{
	struct host *h = ctx;
	unsigned long key = strtoul(strrchr(key_arn, '/') + 1, NULL, 10);
	const struct cache *c;
	enum says says;

	load_add(&h->s->load, CALL_DESCRIBE, h->now, h->weight);
	for (c = h->cache; c->key != key; c++)
		;
	says = h->p->taken == TAKEN_KEY ? ask_about(h, c) : weather(h);
	host_later(h, h->now + kms_latency(h->f, says, &h->random), COMING_DESCRIBE, key, says);
}

static void op_verdict(void *ctx, struct watch_volume *v, bool first, enum verdict before)
{
	struct host *h = ctx;

	(void)first;
	(void)before;
	if (v->why != VERDICT_WHY_DENIED || h->now < h->list_ms)
		return;
	h->list_ms = h->now + LIST_EVERY_MS;
	load_add(&h->s->load, CALL_LIST_GRANTS, h->now, h->weight);
}

static void op_act(void *ctx, struct watch_volume *v, enum watch_act act)
{
	struct host *h = ctx;
	struct cache *c = cache_of(h, v);

	if (act == WATCH_REOPEN) {
		h->s->reopens++;
		watch_reopened(&h->watch, v, true, BASE_MS + h->now);
		return;
	}
	*(act == WATCH_TEARDOWN ? &h->s->teardowns : &h->s->locks) += 1;
	if (c->taken_ms > h->now)
		h->s->wrong++;
	else if (!c->ended)
		samples_add(&h->s->late, h->now - c->taken_ms);
	c->ended = true;
	host_later(h, h->now + TEARDOWN_MS, act == WATCH_LOCK ? COMING_LOCKED : COMING_END, c - h->cache, SAYS_OK);
}

static void op_brake(void *ctx, bool engaged)
{
	((struct host *)ctx)->s->brakes += engaged;
}

static int op_renew(void *ctx, struct watch_volume *v, unsigned int seconds)
{
	(void)ctx;
	(void)v;
	(void)seconds;
	return 0;
}

static const struct watch_ops ops = {
	.probe = op_probe, .describe = op_describe, .control = op_control, .verdict = op_verdict, .act = op_act,
	.brake = op_brake, .renew = op_renew,
};

static void open_cache(struct host *h, unsigned int i)
{
	struct cache *c = &h->cache[i];
	char name[32], arn[sizeof(ARN) + 20];
	struct watch_add add = {
		.name = name, .key_arn = arn, .on_revoke = POLICY_TEARDOWN, .on_disabled = POLICY_LOCK,
		.interval_ms = h->f->interval_ms, .ok_without_token = true, .just_ok = h->p->opened_ms,
		.ok_ms = h->p->opened_ms ? BASE_MS + h->now : 0,
	};

	snprintf(name, sizeof(name), "v%u", i);
	snprintf(arn, sizeof(arn), ARN, c->key);
	if (watch_add(&h->watch, &add, BASE_MS + h->now, &c->volume)) {
		fprintf(stderr, "scale: out of memory\n");
		exit(1);
	}
	snprintf(c->volume->grant_id, sizeof(c->volume->grant_id), "%lu-%u", h->nr, i);
}

/* note_ok - how long a cache went without one, and how soon after an outage it had one again. */
static void note_ok(struct host *h, struct cache *c)
{
	int64_t end = h->p->outage_end_ms;

	if (c->ok_ms >= 0)
		samples_add(&h->s->ok, h->now - c->ok_ms);
	if (end && c->ok_ms < end && h->now >= end)
		samples_add(&h->s->back, h->now - end);
	c->ok_ms = h->now;
}

static void end_cache(struct host *h, struct cache *c)
{
	watch_remove(&h->watch, c->volume);
	c->volume = NULL;
}

static void happen(struct host *h, const struct coming *e)
{
	enum kms_key_state state;
	char name[32], arn[sizeof(ARN) + 20];
	struct kms_answer a;

	snprintf(name, sizeof(name), "v%lu", e->nr);
	snprintf(arn, sizeof(arn), ARN, e->nr);
	switch (e->kind) {
	case COMING_OPEN:
		open_cache(h, e->nr);
		break;
	case COMING_PROBE:
		if (e->says == SAYS_OK)
			note_ok(h, &h->cache[e->nr]);
		kms_words(e->says, &a);
		watch_probed(&h->watch, name, &a, BASE_MS + h->now);
		break;
	case COMING_CONTROL:
		kms_words(e->says, &a);
		watch_controlled(&h->watch, name, &a, BASE_MS + h->now);
		break;
	case COMING_DESCRIBE:
		state = kms_described(e->says, &a);
		watch_described(&h->watch, arn, &a, state, BASE_MS + h->now);
		break;
	case COMING_EVENTS:
		queue_answer(h);
		break;
	case COMING_END:
		end_cache(h, &h->cache[e->nr]);
		break;
	case COMING_LOCKED:
		watch_locked(&h->watch, h->cache[e->nr].volume, BASE_MS + h->now);
		break;
	}
}

/* plan_takings - which rights are taken, and when. A key's is taken at one moment everywhere. */
static void plan_takings(struct host *h)
{
	int64_t span = h->p->taken_to_ms - h->p->taken_from_ms;
	uint64_t random;
	unsigned int i, left = h->p->taken == TAKEN_GRANTS ? h->p->grants : 0;

	while (left-- > 0) {
		i = chance_up_to(&h->random, h->caches - 1);
		h->cache[i].taken_ms = h->p->taken_from_ms + chance_up_to(&h->random, span);
	}
	for (i = 0; i < h->caches && h->p->taken == TAKEN_KEY; i++) {
		random = chance_seed(h->f->seed, h->cache[0].key, 1);
		if (h->cache[i].key == h->cache[0].key)
			h->cache[i].taken_ms = h->p->taken_from_ms + chance_up_to(&random, span);
	}
}

static void host_start(struct host *h)
{
	const uint32_t *opened = h->p->opened_ms;
	unsigned int i;

	watch_init(&h->watch, &ops, h, h->f->canary, chance_seed(h->f->seed, h->nr, 2));
	h->cache = need(h->caches, sizeof(*h->cache));
	for (i = 0; i < h->caches; i++)
		h->cache[i] = (struct cache){ .key = fleet_key(h->f, h->nr, i), .taken_ms = NEVER, .ok_ms = -1 };
	plan_takings(h);
	for (i = 0; i < h->caches; i++) {
		if (!opened)
			open_cache(h, i);
		else if (opened[h->nr * h->f->per_host + i] != UINT32_MAX)
			host_later(h, opened[h->nr * h->f->per_host + i], COMING_OPEN, i, SAYS_OK);
	}
	if (h->p->push)
		queue_start(h);
}

static void host_end(struct host *h)
{
	unsigned int i;

	for (i = 0; i < h->caches; i++)
		h->s->missed += h->cache[i].taken_ms != NEVER && !h->cache[i].ended;
	watch_free(&h->watch);
	free(h->cache);
	free(h->heap);
	free(h->told);
}

void host_run(const struct fleet *f, const struct plan *p, unsigned long host, struct seen *s)
{
	struct host h = {
		.f = f, .p = p, .s = s, .nr = host, .weight = (double)f->hosts / (double)f->sample,
		.random = chance_seed(f->seed, host, 3), .caches = fleet_caches_of(f, host),
	};
	struct coming e;
	int64_t due;

	host_start(&h);
	for (;;) {
		due = watch_due(&h.watch);
		due = due == NEVER ? NEVER : due - BASE_MS;
		if (queue_due(&h) < due)
			due = queue_due(&h);
		if (h.coming && h.heap[0].at_ms < due)
			due = h.heap[0].at_ms;
		if (due > p->length_ms)
			break;
		if (due > h.now)
			h.now = due;
		if (queue_due(&h) <= h.now)
			queue_ask(&h);
		while (host_next(&h, h.now, &e))
			happen(&h, &e);
		watch_run(&h.watch, BASE_MS + h.now);
	}
	host_end(&h);
	s->hosts++;
}
