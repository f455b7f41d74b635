/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_COPYING_H
#define ECACHED_COPYING_H

#include "../volume/content.h"
#include "talk.h"

/*
 * Long work on a content that a person waits for: progress twice a second, and a reason to give it up is seen as
 * soon.
 */
struct copying {
	struct talk *talk;
	const char *what;	/* "copying" */
	uint64_t total;		/* bytes */
	/* still - whether it may go on; NULL: only the user ends it. Never waits. */
	int (*still)(void *ctx, struct err *e);
	void *ctx;
	int64_t since_ms, told_ms;
};

/* copying_watch - from now on; *c outlives the watch. */
struct content_watch copying_watch(struct copying *c);

#endif
