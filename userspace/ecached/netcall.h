/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_NETCALL_H
#define ECACHED_NETCALL_H

#include "../kms/net.h"
#include "daemon.h"

/*
 * One question to ecache-net from inside the event loop: a connection of its own, sent at
 * once, answered through @done, which is called exactly once and never from inside
 * netcall_start(), be it with KMS_NO_ANSWER.
 */
#define NETCALL_TIMEOUT_MS 20000

typedef void (*netcall_done)(struct daemon *d, const char *subject, const struct net_answer *a);

/*
 * netcall_start - @subject (volume name or key ARN) is copied and comes back. -ENOMEM and
 * the like.
 */
int netcall_start(struct daemon *d, const struct net_request *rq, const char *subject, netcall_done done);

/* netcall_start_for - the answer may take @wait_ms. */
int netcall_start_for(struct daemon *d, const struct net_request *rq, const char *subject, unsigned int wait_ms,
		      netcall_done done);

/* netcall_cancel - forget all questions about @subject; @done is not called. NULL: all. */
void netcall_cancel(struct daemon *d, const char *subject);

#endif
