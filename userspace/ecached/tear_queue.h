/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_TEAR_QUEUE_H
#define ECACHED_TEAR_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/policy.h"
#include "../volume/name.h"
#include "../volume/pin.h"

/*
 * Teardowns that were ordered and wait for their turn: first come, first served, at most
 * TEARS_MAX at a time. A turn may come late, the key may not: whoever has waited for half of
 * its deadline has its key destroyed ahead of its turn, which takes a message and no process.
 * The revoker takes TEARS_KEY_MS for a key, and all must be gone by 6/10 of the deadline: in a
 * long queue those at its end, whose turn is farthest, go ahead earlier than at half.
 *
 * If the revoker cannot, the teardown begins beyond the limit, and volume/teardown.h then lets
 * the key go first; by 6/10 of the deadline also if the key is still in use, or the revoker has
 * not answered for a tenth of it. One that answers slowly is left to its work: hundreds of
 * processes would not make it faster. They begin TEARS_MAX each TEARS_AGAIN_MS.
 *
 * No clock, no processes: times come in as arguments (CLOCK_BOOTTIME milliseconds), orders go
 * out through struct tear_queue_ops.
 */
#define TEARS_MAX 16
#define TEARS_AGAIN_MS 100	/* what could not be done: again after that */
#define TEARS_ASKED_MAX 32	/* questions at a time: their answers must fit into the socket */
#define TEARS_KEY_MS 25		/* a key's end waits for readers of all processors (synchronize_rcu()) */

struct tear_order {
	struct tear_order *next;
	char name[VOLUME_NAME_MAX + 1];
	enum policy policy;
	char unit[PIN_UNIT_MAX + 1];
	char hook[POLICY_HOOK_MAX + 1];
	int64_t verdict_ms;
	int64_t deadline_ms;
	char verdict[32];
	char reason[512];
	char request_id[80];

	/* The queue's. */
	uint32_t asked;		/* number of the question to the revoker, 0: none */
	bool slow;		/* requests still used the key when it was asked */
	bool refused;		/* the revoker could not */
	int64_t gone_ms;	/* the key went ahead then; 0: not yet */
};

struct tear_queue_ops {
	unsigned int (*running)(void *ctx);
	/* Begin; 0: it has a copy. */
	int (*start)(void *ctx, const struct tear_order *o);
	/* Ask the revoker for the key alone; its answer is for tear_queue_answer(). */
	int (*ahead)(void *ctx, const struct tear_order *o, uint32_t number);
};

struct tear_queue {
	const struct tear_queue_ops *ops;
	void *ctx;
	struct tear_order *first;
	uint32_t number;	/* of the last question */
	bool waiting;		/* for an answer */
	int64_t heard_ms;	/* while waiting: the last answer, or the first question since all were answered */
	unsigned int beyond;	/* begun beyond the limit since beyond_ms */
	int64_t beyond_ms;
	bool hurry;		/* nobody's key waits: the daemon is about to end */
};

/* tear_queue_add - a copy of @o: -ENOMEM. */
int tear_queue_add(struct tear_queue *q, const struct tear_order *o);
const struct tear_order *tear_queue_find(const struct tear_queue *q, const char *name);

/* tear_queue_run - what may begin now, and whose key goes ahead. */
void tear_queue_run(struct tear_queue *q, int64_t now_ms);

/* tear_queue_due - when to run it again, if no teardown ends before; INT64_MAX: never. */
int64_t tear_queue_due(const struct tear_queue *q, int64_t now_ms);

/*
 * tear_queue_answer - the revoker's to question @number: 0, the key is gone, or an errno
 *	(-EINPROGRESS: it goes with the last request that uses it; asked again). Returns the
 *	order, NULL when it no longer waits. tear_queue_unanswered - none will come.
 */
const struct tear_order *tear_queue_answer(struct tear_queue *q, uint32_t number, int rc, int64_t now_ms);
void tear_queue_unanswered(struct tear_queue *q);

void tear_queue_free(struct tear_queue *q);

#endif
