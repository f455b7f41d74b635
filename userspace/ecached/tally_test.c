// SPDX-License-Identifier: GPL-2.0-or-later
/* Counting probes: each in one bucket, the bound belonging to the lower one. */
#include "../common/test.h"
#include "tally.h"

static void test_bounds(void **state)
{
	struct tally t = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < TALLY_BUCKETS; i++) {
		tally_probe(&t, VERDICT_OK, tally_bound_ms[i]);
		assert_int_equal(t.bucket[i], 1);
		tally_probe(&t, VERDICT_OK, tally_bound_ms[i] + 1);
		assert_int_equal(t.bucket[i], 1);
		if (i + 1 < TALLY_BUCKETS)
			t.bucket[i + 1]--;
		assert_true(!i || tally_bound_ms[i] > tally_bound_ms[i - 1]);
	}
	assert_int_equal(t.count, 2 * TALLY_BUCKETS);
}

static void test_no_answer_is_a_verdict_without_a_time(void **state)
{
	struct tally t = { 0 };

	(void)state;
	tally_probe(&t, VERDICT_UNREACHABLE, -1);
	tally_probe(&t, VERDICT_HEADER_FAULT, 0);
	tally_probe(&t, VERDICT_OK, 70);
	assert_int_equal(t.verdict[VERDICT_UNREACHABLE], 1);
	assert_int_equal(t.verdict[VERDICT_HEADER_FAULT], 1);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.sum_ms, 70);
	assert_int_equal(t.bucket[0], 1);
	assert_int_equal(t.bucket[4], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_no_answer_is_a_verdict_without_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
