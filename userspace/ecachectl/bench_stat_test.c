// SPDX-License-Identifier: GPL-2.0-or-later
/* What rounds say together, and when a difference may be called one. */
#include "../common/test.h"
#include "bench_fixture.h"
#include "bench_stat.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 0.000000001)

static void the_median_of_what_is_there(void **state)
{
	struct bench b = fixture("4k-randread-1", 4);
	struct bench_summary s;

	(void)state;
	fill(&b, 0, BENCH_RAW, BENCH_IOPS, (const double[]){ 40, 10, 20, 30 });
	s = bench_summary(&b, 0, 0, BENCH_IOPS);
	assert_int_equal(s.nr, 4);
	NEAR(s.median, 25);
	NEAR(s.min, 10);
	NEAR(s.max, 40);
	fill(&b, 0, BENCH_RAW, BENCH_IOPS, (const double[]){ 40, NAN, 20, 30 });
	s = bench_summary(&b, 0, 0, BENCH_IOPS);
	assert_int_equal(s.nr, 3);
	NEAR(s.median, 30);
	s = bench_summary(&b, 0, 0, BENCH_CPU);
	assert_int_equal(s.nr, 0);
	assert_true(isnan(s.median));
	fixture_free(&b);
}

/* The machine becomes twice as slow in the middle: medians of each would differ, the ratio does not. */
static void ratios_are_round_by_round(void **state)
{
	struct bench b = fixture("4k-randread-1", 3);
	struct bench_summary s;

	(void)state;
	fill(&b, 0, BENCH_CRYPT_NWQ, BENCH_CPU, (const double[]){ 10, 20, 40 });
	fill(&b, 0, BENCH_ECACHE, BENCH_CPU, (const double[]){ 9, 18, 36 });
	s = bench_ratio(&b, 0, (unsigned int)bench_find(&b, BENCH_ECACHE),
			(unsigned int)bench_find(&b, BENCH_CRYPT_NWQ), BENCH_CPU);
	assert_int_equal(s.nr, 3);
	NEAR(s.min, 0.9);
	NEAR(s.median, 0.9);
	NEAR(s.max, 0.9);
	fixture_free(&b);
}

static void a_division_by_nothing_is_no_ratio(void **state)
{
	struct bench b = fixture("4k-randread-1", 3);
	struct bench_summary s;

	(void)state;
	fill(&b, 0, BENCH_CRYPT_NWQ, BENCH_CPU, (const double[]){ 0, 10, NAN });
	fill(&b, 0, BENCH_ECACHE, BENCH_CPU, (const double[]){ 9, 9, 9 });
	s = bench_ratio(&b, 0, (unsigned int)bench_find(&b, BENCH_ECACHE),
			(unsigned int)bench_find(&b, BENCH_CRYPT_NWQ), BENCH_CPU);
	assert_int_equal(s.nr, 1);
	NEAR(s.median, 0.9);
	fixture_free(&b);
}

static void the_noise_is_the_worst_round_of_the_control(void **state)
{
	struct bench b = fixture("4k-randread-1", 3);

	(void)state;
	assert_true(isnan(bench_noise(&b, 0, BENCH_CPU)));
	fill(&b, 0, BENCH_ECACHE, BENCH_CPU, (const double[]){ 100, 100, 100 });
	fill(&b, 0, BENCH_AGAIN, BENCH_CPU, (const double[]){ 101, 94, 100 });
	NEAR(bench_noise(&b, 0, BENCH_CPU), 0.06);
	fixture_free(&b);
}

static void what_the_control_cannot_tell_is_no_difference(void **state)
{
	const struct bench_summary less = { .nr = 5, .median = 0.9, .min = 0.88, .max = 0.93 };
	const struct bench_summary more = { .nr = 5, .median = 1.2, .min = 1.1, .max = 1.3 };
	const struct bench_summary across = { .nr = 5, .median = 0.9, .min = 0.8, .max = 1.01 };
	const struct bench_summary few = { .nr = 2, .median = 0.5, .min = 0.5, .max = 0.5 };

	(void)state;
	assert_int_equal(bench_differs(less, 0.02), -1);
	assert_int_equal(bench_differs(more, 0.02), 1);
	assert_int_equal(bench_differs(less, 0.11), 0);		/* the same thing twice differs by more */
	assert_int_equal(bench_differs(across, 0.02), 0);	/* one round says the contrary */
	assert_int_equal(bench_differs(few, 0.02), 0);
	assert_int_equal(bench_differs(less, NAN), 0);		/* without a control nothing is known */
}

static void cells_are_chosen_by_name(void **state)
{
	struct err e = ERR_INIT;
	struct bench b;

	(void)state;
	assert_int_equal(bench_choose_cells(&b, NULL, &e), 0);
	assert_int_equal(b.nr_cells, 9);
	assert_int_equal(bench_choose_cells(&b, "1m-write,4k-randread-1", &e), 0);
	assert_int_equal(b.nr_cells, 2);
	assert_string_equal(b.cells[0]->name, "4k-randread-1");
	assert_string_equal(b.cells[1]->name, "1m-write");
	assert_int_not_equal(bench_choose_cells(&b, "4k-randread", &e), 0);	/* no abbreviations */
	assert_int_not_equal(bench_choose_cells(&b, "1m-read,1m-read", &e), 0);
	assert_int_not_equal(bench_choose_cells(&b, "1m-read,", &e), 0);
	assert_int_not_equal(bench_choose_cells(&b, "", &e), 0);
	assert_non_null(strstr(e.hint, "64k-read"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_median_of_what_is_there),
		cmocka_unit_test(ratios_are_round_by_round),
		cmocka_unit_test(a_division_by_nothing_is_no_ratio),
		cmocka_unit_test(the_noise_is_the_worst_round_of_the_control),
		cmocka_unit_test(what_the_control_cannot_tell_is_no_difference),
		cmocka_unit_test(cells_are_chosen_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
