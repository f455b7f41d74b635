// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/test.h"
#include "command.h"

static struct secret out;
static struct err error;

static int run(const char *line, int timeout_ms)
{
	error = (struct err)ERR_INIT;
	return command_run(line, strlen(line), timeout_ms, &out, &error);
}

static void the_output_comes_back(void **state)
{
	(void)state;
	assert_int_equal(run("/bin/echo 'a b' $HOME", 5000), 0);
	assert_int_equal(out.len, 10);
	assert_memory_equal(out.data, "a b $HOME\n", 10);	/* no shell */
	secret_wipe(&out);
	/* by the path, too */
	assert_int_equal(run("true", 5000), 0);
	assert_int_equal(out.len, 0);
	secret_wipe(&out);
}

static void what_fails_says_how(void **state)
{
	(void)state;
	assert_int_equal(run("sh -c 'echo x; exit 3'", 5000), -ECHILD);
	assert_non_null(strstr(error.what, "status 3"));
	assert_null(out.data);
	assert_int_equal(run("sh -c 'kill -9 $$'", 5000), -ECHILD);
	assert_non_null(strstr(error.what, "signal 9"));
	assert_int_equal(run("/nonexistent/program --x", 5000), -ECHILD);
	assert_non_null(strstr(error.what, "/nonexistent/program"));
	assert_int_equal(run("'", 5000), -EINVAL);
}

static bool runs(const char *pid_file)
{
	char text[20] = "";
	int fd = open(pid_file, O_RDONLY), pid;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		fail_msg("no pid in %s", pid_file);
	close(fd);
	pid = atoi(text);
	assert_true(pid > 1);
	return !kill(pid, 0);
}

/* With all that it started itself. */
static void what_takes_too_long_is_ended(void **state)
{
	char pid_file[] = "/tmp/command_test.XXXXXX", line[200];
	int64_t start = now_ms();
	int i;

	(void)state;
	close(mkstemp(pid_file));
	snprintf(line, sizeof(line), "sh -c 'sleep 100 & echo $! > %s; wait'", pid_file);
	assert_int_equal(run(line, 1500), -ETIMEDOUT);
	for (i = 0; i < 100 && runs(pid_file); i++)
		usleep(20000);
	assert_false(runs(pid_file));
	/* one that says that it is done, and goes on */
	assert_int_equal(run("sh -c 'exec >&-; sleep 100'", 500), -ETIMEDOUT);
	assert_true(now_ms() - start < 20000);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);	/* nothing is left to be waited for */
	unlink(pid_file);
}

static void what_writes_too_much_is_ended(void **state)
{
	(void)state;
	assert_int_equal(run("yes", 20000), -EMSGSIZE);
	assert_null(out.data);
	assert_int_equal(run("head -c 61440 /dev/zero", 20000), -EMSGSIZE);	/* no byte is left to see its end */
	assert_int_equal(run("head -c 61439 /dev/zero", 20000), 0);
	assert_int_equal(out.len, 61439);
	secret_wipe(&out);
}

static void it_gets_none_of_our_descriptors(void **state)
{
	int fd = open("/etc/passwd", O_RDONLY), high;

	(void)state;
	assert_true(fd >= 0);
	high = fcntl(fd, F_DUPFD, 60);
	assert_true(high >= 60);
	/* ls itself opens one */
	assert_int_equal(run("sh -c 'ls /proc/$$/fd; readlink /proc/$$/fd/0'", 5000), 0);
	out.data[out.len] = '\0';
	assert_string_equal((char *)out.data, "0\n1\n2\n/dev/null\n");
	secret_wipe(&out);
	close(high);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_output_comes_back),
		cmocka_unit_test(what_fails_says_how),
		cmocka_unit_test(what_takes_too_long_is_ended),
		cmocka_unit_test(what_writes_too_much_is_ended),
		cmocka_unit_test(it_gets_none_of_our_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
