/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_FSIO_H
#define ECACHE_FSIO_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

/* Whole-file input and output that survives EINTR, short transfers, a full disk and a crash. */

/* fsio_read - a whole regular file of at most @max bytes, NUL-terminated (the NUL is not in *len). -EFBIG above. */
int fsio_read(const char *path, size_t max, char **buf, size_t *len, struct err *e);

/*
 * fsio_replace - write a new file beside @path, fsync, rename over it, fsync the directory: after a crash the path
 * holds the old or the new content, never a part. Leaves nothing behind on failure.
 */
int fsio_replace(const char *path, const void *buf, size_t len, mode_t mode, struct err *e);

/* fsio_create - the same for a path that must not exist yet: -EEXIST. */
int fsio_create(const char *path, const void *buf, size_t len, mode_t mode, struct err *e);

/* fsio_unlink - unlink and fsync the directory; a missing file is success. */
int fsio_unlink(const char *path, struct err *e);

/* write_all, read_all, pread_all, pwrite_all - loop over EINTR and short transfers; short read at EOF: -ENODATA. */
int write_all(int fd, const void *buf, size_t len);
int read_all(int fd, void *buf, size_t len);
int pread_all(int fd, void *buf, size_t len, off_t off);
int pwrite_all(int fd, const void *buf, size_t len, off_t off);

#endif
