// SPDX-License-Identifier: GPL-2.0-or-later
/* From answers to a confirmed verdict, on a virtual clock; the brake. */
#include <stdio.h>
#include <string.h>

#include "../common/test.h"
#include "verdict.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A volume on a virtual clock. */
struct watch {
	struct verdict_case c;
	struct verdict_next next;
	int64_t now;
};

static const struct verdict_evidence ok = { .verdict = VERDICT_OK };
static const struct verdict_evidence denied = { .verdict = VERDICT_SUSPECT, .why = VERDICT_WHY_DENIED, .fresh = true };
static const struct verdict_evidence missing = { VERDICT_SUSPECT, VERDICT_WHY_DELETED, false, true, 0 };
static const struct verdict_evidence silent = { .verdict = VERDICT_UNREACHABLE, .why = VERDICT_WHY_NO_ANSWER };
static const struct verdict_evidence fault = { .verdict = VERDICT_AGENT_FAULT, .why = VERDICT_WHY_CREDENTIALS };

static void answer(struct watch *w, const struct verdict_evidence *ev)
{
	struct verdict_evidence now = *ev;

	now.at_ms = w->now;
	verdict_case_add(&w->c, &now, &w->next);
}

static void answer_at(struct watch *w, int64_t at, const struct verdict_evidence *ev)
{
	w->now = at;
	answer(w, ev);
}

/* A watcher that does what it is told: the time at which the evidence is complete. */
static int64_t time_to_confirm(struct watch *w, int64_t interval)
{
	int64_t first = w->now;
	int probes = 0;

	do {
		answer(w, &denied);
		assert_int_equal(w->next.verdict, VERDICT_SUSPECT);
		if (w->next.need_control)
			return w->now - first;
		assert_true(w->next.retry_in_ms > 0);
		w->now += w->next.retry_in_ms ? w->next.retry_in_ms : interval;
	} while (++probes < 100);
	fail_msg("never confirmed");
	return 0;
}

static void three_denials_over_a_minute_confirm(void **state)
{
	struct watch w = { .c = { .ok_once = true } };

	(void)state;
	answer_at(&w, 1000, &denied);
	assert_true(w.next.refresh && w.next.fresh_connection && !w.next.need_control);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_SUSPECT);
	answer_at(&w, 31000, &denied);
	assert_false(w.next.need_control);
	answer_at(&w, 61000, &denied);
	assert_true(w.next.need_control);
	assert_int_equal(w.next.verdict, VERDICT_SUSPECT);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_REVOKED);
	assert_int_equal(w.c.pending_why, VERDICT_WHY_DENIED);
}

static void not_two_denials_nor_less_than_a_minute(void **state)
{
	struct watch w = { .c = { .ok_once = true } };
	int64_t t;

	(void)state;
	answer_at(&w, 1000, &denied);
	answer_at(&w, 500000, &denied);
	assert_false(w.next.need_control);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_SUSPECT);

	w = (struct watch){ .c = { .ok_once = true } };
	for (t = 1000; t < 61000; t += 100) {
		answer_at(&w, t, &denied);
		assert_false(w.next.need_control);
	}
	answer_at(&w, 60999, &denied);
	assert_false(w.next.need_control);
	answer_at(&w, 61000, &denied);
	assert_true(w.next.need_control);
}

static void the_control_probe_decides(void **state)
{
	static const enum verdict bad[] = { VERDICT_REVOKED, VERDICT_LOST, VERDICT_SUSPECT, VERDICT_UNREACHABLE,
					    VERDICT_AGENT_FAULT, VERDICT_HEADER_FAULT };
	struct watch w = { .c = { .ok_once = true } };
	size_t i;

	(void)state;
	time_to_confirm(&w, 5000);
	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(verdict_control(&w.c, bad[i]), VERDICT_AGENT_FAULT);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_REVOKED);
	/* Held after a failed control, the volume is asked again, and a denial asks for the control again. */
	assert_true(w.next.retry_in_ms > 0);
	answer_at(&w, w.now + w.next.retry_in_ms, &denied);
	assert_true(w.next.need_control);
}

static void confirmation_takes_a_minute_whatever_the_interval(void **state)
{
	static const int64_t intervals[] = { 1000, 5000, 300000, 86400000 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(intervals); i++) {
		struct watch w = { .c = { .ok_once = true }, .now = 12345 };

		assert_int_equal(time_to_confirm(&w, intervals[i]), VERDICT_SPAN_MS);
	}
}

/* Each answer takes a while and the watcher's timers are late. */
static void late_probes_do_not_stretch_it_much(void **state)
{
	struct watch w = { .c = { .ok_once = true } };
	int probes;

	(void)state;
	for (probes = 0; !w.next.need_control && probes < 10; probes++) {
		answer(&w, &denied);
		if (!w.next.need_control)
			w.now += w.next.retry_in_ms + 1500;
	}
	assert_true(w.now <= VERDICT_SPAN_MS + 5000);
	assert_int_equal(w.c.denials, 3);
}

static void an_ok_starts_anew(void **state)
{
	struct watch w = { .c = { .ok_once = true } };

	(void)state;
	answer_at(&w, 1000, &denied);
	answer_at(&w, 31000, &denied);
	answer_at(&w, 46000, &ok);
	assert_int_equal(w.next.verdict, VERDICT_OK);
	assert_int_equal(w.next.retry_in_ms, 0);
	assert_false(w.next.refresh);
	answer_at(&w, 61000, &denied);
	assert_false(w.next.need_control);
	answer_at(&w, 91000, &denied);
	assert_false(w.next.need_control);
	answer_at(&w, 121000, &denied);
	assert_true(w.next.need_control);
	/* even when only the control probe was missing */
	answer_at(&w, 122000, &ok);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_SUSPECT);
	assert_int_equal(w.c.last_ok_ms, 122000);
}

static void faults_in_between_neither_confirm_nor_count(void **state)
{
	static const struct verdict_evidence damaged = { .verdict = VERDICT_HEADER_FAULT };
	const struct verdict_evidence *const noise[] = { &silent, &fault, &damaged };
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < COUNT(noise); i++) {
		struct watch w = { .c = { .ok_once = true } };

		answer_at(&w, 1000, noise[i]);
		assert_int_equal(w.next.verdict, noise[i]->verdict);
		assert_int_equal(w.next.retry_in_ms, 0);
		answer_at(&w, 2000, &denied);
		for (n = 0; n < 10; n++) {
			answer_at(&w, 3000 + n * 10000, noise[i]);
			assert_int_equal(w.next.verdict, noise[i]->verdict);
			assert_false(w.next.need_control);
			assert_true(w.next.refresh);
			/* still asked soon, though not in a hurry */
			assert_true(w.next.retry_in_ms >= 10000 && w.next.retry_in_ms <= 30000);
		}
		answer_at(&w, 110000, &denied);
		assert_false(w.next.need_control);	/* two: the noise was none */
		answer_at(&w, 120000, &denied);
		assert_true(w.next.need_control);	/* and did not start anew */
		assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_REVOKED);
	}
}

static void a_missed_answer_does_not_delay_the_end(void **state)
{
	struct watch w = { .c = { .ok_once = true } };

	(void)state;
	answer(&w, &denied);
	w.now += w.next.retry_in_ms;
	answer(&w, &silent);
	w.now += w.next.retry_in_ms;
	answer(&w, &denied);
	w.now += w.next.retry_in_ms;
	answer(&w, &denied);
	assert_true(w.next.need_control);
	assert_int_equal(w.now, VERDICT_SPAN_MS);
}

static void stale_connections_do_not_count(void **state)
{
	struct watch w = { .c = { .ok_once = true } };
	struct verdict_evidence stale = denied;

	(void)state;
	stale.fresh = false;
	answer_at(&w, 1000, &stale);		/* the first may be */
	answer_at(&w, 31000, &stale);
	answer_at(&w, 61000, &stale);
	answer_at(&w, 91000, &stale);
	assert_false(w.next.need_control);
	assert_true(w.next.refresh);
	answer_at(&w, 92000, &denied);
	assert_false(w.next.need_control);
	answer_at(&w, 93000, &denied);
	assert_true(w.next.need_control);
}

static void a_young_grant_may_not_have_spread(void **state)
{
	struct watch w = { .c = { .grant_born_ms = 1000 } };
	struct verdict_evidence tokened = ok;

	(void)state;
	/* OK with the token says nothing about the grant without it */
	tokened.with_token = true;
	answer_at(&w, 2000, &tokened);
	assert_false(w.c.ok_once);
	w.now = 5000;
	time_to_confirm(&w, 5000);
	assert_int_equal(w.now, 1000 + VERDICT_YOUNG_MS);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_REVOKED);

	/* one OK without the token, and it has spread */
	w = (struct watch){ .c = { .grant_born_ms = 1000 }, .now = 5000 };
	answer(&w, &ok);
	assert_true(w.c.ok_once);
	assert_int_equal(time_to_confirm(&w, 5000), VERDICT_SPAN_MS);
}

static void a_grant_from_before_boot_is_old(void **state)
{
	struct watch w = { .c = { .grant_born_ms = -VERDICT_YOUNG_MS }, .now = 10 };

	(void)state;
	assert_int_equal(time_to_confirm(&w, 5000), VERDICT_SPAN_MS);
	w = (struct watch){ .now = 10 };
	assert_int_equal(time_to_confirm(&w, 5000), VERDICT_SPAN_MS);
}

static void a_missing_key_is_confirmed_to_lost_only_by_all(void **state)
{
	struct watch w = { .c = { .ok_once = true } };

	(void)state;
	answer_at(&w, 1000, &missing);
	assert_int_equal(w.next.verdict, VERDICT_SUSPECT);
	answer_at(&w, 31000, &missing);
	answer_at(&w, 61000, &missing);
	assert_true(w.next.need_control);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_LOST);
	assert_int_equal(w.c.pending_why, VERDICT_WHY_DELETED);

	w = (struct watch){ .c = { .ok_once = true } };
	answer_at(&w, 1000, &missing);
	answer_at(&w, 31000, &denied);
	answer_at(&w, 61000, &missing);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_REVOKED);
	w = (struct watch){ .c = { .ok_once = true } };
	answer_at(&w, 1000, &denied);
	answer_at(&w, 31000, &missing);
	answer_at(&w, 61000, &missing);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_REVOKED);
}

/* Denied and held, or locked: when the key is deleted later, that has to come through. */
static void a_key_that_is_deleted_after_a_denial_is_lost_by_a_row_of_its_own(void **state)
{
	static const struct verdict_evidence disabled = { .verdict = VERDICT_REVOKED, .why = VERDICT_WHY_DISABLED };
	struct watch w = { .c = { .ok_once = true } };

	(void)state;
	time_to_confirm(&w, 5000);
	w.now = 200000;
	answer(&w, &missing);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_REVOKED);
	answer_at(&w, 230000, &missing);
	answer_at(&w, 259999, &missing);	/* three, but not over a minute */
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_REVOKED);
	assert_int_equal(w.c.pending_why, VERDICT_WHY_DENIED);
	answer_at(&w, 260000, &missing);
	assert_true(w.next.need_control);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_LOST);
	assert_int_equal(w.c.pending_why, VERDICT_WHY_DELETED);
	answer_at(&w, 290000, &denied);		/* not deleted, then */
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_REVOKED);
	answer_at(&w, 320000, &missing);
	answer_at(&w, 350000, &missing);
	answer_at(&w, 380000, &disabled);	/* a key that has a state is there */
	answer_at(&w, 410000, &missing);
	assert_int_equal(verdict_control(&w.c, VERDICT_OK), VERDICT_REVOKED);
}

static void a_key_state_needs_no_confirmation(void **state)
{
	static const struct verdict_evidence disabled = { .verdict = VERDICT_REVOKED, .why = VERDICT_WHY_DISABLED };
	struct watch w = { .c = { .grant_born_ms = 1 } };

	(void)state;
	answer_at(&w, 1000, &disabled);
	assert_int_equal(w.next.verdict, VERDICT_REVOKED);
	assert_int_equal(w.next.why, VERDICT_WHY_DISABLED);
	assert_false(w.next.need_control);
}

/* The rule again, told from the whole history. */
static bool rule_holds(const struct verdict_evidence *all, int n, int64_t born)
{
	int64_t first = 0, last = 0;
	bool ok_once = false;
	int i, denials = 0;

	for (i = 0; i < n; i++) {
		if (all[i].verdict == VERDICT_OK) {
			ok_once |= !all[i].with_token;
			denials = 0;
		} else if (all[i].verdict == VERDICT_SUSPECT && (!denials || all[i].fresh)) {
			if (!denials++)
				first = all[i].at_ms;
			last = all[i].at_ms;
		}
	}
	return denials >= 3 && last - first >= 60000 && (ok_once || !born || all[n - 1].at_ms - born >= 600000);
}

static void random_histories_follow_the_rule(void **state)
{
	uint64_t seed = 42;
	int round, i, confirmed = 0;

	(void)state;
	for (round = 0; round < 3000; round++) {
		struct watch w = { .now = 1000000 };
		struct verdict_evidence all[24];
		int64_t born = test_random(&seed) % 3 ? 1000000 - (int64_t)(test_random(&seed) % 800000) : 0;

		w.c.grant_born_ms = born;
		for (i = 0; i < (int)COUNT(all); i++) {
			uint64_t r = test_random(&seed) >> 20;
			struct verdict_evidence *ev = &all[i];

			*ev = (struct verdict_evidence){ .verdict = VERDICT_SUSPECT, .why = VERDICT_WHY_DENIED };
			if (r % 16 < 2)
				ev->verdict = VERDICT_OK;
			else if (r % 16 < 5)
				ev->verdict = VERDICT_UNREACHABLE + r % 3;
			ev->with_token = r >> 8 & 1;
			ev->fresh = (r >> 9 & 3) != 0;
			w.now += (r >> 12) % 40000;
			ev->at_ms = w.now;
			verdict_case_add(&w.c, ev, &w.next);
			if (ev->verdict == VERDICT_SUSPECT)
				assert_int_equal(w.next.need_control, rule_holds(all, i + 1, born));
			else
				assert_false(w.next.need_control);
			confirmed += w.next.need_control;
		}
	}
	assert_true(confirmed > 1000);
}

static void three_keys_in_ten_minutes_engage_the_brake(void **state)
{
	struct verdict_brake b = { 0 };

	(void)state;
	assert_false(verdict_brake_note(&b, "key/a", 1000));
	assert_false(verdict_brake_note(&b, "key/b", 300000));
	assert_true(verdict_brake_note(&b, "key/c", 601000));
	assert_int_equal(b.engaged_ms, 601000);
	/* until somebody confirms, for every key, however long */
	assert_true(verdict_brake_note(&b, "key/a", 9000000));
}

static void slower_than_that_does_not(void **state)
{
	struct verdict_brake b = { 0 };
	char key[16];
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "key/%d", i);
		assert_false(verdict_brake_note(&b, key, i * 300001LL));
	}
}

static void many_volumes_of_one_key_are_one(void **state)
{
	struct verdict_brake b = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		assert_false(verdict_brake_note(&b, "key/a", 1000 + i));
		assert_false(verdict_brake_note(&b, "key/b", 1000 + i));
	}
	/* a key that is still suspect counts as seen now, not as seen first */
	assert_false(verdict_brake_note(&b, "key/a", 700000));
	assert_false(verdict_brake_note(&b, "key/c", 700001));
	assert_true(verdict_brake_note(&b, "key/b", 700002));
}

static void a_released_brake_stays_off_for_a_while(void **state)
{
	struct verdict_brake b = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		verdict_brake_note(&b, i == 0 ? "a" : i == 1 ? "b" : "c", 1000);
	assert_true(b.engaged);
	verdict_brake_release(&b, 5000);
	assert_false(b.engaged);
	/* what was held must be able to go on */
	for (i = 0; i < 3; i++)
		assert_false(verdict_brake_note(&b, i == 0 ? "a" : i == 1 ? "b" : "c", 6000));
	assert_false(verdict_brake_note(&b, "d", 5000 + VERDICT_BRAKE_MS));
	assert_false(verdict_brake_note(&b, "e", 5001 + VERDICT_BRAKE_MS));
	assert_true(verdict_brake_note(&b, "f", 5002 + VERDICT_BRAKE_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_denials_over_a_minute_confirm),
		cmocka_unit_test(not_two_denials_nor_less_than_a_minute),
		cmocka_unit_test(the_control_probe_decides),
		cmocka_unit_test(confirmation_takes_a_minute_whatever_the_interval),
		cmocka_unit_test(late_probes_do_not_stretch_it_much),
		cmocka_unit_test(an_ok_starts_anew),
		cmocka_unit_test(faults_in_between_neither_confirm_nor_count),
		cmocka_unit_test(a_missed_answer_does_not_delay_the_end),
		cmocka_unit_test(stale_connections_do_not_count),
		cmocka_unit_test(a_young_grant_may_not_have_spread),
		cmocka_unit_test(a_grant_from_before_boot_is_old),
		cmocka_unit_test(a_missing_key_is_confirmed_to_lost_only_by_all),
		cmocka_unit_test(a_key_that_is_deleted_after_a_denial_is_lost_by_a_row_of_its_own),
		cmocka_unit_test(a_key_state_needs_no_confirmation),
		cmocka_unit_test(random_histories_follow_the_rule),
		cmocka_unit_test(three_keys_in_ten_minutes_engage_the_brake),
		cmocka_unit_test(slower_than_that_does_not),
		cmocka_unit_test(many_volumes_of_one_key_are_one),
		cmocka_unit_test(a_released_brake_stays_off_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
