// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whoever dies, and whatever hangs, a file system that was frozen is thawed. The kernel's half is played here: one
 * superblock that is frozen and thawed by the two ioctls, in memory that all processes share.
 */
#include "../common/test.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/fs.h>

#include "../common/clock.h"
#include "freeze.h"
#include "mounts.h"

struct kernel {
	bool frozen, others;	/* by us; by somebody else before */
	unsigned int froze, thawed;
	int freeze_ms;		/* how long FIFREEZE takes */
	int refuse;		/* errno of FIFREEZE */
	pid_t thawed_by;
};

static struct kernel *kernel;

int __real_ioctl(int fd, unsigned long op, ...);
int __wrap_ioctl(int fd, unsigned long op, ...);

static int fail_with(int error)
{
	errno = error;
	return -1;
}

int __wrap_ioctl(int fd, unsigned long op, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, op);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (op == FIFREEZE) {
		if (kernel->refuse || kernel->others || kernel->frozen)
			return fail_with(kernel->refuse ? kernel->refuse : EBUSY);
		sleep_ms(kernel->freeze_ms);
		kernel->frozen = true;
		kernel->froze++;
		return 0;
	}
	if (op != FITHAW)
		return __real_ioctl(fd, op, arg);
	if (!kernel->frozen && !kernel->others)
		return fail_with(EINVAL);
	kernel->frozen = false;
	kernel->others = false;
	kernel->thawed++;
	kernel->thawed_by = getpid();
	return 0;
}

/* The one mount of every device is "/". */
int __wrap_mounts_find(const char *proc, dev_t dev, struct mount_list *out, struct err *e);
int __wrap_mounts_find(const char *proc, dev_t dev, struct mount_list *out, struct err *e)
{
	(void)proc;
	(void)e;
	memset(out, 0, sizeof(*out));
	if (!dev)
		return 0;
	out->mounts = calloc(1, sizeof(*out->mounts));
	assert_non_null(out->mounts);
	out->nr = 1;
	out->mounts[0].pid = getpid();
	out->mounts[0].path = strdup("/");
	return 0;
}

static dev_t root_dev(void)
{
	struct stat st;

	assert_int_equal(stat("/", &st), 0);
	return st.st_dev;
}

static int set_up(void **state)
{
	(void)state;
	kernel = mmap(NULL, sizeof(*kernel), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return kernel == MAP_FAILED;
}

static int tear_down(void **state)
{
	(void)state;
	return munmap(kernel, sizeof(*kernel));
}

static void start(struct freeze *f, unsigned int max_ms)
{
	assert_int_equal(freeze_prepare(f, "/dev/mapper/none", root_dev(), max_ms, NULL), 0);
	assert_int_equal(kernel->froze, 0);
	assert_int_equal(freeze_begin(f, NULL), 0);
	assert_true(kernel->frozen);
}

/* thaws - within 5 s, and the watchdog ends. */
static void thaws(pid_t watchdog)
{
	int64_t end = now_ms() + 5000;

	while (kernel->frozen && now_ms() < end)
		sleep_ms(10);
	assert_false(kernel->frozen);
	if (watchdog)
		assert_int_equal(waitpid(watchdog, NULL, 0), watchdog);
}

static void frozen_and_thawed_with_the_pause_told(void **state)
{
	struct freeze f;
	int64_t ms = 0;
	pid_t pid;

	(void)state;
	start(&f, 60000);
	pid = f.pid;
	sleep_ms(30);
	assert_int_equal(freeze_check(&f, NULL), 0);
	assert_int_equal(freeze_end(&f, &ms, NULL), 0);
	assert_false(kernel->frozen);
	assert_int_equal(kernel->thawed, 1);
	assert_true(ms >= 30);
	freeze_drop(&f);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(kernel->thawed, 1);
}

static void the_time_is_over(void **state)
{
	struct err e = ERR_INIT;
	struct freeze f;
	int64_t ms;
	pid_t pid;

	(void)state;
	start(&f, 50);
	pid = f.pid;
	thaws(0);
	sleep_ms(50);
	assert_int_equal(freeze_check(&f, &e), -ETIMEDOUT);
	assert_non_null(strstr(e.hint, "--max-freeze"));
	assert_int_equal(freeze_check(&f, NULL), -ETIMEDOUT);
	assert_int_equal(freeze_end(&f, &ms, NULL), -ETIMEDOUT);
	freeze_drop(&f);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Who did not look in between hears it at the end: what was copied after the thaw is no backup. */
static void a_thaw_that_nobody_noticed_is_told_at_the_end(void **state)
{
	struct freeze f;
	int64_t ms;
	pid_t pid;

	(void)state;
	start(&f, 50);
	pid = f.pid;
	thaws(0);
	assert_int_equal(freeze_end(&f, &ms, NULL), -ETIMEDOUT);
	freeze_drop(&f);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void freezing_itself_may_take_too_long(void **state)
{
	struct freeze f;
	pid_t pid;

	(void)state;
	kernel->freeze_ms = 300;
	assert_int_equal(freeze_prepare(&f, "/dev/mapper/none", root_dev(), 50, NULL), 0);
	pid = f.pid;
	freeze_begin(&f, NULL);
	thaws(0);
	freeze_drop(&f);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(kernel->froze, kernel->thawed);
}

/* who_freezes - in a process of its own, which says the watchdog's pid and waits to be killed. */
static pid_t who_freezes(pid_t *watchdog)
{
	struct freeze f;
	int pair[2];
	pid_t pid;

	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (!pid) {
		if (freeze_prepare(&f, "/dev/mapper/none", root_dev(), 60000, NULL) || freeze_begin(&f, NULL) ||
		    write(pair[1], &f.pid, sizeof(f.pid)) != sizeof(f.pid))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(pair[0], watchdog, sizeof(*watchdog)), sizeof(*watchdog));
	close(pair[0]);
	close(pair[1]);
	assert_true(kernel->frozen);
	return pid;
}

static void who_froze_is_killed(void **state)
{
	pid_t watchdog, pid = who_freezes(&watchdog);

	(void)state;
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	thaws(0);
	assert_int_equal(kernel->thawed_by, watchdog);
}

static void the_watchdog_takes_no_sigterm_with_the_others(void **state)
{
	pid_t watchdog, pid = who_freezes(&watchdog);

	(void)state;
	kill(watchdog, SIGTERM);
	sleep_ms(50);
	assert_true(kernel->frozen);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	thaws(0);
}

static void the_watchdog_is_killed(void **state)
{
	struct freeze f;
	int64_t ms;

	(void)state;
	start(&f, 60000);
	kill(f.pid, SIGKILL);
	assert_int_equal(waitpid(f.pid, NULL, 0), f.pid);
	assert_int_equal(freeze_check(&f, NULL), -EIO);
	assert_int_equal(freeze_end(&f, &ms, NULL), -EIO);
	freeze_drop(&f);
	assert_false(kernel->frozen);
}

static void both_are_killed_and_the_next_start_thaws(void **state)
{
	pid_t watchdog, pid = who_freezes(&watchdog);

	(void)state;
	kill(watchdog, SIGKILL);
	sleep_ms(50);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(kernel->frozen);
	freeze_left(root_dev());
	assert_false(kernel->frozen);
	freeze_left(root_dev());
}

static void a_file_system_frozen_by_others_stays_frozen(void **state)
{
	struct err e = ERR_INIT;
	struct freeze f;
	pid_t pid;

	(void)state;
	kernel->others = true;
	assert_int_equal(freeze_prepare(&f, "/dev/mapper/none", root_dev(), 60000, NULL), 0);
	pid = f.pid;
	assert_int_equal(freeze_begin(&f, &e), -EBUSY);
	assert_non_null(strstr(e.hint, "fsfreeze"));
	freeze_drop(&f);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(kernel->others);
}

static void one_that_cannot_be_frozen_says_so(void **state)
{
	struct err e = ERR_INIT;
	struct freeze f;

	(void)state;
	kernel->refuse = EOPNOTSUPP;
	assert_int_equal(freeze_prepare(&f, "/dev/mapper/none", root_dev(), 60000, NULL), 0);
	assert_int_equal(freeze_begin(&f, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.hint, "close"));
	freeze_drop(&f);
}

static void what_is_not_mounted_is_claimed(void **state)
{
	struct freeze f;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(freeze_prepare(&f, "/dev/mapper/none", 0, 60000, &e), -ENOENT);
	assert_non_null(strstr(e.what, "for this alone"));
	assert_int_equal(freeze_prepare(&f, "/dev/null", 0, 60000, NULL), -ENODEV);
	freeze_drop(&f);
	assert_int_equal(kernel->froze, 0);
}

#define FREEZE_TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FREEZE_TEST(frozen_and_thawed_with_the_pause_told),
		FREEZE_TEST(the_time_is_over),
		FREEZE_TEST(a_thaw_that_nobody_noticed_is_told_at_the_end),
		FREEZE_TEST(freezing_itself_may_take_too_long),
		FREEZE_TEST(who_froze_is_killed),
		FREEZE_TEST(the_watchdog_takes_no_sigterm_with_the_others),
		FREEZE_TEST(the_watchdog_is_killed),
		FREEZE_TEST(both_are_killed_and_the_next_start_thaws),
		FREEZE_TEST(a_file_system_frozen_by_others_stays_frozen),
		FREEZE_TEST(one_that_cannot_be_frozen_says_so),
		FREEZE_TEST(what_is_not_mounted_is_claimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
