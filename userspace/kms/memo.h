/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_MEMO_H
#define ECACHE_MEMO_H

#include "../common/err.h"
#include "retry.h"
#include "skew.h"

/*
 * What one call to AWS teaches the next: how much trouble the services are in, and the time by their clock. A client
 * has its own; ecache-net, whose workers end after a call, makes one before it forks them. Zeroed, it knows nothing.
 */
struct memo {
	struct retry_bucket kms, sts, sqs;
	struct skew skew;
};

/* memo_open - for this process and those it forks. NULL with the reason. */
struct memo *memo_open(struct err *e);

/* memo_close - wipes it for all of them. */
void memo_close(struct memo *m);

#endif
