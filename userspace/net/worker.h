/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include "../common/agentconf.h"
#include "../kms/credcache.h"
#include "../kms/memo.h"
#include "runner.h"

/* What workers have in common: made by their parent before it forks them. Each may be NULL. */
struct worker_shared {
	struct memo *memo;		/* how the services do, and what time it is there */
	struct credcache *cache;	/* temporary credentials */
	struct runner *runner;		/* to run a credential_process */
};

/*
 * worker_serve - the whole life of a worker: read one request from @sock, put it to KMS, answer, return the exit
 * status. The connection is made anew each time, and credentials that are in a file are read; those that are
 * temporary come from the cache, unless the request asks for fresh ones. Nothing here bounds the whole: whoever
 * forked the worker kills it when it takes too long.
 */
int worker_serve(const struct agentconf *conf, const struct worker_shared *shared, int sock);

#endif
