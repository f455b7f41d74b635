/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_SKEW_H
#define ECACHE_SKEW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The time by the service's clock. AWS refuses a signature that is more than five minutes off, so a host with a wrong
 * clock would lose its keys' service for a reason that has nothing to do with keys. What the service's Date header said
 * is kept against CLOCK_BOOTTIME: when somebody sets this host's clock right, nothing is added to it a second time.
 * One word, for the reason that retry_bucket has; zeroed, this host's clock counts.
 */
struct skew {
	_Atomic int64_t boot_s;		/* what the service's clock showed when this host booted; 0: not known */
};

/* Where this host stands, in seconds. */
struct skew_clock {
	int64_t wall_s;			/* CLOCK_REALTIME */
	int64_t boot_s;			/* CLOCK_BOOTTIME */
};

struct skew_clock skew_clock(void);

/* A wrong clock by more than a day would break certificates, too: somebody has to look at it. */
#define SKEW_MAX_S (24 * 60 * 60)

/*
 * skew_learn - the service's clock shows @server_s (Unix time). False, and nothing kept, when that is more than a day
 * off.
 */
bool skew_learn(struct skew *s, int64_t server_s, struct skew_clock now);

/* skew_forget - this host's clock counts again. */
void skew_forget(struct skew *s);

/* skew_now - Unix time by the service's clock as far as it is known. */
int64_t skew_now(const struct skew *s, struct skew_clock now);

/* skew_date - that as X-Amz-Date wants it, "20261126T140000Z"; false when this host's clock counts. */
bool skew_date(const struct skew *s, struct skew_clock now, char out[17]);

#endif
