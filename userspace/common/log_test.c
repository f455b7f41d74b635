// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "test.h"

/* What the calls in @write_logs put on stderr. */
static char *captured(void (*write_logs)(void))
{
	static char text[8192];
	int fds[2], saved;
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	close(fds[1]);
	write_logs();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void three_levels(void)
{
	log_init("prog", LOG_INFO);
	log_err("bad %d", 1);
	log_info("so so");
	log_debug("unseen");
}

static void one_line_a_message_and_levels_above_the_maximum_dropped(void **state)
{
	(void)state;
	assert_string_equal(captured(three_levels), "prog: bad 1\nprog: so so\n");
}

static void forged(void)
{
	log_init("prog", LOG_INFO);
	log_err("name \"%s\"", "a\nprog: all is well\x1b[2J");
}

static void a_message_cannot_forge_a_line(void **state)
{
	(void)state;
	assert_string_equal(captured(forged), "prog: name \"a?prog: all is well?[2J\"\n");
}

static void with_fields(void)
{
	log_init("prog", LOG_INFO);
	log_fields(LOG_NOTICE, "torn down", "ECACHE_VOLUME", "c1", "ECACHE_REQUEST_ID", (char *)NULL, NULL);
	log_fields(LOG_DEBUG, "unseen", "ECACHE_VOLUME", "c1", NULL);
}

static void fields_follow_the_message(void **state)
{
	(void)state;
	assert_string_equal(captured(with_fields), "prog: torn down ECACHE_VOLUME=c1 ECACHE_REQUEST_ID=\n");
}

static void overlong(void)
{
	static char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	log_init("prog", LOG_INFO);
	log_err("%s", text);
}

static void a_long_message_is_cut_but_still_a_line(void **state)
{
	const char *line = captured(overlong);

	(void)state;
	assert_true(strlen(line) < 2200);
	assert_int_equal(line[strlen(line) - 1], '\n');
}

/* Not our stderr: the variable is inherited through a redirection. */
static void a_foreign_journal_stream_is_not_believed(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	assert_string_equal(captured(three_levels), "prog: bad 1\nprog: so so\n");
	setenv("JOURNAL_STREAM", "rubbish", 1);
	assert_string_equal(captured(three_levels), "prog: bad 1\nprog: so so\n");
	unsetenv("JOURNAL_STREAM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_a_message_and_levels_above_the_maximum_dropped),
		cmocka_unit_test(a_message_cannot_forge_a_line),
		cmocka_unit_test(fields_follow_the_message),
		cmocka_unit_test(a_long_message_is_cut_but_still_a_line),
		cmocka_unit_test(a_foreign_journal_stream_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
