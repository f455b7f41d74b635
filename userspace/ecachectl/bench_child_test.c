// SPDX-License-Identifier: GPL-2.0-or-later
/* A program run for its effects: where, with what, and how it ended. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/test.h"
#include "../volume/scratch.h"
#include "bench_child.h"

#define AS 9

static int run(struct scratch *s, const char *line, int fd, int signals, struct err *e)
{
	char *words[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c", (char *)(uintptr_t)line, NULL };

	*e = (struct err)ERR_INIT;
	return bench_child(words, s->dir, fd, AS, signals, e);
}

static void it_runs_in_its_folder_with_the_descriptor(void **state)
{
	struct scratch *s = *state;
	int fd, never = eventfd(0, EFD_CLOEXEC);
	struct err e;
	char *text;

	scratch_write(s, "given", "what is given\n");
	fd = open(scratch_path(s, "given"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	/* by name, as fio opens it: the folder may be another by then */
	assert_int_equal(run(s, "cat /proc/self/fd/9 > got", fd, never, &e), 0);
	text = scratch_read(s, "got");
	assert_string_equal(text, "what is given\n");
	free(text);
	close(fd);
	close(never);
}

static void a_descriptor_may_have_its_number_already(void **state)
{
	struct scratch *s = *state;
	int fd, never = eventfd(0, EFD_CLOEXEC);
	struct err e;

	scratch_write(s, "given", "x\n");
	fd = open(scratch_path(s, "given"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(dup3(fd, AS, O_CLOEXEC), AS);
	close(fd);
	assert_int_equal(run(s, "cat <&9 > got", AS, never, &e), 0);
	close(AS);
	close(never);
}

static void a_failure_is_told_with_its_last_words(void **state)
{
	struct scratch *s = *state;
	int never = eventfd(0, EFD_CLOEXEC);
	struct err e;

	assert_int_equal(run(s, "echo first; echo the disk is full >&2; echo; exit 3", 0, never, &e), -EIO);
	assert_string_equal(e.what, "sh failed: the disk is full");
	assert_int_equal(run(s, "kill -9 $$", 0, never, &e), -EIO);
	assert_string_equal(e.what, "sh failed: it does not say why");
	close(never);
}

static void no_such_program(void **state)
{
	char *words[] = { (char *)(uintptr_t)"no-such-program", NULL };
	struct scratch *s = *state;
	struct err e = ERR_INIT;

	assert_int_equal(bench_child(words, s->dir, 0, AS, -1, &e), -ENOENT);
	assert_non_null(strstr(e.what, "cannot run no-such-program"));
}

static void a_signal_ends_it(void **state)
{
	struct scratch *s = *state;
	int stop = eventfd(1, EFD_CLOEXEC);
	int64_t began = now_ms();
	struct err e;

	assert_int_equal(run(s, "exec sleep 60", 0, stop, &e), -EINTR);
	assert_true(now_ms() - began < 30000);
	close(stop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(it_runs_in_its_folder_with_the_descriptor),
		scratch_test(a_descriptor_may_have_its_number_already),
		scratch_test(a_failure_is_told_with_its_last_words),
		scratch_test(no_such_program),
		scratch_test(a_signal_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
