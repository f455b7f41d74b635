/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCALE_HOST_H
#define SCALE_HOST_H

#include "ecached/events.h"
#include "ecached/watch.h"
#include "fleet.h"
#include "kms.h"

/* Private to host*.c: one host of a run. */
#define NEVER INT64_MAX
#define BASE_MS 1000000000LL		/* the watcher's clock at the start of a run: long after boot */
#define ARN "arn:aws:kms:eu-test-1:111122223333:key/%lu"

struct cache {
	struct watch_volume *volume;	/* NULL: not open yet, or ended */
	unsigned long key;
	int64_t taken_ms;		/* the owner's call; NEVER */
	int64_t ok_ms;			/* last OK, by when the answer came; -1: none */
	int64_t listed_ms;		/* ListGrants was asked for this denial */
	bool ended;			/* its end was ordered */
};

enum coming_kind { COMING_OPEN, COMING_PROBE, COMING_CONTROL, COMING_DESCRIBE, COMING_EVENTS, COMING_END,
	COMING_LOCKED };

/* What will happen: an answer comes, a cache is opened, a teardown is over. */
struct coming {
	int64_t at_ms;
	enum coming_kind kind;
	enum says says;
	unsigned long nr;		/* cache, or key */
};

/* An event in the queue, that is there from at_ms on. */
struct told {
	int64_t at_ms;
	unsigned int cache;
};

struct host {
	const struct fleet *f;
	const struct plan *p;
	struct seen *s;
	unsigned long nr;
	double weight;			/* how many hosts of the fleet it stands for */
	uint64_t random;
	int64_t now;			/* from the start of the run */
	struct watch watch;
	struct cache *cache;
	unsigned int caches;
	struct coming *heap;		/* the earliest first */
	size_t coming, room;
	int64_t list_ms;		/* when ListGrants may be asked again (ecached/listed.c) */
	struct events events;
	struct told *told;		/* by time */
	unsigned int tolds, heard;
};

void host_later(struct host *h, int64_t at_ms, enum coming_kind kind, unsigned long nr, enum says answer);
bool host_next(struct host *h, int64_t until_ms, struct coming *out);

/* host_queue.c: the queue of events, and who listens to it. */
void queue_start(struct host *h);
int64_t queue_due(const struct host *h);
void queue_ask(struct host *h);
void queue_answer(struct host *h);

#endif
