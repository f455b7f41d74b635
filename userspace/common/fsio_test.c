// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsio.h"
#include "fsio_test.h"
#include "test.h"

/* The @at-th call of fsio.c fails with @error. With @dribble, transfers are of one byte and every second is EINTR. */
static struct {
	bool dribble;
	bool interrupt;
	int error;
	int at;		/* counts down; the call that finds 1 fails */
	int calls;
} fault;

static bool fails(void)
{
	fault.calls++;
	if (fault.at && !--fault.at) {
		errno = fault.error;
		return true;
	}
	return false;
}

/* transfer_fails - the same for calls that may be interrupted or short; cuts *len. */
static bool transfer_fails(size_t *len)
{
	if (fails())
		return true;
	if (!fault.dribble)
		return false;
	fault.interrupt = !fault.interrupt;
	if (fault.interrupt) {
		errno = EINTR;
		return true;
	}
	if (*len > 1)
		*len = 1;
	return false;
}

ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
	return transfer_fails(&len) ? -1 : __real_write(fd, buf, len);
}

ssize_t __wrap_read(int fd, void *buf, size_t len)
{
	return transfer_fails(&len) ? -1 : __real_read(fd, buf, len);
}

ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t off)
{
	return transfer_fails(&len) ? -1 : __real_pread(fd, buf, len, off);
}

ssize_t __wrap_pwrite(int fd, const void *buf, size_t len, off_t off)
{
	return transfer_fails(&len) ? -1 : __real_pwrite(fd, buf, len, off);
}

int __wrap_fsync(int fd)
{
	return fails() ? -1 : __real_fsync(fd);
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return fails() ? -1 : __real_fchmod(fd, mode);
}

int __wrap_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
	return fails() ? -1 : __real_renameat2(fd, from, to_fd, to, flags);
}

struct dir {
	char path[64];
	char file[80];
};

static int setup(void **state)
{
	static struct dir d;

	memset(&fault, 0, sizeof(fault));
	strcpy(d.path, "/tmp/fsio_test.XXXXXX");
	if (!mkdtemp(d.path))
		return -1;
	snprintf(d.file, sizeof(d.file), "%s/file", d.path);
	*state = &d;
	return 0;
}

static int entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static int teardown(void **state)
{
	struct dir *d = *state;

	memset(&fault, 0, sizeof(fault));
	unlink(d->file);
	return rmdir(d->path);	/* fails the test when something was left */
}

static void assert_content(const char *path, const char *want)
{
	char *buf;
	size_t len;

	memset(&fault, 0, sizeof(fault));
	assert_int_equal(fsio_read(path, 1000, &buf, &len, NULL), 0);
	assert_int_equal(len, strlen(want));
	assert_string_equal(buf, want);
	free(buf);
}

static void replace_makes_and_replaces(void **state)
{
	struct dir *d = *state;
	struct stat st;

	assert_int_equal(fsio_replace(d->file, "one", 3, 0600, NULL), 0);
	assert_content(d->file, "one");
	assert_int_equal(fsio_replace(d->file, "", 0, 0644, NULL), 0);
	assert_content(d->file, "");
	assert_int_equal(stat(d->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);	/* whatever the umask */
	assert_int_equal(entries(d->path), 1);
}

static void create_never_overwrites(void **state)
{
	struct dir *d = *state;
	struct err e = ERR_INIT;

	assert_int_equal(fsio_create(d->file, "one", 3, 0600, NULL), 0);
	assert_int_equal(fsio_create(d->file, "two", 3, 0600, &e), -EEXIST);
	assert_non_null(strstr(e.what, d->file));
	assert_content(d->file, "one");
	assert_int_equal(entries(d->path), 1);
}

/*
 * Every call of the writer fails in turn with every error. Before the rename the old content stands; afterwards (the
 * directory's fsync) the new one does; never anything else, and never a second file.
 */
static void any_failed_call_leaves_old_or_new(void **state)
{
	static const int errors[] = { ENOSPC, EIO, EDQUOT, EROFS };
	struct dir *d = *state;
	int at, calls, new;
	size_t i;

	assert_int_equal(fsio_replace(d->file, "old", 3, 0600, NULL), 0);
	memset(&fault, 0, sizeof(fault));
	assert_int_equal(fsio_replace(d->file, "old", 3, 0600, NULL), 0);
	calls = fault.calls;
	assert_int_equal(calls, 5);	/* write, fchmod, fsync, rename, fsync of the directory */
	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		for (at = 1; at <= calls; at++) {
			struct err e = ERR_INIT;

			memset(&fault, 0, sizeof(fault));
			assert_int_equal(fsio_replace(d->file, "old", 3, 0600, NULL), 0);
			memset(&fault, 0, sizeof(fault));
			fault.error = errors[i];
			fault.at = at;
			assert_int_equal(fsio_replace(d->file, "newer", 5, 0600, &e), -errors[i]);
			assert_non_null(strstr(e.what, strerror(errors[i])));
			new = at == calls;
			assert_content(d->file, new ? "newer" : "old");
			assert_int_equal(entries(d->path), 1);
		}
	}
}

static void a_failed_create_leaves_nothing(void **state)
{
	struct dir *d = *state;
	int at;

	for (at = 1; at <= 5; at++) {
		memset(&fault, 0, sizeof(fault));
		fault.error = ENOSPC;
		fault.at = at;
		assert_int_equal(fsio_create(d->file, "new", 3, 0600, NULL), -ENOSPC);
		assert_int_equal(entries(d->path), 0);
	}
}

static void short_and_interrupted_transfers_lose_nothing(void **state)
{
	struct dir *d = *state;
	char back[6] = "";
	char *buf;
	size_t len;
	int fd;

	fault.dribble = true;
	assert_int_equal(fsio_replace(d->file, "hello", 5, 0600, NULL), 0);
	assert_int_equal(fsio_read(d->file, 5, &buf, &len, NULL), 0);
	assert_string_equal(buf, "hello");
	free(buf);
	fd = open(d->file, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite_all(fd, "LLO!", 4, 2), 0);
	assert_int_equal(pread_all(fd, back, 4, 2), 0);
	assert_string_equal(back, "LLO!");
	assert_int_equal(read_all(fd, back, 5), 0);
	assert_memory_equal(back, "heLLO", 5);
	assert_int_equal(read_all(fd, back, 2), -ENODATA);
	assert_int_equal(pread_all(fd, back, 4, 4), -ENODATA);
	close(fd);
}

static void the_limit_of_a_read_is_exact(void **state)
{
	struct dir *d = *state;
	struct err e = ERR_INIT;
	char *buf;
	size_t len;

	assert_int_equal(fsio_replace(d->file, "12345678", 8, 0600, NULL), 0);
	assert_int_equal(fsio_read(d->file, 8, &buf, &len, NULL), 0);
	assert_int_equal(len, 8);
	free(buf);
	assert_int_equal(fsio_read(d->file, 7, &buf, &len, &e), -EFBIG);
	assert_null(buf);
	assert_non_null(strstr(e.what, "larger than 7 bytes"));
	assert_int_equal(fsio_read(d->file, 0, &buf, &len, NULL), -EFBIG);
}

/* stat says 0 for files of /proc, which are not empty. */
static void a_file_without_a_size_is_read(void **state)
{
	char *buf;
	size_t len;

	(void)state;
	assert_int_equal(fsio_read("/proc/self/status", 1 << 20, &buf, &len, NULL), 0);
	assert_true(len > 1000);
	assert_int_equal(buf[len], '\0');
	free(buf);
}

static void only_regular_files_are_read(void **state)
{
	struct dir *d = *state;
	struct err e = ERR_INIT;
	char *buf;
	size_t len;

	assert_int_equal(fsio_read(d->path, 100, &buf, &len, &e), -EINVAL);
	assert_int_equal(mkfifo(d->file, 0600), 0);
	assert_int_equal(fsio_read(d->file, 100, &buf, &len, &e), -EINVAL);	/* and does not hang */
	assert_int_equal(fsio_read("/nonexistent/x", 100, &buf, &len, &e), -ENOENT);
}

static void unlink_is_idempotent(void **state)
{
	struct dir *d = *state;
	struct err e = ERR_INIT;

	assert_int_equal(fsio_replace(d->file, "x", 1, 0600, NULL), 0);
	assert_int_equal(fsio_unlink(d->file, NULL), 0);
	assert_int_equal(fsio_unlink(d->file, NULL), 0);
	assert_int_equal(fsio_unlink("/nonexistent/x", NULL), 0);
	memset(&fault, 0, sizeof(fault));
	fault.error = EIO;
	fault.at = 1;
	assert_int_equal(fsio_unlink(d->file, &e), -EIO);
}

static void a_path_must_name_a_file(void **state)
{
	static const char *const bad[] = { "/", "/tmp/.", "/tmp/..", "." };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(fsio_replace(bad[i], "x", 1, 0600, NULL), -EINVAL);
	assert_int_equal(fsio_replace("/nonexistent/x", "x", 1, 0600, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replace_makes_and_replaces, setup, teardown),
		cmocka_unit_test_setup_teardown(create_never_overwrites, setup, teardown),
		cmocka_unit_test_setup_teardown(any_failed_call_leaves_old_or_new, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_create_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(short_and_interrupted_transfers_lose_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(the_limit_of_a_read_is_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_without_a_size_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(only_regular_files_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(unlink_is_idempotent, setup, teardown),
		cmocka_unit_test_setup_teardown(a_path_must_name_a_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
