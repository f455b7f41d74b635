/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include "../common/agentconf.h"
#include "../kms/memo.h"

/*
 * worker_serve - the whole life of a worker: read one request from @sock, put it to KMS, answer, return the exit
 * status. Credentials are read and the connection is made anew each time, so every request is a fresh one; only how the
 * services do and what time it is there is remembered in @memo (may be NULL). Nothing here bounds the whole: whoever
 * forked the worker kills it when it takes too long.
 */
int worker_serve(const struct agentconf *conf, struct memo *memo, int sock);

#endif
