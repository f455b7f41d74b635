// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"
#include "teardown_fake.h"

static void all_steps_in_order(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;
	int i;

	run(f, &re);
	assert_int_equal(sh->runs, TEARDOWN_NR);
	for (i = 0; i < TEARDOWN_NR; i++) {
		assert_int_equal(sh->order[i], i);
		assert_int_equal(re.step[i].outcome, STEP_OK);
	}
	assert_true(re.key_gone && re.in_time && re.removed);
	assert_int_equal(re.key_gone_ms, re.step[TEARDOWN_KEY].start_ms + re.step[TEARDOWN_KEY].ms);
}

/* The promise: whatever hangs before it, the key goes within its slot. */
static void the_key_goes_in_time_when_everything_before_hangs(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;
	int i;

	for (i = 0; i < TEARDOWN_KEY; i++)
		sh->how[i] = HANGS;
	f->spec.verdict_ms = now_ms();
	run(f, &re);
	assert_in_range(sh->began[TEARDOWN_KEY], 1700, 1800 + SLACK);	/* 6/10 of 3 s */
	for (i = 0; i < TEARDOWN_KEY; i++) {
		assert_int_equal(re.step[i].outcome, STEP_ABANDONED);
		assert_int_equal(re.step[i].rc, -ETIMEDOUT);
	}
	assert_true(re.step[TEARDOWN_STOP].ms <= 1000 + SLACK);	/* at most a third for the unit */
	assert_true(re.key_gone && re.in_time && re.removed);
}

static void everything_hangs_and_it_still_ends(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;
	int i;

	for (i = 0; i < TEARDOWN_NR; i++)
		sh->how[i] = HANGS;
	f->spec.deadline_ms = 2000;
	f->spec.verdict_ms = now_ms();
	run(f, &re);
	for (i = 0; i < TEARDOWN_NR; i++)
		assert_int_equal(re.step[i].outcome, STEP_ABANDONED);
	assert_false(re.key_gone);
	assert_false(re.in_time);
	assert_false(re.removed);
	assert_int_equal(re.key_gone_ms, -1);
	assert_true(re.total_ms <= 2000 + 8 * TEARDOWN_GRACE_MS);
}

static void failures_do_not_stop_it(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	sh->how[TEARDOWN_STOP] = FAILS;
	sh->how[TEARDOWN_KILL] = CRASHES;
	sh->how[TEARDOWN_SHUTDOWN] = SKIPS;
	sh->how[TEARDOWN_REMOVE] = FAILS;
	sh->how[TEARDOWN_VERIFY] = LEFT;
	sh->left = LEFT_REVOKED;
	run(f, &re);
	assert_int_equal(sh->runs, TEARDOWN_NR);
	assert_int_equal(re.step[TEARDOWN_STOP].outcome, STEP_FAILED);
	assert_int_equal(re.step[TEARDOWN_STOP].rc, -EIO);
	assert_string_equal(re.step[TEARDOWN_STOP].text, "does not work");
	assert_int_equal(re.step[TEARDOWN_KILL].outcome, STEP_FAILED);
	assert_int_equal(re.step[TEARDOWN_SHUTDOWN].outcome, STEP_SKIPPED);
	assert_int_equal(re.step[TEARDOWN_SHUTDOWN].rc, 0);
	assert_true(re.key_gone);
	assert_false(re.removed);
}

static void a_key_that_stays_is_said(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	sh->how[TEARDOWN_KEY] = FAILS;
	sh->how[TEARDOWN_VERIFY] = FAILS;
	run(f, &re);
	assert_false(re.key_gone);
	assert_false(re.in_time);
	assert_false(re.removed);
}

/* The error table ends the key too; then the read-back is what knows. */
static void verify_may_find_the_key_gone(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	sh->how[TEARDOWN_KEY] = FAILS;
	sh->how[TEARDOWN_VERIFY] = LEFT;
	sh->left = LEFT_ERROR_TABLE;
	run(f, &re);
	assert_true(re.key_gone && re.in_time);
	assert_true(re.key_gone_ms >= re.step[TEARDOWN_VERIFY].start_ms);
	assert_false(re.removed);
}

static void late_in_the_queue_the_key_goes_first(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	f->spec.deadline_ms = 4000;
	f->spec.verdict_ms = now_ms() - 2000;
	sh->how[TEARDOWN_STOP] = HANGS;
	run(f, &re);
	assert_int_equal(sh->order[0], TEARDOWN_KEY);
	assert_int_equal(sh->order[1], TEARDOWN_STOP);
	assert_int_equal(sh->runs, TEARDOWN_NR);
	assert_true(re.key_gone && re.in_time);
	assert_in_range(re.key_gone_ms, 2000, 2000 + SLACK);
}

static void past_the_deadline_every_step_still_runs(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	f->spec.verdict_ms = now_ms() - 60000;
	run(f, &re);
	assert_int_equal(sh->order[0], TEARDOWN_KEY);
	assert_int_equal(sh->runs, TEARDOWN_NR);
	assert_true(re.key_gone);
	assert_false(re.in_time);
}

static void the_revoker_destroys_the_key(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	assert_int_equal(revoker_start(&f->r, &f->dm, NULL), 0);
	f->spec.revoker = &f->r;
	run(f, &re);
	assert_int_equal(sh->began[TEARDOWN_KEY], -1);	/* no child was needed */
	assert_string_equal(re.step[TEARDOWN_KEY].text, "by the revoker");
	assert_int_equal(sh->fake.dev[0].state, DM_STATE_REVOKED);
}

static void policy_lock_only_wipes(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	assert_int_equal(revoker_start(&f->r, &f->dm, NULL), 0);
	f->spec.revoker = &f->r;
	f->spec.policy = POLICY_LOCK;
	run(f, &re);
	assert_int_equal(sh->fake.dev[0].state, DM_STATE_LOCKED);
}

static void a_hung_revoker_is_replaced_by_a_child(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	assert_int_equal(revoker_start(&f->r, &f->dm, NULL), 0);
	assert_int_equal(kill(f->r.pid, SIGSTOP), 0);
	f->spec.revoker = &f->r;
	f->spec.verdict_ms = now_ms();
	run(f, &re);
	assert_true(sh->began[TEARDOWN_KEY] > 0);
	assert_true(re.key_gone && re.in_time);
	assert_int_equal(kill(f->r.pid, SIGKILL), 0);
}

static void a_revoker_that_fails_is_replaced_by_a_child(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	assert_int_equal(revoker_start(&f->r, &f->dm, NULL), 0);
	sh->fake.deaf = true;
	f->spec.revoker = &f->r;
	sh->how[TEARDOWN_KEY] = FAILS;
	sh->how[TEARDOWN_VERIFY] = FAILS;
	run(f, &re);
	assert_true(sh->began[TEARDOWN_KEY] >= 0);
	assert_false(re.key_gone);
}

static void a_dead_supervisor_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;
	struct teardown *t;

	sh->how[TEARDOWN_KILL] = HANGS;
	assert_int_equal(teardown_start_steps(&t, &f->spec, &fakes, NULL), 0);
	while (sh->began[TEARDOWN_KILL] < 0)
		sleep_ms(1);
	assert_int_equal(kill(sh->supervisor, SIGKILL), 0);
	assert_int_equal(drive(t, &re), -EPIPE);
	assert_false(re.done);
	assert_int_equal(re.step[TEARDOWN_STOP].outcome, STEP_OK);
	assert_int_equal(re.step[TEARDOWN_KILL].outcome, STEP_RUNNING);
}

static void sigterm_does_not_end_it(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;
	struct teardown *t;

	sh->how[TEARDOWN_STOP] = HANGS;
	f->spec.verdict_ms = now_ms();
	assert_int_equal(teardown_start_steps(&t, &f->spec, &fakes, NULL), 0);
	/* Each is written by another process; kill(0) would end the whole group. */
	while (sh->began[TEARDOWN_STOP] < 0 || sh->supervisor <= 0)
		sleep_ms(1);
	kill(sh->supervisor, SIGTERM);
	kill(sh->supervisor, SIGHUP);
	assert_int_equal(drive(t, &re), 1);
	assert_true(re.key_gone);
}

static void progress_is_seen_while_it_runs(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;
	struct teardown *t;
	int i;

	sh->how[TEARDOWN_ERROR] = HANGS;
	assert_int_equal(teardown_start_steps(&t, &f->spec, &fakes, NULL), 0);
	for (i = 0; i < 2000 && sh->began[TEARDOWN_ERROR] < 0; i++)
		sleep_ms(1);
	assert_int_equal(teardown_progress(t), 0);
	assert_true(teardown_report(t)->key_gone);
	assert_false(teardown_report(t)->done);
	assert_int_equal(teardown_report(t)->step[TEARDOWN_ERROR].outcome, STEP_RUNNING);
	assert_int_equal(drive(t, &re), 1);
}

static void several_at_once(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;
	struct teardown *t[8];
	int i;

	f->spec.deadline_ms = 6000;
	f->spec.verdict_ms = now_ms();
	for (i = 0; i < TEARDOWN_KEY; i++)
		sh->how[i] = HANGS;
	for (i = 0; i < 8; i++)
		assert_int_equal(teardown_start_steps(&t[i], &f->spec, &fakes, NULL), 0);
	/* The daemon was never held up. */
	assert_true(now_ms() - f->spec.verdict_ms < 3500);
	for (i = 0; i < 8; i++) {
		assert_int_equal(drive(t[i], &re), 1);
		assert_true(re.key_gone && re.in_time);
	}
}

static void bad_orders_are_refused(void **state)
{
	struct fixture *f = *state;
	struct teardown *t;

	f->spec.policy = POLICY_HOLD;
	assert_int_equal(teardown_start_steps(&t, &f->spec, &fakes, NULL), -EINVAL);
	f->spec.policy = POLICY_LOCK;
	f->spec.deadline_ms = 999;
	assert_int_equal(teardown_start_steps(&t, &f->spec, &fakes, NULL), -EINVAL);
	f->spec.deadline_ms = 1000;
	f->spec.name = "../x";
	assert_int_equal(teardown_start_steps(&t, &f->spec, &fakes, NULL), -EINVAL);
}

static void as_json(void **state)
{
	struct teardown_report re = { .done = true, .key_gone = true, .key_gone_ms = 12, .total_ms = 34 };
	struct json_object *o, *steps;

	(void)state;
	re.step[TEARDOWN_KEY] = (struct teardown_step_report){ .outcome = STEP_OK, .start_ms = 10, .ms = 2 };
	o = teardown_json(&re);
	assert_non_null(o);
	assert_int_equal(json_object_get_int(json_object_object_get(o, "key_gone_ms")), 12);
	steps = json_object_object_get(o, "steps");
	assert_int_equal(json_object_array_length(steps), TEARDOWN_NR);
	assert_string_equal(json_object_to_json_string_ext(json_object_array_get_idx(steps, TEARDOWN_KEY),
							   JSON_C_TO_STRING_PLAIN),
		"{\"name\":\"key\",\"outcome\":\"ok\",\"start_ms\":10,\"ms\":2,\"text\":\"\"}");
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		teardown_test(all_steps_in_order),
		teardown_test(the_key_goes_in_time_when_everything_before_hangs),
		teardown_test(everything_hangs_and_it_still_ends),
		teardown_test(failures_do_not_stop_it),
		teardown_test(a_key_that_stays_is_said),
		teardown_test(verify_may_find_the_key_gone),
		teardown_test(late_in_the_queue_the_key_goes_first),
		teardown_test(past_the_deadline_every_step_still_runs),
		teardown_test(the_revoker_destroys_the_key),
		teardown_test(policy_lock_only_wipes),
		teardown_test(a_hung_revoker_is_replaced_by_a_child),
		teardown_test(a_revoker_that_fails_is_replaced_by_a_child),
		teardown_test(a_dead_supervisor_is_noticed),
		teardown_test(sigterm_does_not_end_it),
		teardown_test(progress_is_seen_while_it_runs),
		teardown_test(several_at_once),
		teardown_test(bad_orders_are_refused),
		cmocka_unit_test(as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
