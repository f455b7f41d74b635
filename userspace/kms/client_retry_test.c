// SPDX-License-Identifier: GPL-2.0-or-later
/* What a call does when the first answer is not the last word: retries, their price, a wrong clock. */
#include <errno.h>
#include <time.h>

#include "../common/test.h"
#include "client_fixture.h"

static char headers[3][64];

/* A Date header that is @off seconds from this host's clock. */
static const char *date_header(unsigned int slot, long off)
{
	time_t t = time(NULL) + off;
	struct tm tm;

	assert_non_null(gmtime_r(&t, &tm));
	assert_true(strftime(headers[slot], sizeof(headers[slot]), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm));
	return headers[slot];
}

/* How far the X-Amz-Date of the last request is from this host's clock. */
static long sent_off(void)
{
	const char *p = strstr(fake.head, "\r\nX-Amz-Date: ");
	struct tm tm = { 0 };

	assert_non_null(p);
	assert_non_null(strptime(p + 14, "%Y%m%dT%H%M%SZ", &tm));
	assert_null(strstr(p + 1, "\r\nX-Amz-Date: "));
	return timegm(&tm) - time(NULL);
}

#define EXPIRED "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired: 1 is now earlier than 2\"}"

static void a_wrong_clock_is_corrected_once_and_for_later_calls(void **state)
{
	struct fake_reply replies[] = {
		{ 400, date_header(0, 5400), EXPIRED, 0, FAKE_ANSWER },
		OK(DESCRIBED(KEY, "Enabled")),
	};

	(void)state;
	begin(replies, COUNT(replies), 1000, 1);	/* even a probe, which has one attempt */
	assert_int_equal(describe(), 0);
	assert_string_equal(error.what, "");
	assert_int_equal(fake.requests, 2);
	assert_in_range(sent_off(), 5398, 5402);
	/* the date is part of what is signed */
	assert_non_null(strstr(fake.head, "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"));
	kms_forget(kms);
	assert_int_equal(describe(), 0);
	assert_int_equal(fake.requests, 3);
	assert_in_range(sent_off(), 5398, 5402);
}

static void a_clock_that_stays_wrong_is_a_fault_of_ours(void **state)
{
	struct fake_reply replies[] = {
		{ 400, date_header(0, 5400), EXPIRED, 0, FAKE_ANSWER },
		{ 400, date_header(1, 2 * 86400), EXPIRED, 0, FAKE_ANSWER },
		{ 400, NULL, EXPIRED, 0, FAKE_ANSWER },
	};

	(void)state;
	begin(replies, COUNT(replies), 1000, 3);
	/* two that contradict each other: neither is kept */
	assert_int_equal(describe(), -EKEYREJECTED);
	assert_int_equal(fake.requests, 2);
	assert_int_equal(describe(), -EKEYREJECTED);	/* no Date at all */
	assert_int_equal(fake.requests, 3);
	assert_in_range(sent_off() + 2, 0, 4);
}

static void more_than_a_day_is_not_believed(void **state)
{
	struct fake_reply replies[] = { { 400, date_header(0, -86500), EXPIRED, 0, FAKE_ANSWER } };

	(void)state;
	begin(replies, COUNT(replies), 1000, 3);
	assert_int_equal(describe(), -EKEYREJECTED);
	assert_int_equal(fake.requests, 1);
	assert_non_null(strstr(error.hint, "clock"));
	assert_int_equal(describe(), -EKEYREJECTED);
	assert_in_range(sent_off() + 2, 0, 4);
}

/* Another reason for a bad signature, whatever the Date: nothing to correct. */
static void a_wrong_secret_is_no_wrong_clock(void **state)
{
	struct fake_reply replies[] = {
		{ 400, date_header(0, 5400), "{\"__type\":\"InvalidSignatureException\",\"message\":\"no match\"}", 0,
		  FAKE_ANSWER },
	};

	(void)state;
	begin(replies, COUNT(replies), 1000, 3);
	assert_int_equal(describe(), -EKEYREJECTED);
	assert_int_equal(fake.requests, 1);
	assert_in_range(sent_off() + 2, 0, 4);
}

static void retries_have_a_price_and_end(void **state)
{
	unsigned int i;

	(void)state;
	BEGIN(NO("DryRunOperationException"), NO("ThrottlingException"));
	kms->attempts = 2;
	kms->memo->kms.used = 10;
	/* a dry run that succeeds is an error by name only */
	assert_int_equal(kms_probe(kms, KEY, &ctx, blob, sizeof(blob), &answer, &error), 0);
	assert_int_equal(kms->memo->kms.used, 9);
	kms->memo->kms.used = RETRY_TOKENS - 6;
	assert_int_equal(describe(), -EAGAIN);
	assert_int_equal(fake.requests, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(describe(), -EAGAIN);
		assert_int_equal(fake.requests, 4 + i);
	}
	/* STS is another service */
	assert_int_equal(kms->memo->sts.used, 0);
}

static void a_retry_that_helps_gives_back_what_it_cost(void **state)
{
	(void)state;
	BEGIN(ANSWER(500, ""), OK(DESCRIBED(KEY, "Enabled")));
	kms->attempts = 3;
	kms->memo->kms.used = 50;
	assert_int_equal(describe(), 0);
	assert_int_equal(fake.requests, 2);
	assert_int_equal(kms->memo->kms.used, 50);
}

static void no_retry_begins_that_could_end_too_late(void **state)
{
	static const struct fake_reply replies[] = {
		{ 400, "x-amz-retry-after: 1000\r\n", "{\"__type\":\"ThrottlingException\"}", 0, FAKE_ANSWER },
	};

	(void)state;
	begin(replies, COUNT(replies), 1000, 3);
	kms->total_ms = 1900;
	assert_int_equal(describe(), -EAGAIN);
	assert_int_equal(fake.requests, 1);
	assert_int_equal(kms->memo->kms.used, 0);
}

static void the_service_says_how_long_to_wait(void **state)
{
	static const struct fake_reply replies[] = {
		{ 400, "x-amz-retry-after: 1200\r\n", "{\"__type\":\"ThrottlingException\"}", 0, FAKE_ANSWER },
		OK(DESCRIBED(KEY, "Enabled")),
	};
	struct timespec before, after;

	(void)state;
	begin(replies, COUNT(replies), 1000, 3);
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(describe(), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 1200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_wrong_clock_is_corrected_once_and_for_later_calls, end),
		cmocka_unit_test_teardown(a_clock_that_stays_wrong_is_a_fault_of_ours, end),
		cmocka_unit_test_teardown(more_than_a_day_is_not_believed, end),
		cmocka_unit_test_teardown(a_wrong_secret_is_no_wrong_clock, end),
		cmocka_unit_test_teardown(retries_have_a_price_and_end, end),
		cmocka_unit_test_teardown(a_retry_that_helps_gives_back_what_it_cost, end),
		cmocka_unit_test_teardown(no_retry_begins_that_could_end_too_late, end),
		cmocka_unit_test_teardown(the_service_says_how_long_to_wait, end),
	};

	strcpy(creds_path, "/tmp/client_retry_test.XXXXXX");
	return mkstemp(creds_path) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
