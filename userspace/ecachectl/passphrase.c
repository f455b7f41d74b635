// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "passphrase.h"

/* take_line - the terminal gives a line at a time; its newline is not part of it. */
static int take_line(int tty, int signals, struct secret *out, struct err *e)
{
	struct pollfd p[2] = { { .fd = tty, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	ssize_t n;

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return err_sys(e, -errno, "cannot wait for the passphrase");
		if (p[1].revents)
			return err_set(e, -ECANCELED, "interrupted");
		if (p[0].revents)
			break;
	}
	/* One byte more than fits says that it is too long. */
	do {
		n = read(tty, out->data, out->cap);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, -errno, "cannot read the passphrase");
	if (n && out->data[n - 1] == '\n')
		n--;
	else if ((size_t)n == out->cap)
		return err_set(e, -EINVAL, "the passphrase has more than %d bytes", PASSPHRASE_TYPED_MAX);
	out->len = n;
	return n ? 0 : err_set(e, -EINVAL, "no passphrase was typed");
}

/* without_echo - the terminal as it was on every way out. */
static int without_echo(int tty, int signals, struct secret *out, struct err *e)
{
	struct termios was, quiet;
	int rc;

	if (tcgetattr(tty, &was))
		return err_sys(e, -errno, "cannot ask for the passphrase");
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	quiet.c_lflag |= ICANON | ISIG | ECHONL;
	if (tcsetattr(tty, TCSAFLUSH, &quiet))
		return err_sys(e, -errno, "cannot ask for the passphrase");
	rc = take_line(tty, signals, out, e);
	tcsetattr(tty, TCSAFLUSH, &was);
	return rc;
}

int passphrase_type(int tty, const char *what, struct secret *out, struct err *e)
{
	sigset_t set, before;
	int signals, rc;

	rc = secret_alloc(out, PASSPHRASE_TYPED_MAX + 1);
	if (rc)
		return err_sys(e, rc, "no locked memory for the passphrase");
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, &before);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		rc = err_sys(e, -errno, "cannot watch signals");
	} else {
		dprintf(tty, "Passphrase of %s: ", what);
		rc = without_echo(tty, signals, out, e);
		/* What came is answered by giving up; a stop in the middle of it would come afterwards. */
		while (read(signals, &(struct signalfd_siginfo){ 0 }, sizeof(struct signalfd_siginfo)) > 0)
			;
		close(signals);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (rc)
		secret_wipe(out);
	return rc;
}

int passphrase_ask(const char *what, struct secret *out, struct err *e)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), rc;

	if (tty < 0) {
		err_set(e, -ENXIO, "there is no terminal to ask for the passphrase of %s", what);
		return err_hint(e, "Give it by --key-file FILE, or --key-file - for standard input.");
	}
	rc = passphrase_type(tty, what, out, e);
	close(tty);
	return rc;
}

int passphrase_take(int fd, struct secret *out, struct err *e)
{
	ssize_t n = 1;
	int rc;

	if (isatty(fd))
		return err_set(e, -EINVAL, "a terminal would show the passphrase: leave --key-file out to be asked for it");
	rc = secret_alloc(out, PASSPHRASE_FILE_MAX);
	if (rc)
		return err_sys(e, rc, "no locked memory for the passphrase");
	while (n && out->len < out->cap) {
		n = read(fd, out->data + out->len, out->cap - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = err_sys(e, -errno, "cannot read the passphrase");
			goto wipe;
		}
		out->len += n;
	}
	if (!out->len)
		rc = err_set(e, -EINVAL, "the passphrase is empty");
	else if (n)
		rc = err_set(e, -EFBIG, "a passphrase has at most %d bytes", PASSPHRASE_FILE_MAX - 1);
	if (!rc)
		return 0;
wipe:
	secret_wipe(out);
	return rc;
}

int passphrase_read(const char *path, struct secret *out, struct err *e)
{
	int fd, rc;

	if (!strcmp(path, "-"))
		return passphrase_take(STDIN_FILENO, out, e);
	fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	rc = passphrase_take(fd, out, e);
	close(fd);
	return rc ? err_prefix(e, "%s", path) : 0;
}
