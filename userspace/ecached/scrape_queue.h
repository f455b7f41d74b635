/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_SCRAPE_QUEUE_H
#define ECACHED_SCRAPE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Connections for metrics: who waits, who is served next, who has to go. Whatever comes in, a
 * process is made for it only every SCRAPE_GAP_MS, at most SCRAPES_MAX run, and one user has only a
 * part of both, so that another's question is still answered. Who says nothing goes first when
 * there is no room.
 *
 * No clock, no sockets: times come in as arguments (CLOCK_BOOTTIME milliseconds), connections are
 * numbers of slots.
 */
#define SCRAPE_CLIENTS 16
#define SCRAPE_CLIENTS_OF_ONE 4
#define SCRAPES_MAX 4
#define SCRAPES_OF_ONE 2
#define SCRAPE_GAP_MS 250
#define SCRAPE_SILENT_MS 2000	/* until the first byte */

struct scrape_queue {
	struct scrape_slot {
		bool used;
		bool ready;		/* something can be read */
		uid_t uid;
		int64_t since_ms;
		uint64_t order;
	} slot[SCRAPE_CLIENTS];
	uid_t running[SCRAPES_MAX];
	unsigned int nr_running;
	uint64_t order;			/* of the last that came */
	int64_t next_ms;		/* nothing begins before */
};

/* scrape_queue_add - its slot, or -1: it has to go. @out: the slot of one that has to go for it, -1 none. */
int scrape_queue_add(struct scrape_queue *q, uid_t uid, int64_t now_ms, int *out);

void scrape_queue_ready(struct scrape_queue *q, int slot);
void scrape_queue_remove(struct scrape_queue *q, int slot);

/* scrape_queue_take - the slot of who is served now, no longer waiting; -1 nobody. scrape_queue_ended - it was. */
int scrape_queue_take(struct scrape_queue *q, int64_t now_ms, uid_t *uid);
void scrape_queue_ended(struct scrape_queue *q, uid_t uid);

/* scrape_queue_silent - one that has said nothing for too long, removed; -1 none. */
int scrape_queue_silent(struct scrape_queue *q, int64_t now_ms);

/* scrape_queue_due - when to look again, if nothing happens before; INT64_MAX: never. */
int64_t scrape_queue_due(const struct scrape_queue *q);

#endif
