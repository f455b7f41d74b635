// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <string.h>
#include <sys/mman.h>

#include "../common/clock.h"
#include "dm_fake.h"
#include "sample.h"
#include "teardown.h"

/*
 * The real steps on a mapping in memory that has no unit and no mounts; with units and mounts they are tested in
 * guests.
 */

struct fixture {
	struct dm_fake *fake;		/* shared: the steps are other processes */
	struct dm dm;
	struct teardown_spec spec;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->fake = mmap(NULL, sizeof(*f->fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f->fake, MAP_FAILED);
	f->dm.ops = &dm_fake_ops;
	f->dm.ctx = f->fake;
	assert_int_equal(dm_fake_create(f->fake, "v1", "ECACHE-" SAMPLE_UUID "-v1", 8, "", NULL), 0);
	f->fake->dev[0].state = DM_STATE_ACTIVE;
	f->spec = (struct teardown_spec){
		.name = "v1", .policy = POLICY_TEARDOWN, .dev = makedev(DM_FAKE_MAJOR, 0), .deadline_ms = 10000,
		.dm = &f->dm,
	};
	*state = f;
	return 0;
}

static int cleanup(void **state)
{
	struct fixture *f = *state;

	munmap(f->fake, sizeof(*f->fake));
	free(f);
	return 0;
}

static struct teardown_report real_run(struct fixture *f)
{
	struct teardown_report re;

	f->spec.verdict_ms = now_ms();
	assert_int_equal(teardown_run(&f->spec, &re, NULL), 0);
	assert_true(re.done);
	return re;
}

static void end_of_an_idle_volume(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re = real_run(f);

	assert_int_equal(re.step[TEARDOWN_STOP].outcome, STEP_SKIPPED);
	assert_int_equal(re.step[TEARDOWN_KILL].outcome, STEP_SKIPPED);
	assert_int_equal(re.step[TEARDOWN_SHUTDOWN].outcome, STEP_SKIPPED);
	assert_int_equal(re.step[TEARDOWN_UMOUNT].outcome, STEP_SKIPPED);
	assert_int_equal(re.step[TEARDOWN_KEY].outcome, STEP_OK);
	assert_int_equal(re.step[TEARDOWN_ERROR].outcome, STEP_OK);
	assert_int_equal(re.step[TEARDOWN_REMOVE].outcome, STEP_OK);
	assert_int_equal(re.step[TEARDOWN_VERIFY].outcome, STEP_OK);
	assert_true(re.key_gone && re.removed && re.in_time);
	assert_int_equal(f->fake->nr, 0);
	/* Again: nothing is left to do, and that is success. */
	re = real_run(f);
	assert_true(re.key_gone && re.removed);
	assert_int_equal(re.step[TEARDOWN_REMOVE].outcome, STEP_SKIPPED);
}

static void end_of_a_held_volume(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	f->fake->dev[0].open_count = 1;
	re = real_run(f);
	assert_true(re.key_gone && re.in_time);
	assert_false(re.removed);
	assert_true(f->fake->dev[0].error_table && f->fake->dev[0].deferred);
	assert_non_null(strstr(re.step[TEARDOWN_VERIFY].text, "removed with the last"));
}

static void lock_keeps_the_mapping(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	f->spec.policy = POLICY_LOCK;
	re = real_run(f);
	assert_true(re.key_gone && re.in_time);
	assert_false(re.removed);
	assert_int_equal(f->fake->dev[0].state, DM_STATE_LOCKED);
	assert_false(f->fake->dev[0].error_table);
	assert_int_equal(re.step[TEARDOWN_REMOVE].outcome, STEP_SKIPPED);
	assert_int_equal(f->fake->changes, 1);
}

static void tell_of_a_key_that_stays(void **state)
{
	struct fixture *f = *state;
	struct teardown_report re;

	f->fake->deaf = true;
	f->spec.policy = POLICY_LOCK;
	re = real_run(f);
	assert_false(re.key_gone);
	assert_int_equal(re.step[TEARDOWN_KEY].outcome, STEP_FAILED);
	assert_int_equal(re.step[TEARDOWN_VERIFY].outcome, STEP_FAILED);
	assert_non_null(strstr(re.step[TEARDOWN_VERIFY].text, "ACTIVE"));
	/* Under policy teardown the error table takes the key along, and that is found out. */
	f->spec.policy = POLICY_TEARDOWN;
	f->fake->dev[0].open_count = 1;
	re = real_run(f);
	assert_int_equal(re.step[TEARDOWN_KEY].outcome, STEP_FAILED);
	assert_true(re.key_gone);
}

#define steps_test(f) cmocka_unit_test_setup_teardown(f, setup, cleanup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		steps_test(end_of_an_idle_volume),
		steps_test(end_of_a_held_volume),
		steps_test(lock_keeps_the_mapping),
		steps_test(tell_of_a_key_that_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
