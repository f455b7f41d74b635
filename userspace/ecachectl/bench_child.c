// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "bench_child.h"

#define MESSAGES "messages"
#define MESSAGES_MAX (1024 * 1024)

extern char **environ;

/* file_actions - 0 or an errno. */
static int file_actions(posix_spawn_file_actions_t *a, const char *dir, int fd, int as)
{
	int rc;

	rc = posix_spawn_file_actions_addchdir_np(a, dir);
	if (!rc)
		rc = posix_spawn_file_actions_addopen(a, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_addopen(a, STDOUT_FILENO, MESSAGES, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(a, STDOUT_FILENO, STDERR_FILENO);
	/* Onto itself it only loses its CLOEXEC. */
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(a, fd, as);
	return rc;
}

/* The signals that we wait for by descriptor are blocked here, and must not be there. */
static int start(char *const *words, const char *dir, int fd, int as, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, usual;
	int rc;

	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	if (posix_spawnattr_init(&attr)) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &usual);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = file_actions(&actions, dir, fd, as);
	if (!rc)
		rc = posix_spawnp(pid, words[0], &actions, &attr, words, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

/* wait_or_end - the child's status; *stopped: a signal came first, and the child was told. */
static int wait_or_end(pid_t pid, int signals, int *status, bool *stopped)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	int rc;

	*stopped = false;
	p[0].fd = pidfd_open(pid, 0);
	while (p[0].fd >= 0 && !*stopped) {
		rc = poll(p, 2, -1);
		if (rc < 0 && errno != EINTR)
			break;
		/* A terminal's Ctrl-C reaches both, and the child may be gone already: what it left is no result. */
		*stopped = rc > 0 && (p[1].revents & POLLIN);
		if (rc > 0 && (p[0].revents & POLLIN))
			break;
		if (*stopped)
			kill(pid, SIGTERM);
	}
	if (p[0].fd >= 0)
		close(p[0].fd);
	do {
		rc = waitpid(pid, status, 0);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/* last_words - the last line that is not empty; "" when there is none. */
static void last_words(const char *dir, char *out, size_t size)
{
	char path[PATH_MAX], *text, *line, *rest;
	size_t len;

	*out = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, MESSAGES);
	if (fsio_read(path, MESSAGES_MAX, &text, &len, NULL))
		return;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			snprintf(out, size, "%s", line);
	}
	free(text);
}

int bench_child(char *const *words, const char *dir, int fd, int as, int signals, struct err *e)
{
	char said[ERR_TEXT / 2];
	int rc, status;
	bool stopped;
	pid_t pid;

	rc = start(words, dir, fd, as, &pid);
	if (!rc)
		rc = wait_or_end(pid, signals, &status, &stopped);
	if (rc)
		return err_sys(e, rc, "cannot run %s", words[0]);
	if (stopped)
		return err_set(e, -EINTR, "stopped by a signal");
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	last_words(dir, said, sizeof(said));
	return err_set(e, -EIO, "%s failed: %s", words[0], *said ? said : "it does not say why");
}
