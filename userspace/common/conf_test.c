// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "test.h"

struct got {
	char name[64];
	unsigned int seconds;
};

static int parse_name(void *ctx, const char *value, struct err *e)
{
	struct got *g = ctx;

	if (!*value || strlen(value) >= sizeof(g->name))
		return err_set(e, -EINVAL, "not a name");
	strcpy(g->name, value);
	return 0;
}

static int parse_interval(void *ctx, const char *value, struct err *e)
{
	struct got *g = ctx;

	return conf_duration(value, 1, 3600, &g->seconds, e);
}

static const struct conf_key keys[] = {
	{ "name", parse_name, 1 },
	{ "interval", parse_interval, 0 },
	{ NULL, NULL, 0 },
};

static int parse_len(const char *text, size_t len, struct got *g, struct err *e)
{
	memset(g, 0, sizeof(*g));
	return conf_parse_buf("x.conf", text, len, keys, g, e);
}

static void keys_comments_and_blanks(void **state)
{
	struct got g;
	static const char text[] = "# a comment = with a sign\n\n  \t\n \tname\t=  a b=c \t\ninterval=2m";

	(void)state;
	assert_int_equal(parse_len(text, strlen(text), &g, NULL), 0);
	assert_string_equal(g.name, "a b=c");
	assert_int_equal(g.seconds, 120);
}

static void every_bad_line_is_named(void **state)
{
	static const struct {
		const char *text;
		const char *why;
		const char *remedy;
	} bad[] = {
		{ "name=a\nnope=1\n", "x.conf:2: unknown key \"nope\"", "the manual lists the keys" },
		{ "name=a\ninterwal=1\n", "x.conf:2: unknown key \"interwal\"", "is it interval that you mean?" },
		{ "name=a\nx-interval=1\n", "x.conf:2: unknown key \"x-interval\"", "is it interval that you mean?" },
		{ "name=a\ninteval=1\n", "x.conf:2: unknown key \"inteval\"", "is it interval that you mean?" },
		{ "name=a\nentirely=1\n", "x.conf:2: unknown key \"entirely\"", "the manual lists the keys" },
		{ "name=a\n\nname=b\n", "x.conf:3: key \"name\" was set in line 1 already", "take one" },
		{ "name\n", "x.conf:1: not a \"key=value\" line", "put # before a comment" },
		{ "name=a\n=b\n", "x.conf:2: unknown key \"\"", "the manual lists the keys" },
		{ "name=\n", "x.conf:1: name: not a name", "change the value" },
		{ "interval=1x\nname=a\n", "x.conf:1: interval: not a duration", "change the value" },
		{ "interval=0\nname=a\n", "x.conf:1: interval: must be 1s to 3600s", "change the value" },
		{ "name=a\r\n", "x.conf:1: control character 0x0d", "lines end with a newline alone" },
		{ "name=a\x7f\n", "x.conf:1: control character 0x7f", "take it out" },
		{ " # no comment\nname=a\n", "x.conf:1: not a \"key=value\" line", "put # before a comment" },
		{ "interval=1\n", "x.conf: required key \"name\" is missing", "add a line name=" },
		{ "", "x.conf: required key \"name\" is missing", "add a line name=" },
		{ "Name=a\n", "x.conf:1: unknown key \"Name\"", "is it name that you mean?" },
	};
	struct got g;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(parse_len(bad[i].text, strlen(bad[i].text), &g, &e), -EINVAL);
		if (strncmp(e.what, bad[i].why, strlen(bad[i].why)))
			fail_msg("\"%s\" where \"%s\" was expected", e.what, bad[i].why);
		if (strncmp(e.hint, bad[i].remedy, strlen(bad[i].remedy)))
			fail_msg("%s: \"%s\" where \"%s\" was expected", e.what, e.hint, bad[i].remedy);
	}
}

/* What is wrong with two lines together is told at one of them. */
static void a_key_is_found_again(void **state)
{
	static const struct {
		const char *text, *key, *what;
	} t[] = {
		{ "name=a\ninterval=1\n", "interval", "x.conf:2: why" },
		{ "# interval=2\n\n \tinterval\t = 1", "interval", "x.conf:3: why" },
		{ "interval-max=1\nxinterval=2\ninterval=3\n", "interval", "x.conf:3: why" },
		{ "name=interval=1\n", "interval", "x.conf: why" },
		{ "name=interval", "interval", "x.conf: why" },
		{ "interval", "interval", "x.conf: why" },
		{ "", "interval", "x.conf: why" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct err e = ERR_INIT;

		err_set(&e, -EINVAL, "why");
		conf_blame_text("x.conf", t[i].text, strlen(t[i].text), t[i].key, &e);
		assert_string_equal(e.what, t[i].what);
	}
	assert_int_equal(conf_line("/nonexistent/x.conf", "name"), 0);
}

static void a_nul_is_refused(void **state)
{
	struct err e = ERR_INIT;
	struct got g;

	(void)state;
	assert_int_equal(parse_len("name=a\0b\n", 9, &g, &e), -EINVAL);
	assert_string_equal(e.what, "x.conf:1: control character 0x00");
}

static void lines_end_at_4096_bytes(void **state)
{
	static char text[4200];
	struct err e = ERR_INIT;
	struct got g;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '#';
	memcpy(text + 4096, "\nname=a\n", 8);
	assert_int_equal(parse_len(text, 4104, &g, &e), 0);
	text[4096] = 'x';
	assert_int_equal(parse_len(text, 4104, &g, &e), -EINVAL);
	assert_string_equal(e.what, "x.conf:1: line is longer than 4096 bytes");
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int rc;
		unsigned int seconds;
	} t[] = {
		{ "90", 0, 90 }, { "20s", 0, 20 }, { "15m", 0, 900 }, { "2h", 0, 7200 }, { "1d", 0, 86400 },
		{ "1", 0, 1 }, { "", -EINVAL, 0 }, { "s", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "+1", -EINVAL, 0 },
		{ "1.5h", -EINVAL, 0 }, { "1 m", -EINVAL, 0 }, { "1mm", -EINVAL, 0 }, { "1M", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 }, { "0", -ERANGE, 0 }, { "86401", -ERANGE, 0 }, { "2d", -ERANGE, 0 },
		{ "4294967297", -ERANGE, 0 }, { "18446744073709551617", -ERANGE, 0 },
		{ "213503982334602d", -ERANGE, 0 },
	};
	unsigned int s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		s = 0;
		if (conf_duration(t[i].text, 1, 86400, &s, NULL) != t[i].rc || s != t[i].seconds)
			fail_msg("duration \"%s\"", t[i].text);
	}
}

static void a_file_is_named_in_its_errors(void **state)
{
	char path[] = "/tmp/conf_test.XXXXXX";
	struct err e = ERR_INIT;
	char want[128];
	struct got g;
	int fd;

	(void)state;
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "name=a\n?\n", 9), 9);
	close(fd);
	assert_int_equal(conf_parse_file(path, keys, &g, &e), -EINVAL);
	snprintf(want, sizeof(want), "%s:2: not a \"key=value\" line", path);
	assert_string_equal(e.what, want);
	unlink(path);
	assert_int_equal(conf_parse_file(path, keys, &g, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_comments_and_blanks),
		cmocka_unit_test(every_bad_line_is_named),
		cmocka_unit_test(a_key_is_found_again),
		cmocka_unit_test(a_nul_is_refused),
		cmocka_unit_test(lines_end_at_4096_bytes),
		cmocka_unit_test(durations),
		cmocka_unit_test(a_file_is_named_in_its_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
