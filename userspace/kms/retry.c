// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "retry.h"

#define COST 5
#define COST_TIMEOUT 10
#define DELAY_FIRST_MS 1000
#define DELAY_MAX_MS 20000
#define AFTER_MAX_MS 5000

static const struct {
	const char *code;
	enum retry why;
} codes[] = {
	{ "LimitExceededException", RETRY_NEVER },
	{ "RequestTimeout", RETRY_TIMEOUT },
	{ "RequestTimeoutException", RETRY_TIMEOUT },
	{ "PriorRequestNotComplete", RETRY_TRANSIENT },
	{ "IDPCommunicationError", RETRY_TRANSIENT },
	{ "Throttling", RETRY_THROTTLED },
	{ "ThrottlingException", RETRY_THROTTLED },
	{ "ThrottledException", RETRY_THROTTLED },
	{ "RequestThrottled", RETRY_THROTTLED },
	{ "RequestThrottledException", RETRY_THROTTLED },
	{ "TooManyRequestsException", RETRY_THROTTLED },
	{ "RequestLimitExceeded", RETRY_THROTTLED },
	{ "SlowDown", RETRY_THROTTLED },
};

enum retry retry_class(const struct kms_answer *a, bool timed_out)
{
	size_t i;

	if (a->transport == KMS_NO_ANSWER)
		return timed_out ? RETRY_TIMEOUT : RETRY_TRANSIENT;
	if (a->transport != KMS_ANSWERED || a->http_status == 200)
		return RETRY_NEVER;
	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (!strcmp(a->code, codes[i].code))
			return codes[i].why;
	}
	switch (a->http_status) {
	case 429:
		return RETRY_THROTTLED;
	case 500:
	case 502:
	case 503:
	case 504:
		return RETRY_TRANSIENT;
	default:
		return RETRY_NEVER;
	}
}

unsigned int retry_delay_ms(unsigned int n, uint32_t random, int64_t after_ms)
{
	unsigned int most = DELAY_FIRST_MS, delay;

	while (n-- > 1 && most < DELAY_MAX_MS)
		most *= 2;
	if (most > DELAY_MAX_MS)
		most = DELAY_MAX_MS;
	delay = (uint64_t)most * random >> 32;
	if (after_ms > delay + AFTER_MAX_MS)
		return delay + AFTER_MAX_MS;
	return after_ms > delay ? after_ms : delay;
}

unsigned int retry_take(struct retry_bucket *b, enum retry why)
{
	uint32_t cost = why == RETRY_TIMEOUT ? COST_TIMEOUT : COST;
	uint32_t used = atomic_load(&b->used);

	do {
		/* More than all can only have been written by somebody who must not: there is none left then. */
		if (used > RETRY_TOKENS - cost)
			return 0;
	} while (!atomic_compare_exchange_weak(&b->used, &used, used + cost));
	return cost;
}

void retry_succeeded(struct retry_bucket *b, unsigned int paid)
{
	uint32_t back = paid ? paid : 1, used = atomic_load(&b->used);

	while (!atomic_compare_exchange_weak(&b->used, &used, used > back ? used - back : 0))
		;
}
