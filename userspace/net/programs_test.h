/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NET_PROGRAMS_TEST_H
#define NET_PROGRAMS_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Running the real programs, which the Makefile has put two directories above the tests. */

static inline void program_path(const char *name, char *out, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		abort();
	self[n] = '\0';
	snprintf(out, size, "%s/../../%s", dirname(self), name);
}

/* program_start - argv[0] is the program's name; *out is a pipe from its stdout, @err_path (may be NULL) its stderr. */
static inline pid_t program_start(const char *const argv[], int *out, const char *err_path)
{
	char path[PATH_MAX];
	int fds[2], err;
	pid_t pid;

	program_path(argv[0], path, sizeof(path));
	if (pipe2(fds, O_CLOEXEC))
		abort();
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		err = err_path ? open(err_path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
		if (err >= 0)
			dup2(err, STDERR_FILENO);
		execv(path, (char *const *)(uintptr_t)argv);
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		_exit(127);
	}
	close(fds[1]);
	if (out)
		*out = fds[0];
	else
		close(fds[0]);
	return pid;
}

static inline int program_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int program_run(const char *const argv[], const char *err_path)
{
	char buf[256];
	int out;
	pid_t pid = program_start(argv, &out, err_path);

	while (read(out, buf, sizeof(buf)) > 0)
		;
	close(out);
	return program_wait(pid);
}

#endif
