// SPDX-License-Identifier: GPL-2.0-or-later
/* The processors' time and instructions around a sample, from what the kernel says of both. */
#include <math.h>
#include <string.h>

#include "../common/test.h"
#include "bench_mark.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 0.000000001)

static void idle_and_waiting_is_what_was_not_used(void **state)
{
	static const char before[] =
		"100.50 180.00\n"
		"cpu  100 0 100 15000 3000 5 5 0 0 0\n"
		"cpu0 50 0 50 7500 1500 0 0 0 0 0\n"
		"cpu1 50 0 50 7500 1500 5 5 0 0 0\n"
		"intr 123 0 9\nctxt 4\nbtime 1700000000\nprocs_running 1\n";
	static const char after[] =
		"103.50 184.00\n"
		"cpu  900 0 100 15300 3100 5 5 0 0 0\n"
		"cpu0 850 0 50 7600 1500 0 0 0 0 0\n"
		"cpu1 50 0 50 7700 1600 5 5 0 0 0\n";
	struct bench_mark a, b;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(bench_mark_parse(before, 100, &a, &e), 0);
	assert_int_equal(bench_mark_parse(after, 100, &b, &e), 0);
	assert_int_equal(a.cpus, 2);
	assert_false(a.counted);
	NEAR(a.idle, 180);
	NEAR(bench_mark_used(&a, &b), 2);	/* two processors for 3 s, less 3 s idle and 1 s waiting */
}

/* The clocks of both files go in steps; a sample in which nothing ran is not negative. */
static void used_is_never_less_than_nothing(void **state)
{
	const struct bench_mark a = { .uptime = 10, .idle = 5, .cpus = 1 };
	const struct bench_mark b = { .uptime = 11, .idle = 6.01, .cpus = 1 };

	(void)state;
	NEAR(bench_mark_used(&a, &b), 0);
}

static void counters_of_all_processors_add_up(void **state)
{
	struct bench_mark m;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(bench_mark_parse("              1000000000000\n                        5\n 0\n"
					  "7.00 3.00\ncpu  1 2 3 400 50 0 0 0 0 0\ncpu0 1 2 3 400 50 0 0 0 0 0\n",
					  100, &m, &e), 0);
	assert_true(m.counted);
	assert_true(m.insns == 1000000000005ULL);
	assert_int_equal(m.cpus, 1);
	NEAR(m.idle, 4.5);
}

/* A host with many interrupts has a line longer than any buffer. */
static void long_lines_are_passed_over(void **state)
{
	static char text[8192] = "7.00 3.00\ncpu  1 2 3 400 50 0 0 0 0 0\ncpu0 1 2 3 400 50 0 0 0 0 0\nintr 1";
	struct bench_mark m;
	struct err e = ERR_INIT;
	size_t used = strlen(text);

	(void)state;
	while (used + 3 < sizeof(text)) {
		memcpy(text + used, " 0", 3);
		used += 2;
	}
	assert_int_equal(bench_mark_parse(text, 100, &m, &e), 0);
	assert_false(m.counted);
}

static void less_than_both_files_is_refused(void **state)
{
	struct bench_mark m;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_not_equal(bench_mark_parse("", 100, &m, &e), 0);
	assert_int_not_equal(bench_mark_parse("7.00 3.00\n", 100, &m, &e), 0);
	assert_int_not_equal(bench_mark_parse("cpu  1 2 3 4 5 6 7 0 0 0\ncpu0 1 2 3 4 5 6 7 0 0 0\n", 100, &m, &e), 0);
	assert_int_not_equal(bench_mark_parse("7.00 3.00\ncpu  1 2 3 4 5 6 7 0 0 0\n", 100, &m, &e), 0);
	assert_int_not_equal(bench_mark_parse("cat: /proc/stat: Permission denied\n7.00 3.00\n", 100, &m, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_and_waiting_is_what_was_not_used),
		cmocka_unit_test(used_is_never_less_than_nothing),
		cmocka_unit_test(counters_of_all_processors_add_up),
		cmocka_unit_test(long_lines_are_passed_over),
		cmocka_unit_test(less_than_both_files_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
