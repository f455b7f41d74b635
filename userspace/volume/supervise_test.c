// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include "supervise.h"

/*
 * On a virtual clock: whatever deadline, delay and durations, the key's turn comes by its slot, or at once when
 * late.
 */
static void slots_always_leave_time_for_the_key(void **state)
{
	enum teardown_step order[TEARDOWN_NR];
	uint64_t seed = 0x7ea2d0;
	int64_t now, until, key_at;
	int i, s;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct teardown_spec spec = {
			.verdict_ms = 1000000, .deadline_ms = 1000 + test_random(&seed) % 600000,
		};

		now = spec.verdict_ms + test_random(&seed) % (2 * spec.deadline_ms);
		key_at = spec.verdict_ms + spec.deadline_ms * 6 / 10;
		teardown_order(&spec, now, order);
		if (now - spec.verdict_ms >= spec.deadline_ms / 2)
			assert_int_equal(order[0], TEARDOWN_KEY);
		for (s = 0; s < TEARDOWN_NR; s++) {
			until = teardown_until(&spec, order, s, now);
			assert_true(until >= now);
			if (order[s] == TEARDOWN_KEY && s)
				assert_true(now <= key_at);
			if (order[s] == TEARDOWN_STOP && !s && now < spec.verdict_ms + spec.deadline_ms / 4)
				assert_true(until <= spec.verdict_ms + spec.deadline_ms * 2 / 5);
			/* It hangs, or ends somewhere in its slot. */
			now = test_random(&seed) % 2 ? until : now + (int64_t)(test_random(&seed) % (until - now + 1));
		}
		assert_true(now <= spec.verdict_ms + 2 * spec.deadline_ms + TEARDOWN_NR * TEARDOWN_GRACE_MS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_always_leave_time_for_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
