// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ecached/watch_hint.h"
#include "host.h"
#include "kms/queue.h"

static int by_time(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	return x->at_ms < y->at_ms ? -1 : x->at_ms > y->at_ms;
}

/* queue_start - an event for each right that is taken; all of the key's caches by one event. */
void queue_start(struct host *h)
{
	bool of_key = h->p->taken == TAKEN_KEY;
	unsigned int i;

	h->told = need(h->caches, sizeof(*h->told));
	for (i = 0; i < h->caches; i++) {
		if (h->cache[i].taken_ms == NEVER)
			continue;
		h->told[h->tolds++] = (struct told){
			.at_ms = h->cache[i].taken_ms + chance_exponential(&h->random, h->f->push_ms), .cache = i,
		};
		if (of_key)
			break;
	}
	qsort(h->told, h->tolds, sizeof(*h->told), by_time);
	events_start(&h->events, h->random, BASE_MS);
}

int64_t queue_due(const struct host *h)
{
	int64_t due = h->p->push ? events_due(&h->events) : NEVER;

	return due == NEVER ? NEVER : due - BASE_MS;
}

/* queue_ask - the queue answers as soon as there is a message, or empty when it has waited. */
void queue_ask(struct host *h)
{
	int64_t answer = h->now + QUEUE_WAIT_S * 1000;

	events_asked(&h->events, BASE_MS + h->now);
	load_add(&h->s->load, CALL_QUEUE, h->now, h->weight);
	if (h->heard < h->tolds && h->told[h->heard].at_ms < answer)
		answer = h->told[h->heard].at_ms > h->now ? h->told[h->heard].at_ms : h->now;
	host_later(h, answer + kms_latency(h->f, SAYS_OK, &h->random), COMING_EVENTS, 0, SAYS_OK);
}

void queue_answer(struct host *h)
{
	struct net_answer *a = need(1, sizeof(*a));
	unsigned int i, first = h->heard;
	const struct cache *c;
	char arn[sizeof(ARN) + 20];

	while (h->heard < h->tolds && h->heard - first < QUEUE_BATCH && h->told[h->heard].at_ms <= h->now)
		h->heard++;
	a->a.transport = KMS_ANSWERED;
	a->a.http_status = 200;
	a->events.messages = h->heard - first;
	if (a->events.messages)		/* and deleted */
		load_add(&h->s->load, CALL_QUEUE, h->now, h->weight);
	events_answered(&h->events, a, BASE_MS + h->now);
	for (i = first; i < h->heard; i++) {
		c = &h->cache[h->told[i].cache];
		snprintf(arn, sizeof(arn), ARN, c->key);
		watch_hint(&h->watch, arn, h->p->taken == TAKEN_GRANTS && c->volume ? c->volume->grant_id : "",
			   BASE_MS + h->now);
	}
	free(a);
}
