// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether a reopen starts the unit: what the last report of this boot says of the lock. */
#include "../common/test.h"

#include <stdbool.h>
#include <stdio.h>

#include "../volume/scratch.h"
#include "report.h"

static bool starts(struct scratch *s, const char *policy, const char *steps)
{
	const struct env env = { .report_dir = s->dir };
	char text[512];

	snprintf(text, sizeof(text), "{\"policy\":\"%s\",\"steps\":%s}", policy, steps);
	scratch_write(s, "c1.json", text);
	return report_unit_to_start(&env, "c1");
}

#define STOP(outcome) "[{\"name\":\"stop-unit\",\"outcome\":\"" outcome "\"},{\"name\":\"key\",\"outcome\":\"ok\"}]"

static void a_unit_that_the_lock_has_stopped_is_started(void **state)
{
	struct scratch *s = *state;

	assert_true(starts(s, "lock", STOP("ok")));
	assert_true(starts(s, "lock", STOP("failed")));		/* it was there, and killed then */
	assert_true(starts(s, "lock", STOP("abandoned")));
	assert_false(starts(s, "lock", STOP("skipped")));	/* none, or down already */
	assert_false(starts(s, "teardown", STOP("ok")));
	assert_false(starts(s, "lock", "[]"));
	assert_false(starts(s, "lock", "7"));
}

static void once_a_lock(void **state)
{
	struct scratch *s = *state;
	const struct env env = { .report_dir = s->dir };
	struct json_object *report;

	assert_true(starts(s, "lock", STOP("ok")));
	assert_false(report_unit_to_start(&env, "c1"));
	report = report_load(&env, "c1");
	assert_true(json_object_get_boolean(json_object_object_get(report, "restarted")));
	assert_non_null(json_object_object_get(report, "steps"));	/* the rest of it stays */
	json_object_put(report);
	assert_true(starts(s, "lock", STOP("ok")));			/* the next lock writes another */
}

static void without_a_report_nothing_is_started(void **state)
{
	struct scratch *s = *state;
	const struct env env = { .report_dir = s->dir };

	assert_false(report_unit_to_start(&env, "c1"));
	scratch_write(s, "c1.json", "{\"policy\":");
	assert_false(report_unit_to_start(&env, "c1"));
	scratch_write(s, "c1.json", "{}");
	assert_false(report_unit_to_start(&env, "c1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_unit_that_the_lock_has_stopped_is_started),
		scratch_test(once_a_lock),
		scratch_test(without_a_report_nothing_is_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
