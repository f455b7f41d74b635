// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "../common/test.h"
#include "ratelimit.h"

static unsigned int take_until_refused(struct ratelimit *r, uid_t uid, int64_t now)
{
	unsigned int n = 0;

	while (ratelimit_take(r, uid, now) && n < 1000)
		n++;
	return n;
}

static void a_burst_then_a_steady_rate(void **state)
{
	struct ratelimit r = { 0 };
	int64_t now = 5000;

	(void)state;
	assert_int_equal(take_until_refused(&r, 1000, now), RATELIMIT_BURST);
	assert_false(ratelimit_take(&r, 1000, now + 10));
	assert_int_equal(take_until_refused(&r, 1000, now + 1010), RATELIMIT_PER_S);
	assert_int_equal(take_until_refused(&r, 1000, now + 3600000), RATELIMIT_BURST);
}

static void many_small_steps_are_not_lost(void **state)
{
	struct ratelimit r = { 0 };
	unsigned int got = 0;
	int64_t now;

	(void)state;
	take_until_refused(&r, 1000, 0);
	for (now = 1; now <= 10000; now++)
		got += ratelimit_take(&r, 1000, now);
	assert_in_range(got, 10 * RATELIMIT_PER_S - 1, 10 * RATELIMIT_PER_S + 1);
}

static void root_cannot_be_crowded_out(void **state)
{
	struct ratelimit r = { 0 };
	uid_t uid;

	(void)state;
	take_until_refused(&r, 0, 0);
	for (uid = 1; uid < 100; uid++)
		take_until_refused(&r, uid, 0);
	assert_false(ratelimit_take(&r, 0, 0));
	assert_true(ratelimit_take(&r, 0, 1000));
}

static void users_do_not_share(void **state)
{
	struct ratelimit r = { 0 };

	(void)state;
	take_until_refused(&r, 1000, 0);
	assert_true(ratelimit_take(&r, 1001, 0));
	assert_false(ratelimit_take(&r, 1000, 0));
}

static void a_clock_that_stands_still_or_goes_back_gives_nothing(void **state)
{
	struct ratelimit r = { 0 };

	(void)state;
	take_until_refused(&r, 7, 100000);
	assert_false(ratelimit_take(&r, 7, 100000));
	assert_false(ratelimit_take(&r, 7, 50000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_then_a_steady_rate),
		cmocka_unit_test(many_small_steps_are_not_lost),
		cmocka_unit_test(root_cannot_be_crowded_out),
		cmocka_unit_test(users_do_not_share),
		cmocka_unit_test(a_clock_that_stands_still_or_goes_back_gives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
