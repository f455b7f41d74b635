// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tear_queue.h"

int tear_queue_add(struct tear_queue *q, const struct tear_order *o)
{
	struct tear_order *copy = malloc(sizeof(*copy)), **p;

	if (!copy)
		return -ENOMEM;
	*copy = *o;
	copy->next = NULL;
	copy->asked = 0;
	copy->slow = false;
	copy->refused = false;
	copy->gone_ms = 0;
	for (p = &q->first; *p; p = &(*p)->next)
		;
	*p = copy;
	return 0;
}

const struct tear_order *tear_queue_find(const struct tear_queue *q, const char *name)
{
	const struct tear_order *o;

	for (o = q->first; o; o = o->next) {
		if (!strcmp(o->name, name))
			return o;
	}
	return NULL;
}

static int64_t beyond_at(const struct tear_order *o)
{
	return o->verdict_ms + o->deadline_ms * 6 / 10;
}

/* ahead_at - when its key goes ahead, with @before others in front whose keys are there, too. */
static int64_t ahead_at(const struct tear_queue *q, const struct tear_order *o, unsigned int before)
{
	int64_t half = o->verdict_ms + o->deadline_ms / 2, at = beyond_at(o) - (before + 1LL) * TEARS_KEY_MS;

	if (q->hurry || at < o->verdict_ms)
		return o->verdict_ms;
	return at < half ? at : half;
}

/* waits_ahead - it may yet have to go ahead. */
static bool waits_ahead(const struct tear_order *o)
{
	return !o->asked && !o->gone_ms && !o->refused;
}

/* is_given_up - the revoker does not do it, so a process must. */
static bool is_given_up(const struct tear_queue *q, const struct tear_order *o, int64_t now_ms)
{
	if (o->gone_ms || o->refused || now_ms < beyond_at(o))
		return o->refused;
	return o->slow || (q->waiting && now_ms - q->heard_ms >= o->deadline_ms / 10);
}

static uint32_t next_number(struct tear_queue *q)
{
	q->number = q->number + 1 ? q->number + 1 : 1;
	return q->number;
}

static bool is_asked(const struct tear_order *o)
{
	return o->asked && !o->gone_ms && !o->refused;
}

static unsigned int count_asked(const struct tear_queue *q)
{
	const struct tear_order *o;
	unsigned int n = 0;

	for (o = q->first; o; o = o->next)
		n += is_asked(o);
	return n;
}

static void ask(struct tear_queue *q, struct tear_order *o, int64_t now_ms)
{
	if (!q->waiting)
		q->heard_ms = now_ms;
	q->waiting = true;
	o->asked = next_number(q);
	if (q->ops->ahead(q->ctx, o, o->asked))
		o->asked = 0;
}

static void ask_ahead(struct tear_queue *q, int64_t now_ms)
{
	unsigned int asked = count_asked(q), before = 0;
	struct tear_order *o;

	for (o = q->first; o && asked < TEARS_ASKED_MAX; o = o->next) {
		if (waits_ahead(o) && now_ms >= ahead_at(q, o, before)) {
			ask(q, o, now_ms);
			asked += is_asked(o);
		}
		before += !o->gone_ms;
	}
}

/* may_begin_beyond - a few at a time: each is a fork of this process, and several more follow. */
static bool may_begin_beyond(struct tear_queue *q, const struct tear_order *o, int64_t now_ms)
{
	if (now_ms - q->beyond_ms >= TEARS_AGAIN_MS) {
		q->beyond_ms = now_ms;
		q->beyond = 0;
	}
	return q->beyond < TEARS_MAX && is_given_up(q, o, now_ms);
}

void tear_queue_run(struct tear_queue *q, int64_t now_ms)
{
	unsigned int running = q->first ? q->ops->running(q->ctx) : 0;
	struct tear_order **p = &q->first, *o;
	bool beyond;

	while ((o = *p)) {
		beyond = running >= TEARS_MAX;
		if ((!beyond || may_begin_beyond(q, o, now_ms)) && !q->ops->start(q->ctx, o)) {
			running++;
			q->beyond += beyond;
			*p = o->next;
			free(o);
			continue;
		}
		p = &o->next;
	}
	ask_ahead(q, now_ms);
}

static int64_t due_of(const struct tear_queue *q, const struct tear_order *o, unsigned int before)
{
	if (o->gone_ms)
		return INT64_MAX;	/* only a turn is missing */
	return waits_ahead(o) ? ahead_at(q, o, before) : beyond_at(o);
}

int64_t tear_queue_due(const struct tear_queue *q, int64_t now_ms)
{
	const struct tear_order *o;
	int64_t due = INT64_MAX, at;
	unsigned int before = 0;

	/* There is room, and still they wait: no process could be made. */
	if (q->first && q->ops->running(q->ctx) < TEARS_MAX)
		return now_ms + TEARS_AGAIN_MS;
	for (o = q->first; o; o = o->next) {
		at = due_of(q, o, before);
		if (at <= now_ms)
			at = now_ms + TEARS_AGAIN_MS;
		if (at < due)
			due = at;
		before += !o->gone_ms;
	}
	return due;
}

const struct tear_order *tear_queue_answer(struct tear_queue *q, uint32_t number, int rc, int64_t now_ms)
{
	struct tear_order *o;

	for (o = q->first; o && o->asked != number; o = o->next)
		;
	q->heard_ms = now_ms;
	if (o && number) {
		o->slow = rc == -EINPROGRESS;
		o->refused = rc && !o->slow;
		if (!rc)
			o->gone_ms = now_ms;
		else if (o->slow)
			o->asked = 0;
	}
	q->waiting = count_asked(q);
	return number ? o : NULL;
}

void tear_queue_unanswered(struct tear_queue *q)
{
	struct tear_order *o;

	q->waiting = false;
	for (o = q->first; o; o = o->next) {
		if (is_asked(o))
			o->asked = 0;
	}
}

void tear_queue_free(struct tear_queue *q)
{
	struct tear_order *o;

	while ((o = q->first)) {
		q->first = o->next;
		free(o);
	}
}
