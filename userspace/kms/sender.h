/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_SENDER_H
#define ECACHE_SENDER_H

#include "kms.h"
#include "memo.h"
#include "request.h"

/* A request to KMS or STS until it is answered for good: retries (retry.h), a wrong clock (skew.h). */
struct sender {
	struct transport *transport;
	struct memo *memo;
	unsigned int attempts;		/* at least 1 */
	unsigned int total_ms;		/* no retry begins that could end later; 0: no limit */
	struct response rs;		/* of the last attempt; its body is good until the transport's next request */
};

/*
 * sender_send - 0 on a 200 answer, which is then in s->rs; else the transport is wiped, *a and *e say what happened to
 * operation @op on @subject (may be ""), and the code is one of kms.h's.
 */
int sender_send(struct sender *s, struct request *rq, const char *op, const char *subject, struct kms_answer *a,
		struct err *e);

#endif
