// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "../common/test.h"
#include "retry.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void what_passes_by_itself_is_tried_again(void **state)
{
	static const struct {
		enum kms_transport transport;
		int status;
		const char *code;
		bool timed_out;
		enum retry want;
	} cases[] = {
		{ KMS_NO_ANSWER, 0, "", false, RETRY_TRANSIENT },
		{ KMS_NO_ANSWER, 0, "", true, RETRY_TIMEOUT },
		{ KMS_NO_CREDENTIALS, 0, "", false, RETRY_NEVER },
		{ KMS_BAD_ANSWER, 0, "", false, RETRY_NEVER },
		{ KMS_NOT_ASKED, 0, "", false, RETRY_NEVER },
		{ KMS_ANSWERED, 200, "", false, RETRY_NEVER },
		{ KMS_ANSWERED, 400, "DryRunOperationException", false, RETRY_NEVER },
		{ KMS_ANSWERED, 400, "AccessDeniedException", false, RETRY_NEVER },
		{ KMS_ANSWERED, 400, "KMSInvalidStateException", false, RETRY_NEVER },
		{ KMS_ANSWERED, 400, "LimitExceededException", false, RETRY_NEVER },
		{ KMS_ANSWERED, 429, "LimitExceededException", false, RETRY_NEVER },
		{ KMS_ANSWERED, 403, "", false, RETRY_NEVER },
		{ KMS_ANSWERED, 302, "", false, RETRY_NEVER },
		{ KMS_ANSWERED, 501, "", false, RETRY_NEVER },
		{ KMS_ANSWERED, 500, "KMSInternalException", false, RETRY_TRANSIENT },
		{ KMS_ANSWERED, 500, "SomethingNew", false, RETRY_TRANSIENT },
		{ KMS_ANSWERED, 502, "", false, RETRY_TRANSIENT },
		{ KMS_ANSWERED, 503, "", false, RETRY_TRANSIENT },
		{ KMS_ANSWERED, 504, "", false, RETRY_TRANSIENT },
		{ KMS_ANSWERED, 400, "RequestTimeout", false, RETRY_TIMEOUT },
		{ KMS_ANSWERED, 400, "IDPCommunicationError", false, RETRY_TRANSIENT },
		{ KMS_ANSWERED, 400, "ThrottlingException", false, RETRY_THROTTLED },
		{ KMS_ANSWERED, 400, "Throttling", false, RETRY_THROTTLED },
		{ KMS_ANSWERED, 503, "SlowDown", false, RETRY_THROTTLED },
		{ KMS_ANSWERED, 429, "", false, RETRY_THROTTLED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct kms_answer a = { .transport = cases[i].transport, .http_status = cases[i].status };

		strcpy(a.code, cases[i].code);
		if (retry_class(&a, cases[i].timed_out) != cases[i].want)
			fail_msg("case %zu", i);
	}
}

static void delays_double_up_to_twenty_seconds(void **state)
{
	static const unsigned int most[] = { 1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000 };
	uint64_t seed = 1;
	unsigned int n;
	int round;

	(void)state;
	for (n = 1; n <= COUNT(most); n++) {
		assert_int_equal(retry_delay_ms(n, 0, 0), 0);
		assert_in_range(retry_delay_ms(n, UINT32_MAX, 0), most[n - 1] - 1, most[n - 1]);
		assert_in_range(retry_delay_ms(n, UINT32_MAX / 2, 0), most[n - 1] / 2 - 1, most[n - 1] / 2);
	}
	/* the service may ask for more, not for less, and not for ever */
	for (round = 0; round < 10000; round++) {
		uint32_t r = test_random(&seed) >> 32;
		int64_t after = test_random(&seed) % 60000;
		unsigned int plain, asked;

		n = 1 + round % 10;
		plain = retry_delay_ms(n, r, 0);
		asked = retry_delay_ms(n, r, after);
		assert_true(asked >= plain && asked <= plain + 5000);
		assert_true(asked == plain || asked == after || asked == plain + 5000);
		assert_true(asked >= after || asked == plain + 5000);
	}
	assert_int_equal(retry_delay_ms(1, 0, INT64_MAX), 5000);
}

static void a_service_that_is_down_is_not_asked_on_and_on(void **state)
{
	struct retry_bucket b = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++)
		assert_int_equal(retry_take(&b, i % 2 ? RETRY_TRANSIENT : RETRY_THROTTLED), 5);
	assert_int_equal(retry_take(&b, RETRY_TRANSIENT), 0);
	/* five calls that succeed at once buy one retry; after a timeout it takes ten */
	for (i = 0; i < 4; i++)
		retry_succeeded(&b, 0);
	assert_int_equal(retry_take(&b, RETRY_TRANSIENT), 0);
	retry_succeeded(&b, 0);
	assert_int_equal(retry_take(&b, RETRY_TIMEOUT), 0);
	assert_int_equal(retry_take(&b, RETRY_TRANSIENT), 5);
	/* what a retry cost comes back when it helped */
	retry_succeeded(&b, 10);
	assert_int_equal(retry_take(&b, RETRY_TIMEOUT), 10);
}

/* It never holds more than all, nor less than nothing, whatever happens or was written into it. */
static void a_bucket_stays_within_its_bounds(void **state)
{
	struct retry_bucket b = { 0 };
	uint64_t seed = 3;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		uint64_t r = test_random(&seed) >> 32;

		if (r % 3)
			retry_take(&b, r % 5 ? RETRY_TRANSIENT : RETRY_TIMEOUT);
		else
			retry_succeeded(&b, r % 7 ? 0 : 10);
		assert_true(b.used <= RETRY_TOKENS);
	}
	b.used = UINT32_MAX;
	assert_int_equal(retry_take(&b, RETRY_TRANSIENT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_by_itself_is_tried_again),
		cmocka_unit_test(delays_double_up_to_twenty_seconds),
		cmocka_unit_test(a_service_that_is_down_is_not_asked_on_and_on),
		cmocka_unit_test(a_bucket_stays_within_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
