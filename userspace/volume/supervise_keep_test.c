// SPDX-License-Identifier: GPL-2.0-or-later
/* What the supervisor leaves behind: records, the report, the lock; whoever dies meanwhile. */
#include "../common/test.h"
#include "teardown_fake.h"

/* kill -9 of the daemon in the middle: the supervisor goes on, so does the revoker, and nothing is forgotten. */
static void it_goes_on_without_the_daemon(void **state)
{
	const struct teardown_keeper keeper = { .record = fake_record, .keep = fake_keep, .ctx = sh };
	struct fixture *f = *state;
	struct teardown *t;
	int i;
	pid_t pid;

	sh->how[TEARDOWN_STOP] = HANGS;
	f->spec.keeper = &keeper;
	f->spec.verdict_ms = now_ms();
	pid = fork();
	if (!pid) {
		if (revoker_start(&f->r, &f->dm, NULL))
			_exit(1);
		f->spec.revoker = &f->r;
		_exit(teardown_start_steps(&t, &f->spec, &fakes, NULL) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &i, 0), pid);
	assert_int_equal(i, 0);
	for (i = 0; i < 600 && !sh->kept; i++)
		sleep_ms(10);
	assert_true(sh->began[TEARDOWN_VERIFY] >= 0);
	assert_int_equal(sh->fake.dev[0].state, DM_STATE_REVOKED);
	assert_int_equal(sh->recorded, 1);
	assert_int_equal(sh->kept, 1);
	assert_true(sh->report.done && sh->report.key_gone && sh->report.in_time);
	assert_int_equal(sh->report.step[TEARDOWN_STOP].outcome, STEP_ABANDONED);
}

/* A disk under the records that hangs: they are not waited for, but wait by themselves. */
static void records_hold_nothing_up(void **state)
{
	const struct teardown_keeper keeper = { .record = fake_record, .keep = fake_keep, .ctx = sh };
	struct fixture *f = *state;
	struct teardown_report re;
	struct teardown *t;

	sh->recording = HANGS;
	f->spec.keeper = &keeper;
	f->spec.verdict_ms = now_ms();
	assert_int_equal(teardown_start_steps(&t, &f->spec, &fakes, NULL), 0);
	while (!teardown_progress(t))
		poll(&(struct pollfd){ .fd = teardown_fd(t), .events = POLLIN }, 1, 100);
	assert_false(teardown_recorded(t));
	re = *teardown_report(t);
	assert_true(re.key_gone && re.in_time && sh->kept == 1);
	assert_int_equal(re.record.outcome, STEP_RUNNING);
	assert_true(re.total_ms < 1800);
	/* It outlives supervisor and daemon; when it dies, too, nobody waits for its word. */
	assert_int_equal(kill(sh->recorder, SIGKILL), 0);
	while (!teardown_recorded(t)) {
		poll(&(struct pollfd){ .fd = teardown_fd(t), .events = POLLIN }, 1, 100);
		assert_int_equal(teardown_progress(t), 1);
	}
	teardown_free(t);
}

static void records_that_fail_are_told(void **state)
{
	const struct teardown_keeper keeper = { .record = fake_record, .keep = fake_keep, .ctx = sh };
	struct fixture *f = *state;
	struct teardown *t;

	sh->recording = FAILS;
	f->spec.keeper = &keeper;
	assert_int_equal(teardown_start_steps(&t, &f->spec, &fakes, NULL), 0);
	while (!teardown_progress(t) || !teardown_recorded(t))
		poll(&(struct pollfd){ .fd = teardown_fd(t), .events = POLLIN }, 1, 100);
	assert_int_equal(teardown_report(t)->record.outcome, STEP_FAILED);
	assert_int_equal(teardown_report(t)->record.rc, -ENOSPC);
	assert_string_equal(teardown_report(t)->record.text, "no room");
	teardown_free(t);
}

/* The key went while this had to wait for its turn; that is when it went. */
static void a_key_that_went_ahead_is_counted_from_then(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	f->spec.verdict_ms = now_ms() - 60000;
	f->spec.key_gone_ms = 1600;
	run(f, &re);
	assert_true(re.ahead && re.key_gone && re.in_time);
	assert_int_equal(re.key_gone_ms, 1600);
	assert_int_equal(sh->order[0], TEARDOWN_KEY);	/* and once more, to be sure */
	assert_int_equal(sh->runs, TEARDOWN_NR);
}

/* Whoever hears of the end may look for the next thing to do. */
static void the_lock_is_held_until_the_end(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;
	int pair[2];
	char byte;

	assert_int_equal(pipe(pair), 0);
	f->spec.lock = pair[1];
	sh->how[TEARDOWN_REMOVE] = HANGS;	/* what is left behind does not hold it */
	run(f, &re);
	assert_int_equal(re.step[TEARDOWN_REMOVE].outcome, STEP_ABANDONED);
	close(pair[1]);
	assert_int_equal(read(pair[0], &byte, 1), 0);
	close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		teardown_test(it_goes_on_without_the_daemon),
		teardown_test(records_hold_nothing_up),
		teardown_test(records_that_fail_are_told),
		teardown_test(a_key_that_went_ahead_is_counted_from_then),
		teardown_test(the_lock_is_held_until_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
