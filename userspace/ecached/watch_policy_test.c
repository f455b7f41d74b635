// SPDX-License-Identifier: GPL-2.0-or-later
/* fail-after, lease and after-lock, one by one, on the virtual clock of watch_sim.h. */
#include "../common/test.h"
#include "watch_target.h"

static void fail_after_counts_from_the_last_ok_whatever_the_reason(void **state)
{
	static const enum says reasons[] = { SAYS_NO_ANSWER, SAYS_EXPIRED, SAYS_BAD_BLOB, SAYS_DENIED, SAYS_DISABLED };
	struct watch_add like = usual;
	struct watch_volume *v;
	struct sim *s;
	int64_t ok;
	size_t i;

	(void)state;
	like.fail_after_ms = 10 * MINUTE;
	like.on_revoke = POLICY_HOLD;
	like.on_disabled = POLICY_HOLD;
	for (i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		s = sim_with_targets(3 + i);
		v = open_as(s, 1, &like);
		step(s, 30 * MINUTE);
		assert_int_equal(s->acts[WATCH_LOCK], 0);
		s->volume[1] = reasons[i];
		ok = v->ok_ms;
		assert_in_range(s->now - ok, 0, MINUTE * 6 / 5 + 100);
		run_for(s, ok + like.fail_after_ms - s->now - 1);
		assert_int_equal(s->acts[WATCH_LOCK], 0);
		run_for(s, 1);
		assert_int_equal(s->acts[WATCH_LOCK], 1);
		assert_int_equal(v->cause, WATCH_BY_FAIL_AFTER);
		assert_false(target[1].key);
		run_for(s, HOUR);
		assert_int_equal(s->acts[WATCH_LOCK], 1);
		s->volume[1] = SAYS_OK;
		run_for(s, MINUTE * 6 / 5 + 100);
		assert_int_equal(s->acts[WATCH_REOPEN], 1);
		assert_false(v->locked);
		run_for(s, HOUR);
		assert_int_equal(s->acts[WATCH_LOCK], 1);
		assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
		sim_free(s);
	}
}

static void an_answer_that_never_comes_does_not_hold_fail_after_up(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_with_targets(7);
	struct watch_volume *v;

	(void)state;
	like.fail_after_ms = 5 * MINUTE;
	v = open_as(s, 1, &like);
	v->due_ms = s->now;
	watch_run(&s->w, s->now);
	assert_true(v->in_flight);
	s->q[0].answer_ms = INT64_MAX - 1;
	s->w.in_flight = WATCH_IN_FLIGHT_MAX;	/* and so are all the others */
	run_for(s, 5 * MINUTE);
	assert_int_equal(s->acts[WATCH_LOCK], 1);
	s->w.in_flight = 1;
	sim_free(s);
}

/* The agent was stopped with an OK in its socket: that OK says what was true when it was asked. */
static void an_ok_counts_from_when_it_was_asked(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_with_targets(9);
	struct watch_volume *v;

	(void)state;
	like.fail_after_ms = 5 * MINUTE;
	v = open_as(s, 1, &like);
	v->due_ms = s->now;
	watch_run(&s->w, s->now);
	s->now += HOUR;			/* SIGSTOP, or the host slept */
	deliver(s, next_answer(s));
	watch_run(&s->w, s->now);
	assert_int_equal(s->acts[WATCH_LOCK], 1);
	sim_free(s);
}

static void fail_after_goes_on_across_a_restart_and_not_across_a_boot(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_with_targets(11);

	(void)state;
	like.fail_after_ms = 10 * MINUTE;
	open_as(s, 1, &like);
	s->volume[1] = SAYS_NO_ANSWER;
	run_for(s, 4 * MINUTE);
	die(s, 2 * MINUTE);
	start_watch(s, 1);
	live(s, 1, &like, false);
	run_for(s, 4 * MINUTE - 1);
	assert_int_equal(s->acts[WATCH_LOCK], 0);
	run_for(s, 1);
	assert_int_equal(s->acts[WATCH_LOCK], 1);

	/* dead for longer than that: at once, and back as soon as the KMS says so */
	s->volume[1] = SAYS_OK;
	run_for(s, 2 * MINUTE);
	assert_int_equal(s->acts[WATCH_REOPEN], 1);
	die(s, HOUR);
	start_watch(s, 1);
	live(s, 1, &like, false);
	run_for(s, 0);
	assert_int_equal(s->acts[WATCH_LOCK], 2);
	run_for(s, 2 * MINUTE);
	assert_int_equal(s->acts[WATCH_REOPEN], 2);
	sim_free(s);

	/* a record of another boot, or none: an OK before this boot began at the latest */
	s = sim_with_targets(12);
	like.ok_ms = 0;
	s->now = 9 * MINUTE;
	s->volume[1] = SAYS_NO_ANSWER;
	add_as(s, 1, 1, &like);
	run_for(s, MINUTE - 1);
	assert_int_equal(s->acts[WATCH_LOCK], 0);
	assert_true(s->probes > 0);	/* not anywhere in the interval: before the time is over */
	run_for(s, 1);
	assert_int_equal(s->acts[WATCH_LOCK], 1);
	sim_free(s);
}

static void a_lock_that_cannot_start_is_ordered_again_every_second(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_with_targets(13);

	(void)state;
	like.fail_after_ms = 5 * MINUTE;
	open_as(s, 1, &like);
	s->volume[1] = SAYS_NO_ANSWER;
	s->act_fails = true;
	run_for(s, 5 * MINUTE + 10000);
	assert_in_range(s->acts[WATCH_LOCK], 10, 12);
	s->act_fails = false;
	run_for(s, 1000);
	assert_true(s->w.volumes->locked);
	sim_free(s);
}

static void the_lease_is_renewed_under_these_verdicts(void **state)
{
	static const struct {
		enum says says;
		enum policy policy;		/* on_revoke, on_disabled */
		bool lives;
	} t[] = {
		{ SAYS_OK, POLICY_TEARDOWN, true },
		{ SAYS_NO_ANSWER, POLICY_TEARDOWN, true },
		{ SAYS_EXPIRED, POLICY_TEARDOWN, true },
		{ SAYS_BAD_BLOB, POLICY_TEARDOWN, true },
		{ SAYS_DENIED, POLICY_HOLD, false },	/* unconfirmed for a minute, then revoked */
		{ SAYS_DISABLED, POLICY_HOLD, false },
		{ SAYS_NOT_FOUND, POLICY_HOLD, false },
	};
	struct watch_add like = usual;
	struct sim *s;
	size_t i;

	(void)state;
	like.lease_ms = 2 * MINUTE;
	like.interval_ms = 5 * MINUTE;		/* the lease needs no probe to be renewed */
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		s = sim_with_targets(17 + i);
		like.on_revoke = t[i].policy;
		like.on_disabled = t[i].policy;
		open_as(s, 1, &like);
		step(s, 20 * MINUTE);
		assert_true(target[1].key);
		s->volume[1] = t[i].says;
		s->describe = t[i].says == SAYS_NOT_FOUND ? SAYS_NOT_FOUND : SAYS_OK;
		step(s, HOUR);
		assert_int_equal(target[1].key, t[i].lives);
		assert_int_equal(target[1].longest_ms, like.lease_ms);
		sim_free(s);
	}
}

/* Denied but braked, or by our own fault: not confirmed, so the brake is not undone by the leases. */
static void the_brake_holds_the_leases_too(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_with_targets(19);
	unsigned int i;

	(void)state;
	like.lease_ms = 2 * MINUTE;
	for (i = 0; i < 20; i++)
		open_as(s, i, &like);
	step(s, 5 * MINUTE);
	for (i = 0; i < 20; i++)
		s->volume[i] = SAYS_DENIED;
	step(s, HOUR);
	assert_int_equal(s->acts[WATCH_TEARDOWN] + s->acts[WATCH_LOCK], 0);
	for (i = 0; i < 20; i++)
		assert_true(target[i].key);
	sim_free(s);
}

static void under_fail_after_the_lease_ends_with_it(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_with_targets(23);
	struct watch_volume *v;
	int64_t ok;

	(void)state;
	like.lease_ms = 10 * MINUTE;
	like.fail_after_ms = 15 * MINUTE;
	v = open_as(s, 1, &like);
	step(s, HOUR);
	s->volume[1] = SAYS_NO_ANSWER;
	step(s, 8 * MINUTE);
	ok = v->ok_ms;
	assert_true(target[1].key);
	assert_in_range(target[1].lease_end_ms, ok + 14 * MINUTE, ok + 15 * MINUTE);
	die(s, ok + 15 * MINUTE - s->now);	/* and nobody renews or locks */
	assert_false(target[1].key);
	start_watch(s, 1);
	sim_free(s);
}

static void a_dead_agent_is_bounded_by_the_lease_and_a_restarted_one_is_in_time(void **state)
{
	struct watch_add like = usual;
	uint64_t seed = 29;
	struct sim *s;
	unsigned int i;

	(void)state;
	like.lease_ms = 105000;			/* the shortest: 3 x (30 + 5) */
	like.interval_ms = 5 * MINUTE;
	for (i = 0; i < 50; i++) {
		s = sim_with_targets(test_random(&seed));
		open_as(s, 1, &like);
		step(s, 5 * MINUTE + (int64_t)(test_random(&seed) % 100000));
		die(s, 35000);			/* hung until the watchdog, and started again */
		assert_true(target[1].key);
		start_watch(s, test_random(&seed));
		live(s, 1, &like, false);
		step(s, 10 * MINUTE);
		assert_true(target[1].key);
		assert_int_equal(s->acts[WATCH_LOCK] + s->acts[WATCH_TEARDOWN], 0);
		die(s, like.lease_ms);
		assert_false(target[1].key);
		start_watch(s, 1);
		sim_free(s);
	}
}

static void an_agent_that_dies_before_it_has_an_answer_renews_nothing(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_with_targets(31);
	unsigned int i;

	(void)state;
	like.lease_ms = 3 * MINUTE;
	open_as(s, 1, &like);
	watch_free(&s->w);
	for (i = 0; i < 60 && target[1].key; i++) {
		start_watch(s, i + 1);
		live(s, 1, &like, false);
		run_for(s, LATENCY_MS - 1);
		die(s, 5000);
	}
	assert_false(target[1].key);
	assert_int_equal(s->renewals, 0);
	start_watch(s, 1);
	sim_free(s);
}

static void a_lease_that_ran_out_ends_in_order_and_comes_back(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_with_targets(37);
	struct watch_volume *v;

	(void)state;
	like.lease_ms = 2 * MINUTE;
	open_as(s, 1, &like);
	step(s, 5 * MINUTE);
	die(s, 3 * MINUTE);
	assert_false(target[1].key);
	s->volume[1] = SAYS_NO_ANSWER;
	start_watch(s, 1);
	v = live(s, 1, &like, false);
	step(s, 10 * MINUTE);
	assert_int_equal(s->acts[WATCH_LOCK], 0);	/* not OK: it is left as it is */
	s->volume[1] = SAYS_OK;
	step(s, MINUTE * 6 / 5 + 5000);
	assert_int_equal(s->acts[WATCH_LOCK], 1);
	assert_int_equal(s->acts[WATCH_REOPEN], 1);
	assert_true(s->acts_of[1][WATCH_LOCK] && target[1].key);
	assert_false(v->locked || v->key_lost);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	sim_free(s);
}

/* SIGSTOP instead of a kill: the agent learns it from the target when it renews. */
static void a_stopped_agent_finds_its_lease_gone(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_with_targets(41);
	struct watch_volume *v;

	(void)state;
	like.lease_ms = 2 * MINUTE;
	v = open_as(s, 1, &like);
	step(s, 5 * MINUTE);
	s->now += HOUR;
	expire(s);
	assert_false(target[1].key);
	step(s, 10000);
	assert_int_equal(s->acts[WATCH_LOCK], 1);
	assert_int_equal(v->cause, WATCH_BY_KEY_LOST);
	assert_int_equal(s->acts[WATCH_REOPEN], 1);
	assert_true(target[1].key);
	sim_free(s);
}

static void stay_means_that_somebody_opens_it(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_with_targets(43);
	struct watch_volume *v;

	(void)state;
	like.stays_locked = true;
	v = open_as(s, 1, &like);
	step(s, 5 * MINUTE);
	s->volume[1] = SAYS_DISABLED;
	step(s, 5 * MINUTE);
	assert_int_equal(s->acts[WATCH_LOCK], 1);
	s->volume[1] = SAYS_OK;
	step(s, HOUR);
	assert_int_equal(s->acts[WATCH_REOPEN], 0);
	assert_true(v->locked);
	set_key(s, &target[1]);
	watch_opened(&s->w, v, s->now, s->now);
	step(s, HOUR);
	assert_false(v->locked);
	assert_int_equal(s->acts[WATCH_LOCK], 1);
	sim_free(s);
}

static void a_stop_leaves_the_full_length(void **state)
{
	struct watch_add like = usual, bounded;
	struct sim *s = sim_with_targets(47);

	(void)state;
	like.lease_ms = 9 * MINUTE;
	like.interval_ms = 5 * MINUTE;
	bounded = like;
	bounded.fail_after_ms = 20 * MINUTE;
	open_as(s, 1, &like);
	open_as(s, 2, &bounded);
	s->volume[1] = SAYS_NO_ANSWER;
	s->volume[2] = SAYS_NO_ANSWER;
	step(s, 16 * MINUTE);
	watch_stopping(&s->w, s->now);
	assert_int_equal(target[1].lease_end_ms, s->now + 9 * MINUTE);
	assert_in_range(target[2].lease_end_ms, s->now + 3 * MINUTE, s->now + 4 * MINUTE);
	s->volume[1] = SAYS_DISABLED;
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_after_counts_from_the_last_ok_whatever_the_reason),
		cmocka_unit_test(an_answer_that_never_comes_does_not_hold_fail_after_up),
		cmocka_unit_test(an_ok_counts_from_when_it_was_asked),
		cmocka_unit_test(fail_after_goes_on_across_a_restart_and_not_across_a_boot),
		cmocka_unit_test(a_lock_that_cannot_start_is_ordered_again_every_second),
		cmocka_unit_test(the_lease_is_renewed_under_these_verdicts),
		cmocka_unit_test(the_brake_holds_the_leases_too),
		cmocka_unit_test(under_fail_after_the_lease_ends_with_it),
		cmocka_unit_test(a_dead_agent_is_bounded_by_the_lease_and_a_restarted_one_is_in_time),
		cmocka_unit_test(an_agent_that_dies_before_it_has_an_answer_renews_nothing),
		cmocka_unit_test(a_lease_that_ran_out_ends_in_order_and_comes_back),
		cmocka_unit_test(a_stopped_agent_finds_its_lease_gone),
		cmocka_unit_test(stay_means_that_somebody_opens_it),
		cmocka_unit_test(a_stop_leaves_the_full_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
