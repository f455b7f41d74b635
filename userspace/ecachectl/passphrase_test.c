// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a passphrase comes from, and that the terminal is left as it was. */
#include "../common/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "passphrase.h"

/* A terminal: the test types on @master, and what it shows is read there. */
static int open_pty(int *master)
{
	struct termios t;
	int tty;

	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(*master >= 0);
	assert_int_equal(grantpt(*master), 0);
	assert_int_equal(unlockpt(*master), 0);
	tty = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(tty >= 0);
	assert_int_equal(tcgetattr(tty, &t), 0);
	assert_true(t.c_lflag & ECHO);
	return tty;
}

static bool echoes(int tty)
{
	struct termios t;

	assert_int_equal(tcgetattr(tty, &t), 0);
	return t.c_lflag & ECHO;
}

/* prompted - all that the terminal showed so far holds the question. */
static void wait_for_prompt(int master, char *shown, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(master, shown + len, size - 1 - len);
		assert_true(n > 0);
		len += n;
		shown[len] = '\0';
	} while (!strstr(shown, ": "));
}

static void what_is_typed_is_not_shown(void **state)
{
	struct secret s = SECRET_INIT;
	struct err e = ERR_INIT;
	char shown[256];
	int master, tty = open_pty(&master), status;
	ssize_t n;
	pid_t typist;

	(void)state;
	typist = fork();
	if (!typist) {
		wait_for_prompt(master, shown, sizeof(shown));
		/* the question comes before the echo goes; what is typed in between is thrown away */
		while (echoes(tty))
			usleep(1000);
		_exit(write(master, "open sesame\n", 12) != 12);
	}
	assert_int_equal(passphrase_type(tty, "/dev/x", &s, &e), 0);
	assert_int_equal(s.len, 11);
	assert_memory_equal(s.data, "open sesame", 11);
	secret_wipe(&s);
	assert_true(echoes(tty));
	assert_int_equal(waitpid(typist, &status, 0), typist);
	assert_int_equal(status, 0);
	n = write(tty, "end", 3);
	assert_int_equal(n, 3);
	n = read(master, shown, sizeof(shown) - 1);
	assert_true(n > 0);
	shown[n] = '\0';
	assert_null(strstr(shown, "sesame"));
	close(tty);
	close(master);
}

static void a_signal_gives_up_and_restores_the_terminal(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct secret s = SECRET_INIT;
	struct err e;
	int master, tty = open_pty(&master), status;
	size_t i;
	pid_t other;

	(void)state;
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		other = fork();
		if (!other) {
			while (echoes(tty))
				usleep(1000);
			_exit(kill(getppid(), signals[i]));
		}
		e = (struct err)ERR_INIT;
		assert_int_equal(passphrase_type(tty, "/dev/x", &s, &e), -ECANCELED);
		assert_null(s.data);
		assert_true(echoes(tty));
		assert_int_equal(waitpid(other, &status, 0), other);
	}
	close(tty);
	close(master);
}

/* take - from a pipe that holds @text. */
static int take(const char *text, size_t len, struct secret *s, struct err *e)
{
	int fd[2], rc;
	pid_t writer;

	*e = (struct err)ERR_INIT;
	assert_int_equal(pipe(fd), 0);
	writer = fork();
	if (!writer) {
		close(fd[0]);
		signal(SIGPIPE, SIG_IGN);
		while (len) {
			ssize_t n = write(fd[1], text, len > 1000 ? 1000 : len);

			if (n <= 0)
				break;
			text += n;
			len -= n;
		}
		_exit(0);
	}
	close(fd[1]);
	rc = passphrase_take(fd[0], s, e);
	close(fd[0]);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	return rc;
}

static void a_file_counts_byte_for_byte(void **state)
{
	static char much[PASSPHRASE_FILE_MAX];
	struct secret s = SECRET_INIT;
	struct err e;

	(void)state;
	memset(much, 'x', sizeof(much));
	assert_int_equal(take("with a\nnewline\n\0and more", 24, &s, &e), 0);
	assert_int_equal(s.len, 24);
	assert_memory_equal(s.data, "with a\nnewline\n\0and more", 24);
	secret_wipe(&s);
	assert_int_equal(take("", 0, &s, &e), -EINVAL);
	assert_null(s.data);
	assert_int_equal(take(much, sizeof(much) - 1, &s, &e), 0);
	assert_int_equal(s.len, sizeof(much) - 1);
	secret_wipe(&s);
	assert_int_equal(take(much, sizeof(much), &s, &e), -EFBIG);
	assert_null(s.data);
}

static void a_terminal_is_no_key_file(void **state)
{
	struct secret s = SECRET_INIT;
	struct err e = ERR_INIT;
	int master, tty = open_pty(&master);

	(void)state;
	assert_int_equal(passphrase_take(tty, &s, &e), -EINVAL);
	assert_non_null(strstr(e.what, "terminal"));
	assert_int_equal(passphrase_read("/nowhere/at/all", &s, &e), -ENOENT);
	close(tty);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_typed_is_not_shown),
		cmocka_unit_test(a_signal_gives_up_and_restores_the_terminal),
		cmocka_unit_test(a_file_counts_byte_for_byte),
		cmocka_unit_test(a_terminal_is_no_key_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
