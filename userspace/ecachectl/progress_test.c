// SPDX-License-Identifier: GPL-2.0-or-later
/* How far it is: a bar on a terminal, which nothing is written behind; lines elsewhere, and few of them. */
#include "../common/test.h"
#include <string.h>

#include "progress.h"

#define MIB (1024ULL * 1024)

/* shown - what is written of @n messages of one work, each a MiB and @ms later than the one before. */
static const char *shown(struct progress *p, unsigned int columns, unsigned int n, int64_t ms)
{
	static char text[16384];
	FILE *to = fmemopen(text, sizeof(text), "w");
	unsigned int i;

	memset(text, 0, sizeof(text));
	assert_non_null(to);
	for (i = 1; i <= n; i++)
		progress_show(p, to, columns, "copying", i * MIB, 100 * MIB, i * ms);
	fclose(to);
	return text;
}

static unsigned int lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void a_bar_with_rate_and_time_left(void **state)
{
	struct progress p = { 0 };
	const char *text = shown(&p, 100, 50, 100);
	const char *last = strrchr(text, '\r');

	(void)state;
	assert_non_null(last);
	assert_non_null(strstr(last, "####################...................."));
	assert_non_null(strstr(last, " 50 %, 50 MiB of 100 MiB, 10 MiB/s, 0:05 left"));
	assert_int_equal(lines(text), 0);
	assert_true(p.drawn);
}

static void the_line_ends_with_the_work_or_before_something_else(void **state)
{
	struct progress p = { 0 };
	char text[64] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_int_equal(lines(shown(&p, 100, 100, 100)), 1);
	assert_false(p.drawn);
	shown(&p, 100, 3, 100);
	progress_break(&p, to);
	progress_break(&p, to);
	fclose(to);
	assert_string_equal(text, "\n");
}

static void a_line_is_never_wider_than_the_terminal(void **state)
{
	unsigned int columns;

	(void)state;
	for (columns = 2; columns < 120; columns++) {
		struct progress p = { 0 };
		const char *text = shown(&p, columns, 7, 977), *at = strrchr(text, '\r');

		assert_non_null(at);
		if (strlen(at + 1) - strlen("\033[K") >= columns)
			fail_msg("%zu columns of %u: %s", strlen(at + 1), columns, at + 1);
	}
}

static void without_a_terminal_a_line_every_ten_seconds(void **state)
{
	struct progress p = { 0 };
	const char *text = shown(&p, 0, 100, 500);	/* 50 s */

	(void)state;
	assert_true(lines(text) >= 5 && lines(text) <= 7);
	assert_null(strchr(text, '\r'));
	assert_non_null(strstr(text, "copying 100 %, 100 MiB of 100 MiB, 2.0 MiB/s\n"));
}

static void sizes_as_people_say_them(void **state)
{
	char text[16];

	(void)state;
	progress_size(0, text);
	assert_string_equal(text, "0 B");
	progress_size(1536, text);
	assert_string_equal(text, "1.5 KiB");
	progress_size(20 * MIB, text);
	assert_string_equal(text, "20 MiB");
	progress_size(UINT64_MAX, text);
	assert_string_equal(text, "16384 PiB");
}

static void nothing_at_all_is_all_of_it(void **state)
{
	struct progress p = { 0 };
	char text[256] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");

	(void)state;
	progress_show(&p, to, 80, "copying", 0, 0, 0);
	fclose(to);
	assert_non_null(strstr(text, "100 %"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bar_with_rate_and_time_left),
		cmocka_unit_test(the_line_ends_with_the_work_or_before_something_else),
		cmocka_unit_test(a_line_is_never_wider_than_the_terminal),
		cmocka_unit_test(without_a_terminal_a_line_every_ten_seconds),
		cmocka_unit_test(sizes_as_people_say_them),
		cmocka_unit_test(nothing_at_all_is_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
