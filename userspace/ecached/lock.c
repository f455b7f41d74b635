// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"

int volume_lock(const struct env *env, const char *name, int tries)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	char path[PATH_MAX];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/%s", env->lock_dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		if ((rc != -EBUSY && rc != -EINTR) || --tries <= 0) {
			close(fd);
			return rc;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

static int open_tear(const struct env *env, const char *name, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.teardown", env->lock_dir, name);	/* no name of a volume has a dot */
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Locks of an open file description: who only looks takes none, so that he is in nobody's way. */
int tear_lock(const struct env *env, const char *name)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open_tear(env, name, O_RDWR | O_CREAT), rc;

	if (fd < 0)
		return -errno;
	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return fd;
	rc = errno == EAGAIN ? -EBUSY : -errno;
	close(fd);
	return rc;
}

bool tear_is_locked(const struct env *env, const char *name)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open_tear(env, name, O_RDWR);
	bool locked;

	if (fd < 0)
		return false;
	locked = !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
	close(fd);
	return locked;
}
