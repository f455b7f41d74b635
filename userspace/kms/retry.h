/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_RETRY_H
#define ECACHE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "kms.h"

/* When a call is worth another attempt: AWS's "standard" retries, decided without I/O and without a clock. */
enum retry {
	RETRY_NEVER,
	RETRY_TRANSIENT,	/* no connection, or the service failed */
	RETRY_TIMEOUT,		/* it did not answer in time, or says that it did not */
	RETRY_THROTTLED,
};

/*
 * retry_class - what one answer is worth; @timed_out tells a timeout among those that are KMS_NO_ANSWER. LimitExceeded
 * is a quota of grants, which waiting does not raise: never, although other services throttle by that name. Nor a
 * proxy's page, nor a key in the wrong state: the watcher comes again by itself.
 */
enum retry retry_class(const struct kms_answer *a, bool timed_out);

/*
 * retry_delay_ms - before retry @n (1...): a random part of 1, 2, 4... 20 s, so that hosts that failed together do not
 * come back together. @random is any 32 bits. @after_ms, what the service asked for (0: nothing), makes it longer, by
 * five seconds at most.
 */
unsigned int retry_delay_ms(unsigned int n, uint32_t random, int64_t after_ms);

/*
 * How many retries one endpoint gets from one host, so that a service that is down is not asked three times as often:
 * 500 tokens, a retry costs 5 (10 after a timeout), a call that succeeds at once gives 1 back. What a retry cost comes
 * back when it succeeds. Zeroed, it is full. One word, so that processes share it without a lock, and one that is
 * killed leaves no half of anything.
 */
struct retry_bucket {
	_Atomic uint32_t used;
};

#define RETRY_TOKENS 500

/* retry_take - the price of a retry; 0 when there is not enough: no retry. */
unsigned int retry_take(struct retry_bucket *b, enum retry why);

/* retry_succeeded - @paid is what the last retry of the call cost, 0 without one. */
void retry_succeeded(struct retry_bucket *b, unsigned int paid);

#endif
