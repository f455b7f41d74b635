// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/secret.h"
#include "../common/test.h"
#include "sandbox.h"

/* The filter is for ever, so each trial has a process of its own. */
static int trial(int (*what)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(sandbox_enter(NULL) ? 99 : what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int run_a_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int run_by_descriptor(void)
{
	static char *const none[] = { NULL };

	syscall(SYS_execveat, open("/bin/true", O_PATH), "", none, none, AT_EMPTY_PATH);
	return errno;
}

static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? errno : 0;
}

static int read_the_parent(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) ? errno : 0;
}

static int read_keys(void)
{
	return syscall(SYS_keyctl, 0, -3, 0) < 0 ? errno : 0;
}

static int leave_namespace(void)
{
	return unshare(CLONE_NEWUSER) ? errno : 0;
}

static int mount_something(void)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL) ? errno : 0;
}

static int in_a_child(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(run_a_program());
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static void what_an_intruder_would_need_is_refused(void **state)
{
	(void)state;
	assert_int_equal(trial(run_a_program), EPERM);
	assert_int_equal(trial(run_by_descriptor), EPERM);
	assert_int_equal(trial(trace), EPERM);
	assert_int_equal(trial(read_the_parent), EPERM);
	assert_int_equal(trial(read_keys), EPERM);
	assert_int_equal(trial(leave_namespace), EPERM);
	assert_int_equal(trial(mount_something), EPERM);
	assert_int_equal(trial(in_a_child), EPERM);
}

static int work(void)
{
	struct secret s;

	if (secret_alloc(&s, 64))
		return 1;
	secret_wipe(&s);
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 2;
}

static void what_a_worker_needs_is_not(void **state)
{
	(void)state;
	assert_int_equal(trial(work), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_intruder_would_need_is_refused),
		cmocka_unit_test(what_a_worker_needs_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
