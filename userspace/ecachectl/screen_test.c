// SPDX-License-Identifier: GPL-2.0-or-later
/* A terminal is given back as it was, whatever ends the view of it. */
#include "../common/test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "screen.h"

static int master, tty;

static int open_pty(void **state)
{
	struct winsize w = { .ws_col = 40, .ws_row = 5 };

	(void)state;
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return -1;
	tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	return tty < 0 || ioctl(tty, TIOCSWINSZ, &w) ? -1 : 0;
}

static int close_pty(void **state)
{
	(void)state;
	close(tty);
	close(master);
	return 0;
}

/* shown - what the terminal got since it was read last. */
static const char *shown(void)
{
	static char text[4096];
	struct pollfd p = { .fd = master, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	while (poll(&p, 1, 50) > 0 && (n = read(master, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	return text;
}

static tcflag_t flags(void)
{
	struct termios t;

	assert_int_equal(tcgetattr(tty, &t), 0);
	return t.c_lflag & (ICANON | ECHO | ISIG);
}

static void a_terminal_is_given_back(void **state)
{
	sigset_t was, is;
	struct screen s;
	int nr;

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &was);
	assert_int_equal(screen_enter(&s, tty, tty, NULL), 0);
	assert_int_equal(flags(), ISIG);
	assert_string_equal(shown(), "\033[?1049h\033[?25l");
	screen_leave(&s);
	assert_int_equal(flags(), ICANON | ECHO | ISIG);
	assert_string_equal(shown(), "\033[?25h\033[?1049l");
	sigprocmask(SIG_SETMASK, NULL, &is);
	for (nr = 1; nr < 32; nr++)
		assert_int_equal(sigismember(&was, nr), sigismember(&is, nr));
}

static void keys_resizes_and_signals_are_told_apart(void **state)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct winsize w = { .ws_col = 100, .ws_row = 50 };
	struct screen s;
	char key = '\0';
	size_t i;

	(void)state;
	assert_int_equal(screen_enter(&s, tty, tty, NULL), 0);
	assert_int_equal(s.cols, 40);
	assert_int_equal(screen_wait(&s, 1, &key), SCREEN_TIME);
	assert_int_equal(write(master, "q", 1), 1);
	assert_int_equal(screen_wait(&s, 5000, &key), SCREEN_KEY);
	assert_int_equal(key, 'q');
	assert_int_equal(ioctl(tty, TIOCSWINSZ, &w), 0);
	raise(SIGWINCH);		/* the kernel sends it to who has it as controlling terminal */
	assert_int_equal(screen_wait(&s, 5000, &key), SCREEN_RESIZED);
	assert_int_equal(s.cols, 100);
	assert_int_equal(s.rows, 50);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		raise(ends[i]);
		assert_int_equal(screen_wait(&s, 5000, &key), SCREEN_END);
	}
	screen_leave(&s);
}

static void a_terminal_that_is_gone_ends_it(void **state)
{
	struct screen s;
	char key;

	(void)state;
	assert_int_equal(screen_enter(&s, tty, tty, NULL), 0);
	close(master);
	assert_int_equal(screen_wait(&s, 5000, &key), SCREEN_END);
	screen_draw(&s, "nobody sees it");
	screen_leave(&s);
	master = open("/dev/null", O_RDWR | O_CLOEXEC);		/* for close_pty() */
}

static void no_more_rows_than_there_are(void **state)
{
	struct screen s;

	(void)state;
	assert_int_equal(screen_enter(&s, tty, tty, NULL), 0);
	shown();
	screen_draw(&s, "a\nb");
	assert_string_equal(shown(), "\033[Ha\033[K\r\nb\033[K\033[J");
	screen_draw(&s, "1\n2\n3\n4\n5\n6\n7");
	assert_string_equal(shown(), "\033[H1\033[K\r\n2\033[K\r\n3\033[K\r\n4\033[K\r\n5\033[K\033[J");
	screen_leave(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_terminal_is_given_back, open_pty, close_pty),
		cmocka_unit_test_setup_teardown(keys_resizes_and_signals_are_told_apart, open_pty, close_pty),
		cmocka_unit_test_setup_teardown(a_terminal_that_is_gone_ends_it, open_pty, close_pty),
		cmocka_unit_test_setup_teardown(no_more_rows_than_there_are, open_pty, close_pty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
