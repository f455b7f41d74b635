/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_STATUS_H
#define ECACHED_STATUS_H

#include "events.h"
#include "job.h"
#include "watch.h"

/*
 * What list and status show, put together in a child forked for the answer: the daemon's
 * memory as it was at the fork, the files, and device-mapper asked by a child of its own,
 * so that a kernel that does not answer costs STATUS_DM_MS, not the answer.
 */
#define STATUS_DM_MS 500

struct status_view {
	const struct env *env;
	const struct watch *watch;
	const struct events *events;	/* not on: no queue */
	const char *problem;		/* with ecached.conf, "" none */
	/* The word for what goes on with a volume now ("opening"), NULL for nothing. */
	const char *(*activity)(const void *ctx, const char *name);
	const void *ctx;
	/* Takes each volume's packet over (NULL: no memory) in place of the client; NULL: the client gets it. */
	int (*take)(void *arg, struct json_object *volume);
	void *arg;
};

/*
 * status_answer - all packets of the answer but the last, which goes into @result. @name ""
 * for every volume.
 */
int status_answer(const struct status_view *view, struct talk *t, const char *name, struct json_object *result,
		  struct err *e);

#endif
