// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/test.h"
#include "words.h"

static struct words w;

static int split(const char *line)
{
	return words_split(line, strlen(line), &w, NULL);
}

/* As Python's shlex does in POSIX mode, which is what AWS's tools use. */
static void words_are_split_as_aws_tools_do(void **state)
{
	static const struct {
		const char *line;
		const char *words[5];
	} good[] = {
		{ "a", { "a" } },
		{ "  /bin/a\tb  c ", { "/bin/a", "b", "c" } },
		{ "a 'b c' \"d e\"", { "a", "b c", "d e" } },
		{ "a b' 'c\" \"d", { "a", "b c d" } },
		{ "a '' \"\"", { "a", "", "" } },
		{ "a \"\\\"\\\\\\n\" '\\'", { "a", "\"\\\\n", "\\" } },
		{ "a\\ b c\\\\ \\\"", { "a b", "c\\", "\"" } },
		{ "a $HOME `id` *;|&>x", { "a", "$HOME", "`id`", "*;|&>x" } },
		{ "\"/opt/my tools/a\" --x=\"y z\"", { "/opt/my tools/a", "--x=y z" } },
	};
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(split(good[i].line), 0);
		for (n = 0; n < 5 && good[i].words[n]; n++)
			assert_string_equal(w.argv[n], good[i].words[n]);
		assert_null(w.argv[n]);
	}
}

static void what_is_not_a_command_is_refused(void **state)
{
	static const char *const bad[] = { "", "  ", "a 'b", "a \"b", "a \"b\\\"", "a\\", "''", "\"\" a" };
	char long_line[WORDS_TEXT + 1], many[2 * WORDS_MAX + 3];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (split(bad[i]) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_null(w.argv[0]);
	}
	memset(long_line, 'a', WORDS_TEXT);
	long_line[WORDS_TEXT] = '\0';
	assert_int_equal(split(long_line), -EINVAL);
	assert_int_equal(split(long_line + 1), 0);
	for (i = 0; i < 2 * WORDS_MAX + 2; i++)
		many[i] = i % 2 ? ' ' : 'a';
	many[2 * WORDS_MAX + 2] = '\0';
	assert_int_equal(split(many), -EINVAL);
	assert_int_equal(split(many + 2), 0);
	assert_int_equal(words_split("a\0b", 3, &w, NULL), -EINVAL);
}

/* A word between single quotes is itself, whatever it is. */
static void quoted_words_come_back(void **state)
{
	uint64_t seed = 8;
	int round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		char a[40], line[100];
		size_t len = (test_random(&seed) >> 33) % 30, i;

		for (i = 0; i < len; i++) {
			a[i] = 1 + (test_random(&seed) >> 33) % 255;
			if (a[i] == '\'')
				a[i] = ' ';
		}
		a[len] = '\0';
		snprintf(line, sizeof(line), "x 'y'%s'%s'", round % 2 ? " " : "", a);
		assert_int_equal(split(line), 0);
		assert_string_equal(round % 2 ? w.argv[2] : w.argv[1] + 1, a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_split_as_aws_tools_do),
		cmocka_unit_test(what_is_not_a_command_is_refused),
		cmocka_unit_test(quoted_words_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
