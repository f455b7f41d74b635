// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/memory.h"
#include "mounts.h"
#include "swap.h"

#define POLL_MS 100

/* Absolute: who starts a daemon may have left it no PATH. */
static const char *const mkswaps[] = { "/usr/sbin/mkswap", "/sbin/mkswap" };

int swap_look(const char *proc, dev_t dev, struct swap_area *a, struct err *e)
{
	char path[PATH_MAX], *line = NULL, *end;
	unsigned long long size, used;
	size_t cap = 0;
	FILE *f;

	*a = (struct swap_area){ 0 };
	snprintf(path, sizeof(path), "%s/swaps", proc);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot read %s", path);
	while (getline(&line, &cap, f) > 0) {
		end = strpbrk(line, " \t");
		if (line[0] != '/' || !end || sscanf(end, " %*s %llu %llu", &size, &used) != 2)
			continue;
		*end = '\0';
		if (mounts_is_device(line, dev)) {
			a->on = true;
			a->used = used * 1024;
		} else if (size > used) {
			a->elsewhere += (size - used) * 1024;
		}
	}
	free(line);
	fclose(f);
	return 0;
}

bool swap_uses(const char *proc, dev_t dev)
{
	struct swap_area a;

	return !swap_look(proc, dev, &a, NULL) && a.on;
}

/* hear - what a program says on its standard error, the first line of it; the rest is dropped. */
static void hear(int fd, char *text, size_t size)
{
	size_t len = 0;
	char drop[256];
	ssize_t n;

	for (;;) {
		n = len + 1 < size ? read(fd, text + len, size - 1 - len) : read(fd, drop, sizeof(drop));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (len + 1 < size)
			len += n;
	}
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static int start(const char *path, int err_fd, pid_t *pid)
{
	char *const argv[] = { "mkswap", (char *)(uintptr_t)path, NULL }, *const env[] = { "LC_ALL=C", NULL };
	posix_spawn_file_actions_t actions;
	int rc = ENOENT;
	size_t i;

	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	if (posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ||
	    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) ||
	    posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO))
		rc = ENOMEM;
	for (i = 0; rc == ENOENT && i < sizeof(mkswaps) / sizeof(*mkswaps); i++)
		rc = posix_spawn(pid, mkswaps[i], &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

int swap_make(const char *path, struct err *e)
{
	char text[256];
	int fds[2], rc, status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return err_sys(e, -errno, "cannot run mkswap");
	rc = start(path, fds[1], &pid);
	close(fds[1]);
	if (!rc)
		hear(fds[0], text, sizeof(text));
	close(fds[0]);
	if (rc) {
		err_sys(e, rc, "cannot run mkswap");
		return err_hint(e, "It belongs to the package util-linux.");
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(e, -errno, "cannot wait for mkswap");
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return err_set(e, -EIO, "mkswap %s failed: %s", path, text[0] ? text : "it does not say why");
}

int swap_on(const char *proc, const char *path, dev_t dev, int priority, bool discards, struct err *e)
{
	int flags = discards ? SWAP_FLAG_DISCARD : 0, rc;

	if (priority != SWAP_PRIORITY_ANY)
		flags |= SWAP_FLAG_PREFER | (priority << SWAP_FLAG_PRIO_SHIFT & SWAP_FLAG_PRIO_MASK);
	if (swap_uses(proc, dev) || !swapon(path, flags))
		return 0;
	rc = -errno;
	if (rc == -EINVAL) {
		err_set(e, rc, "%s holds no swap area that this kernel takes", path);
		return err_hint(e, "Nothing in a swap area is worth keeping: destroy the volume, and create it again.");
	}
	return err_sys(e, rc, "cannot swap to %s", path);
}

/*
 * take_off - -EINVAL of an area that is listed: somebody else (systemd at the shutdown) is taking it off. It is listed
 * until that has ended, and still is when that has failed; then it is ours to try.
 */
static int take_off(const char *proc, const char *path, dev_t dev)
{
	int rc;

	while ((rc = swapoff(path) ? -errno : 0) == -EINVAL && swap_uses(proc, dev))
		sleep_ms(POLL_MS);
	return rc == -EINVAL ? 0 : rc;
}

int swap_off(const char *proc, const char *path, dev_t dev, struct err *e)
{
	int rc;

	if (!swap_uses(proc, dev))
		return 0;
	memory_io(true);
	rc = take_off(proc, path, dev);
	memory_io(false);
	if (!rc)
		return 0;
	err_sys(e, rc, "cannot end swapping to %s", path);
	if (rc == -ENOMEM)
		err_hint(e, "What is in it needs memory: end something, or add memory or another swap area.");
	return rc;
}
