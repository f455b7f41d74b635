/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_HOLD_H
#define ECACHECTL_HOLD_H

#include <stdbool.h>

#include "../common/err.h"

/*
 * A volume for as long as a unit runs: opened however long that takes, watched, closed at the end. Without clock,
 * sockets or signals of its own. Nothing of it is in ecached: who holds goes on while ecached is restarted, upgraded or
 * killed, and what it holds may have been opened by others.
 */
#define HOLD_PAUSE_MS 5000		/* after the first failure; doubled with each */
#define HOLD_PAUSE_MAX_MS 30000
#define HOLD_AGENT_MS 1000		/* ecached is away: on this host, so soon back */
#define HOLD_LOOK_MS 2000
#define HOLD_WHY_MS 20000		/* for ecached to say why a volume has ended */
#define HOLD_CLOSE_MS 20000		/* for ecached to come back and close it */
#define HOLD_BUSY_MS 5000		/* for who still has it open */

enum hold_seen {
	HOLD_UNSEEN,		/* device-mapper did not say */
	HOLD_OPEN,
	HOLD_LOCKED,		/* without a key; it may come back */
	HOLD_ENDED,		/* no mapping, or one that takes no key any more */
};

/* What ecached says of the volume. */
struct hold_word {
	char state[32];
	char why[ERR_TEXT];	/* of a revocation; "" */
};

/* Calls of ecached fail with -ENOTCONN when it cannot be reached or is gone in the middle, else with its errno. */
struct hold_world {
	int (*open)(void *ctx, struct err *e);
	int (*close)(void *ctx, struct err *e);
	int (*ask)(void *ctx, struct hold_word *w, struct err *e);
	enum hold_seen (*look)(void *ctx);
	bool (*stop)(void *ctx, int ms);	/* false after @ms; true as soon as told to stop, now or earlier */
	void (*pause)(void *ctx, int ms);
	void (*tell)(void *ctx, bool open, const char *status);
	void *ctx;
};

/*
 * hold_run - 0: told to stop and closed it, or others closed it. -EKEYREVOKED: it was taken. Another errno: somebody
 * must act before it can be opened, or it stays open.
 */
int hold_run(const struct hold_world *w, const char *name, struct err *e);

#endif
