// SPDX-License-Identifier: GPL-2.0-or-later
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsio.h"

int write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	while (len) {
		n = write(fd, p, len);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			return -EIO;	/* never for len > 0; must not spin */
		p += n;
		len -= n;
	}
	return 0;
}

int read_all(int fd, void *buf, size_t len)
{
	char *p = buf;
	ssize_t n;

	while (len) {
		n = read(fd, p, len);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			return -ENODATA;
		p += n;
		len -= n;
	}
	return 0;
}

int pread_all(int fd, void *buf, size_t len, off_t off)
{
	char *p = buf;
	ssize_t n;

	while (len) {
		n = pread(fd, p, len, off);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			return -ENODATA;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

int pwrite_all(int fd, const void *buf, size_t len, off_t off)
{
	const char *p = buf;
	ssize_t n;

	while (len) {
		n = pwrite(fd, p, len, off);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			return -EIO;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* read_upto - as many bytes as there are, at most @cap. */
static ssize_t read_upto(int fd, char *buf, size_t cap)
{
	size_t have = 0;
	ssize_t n;

	while (have < cap) {
		n = read(fd, buf + have, cap - have);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			break;
		have += n;
	}
	return have;
}

/* The size that stat gives is a hint: files of /proc say 0 and a file may grow while it is read. */
static int read_growing(int fd, size_t hint, size_t max, char **buf, size_t *len)
{
	size_t cap = hint < max ? hint + 1 : max + 1;
	size_t have = 0;
	char *b = NULL, *bigger;
	ssize_t n;

	for (;;) {
		bigger = realloc(b, cap + 1);
		if (!bigger) {
			n = -ENOMEM;
			goto fail;
		}
		b = bigger;
		n = read_upto(fd, b + have, cap - have);
		if (n < 0)
			goto fail;
		have += n;
		if (have < cap)
			break;
		if (have > max) {
			n = -EFBIG;
			goto fail;
		}
		cap = cap < max / 2 ? cap * 2 + 1024 : max + 1;
		cap = cap > max + 1 ? max + 1 : cap;
	}
	b[have] = '\0';
	*buf = b;
	*len = have;
	return 0;

fail:
	free(b);
	return n;
}

int fsio_read(const char *path, size_t max, char **buf, size_t *len, struct err *e)
{
	struct stat st;
	int fd, rc;

	*buf = NULL;
	*len = 0;
	/* O_NONBLOCK: a FIFO put in the file's place must not hang us. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	if (fstat(fd, &st)) {
		rc = err_sys(e, -errno, "cannot read %s", path);
		goto close_fd;
	}
	if (!S_ISREG(st.st_mode)) {
		rc = err_set(e, -EINVAL, "%s is not a regular file", path);
		goto close_fd;
	}
	rc = read_growing(fd, st.st_size, max, buf, len);
	if (rc == -EFBIG)
		err_set(e, rc, "%s is larger than %zu bytes", path, max);
	else if (rc)
		err_sys(e, rc, "cannot read %s", path);
close_fd:
	close(fd);
	return rc;
}

/* A path as its directory (open, so that nobody can swap it under us) and the name in it. */
struct place {
	int dir;
	char name[NAME_MAX + 1];
};

static int place_open(struct place *pl, const char *path, struct err *e)
{
	char for_dir[PATH_MAX], for_base[PATH_MAX];
	const char *base;

	if (strlen(path) >= PATH_MAX)
		return err_sys(e, -ENAMETOOLONG, "cannot write %.64s...", path);
	strcpy(for_dir, path);
	strcpy(for_base, path);
	base = basename(for_base);
	if (strlen(base) > NAME_MAX || !strcmp(base, "/") || !strcmp(base, ".") || !strcmp(base, ".."))
		return err_set(e, -EINVAL, "%s is not the name of a file", path);
	strcpy(pl->name, base);
	pl->dir = open(dirname(for_dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pl->dir < 0)
		return err_sys(e, -errno, "cannot open the directory of %s", path);
	return 0;
}

/* temp_open - a new file ".NAME.PID-N.tmp" in the same directory; the leading dot keeps it out of listings. */
static int temp_open(const struct place *pl, char *name, size_t size)
{
	unsigned int n;
	int fd;

	for (n = 0; n < 10000; n++) {
		if (snprintf(name, size, ".%.200s.%d-%u.tmp", pl->name, (int)getpid(), n) >= (int)size)
			return -ENAMETOOLONG;
		fd = openat(pl->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static int fill(int fd, const void *buf, size_t len, mode_t mode)
{
	int rc;

	rc = write_all(fd, buf, len);
	if (rc)
		return rc;
	if (fchmod(fd, mode) || fsync(fd))
		return -errno;
	return 0;
}

static int write_file(const char *path, const void *buf, size_t len, mode_t mode, bool must_be_new, struct err *e)
{
	char temp[NAME_MAX + 1];
	struct place pl = { .dir = -1 };
	int fd, rc;

	rc = place_open(&pl, path, e);
	if (rc)
		return rc;
	assert(pl.dir >= 0);
	fd = temp_open(&pl, temp, sizeof(temp));
	if (fd < 0) {
		rc = fd;
		goto close_dir;
	}
	rc = fill(fd, buf, len, mode);
	/* Some file systems tell of a failed write only here. */
	if (close(fd) && !rc)
		rc = -errno;
	if (rc)
		goto unlink_temp;
	if (renameat2(pl.dir, temp, pl.dir, pl.name, must_be_new ? RENAME_NOREPLACE : 0)) {
		rc = -errno;
		goto unlink_temp;
	}
	if (fsync(pl.dir)) {
		rc = -errno;
		/* The old content is gone and cannot come back, but a file that was not there before can go. */
		if (must_be_new)
			unlinkat(pl.dir, pl.name, 0);
	}
	goto close_dir;

unlink_temp:
	unlinkat(pl.dir, temp, 0);
close_dir:
	close(pl.dir);
	return rc ? err_sys(e, rc, "cannot write %s", path) : 0;
}

int fsio_replace(const char *path, const void *buf, size_t len, mode_t mode, struct err *e)
{
	return write_file(path, buf, len, mode, false, e);
}

int fsio_create(const char *path, const void *buf, size_t len, mode_t mode, struct err *e)
{
	return write_file(path, buf, len, mode, true, e);
}

int fsio_unlink(const char *path, struct err *e)
{
	struct place pl = { .dir = -1 };
	int rc;

	rc = place_open(&pl, path, e);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	assert(pl.dir >= 0);
	if ((unlinkat(pl.dir, pl.name, 0) && errno != ENOENT) || fsync(pl.dir))
		rc = err_sys(e, -errno, "cannot remove %s", path);
	close(pl.dir);
	return rc;
}
