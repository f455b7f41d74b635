/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_EVENTS_H
#define ECACHED_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../kms/net.h"

/*
 * When to ask ecache-net for events, and what became of it. As the watcher, it has no clock
 * and no I/O (listening.c has them): times are CLOCK_BOOTTIME milliseconds. One question is
 * on its way at a time; it waits at the queue until there is something, so the next follows
 * at once.
 *
 * A queue that fails is asked after 1, 2, 4 ... 300 s, half of it at random: hosts that lost
 * it together do not come back together. That is all: no verdict comes of it.
 *
 * The log: a failure that goes on is told once, then hourly, and its end; what came, once a
 * minute at most and only when some of it was about keys here. Whoever fills the queue fills
 * no disk with that.
 */
#define EVENTS_START_MS 3000		/* the first question, at random within */
#define EVENTS_LEAST_MS 500		/* from question to question, however full the queue is */
#define EVENTS_EMPTY_MS 5000		/* the same when nothing came: a queue that does not wait */
#define EVENTS_BACKOFF_MAX_MS 300000
#define EVENTS_FAILURES_TOLD 3		/* in a row */
#define EVENTS_TELL_MS 60000
#define EVENTS_TELL_AGAIN_MS (60 * 60 * 1000)

struct events {
	bool on;
	bool in_flight;
	uint64_t random;
	int64_t asked_ms;
	int64_t due_ms;

	int64_t ok_ms;			/* last answer that was one; 0: none */
	int64_t failing_ms;		/* since when; 0: not */
	unsigned int failures;		/* in a row */
	bool told;			/* that it fails */
	int64_t told_ms;
	char why[512];			/* it fails, or what came cannot be deleted; "" */

	/* totals, and those that were told */
	struct events_count {
		uint64_t messages;
		uint64_t unread;
		uint64_t ours;		/* about a key here */
		uint64_t others;	/* about another one */
	} count, said;
	int64_t said_ms;
};

void events_start(struct events *ev, uint64_t seed, int64_t now_ms);

/* events_due - when to ask; INT64_MAX: not now. events_asked - it is on its way. */
int64_t events_due(const struct events *ev);
void events_asked(struct events *ev, int64_t now_ms);

/* events_answered - any answer, also "none". Returns whether it was one: its events are good. */
bool events_answered(struct events *ev, const struct net_answer *a, int64_t now_ms);

/* events_note - how one of them was taken. */
void events_note(struct events *ev, bool ours);

/* events_tell - a line for the log, if it is time for one: its level; -1: nothing to say. */
int events_tell(struct events *ev, int64_t now_ms, char *text, size_t size);

#endif
