// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "../common/clock.h"
#include "mounts.h"
#include "namespace.h"
#include "scratch.h"
#include "unmount.h"

/*
 * Real mounts of a tmpfs in mount namespaces of our own; needs root or user namespaces. (ext4, xfs and a mapping
 * are tested in guests.)
 */
static size_t count_mounts(pid_t pid, dev_t dev)
{
	struct mount_list l;
	char path[64];
	size_t nr;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(mounts_read(fd, dev, &l, NULL), 0);
	close(fd);
	nr = l.nr;
	mount_list_free(&l);
	return nr;
}

/* unmount_all() leaves its caller elsewhere, so it runs in a child, as in a teardown. */
static int unmount_in_child(dev_t dev, struct unmounted *what)
{
	int pair[2], status;
	struct {
		int rc;
		struct unmounted what;
	} answer;
	pid_t pid;

	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (!pid) {
		answer.rc = unmount_all(dev, &answer.what, NULL);
		_exit(write(pair[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(pair[0], &answer, sizeof(answer)), sizeof(answer));
	close(pair[0]);
	close(pair[1]);
	*what = answer.what;
	return answer.rc;
}

/* A process with a copy of our mounts in a namespace of its own. */
static pid_t other_namespace(void)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNS) || write(ready[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void in_namespaces(void *arg)
{
	struct scratch *s = arg;
	char a[128], b[128], file[160], fstype[32];
	struct unmounted what;
	struct stat st;
	pid_t pid;
	int fd;

	snprintf(a, sizeof(a), "%s/a b", s->dir);
	snprintf(b, sizeof(b), "%s/b", s->dir);
	mkdir(a, 0700);
	mkdir(b, 0700);
	if (mount("tmpfs", a, "tmpfs", 0, "size=1m"))
		exit(NAMESPACE_SKIP);
	assert_int_equal(stat(a, &st), 0);
	assert_int_equal(mount(a, b, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(a, b, NULL, MS_BIND, NULL), 0);	/* stacked */
	pid = other_namespace();
	snprintf(file, sizeof(file), "%s/busy", a);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(count_mounts(getpid(), st.st_dev), 3);
	assert_int_equal(count_mounts(pid, st.st_dev), 3);

	assert_int_equal(fs_shutdown(st.st_dev, fstype, NULL), -EOPNOTSUPP);
	assert_string_equal(fstype, "tmpfs");
	assert_int_equal(unmount_in_child(st.st_dev, &what), 0);
	assert_int_equal(what.mounts, 6);
	assert_int_equal(what.namespaces, 2);
	assert_int_equal(what.detached, 1);	/* the one with an open file */
	assert_int_equal(count_mounts(getpid(), st.st_dev), 0);
	assert_int_equal(count_mounts(pid, st.st_dev), 0);
	assert_int_equal(write(fd, "x", 1), 1);	/* detached, not torn from under us */
	close(fd);
	assert_int_equal(unmount_in_child(st.st_dev, &what), -ENOENT);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void every_namespace_is_unmounted(void **state)
{
	int rc = namespace_run(in_namespaces, *state);

	if (rc == NAMESPACE_SKIP)
		skip();
	assert_int_equal(rc, 0);
}

/* A process with a file open that is just dying. */
static pid_t busy_for(const char *file, long ms)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	sleep_ms(ms);
	_exit(fd < 0);
}

static void busy_and_nested_in(void *arg)
{
	struct scratch *s = arg;
	char a[128], file[160], below[160];
	struct unmounted what;
	struct stat st, st_below;
	int status;
	pid_t pid;

	snprintf(a, sizeof(a), "%s/a", s->dir);
	snprintf(file, sizeof(file), "%s/file", a);
	snprintf(below, sizeof(below), "%s/below", a);
	mkdir(a, 0700);
	if (mount("tmpfs", a, "tmpfs", 0, "size=1m"))
		exit(NAMESPACE_SKIP);
	assert_int_equal(stat(a, &st), 0);
	pid = busy_for(file, 200);
	while (access(file, F_OK))
		sleep_ms(1);
	assert_int_equal(unmount_in_child(st.st_dev, &what), 0);
	assert_int_equal(what.mounts, 1);
	assert_int_equal(what.detached, 0);	/* it was worth the moment */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Somebody else's file system mounted below ours does not keep ours. */
	assert_int_equal(mount("tmpfs", a, "tmpfs", 0, "size=1m"), 0);
	assert_int_equal(stat(a, &st), 0);
	mkdir(below, 0700);
	assert_int_equal(mount("tmpfs", below, "tmpfs", 0, "size=1m"), 0);
	assert_int_equal(stat(below, &st_below), 0);
	assert_int_equal(unmount_in_child(st.st_dev, &what), 0);
	assert_int_equal(what.detached, 1);
	assert_int_equal(count_mounts(getpid(), st.st_dev), 0);
	/* Nor one over it. */
	assert_int_equal(mount("tmpfs", a, "tmpfs", 0, "size=1m"), 0);
	assert_int_equal(stat(a, &st), 0);
	assert_int_equal(mount("tmpfs", a, "tmpfs", 0, "size=1m"), 0);
	assert_int_equal(unmount_in_child(st.st_dev, &what), 0);
	assert_int_equal(count_mounts(getpid(), st.st_dev), 0);
}

static void busy_and_nested_mounts_end(void **state)
{
	int rc = namespace_run(busy_and_nested_in, *state);

	if (rc == NAMESPACE_SKIP)
		skip();
	assert_int_equal(rc, 0);
}

/* A loop device with a real file system, in a namespace of our own. */
static void shut_down(const char *dev, const char *dir)
{
	char file[160], fstype[32];
	struct unmounted what;
	struct stat st;
	int fd;

	if (mount(dev, dir, "ext4", 0, NULL))
		exit(NAMESPACE_SKIP);
	assert_int_equal(stat(dev, &st), 0);
	snprintf(file, sizeof(file), "%s/file", dir);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fs_shutdown(st.st_rdev, fstype, NULL), 0);
	assert_string_equal(fstype, "ext4");
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(unmount_in_child(st.st_rdev, &what), 0);
	assert_int_equal(what.detached, 1);
	close(fd);
}

struct loop {
	char dev[64], dir[128];
};

static void shut_down_in(void *arg)
{
	struct loop *l = arg;

	mkdir(l->dir, 0700);
	shut_down(l->dev, l->dir);
}

static void a_shut_down_file_system_takes_nothing(void **state)
{
	struct scratch *s = *state;
	int rc = NAMESPACE_SKIP;
	struct loop l;

	if (!loop_make(scratch_path(s, "disk"), 32 << 20, l.dev))
		skip();
	snprintf(l.dir, sizeof(l.dir), "%s/mnt", s->dir);
	if (!loop_mkfs(l.dev))
		rc = namespace_run(shut_down_in, &l);
	loop_drop(l.dev);
	if (rc == NAMESPACE_SKIP)
		skip();
	assert_int_equal(rc, 0);
}

static void what_is_not_mounted(void **state)
{
	struct unmounted what;
	char fstype[32];

	(void)state;
	assert_int_equal(fs_shutdown(makedev(4095, 7), fstype, NULL), -ENOENT);
	assert_int_equal(unmount_all(makedev(4095, 7), &what, NULL), -ENOENT);
	assert_int_equal(what.mounts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(every_namespace_is_unmounted),
		scratch_test(busy_and_nested_mounts_end),
		scratch_test(a_shut_down_file_system_takes_nothing),
		cmocka_unit_test(what_is_not_mounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
