/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_NAMESPACE_H
#define ECACHE_NAMESPACE_H

/*
 * For tests: a child in a mount namespace of its own (as root, or as root of a user namespace), so that what it
 * mounts is gone with it; and loop devices, for root only. Include after common/test.h.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACE_SKIP 77

static inline int namespace_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc;
}

static inline int namespace_enter(void)
{
	unsigned int uid = getuid(), gid = getgid();
	char map[64];

	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			return -errno;
		snprintf(map, sizeof(map), "0 %u 1", uid);
		if (namespace_write("/proc/self/uid_map", map) || namespace_write("/proc/self/setgroups", "deny"))
			return -EPERM;
		snprintf(map, sizeof(map), "0 %u 1", gid);
		if (namespace_write("/proc/self/gid_map", map))
			return -EPERM;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ? -errno : 0;
}

/*
 * namespace_run - @fn in such a child; NAMESPACE_SKIP where there can be none, or when @fn exits with it; 0: all
 * held.
 */
static inline int namespace_run(void (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (namespace_enter())
			_exit(NAMESPACE_SKIP);
		fn(arg);
		exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

/*
 * loop_make - a loop device over @file, which is made with @size bytes; false where there are none. Ends with
 * loop_drop().
 */
static inline bool loop_make(const char *file, off_t size, char dev[64])
{
	FILE *out;
	int fd;

	dev[0] = '\0';
	fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
	if (getuid())
		return false;
	setenv("F", file, 1);
	out = popen("PATH=$PATH:/usr/sbin:/sbin losetup -f --show $F 2>/dev/null", "re");
	if (!out || !fgets(dev, 64, out))
		dev[0] = '\0';
	if (out)
		pclose(out);
	dev[strcspn(dev, "\n")] = '\0';
	return dev[0] == '/';
}

/* loop_mkfs - ext4 on it; 0, or not when mkfs is missing. */
static inline int loop_mkfs(const char *dev)
{
	setenv("D", dev, 1);
	return system("PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q $D >/dev/null 2>&1");
}

static inline void loop_drop(const char *dev)
{
	setenv("D", dev, 1);
	assert_int_equal(system("PATH=$PATH:/usr/sbin:/sbin losetup -d $D"), 0);
}

#endif
