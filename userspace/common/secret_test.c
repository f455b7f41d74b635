// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "secret.h"
#include "test.h"

/* Whether /proc/self/smaps shows @flag ("dd": not dumped, "lo": locked) for the mapping that holds @p. */
static int has_vm_flag(const void *p, const char *flag)
{
	unsigned long lo, hi, want = (unsigned long)p;
	char line[1024];
	int here = 0, found = -1;
	FILE *f = fopen("/proc/self/smaps", "r");

	assert_non_null(f);
	while (found < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2)
			here = want >= lo && want < hi;
		else if (here && !strncmp(line, "VmFlags:", 8))
			found = !!strstr(line + 8, flag);
	}
	fclose(f);
	assert_true(found >= 0);
	return found;
}

static void a_new_secret_is_zeroed_locked_and_not_dumped(void **state)
{
	struct secret s;
	size_t i;

	(void)state;
	assert_int_equal(secret_alloc(&s, 64), 0);
	assert_int_equal(s.cap, 64);
	assert_int_equal(s.len, 0);
	for (i = 0; i < 64; i++)
		assert_int_equal(s.data[i], 0);
	assert_true(has_vm_flag(s.data, " lo"));
	assert_true(has_vm_flag(s.data, " dd"));
	assert_true(fcntl(s.fd, F_GETFD) & FD_CLOEXEC);
	secret_wipe(&s);
}

static void its_size_is_sealed(void **state)
{
	struct secret s;

	(void)state;
	assert_int_equal(secret_alloc(&s, 64), 0);
	assert_int_equal(ftruncate(s.fd, 0), -1);
	assert_int_equal(ftruncate(s.fd, 1 << 20), -1);
	assert_int_equal(fcntl(s.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	secret_wipe(&s);
}

static void sizes_are_bounded(void **state)
{
	struct secret s;

	(void)state;
	assert_int_equal(secret_alloc(&s, 0), -EINVAL);
	assert_null(s.data);
	assert_int_equal(secret_alloc(&s, 256 * 1024 + 1), -EINVAL);
	assert_int_equal(secret_alloc(&s, 256 * 1024), 0);
	s.data[256 * 1024 - 1] = 1;
	secret_wipe(&s);
}

/* The memfd outlives our mapping through a second descriptor: what is read there is what the wipe left. */
static void it_is_wiped_before_it_is_unmapped(void **state)
{
	struct secret s;
	char back[4096];
	size_t i;
	int fd;

	(void)state;
	assert_int_equal(secret_alloc(&s, 100), 0);
	memset(s.data, 0xa5, 100);
	s.len = 10;		/* the wipe does not depend on it */
	fd = dup(s.fd);
	secret_wipe(&s);
	assert_int_equal(pread(fd, back, sizeof(back), 0), sizeof(back));
	for (i = 0; i < sizeof(back); i++)
		assert_int_equal(back[i], 0);
	close(fd);
	assert_null(s.data);
	assert_int_equal(s.fd, -1);
	secret_wipe(&s);	/* empty: harmless */
}

static void a_move_leaves_nothing_behind(void **state)
{
	struct secret a, b = SECRET_INIT;
	uint8_t *data;

	(void)state;
	assert_int_equal(secret_alloc(&a, 64), 0);
	a.len = 64;
	data = a.data;
	secret_move(&b, &a);
	assert_ptr_equal(b.data, data);
	assert_int_equal(b.len, 64);
	assert_null(a.data);
	assert_int_equal(a.fd, -1);
	secret_move(&b, &b);
	assert_ptr_equal(b.data, data);
	secret_wipe(&a);
	secret_wipe(&b);
}

static void another_process_can_fill_it(void **state)
{
	struct secret s, theirs;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(secret_alloc(&s, 64), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int fd = dup(s.fd);

		if (secret_attach(&theirs, fd, 64))
			_exit(1);
		memset(theirs.data, 7, 64);
		secret_detach(&theirs);
		_exit(theirs.data || theirs.fd != -1 || fcntl(fd, F_GETFD) >= 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(s.data[63], 7);
	secret_wipe(&s);
}

static void attach_takes_over_the_descriptor_and_locks(void **state)
{
	struct secret s, t;

	(void)state;
	assert_int_equal(secret_alloc(&s, 64), 0);
	assert_int_equal(secret_attach(&t, dup(s.fd), 64), 0);
	assert_int_equal(t.len, 64);
	assert_true(has_vm_flag(t.data, " lo"));
	assert_true(has_vm_flag(t.data, " dd"));
	secret_wipe(&t);
	assert_int_equal(fcntl(s.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	secret_wipe(&s);
}

/* A peer that could shrink the file would make us die of SIGBUS; a file on a disk would keep the key. */
static void only_a_sealed_memfd_is_attached(void **state)
{
	const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	static const int weak[] = { 0, F_SEAL_SHRINK, F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_GROW | F_SEAL_SEAL };
	char path[] = "/tmp/secret_test.XXXXXX";
	struct secret s;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(weak) / sizeof(*weak); i++) {
		fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		assert_int_equal(ftruncate(fd, 4096), 0);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, weak[i]), 0);
		assert_int_equal(secret_attach(&s, fd, 64), -EINVAL);
		assert_null(s.data);
		close(fd);
	}
	fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, all | F_SEAL_WRITE), 0);
	assert_int_equal(secret_attach(&s, fd, 64), -EINVAL);
	close(fd);

	fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(secret_attach(&s, fd, 64), -EINVAL);
	close(fd);
	assert_int_equal(secret_attach(&s, -1, 64), -EINVAL);
}

static void attach_checks_the_size(void **state)
{
	struct secret s, t;

	(void)state;
	assert_int_equal(secret_alloc(&s, 64), 0);
	assert_int_equal(secret_attach(&t, s.fd, 0), -EINVAL);
	assert_int_equal(secret_attach(&t, s.fd, 4097), -EINVAL);
	assert_int_equal(secret_attach(&t, s.fd, 1 << 20), -EINVAL);
	assert_null(t.data);
	assert_true(fcntl(s.fd, F_GETFD) >= 0);		/* a refused descriptor stays the caller's */
	secret_wipe(&s);
}

static void a_small_memlock_limit_is_told_apart(void **state)
{
	struct rlimit none = { 0, 0 };
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct secret s;

		/* root may lock all it wants: be nobody. */
		if (setrlimit(RLIMIT_MEMLOCK, &none) || (!geteuid() && (setgid(65534) || setuid(65534))))
			_exit(2);
		_exit(secret_alloc(&s, 64) == -EAGAIN && !s.data ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_hardened_process_leaves_no_core(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct rlimit core;

		if (process_harden() || getrlimit(RLIMIT_CORE, &core))
			_exit(1);
		_exit(prctl(PR_GET_DUMPABLE) || core.rlim_cur || core.rlim_max || umask(0) != 077);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_secret_is_zeroed_locked_and_not_dumped),
		cmocka_unit_test(its_size_is_sealed),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(it_is_wiped_before_it_is_unmapped),
		cmocka_unit_test(a_move_leaves_nothing_behind),
		cmocka_unit_test(another_process_can_fill_it),
		cmocka_unit_test(attach_takes_over_the_descriptor_and_locks),
		cmocka_unit_test(only_a_sealed_memfd_is_attached),
		cmocka_unit_test(attach_checks_the_size),
		cmocka_unit_test(a_small_memlock_limit_is_told_apart),
		cmocka_unit_test(a_hardened_process_leaves_no_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
