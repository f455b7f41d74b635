// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "isodate.h"
#include "test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define YEAR_1 (-62135596800LL)
#define YEAR_10000 253402300800LL

static void each_form_is_read(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
		double fraction;
		bool seconds;
	} good[] = {
		{ "1970-01-01", 0, 0, false }, { "2020-02-29", 1582934400, 0, false },
		{ "2000-02-29", 951782400, 0, false },
		{ "2026-11-26T14:00Z", 1795701600, 0, false }, { "2026-11-26T14:00:00Z", 1795701600, 0, true },
		{ "2026-11-26T14:00:00.25Z", 1795701600, 0.25, true },
		{ "2026-11-26T15:30:00+01:30", 1795701600, 0, true },
		{ "2026-11-26T13:00-01:00", 1795701600, 0, false },
		{ "2026-11-27T04:00:00+14:00", 1795701600, 0, true },
		{ "2016-12-31T23:59:60Z", 1483228800, 0, true }, { "0001-01-01", YEAR_1, 0, false },
		{ "9999-12-31T23:59:59Z", YEAR_10000 - 1, 0, true },
	};
	struct isodate d;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		if (isodate_read(good[i].text, strlen(good[i].text), &d))
			fail_msg("refused: %s", good[i].text);
		assert_int_equal(d.unix_s, good[i].want);
		assert_true(d.fraction == good[i].fraction);
		assert_int_equal(d.seconds, good[i].seconds);
	}
}

static void nothing_else_is_read(void **state)
{
	static const char *const bad[] = {
		"", "2026", "2026-11", "2026-11-26T", "2026-11-26T14", "2026-11-26T14:00", "2026-11-26T14:00:00",
		"2026-11-26 14:00:00Z", "2026-11-26t14:00:00Z", "2026-11-26T14:00:00z", "2026-11-26T24:00:00Z",
		"2026-11-26T14:60:00Z", "2026-11-26T14:00:61Z", "2026-11-26T14:00:00.Z", "2026-11-26T14:00.5Z",
		"2026-11-26T14:00:00,5Z", "2026-11-26T14:00:00+1", "2026-11-26T14:00:00+0100", "2026-11-26T14:00:00+14:01",
		"2026-11-26T14:00:00+15:00", "2026-11-26T14:00:00+01:60", "2026-11-26T14:00:00Zx", "2026-11-26Z",
		" 2026-11-26", "2026-11-26 ", "26-11-26", "+026-11-26", "-026-11-26", "2026-1-26", "20261126", "1795701600",
		"0000-01-01", "12026-11-26", "2026-11-26T-1:00Z",
	};
	struct isodate d;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (isodate_read(bad[i], strlen(bad[i]), &d) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	/* No byte behind the end is looked at, and none before it left out. */
	assert_int_equal(isodate_read("2026-11-26T14:00:00Z!", 20, &d), 0);
	assert_int_equal(isodate_read("2026-11-26\0T14:00:00Z", 21, &d), -EINVAL);
}

/* Of each day that two digits can write: it is read if the calendar has it. */
static void the_calendar_is_kept(void **state)
{
	static const int years[] = { 1, 4, 100, 400, 1900, 1970, 2000, 2023, 2024, 2100, 9999 };
	struct isodate d;

	(void)state;
	for (size_t y = 0; y < COUNT(years); y++) {
		for (int i = 0; i < 100 * 100; i++) {
			int month = i / 100 - 1, day = i % 100;
			struct tm tm = { .tm_year = years[y] - 1900, .tm_mon = month, .tm_mday = day };
			time_t t = timegm(&tm);
			bool there = tm.tm_year == years[y] - 1900 && tm.tm_mon == month && tm.tm_mday == day;
			char text[32];

			snprintf(text, sizeof(text), "%04d-%02d-%02d", years[y], i / 100, i % 100);
			if (isodate_read(text, 10, &d) != (there ? 0 : -EINVAL))
				fail_msg("%s is %s", text, there ? "refused" : "accepted");
			if (there)
				assert_int_equal(d.unix_s, t);
		}
	}
}

/* What is written in any zone is read as the same moment. */
static void what_is_written_is_read(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		int east = (int)(test_random(&seed) >> 33) % (14 * 60 + 1) * (test_random(&seed) & 1 << 20 ? 1 : -1);
		int64_t most = YEAR_10000 - YEAR_1 - 2 * 86400;
		int64_t want = YEAR_1 + 86400 + (int64_t)(test_random(&seed) >> 20) % most;
		unsigned int micro = (unsigned int)(test_random(&seed) >> 40) % 1000000;
		time_t local = want + east * 60;
		struct isodate d;
		char text[128];
		struct tm tm;

		assert_non_null(gmtime_r(&local, &tm));
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06u%c%02d:%02d",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, micro,
			 east < 0 ? '-' : '+', abs(east) / 60, abs(east) % 60);
		if (isodate_read(text, strlen(text), &d))
			fail_msg("refused: %s", text);
		assert_int_equal(d.unix_s, want);
		assert_true(d.fraction < 1);
		assert_int_equal((int)(d.fraction * 1000000 + 0.5), micro);
	}
}

/* However long it is. */
static void a_fraction_is_less_than_a_second(void **state)
{
	char text[200] = "2026-11-26T14:00:00.";
	struct isodate d;

	(void)state;
	memset(text + 20, '9', 100);
	text[120] = 'Z';
	assert_int_equal(isodate_read(text, 121, &d), 0);
	assert_int_equal(d.unix_s, 1795701600);
	assert_true(d.fraction < 1 && d.fraction > 0.999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_is_read),
		cmocka_unit_test(nothing_else_is_read),
		cmocka_unit_test(the_calendar_is_kept),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_fraction_is_less_than_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
