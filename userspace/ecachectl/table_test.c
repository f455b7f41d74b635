// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables that a person reads: aligned, cut at the edge of the terminal, coloured only where somebody sees it. */
#include "../common/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

static const char *const titles[] = { "NAME", "STATE", "NOTE", ">READS", NULL };

static void fill(struct table *t)
{
	table_init(t, titles);
	table_row(t);
	table_put(t, 0, TONE_PLAIN, "c1");
	table_put(t, 1, TONE_GOOD, "open");
	table_put(t, 3, TONE_PLAIN, "%d", 7);
	table_row(t);
	table_put(t, 0, TONE_PLAIN, "a-long-name");
	table_put(t, 1, TONE_BAD, "revoked");
	table_put(t, 3, TONE_PLAIN, "%d", 12345);
}

static char *print(const struct table *t, bool tones, unsigned int width, unsigned int height)
{
	size_t len;
	char *text;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	table_print(f, t, tones, width, height);
	fclose(f);
	return text;
}

static void expect(const struct table *t, bool tones, unsigned int width, unsigned int height, const char *want)
{
	char *text = print(t, tones, width, height);

	assert_string_equal(text, want);
	free(text);
}

static void columns_are_as_wide_as_what_is_in_them(void **state)
{
	struct table t;

	(void)state;
	fill(&t);
	expect(&t, false, 0, 0,
	       "NAME         STATE    READS\n"
	       "c1           open         7\n"
	       "a-long-name  revoked  12345\n");	/* and NOTE, in which nothing is, is not shown */
	table_put(&t, 2, TONE_PLAIN, "why");
	expect(&t, false, 0, 0,
	       "NAME         STATE    NOTE  READS\n"
	       "c1           open               7\n"
	       "a-long-name  revoked  why   12345\n");
	table_free(&t);
}

static void a_terminal_cuts_nothing_in_two_lines(void **state)
{
	struct table t;

	(void)state;
	fill(&t);
	expect(&t, false, 15, 0,
	       "NAME         ST\n"
	       "c1           op\n"
	       "a-long-name  re\n");
	expect(&t, false, 12, 2,
	       "NAME\n"
	       "c1\n");
	table_free(&t);
}

static void no_blanks_at_the_end(void **state)
{
	static const char *const two[] = { "A", "B", NULL };
	struct table t;

	(void)state;
	table_init(&t, two);
	table_row(&t);
	table_put(&t, 0, TONE_PLAIN, "long");
	table_put(&t, 1, TONE_PLAIN, "x");
	table_row(&t);
	table_put(&t, 0, TONE_PLAIN, "s");
	expect(&t, false, 0, 0, "A     B\nlong  x\ns\n");
	table_free(&t);
}

static void characters_count_and_not_bytes(void **state)
{
	static const char *const two[] = { "A", "B", NULL };
	struct table t;

	(void)state;
	table_init(&t, two);
	table_row(&t);
	table_put(&t, 0, TONE_PLAIN, "\303\244\303\266");
	table_put(&t, 1, TONE_PLAIN, "x");
	table_row(&t);
	table_put(&t, 0, TONE_PLAIN, "abc");
	table_put(&t, 1, TONE_PLAIN, "y\033[2J\n");
	expect(&t, false, 0, 0, "A    B\n\303\244\303\266   x\nabc  y?[2J?\n");
	expect(&t, false, 1, 2, "A\n\303\244\n");
	table_free(&t);
}

static void tones_are_around_the_text_only(void **state)
{
	struct table t;

	(void)state;
	fill(&t);
	expect(&t, true, 0, 2,
	       "\033[1mNAME\033[0m         \033[1mSTATE\033[0m    \033[1mREADS\033[0m\n"
	       "c1           \033[32mopen\033[0m         7\n");
	table_free(&t);
}

static void only_a_terminal_without_no_color_has_tones(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	FILE *tty, *file = tmpfile();

	(void)state;
	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	tty = fopen(ptsname(master), "r+e");
	assert_non_null(tty);
	assert_non_null(file);
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	assert_true(tone_wanted(tty));
	assert_false(tone_wanted(file));
	setenv("NO_COLOR", "1", 1);
	assert_false(tone_wanted(tty));
	setenv("NO_COLOR", "", 1);		/* as if it were not set */
	assert_true(tone_wanted(tty));
	setenv("TERM", "dumb", 1);
	assert_false(tone_wanted(tty));
	unsetenv("TERM");
	assert_false(tone_wanted(tty));
	assert_string_equal(tone_begin(TONE_BAD, false), "");
	fclose(tty);
	fclose(file);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_what_is_in_them),
		cmocka_unit_test(a_terminal_cuts_nothing_in_two_lines),
		cmocka_unit_test(no_blanks_at_the_end),
		cmocka_unit_test(characters_count_and_not_bytes),
		cmocka_unit_test(tones_are_around_the_text_only),
		cmocka_unit_test(only_a_terminal_without_no_color_has_tones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
