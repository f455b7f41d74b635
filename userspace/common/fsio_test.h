/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_FSIO_TEST_H
#define ECACHE_FSIO_TEST_H

#include <sys/types.h>

/* The system calls that the linker's --wrap hands to fsio_test.c: see fsio_test_LDFLAGS in the Makefile. */

ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __real_read(int fd, void *buf, size_t len);
ssize_t __real_pread(int fd, void *buf, size_t len, off_t off);
ssize_t __real_pwrite(int fd, const void *buf, size_t len, off_t off);
int __real_fsync(int fd);
int __real_fchmod(int fd, mode_t mode);
int __real_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned int flags);

ssize_t __wrap_write(int fd, const void *buf, size_t len);
ssize_t __wrap_read(int fd, void *buf, size_t len);
ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t off);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t len, off_t off);
int __wrap_fsync(int fd);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned int flags);

#endif
