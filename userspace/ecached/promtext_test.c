// SPDX-License-Identifier: GPL-2.0-or-later
/* The text format: what may be in a label's value, numbers, and buckets that count up. */
#include <stdio.h>
#include <stdlib.h>

#include "../common/test.h"
#include "promtext.h"

static char *text;
static size_t len;

static FILE *begin(void)
{
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	return f;
}

static void expect(FILE *f, const char *want)
{
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
}

static void test_labels_are_escaped(void **state)
{
	const struct prom_label l[] = { { "volume", "a\"b\\c\nd" }, { "driver", "" }, { NULL, NULL } };
	FILE *f = begin();

	(void)state;
	prom_sample(f, "m", l, 1);
	expect(f, "m{volume=\"a\\\"b\\\\c\\nd\",driver=\"\"} 1\n");
}

static void test_help_keeps_its_quotes_and_its_line(void **state)
{
	FILE *f = begin();

	(void)state;
	prom_family(f, "m_total", "counter", "says \"x\"\nand \\");
	expect(f, "# HELP m_total says \"x\"\\nand \\\\\n# TYPE m_total counter\n");
}

static void test_numbers(void **state)
{
	FILE *f = begin();

	(void)state;
	prom_sample(f, "a", NULL, 0);
	prom_sample(f, "b", NULL, -1);
	prom_sample(f, "c", NULL, 9007199254740992.0);
	prom_sample(f, "d", NULL, 1764300000);
	prom_sample(f, "e", NULL, 0.25);
	prom_sample(f, "f", NULL, 12.345);
	prom_sample(f, "g", NULL, 1e300);
	expect(f, "a 0\nb -1\nc 9007199254740992\nd 1764300000\ne 0.25\nf 12.345\ng 1e+300\n");
}

static void test_buckets_count_up_to_all(void **state)
{
	static const unsigned int bound[] = { 5, 250, 2500 };
	static const uint64_t bucket[] = { 2, 0, 3 };
	const struct prom_label l[] = { { "volume", "c\"1" }, { NULL, NULL } };
	FILE *f = begin();

	(void)state;
	prom_histogram(f, "h_seconds", l, bound, bucket, 3, 6, 31.5);
	prom_histogram(f, "g_seconds", NULL, bound, bucket, 1, 2, 0);
	expect(f, "h_seconds_bucket{volume=\"c\\\"1\",le=\"0.005\"} 2\n"
		  "h_seconds_bucket{volume=\"c\\\"1\",le=\"0.25\"} 2\n"
		  "h_seconds_bucket{volume=\"c\\\"1\",le=\"2.5\"} 5\n"
		  "h_seconds_bucket{volume=\"c\\\"1\",le=\"+Inf\"} 6\n"
		  "h_seconds_sum{volume=\"c\\\"1\"} 31.5\n"
		  "h_seconds_count{volume=\"c\\\"1\"} 6\n"
		  "g_seconds_bucket{le=\"0.005\"} 2\n"
		  "g_seconds_bucket{le=\"+Inf\"} 2\n"
		  "g_seconds_sum 0\n"
		  "g_seconds_count 2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels_are_escaped),
		cmocka_unit_test(test_help_keeps_its_quotes_and_its_line),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_buckets_count_up_to_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
