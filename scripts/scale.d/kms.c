// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "kms.h"

bool kms_knows(const struct fleet *f, uint64_t subject, unsigned int server, int64_t since_ms, int64_t now_ms)
{
	uint64_t random;

	if (now_ms < since_ms)
		return false;
	random = chance_seed(f->seed ^ 0x6b6d73, subject, server);
	return now_ms >= since_ms + chance_exponential(&random, f->spread_ms);
}

int64_t kms_latency(const struct fleet *f, enum says answer, uint64_t *random)
{
	if (answer == SAYS_NOTHING)
		return KMS_SILENCE_MS;
	return f->latency_ms + chance_exponential(random, 3.0 * f->latency_ms);
}

void kms_words(enum says answer, struct kms_answer *a)
{
	static const char *const code[] = {
		[SAYS_OK] = "DryRunOperationException", [SAYS_DENIED] = "AccessDeniedException",
		[SAYS_DISABLED] = "DisabledException", [SAYS_THROTTLED] = "ThrottlingException", [SAYS_NOTHING] = "",
	};

	memset(a, 0, sizeof(*a));
	strcpy(a->code, code[answer]);
	a->transport = answer == SAYS_NOTHING ? KMS_NO_ANSWER : KMS_ANSWERED;
	a->http_status = answer == SAYS_NOTHING ? 0 : 400;
}

enum kms_key_state kms_described(enum says answer, struct kms_answer *a)
{
	kms_words(answer, a);
	if (answer == SAYS_NOTHING || answer == SAYS_THROTTLED)
		return KMS_STATE_NONE;
	a->http_status = 200;
	a->code[0] = '\0';
	return answer == SAYS_DISABLED ? KMS_STATE_DISABLED : KMS_STATE_ENABLED;
}
