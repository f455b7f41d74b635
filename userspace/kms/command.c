// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"
#include "command.h"
#include "words.h"

#define NOT_STARTED 127
#define REAP_MS 10

static void __attribute__((noreturn)) become(struct words *w, int output, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	if (null < 0 || setpgid(0, 0) || sigprocmask(SIG_SETMASK, &none, NULL) || signal(SIGPIPE, SIG_DFL) == SIG_ERR ||
	    signal(SIGTERM, SIG_DFL) == SIG_ERR || signal(SIGINT, SIG_DFL) == SIG_ERR ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(output, STDOUT_FILENO) < 0 || syscall(SYS_close_range, 3U, ~0U, 0U))
		_exit(NOT_STARTED);
	execvp(w->argv[0], w->argv);
	_exit(NOT_STARTED);
}

/* read_output - until its end; the pipe does not block. */
static int read_output(int fd, int64_t deadline, struct secret *out, struct err *e)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t left;
	ssize_t n;

	for (;;) {
		left = deadline - now_ms();
		if (left <= 0)
			return err_set(e, -ETIMEDOUT, "it takes too long");
		if (poll(&pfd, 1, left) <= 0)
			continue;
		if (out->len == out->cap)
			return err_set(e, -EMSGSIZE, "it writes more than %d bytes", COMMAND_OUTPUT);
		n = read(fd, out->data + out->len, out->cap - out->len);
		if (!n)
			return 0;
		if (n > 0)
			out->len += n;
		else if (errno != EINTR && errno != EAGAIN)
			return err_sys(e, -errno, "its output cannot be read");
	}
}

/* reap - wait for the end of what has closed its output already. */
static int reap(pid_t pid, int64_t deadline, struct err *e)
{
	const struct timespec pause = { .tv_nsec = REAP_MS * 1000000L };
	int status;
	pid_t rc;

	while (!(rc = waitpid(pid, &status, WNOHANG)) || (rc < 0 && errno == EINTR)) {
		if (now_ms() >= deadline)
			return err_set(e, -ETIMEDOUT, "it takes too long");
		nanosleep(&pause, NULL);
	}
	if (rc < 0)
		return err_sys(e, -errno, "it cannot be waited for");
	if (WIFSIGNALED(status))
		return err_set(e, -ECHILD, "it died of signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == NOT_STARTED)
		return err_set(e, -ECHILD, "it cannot be started, or ended with status %d", NOT_STARTED);
	if (WEXITSTATUS(status))
		return err_set(e, -ECHILD, "it ended with status %d", WEXITSTATUS(status));
	return 0;
}

static int run(struct words *w, int timeout_ms, struct secret *out, struct err *e)
{
	int64_t deadline = now_ms() + timeout_ms;
	pid_t parent = getpid(), pid;
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return err_sys(e, -errno, "no pipe");
	/* The program's end is its own business. */
	fcntl(fds[1], F_SETFL, 0);
	pid = fork();
	if (!pid)
		become(w, fds[1], parent);
	rc = pid < 0 ? err_sys(e, -errno, "no process") : 0;
	close(fds[1]);
	if (!rc)
		rc = read_output(fds[0], deadline, out, e);
	close(fds[0]);
	if (pid > 0 && !rc)
		rc = reap(pid, deadline, e);
	/*
	 * Whatever it left behind goes, too; a process that is reaped leaves its group's number to nobody but its
	 * children.
	 */
	if (pid > 0)
		kill(-pid, SIGKILL);
	if (pid > 0 && rc) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return rc;
}

int command_run(const char *line, size_t len, int timeout_ms, struct secret *out, struct err *e)
{
	struct words *w;
	int rc;

	*out = (struct secret)SECRET_INIT;
	w = malloc(sizeof(*w));
	if (!w)
		return err_set(e, -ENOMEM, "out of memory");
	rc = words_split(line, len, w, e);
	if (rc)
		goto free_words;
	rc = secret_alloc(out, COMMAND_OUTPUT);
	if (rc) {
		err_sys(e, rc, "cannot lock memory for the output of a program");
		goto free_words;
	}
	rc = run(w, timeout_ms, out, e);
	if (rc) {
		err_prefix(e, "%.100s", w->argv[0]);
		secret_wipe(out);
	}
free_words:
	free(w);
	return rc;
}
