// SPDX-License-Identifier: GPL-2.0-or-later
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fsio.h"
#include "common/log.h"

struct lines {
	char *path;
	pthread_mutex_t lock;	/* one line at a time, and none while the file changes */
	int fd;
};

/* end_line - a crash may have cut the last line short: what follows must not run into it. */
static int end_line(int fd)
{
	struct stat st;
	char last;

	if (fstat(fd, &st))
		return -errno;
	if (!st.st_size)
		return 0;
	if (pread(fd, &last, 1, st.st_size - 1) != 1)
		return -EIO;
	return last == '\n' ? 0 : write_all(fd, "\n", 1);
}

static int open_log(const char *path, struct err *e)
{
	int rc, fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_sys(e, -errno, "cannot open the log %s", path);
	rc = end_line(fd);
	if (!rc)
		return fd;
	close(fd);
	return err_sys(e, rc, "cannot append to the log %s", path);
}

int lines_open(const char *path, struct lines **out, struct err *e)
{
	struct lines *f = calloc(1, sizeof(*f));
	int rc = -ENOMEM;

	if (!f)
		return err_sys(e, rc, "log");
	f->path = strdup(path);
	f->fd = f->path ? open_log(path, e) : err_sys(e, rc, "log");
	if (f->fd < 0) {
		rc = f->fd;
		free(f->path);
		free(f);
		return rc;
	}
	pthread_mutex_init(&f->lock, NULL);
	*out = f;
	return 0;
}

int lines_reopen(struct lines *f, struct err *e)
{
	int fd = open_log(f->path, e);

	if (fd < 0)
		return fd;
	pthread_mutex_lock(&f->lock);
	close(f->fd);
	f->fd = fd;
	pthread_mutex_unlock(&f->lock);
	return 0;
}

void lines_close(struct lines *f)
{
	if (!f)
		return;
	close(f->fd);
	pthread_mutex_destroy(&f->lock);
	free(f->path);
	free(f);
}

/* append - the whole line or nothing of it. */
static int append(int fd, const struct buf *line)
{
	struct stat st;
	int rc;

	if (line->failed)
		return -ENOMEM;
	if (fstat(fd, &st))
		return -errno;
	rc = write_all(fd, line->data, line->len);
	/* A full disk takes a part. If not even cutting helps, the next opening ends the line. */
	if (rc && ftruncate(fd, st.st_size))
		log_err("log: cannot take back a part of a line: %s", strerror(errno));
	return rc;
}

int lines_append(struct lines *f, struct buf *line)
{
	int rc;

	buf_char(line, '\n');
	pthread_mutex_lock(&f->lock);
	rc = append(f->fd, line);
	pthread_mutex_unlock(&f->lock);
	return rc;
}
