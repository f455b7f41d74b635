// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"
#include "skew.h"

#define WALL 1795701600		/* 2026-11-26 14:00:00 UTC */

static const struct skew_clock now = { WALL, 5000 };

static void without_a_lesson_this_hosts_clock_counts(void **state)
{
	struct skew s = { 0 };
	char date[17];

	(void)state;
	assert_false(skew_date(&s, now, date));
	assert_int_equal(skew_now(&s, now), WALL);
}

static void the_services_clock_counts_once_it_is_known(void **state)
{
	struct skew s = { 0 };
	char date[17];

	(void)state;
	assert_true(skew_learn(&s, WALL + 3600, now));
	assert_true(skew_date(&s, now, date));
	assert_string_equal(date, "20261126T150000Z");
	assert_true(skew_date(&s, (struct skew_clock){ WALL + 61, 5061 }, date));
	assert_string_equal(date, "20261126T150101Z");
	/* somebody sets this host's clock right: nothing is added a second time */
	assert_true(skew_date(&s, (struct skew_clock){ WALL + 3600, 5000 }, date));
	assert_string_equal(date, "20261126T150000Z");
	assert_true(skew_learn(&s, WALL - 7, now));
	assert_int_equal(skew_now(&s, now), WALL - 7);
	skew_forget(&s);
	assert_false(skew_date(&s, now, date));
}

static void more_than_a_day_is_refused(void **state)
{
	struct skew s = { 0 };

	(void)state;
	assert_true(skew_learn(&s, WALL + SKEW_MAX_S, now));
	assert_true(skew_learn(&s, WALL - SKEW_MAX_S, now));
	assert_false(skew_learn(&s, WALL + SKEW_MAX_S + 1, now));
	assert_false(skew_learn(&s, WALL - SKEW_MAX_S - 1, now));
	assert_false(skew_learn(&s, 0, now));
	/* what was known before stays */
	assert_int_equal(skew_now(&s, now), WALL - SKEW_MAX_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_lesson_this_hosts_clock_counts),
		cmocka_unit_test(the_services_clock_counts_once_it_is_known),
		cmocka_unit_test(more_than_a_day_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
