// SPDX-License-Identifier: GPL-2.0-or-later
/* The hook as the operator's program sees it: real scripts in a scratch directory. */
#include "../common/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/fsio.h"
#include "../volume/scratch.h"
#include "hook.h"

#define WAIT_MS 10000

static struct hook hook(const char *path)
{
	return (struct hook){
		.path = path, .event = "lock", .name = "c1", .verdict = "revoked", .reason = "key state Disabled; $(id)",
		.request_id = "rid-1", .unit = "valkey@a.service",
	};
}

/* script - an executable file with @body, which may use $OUT, a file beside it. */
static const char *script(struct scratch *s, const char *body)
{
	char text[2048];

	snprintf(text, sizeof(text), "#!/bin/sh\nOUT=%s\n%s\n", scratch_path(s, "out"), body);
	scratch_write(s, "hook", text);
	assert_int_equal(chmod(s->path, 0700), 0);
	return strdup(scratch_path(s, "hook"));
}

static char *wait_for(struct scratch *s, const char *name)
{
	int64_t end = now_ms() + WAIT_MS;
	char *text;
	size_t len;

	for (;;) {
		if (!fsio_read(scratch_path(s, name), 65536, &text, &len, NULL))
			return text;
		if (now_ms() > end)
			fail_msg("%s did not come", name);
		sleep_ms(20);
	}
}

static void it_is_told_what_happens_and_nothing_else(void **state)
{
	struct scratch *s = *state;
	const char *path = script(s, "{ echo \"$# $1 $2\"; env | sort; } > \"$OUT.new\"; mv \"$OUT.new\" \"$OUT\"");
	struct hook h = hook(path);
	char *text;

	setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-parent", 1);
	hook_start(&h);
	text = wait_for(s, "out");
	assert_non_null(strstr(text, "2 lock c1\n"));
	assert_non_null(strstr(text, "\nECACHE_DEVICE=/dev/mapper/c1\nECACHE_EVENT=lock\n"
			       "ECACHE_REASON=key state Disabled; $(id)\nECACHE_REQUEST_ID=rid-1\n"
			       "ECACHE_UNIT=valkey@a.service\nECACHE_VERDICT=revoked\nECACHE_VOLUME=c1\n"));
	assert_null(strstr(text, "secret"));
	unsetenv("AWS_SECRET_ACCESS_KEY");
	free(text);
	free((char *)(uintptr_t)path);
}

static void its_descriptors_are_its_own(void **state)
{
	struct scratch *s = *state;
	const char *path = script(s, "ls /proc/$$/fd > \"$OUT.new\"; mv \"$OUT.new\" \"$OUT\"");
	struct hook h = hook(path);
	char *text, *p;
	int pair[2];

	assert_int_equal(pipe(pair), 0);
	hook_start(&h);
	text = wait_for(s, "out");
	close(pair[0]);
	close(pair[1]);
	/* 0, 1, 2; a shell has its script open as one more, at 10 or above */
	for (p = text; *p; p = strchr(p, '\n') + 1)
		assert_true(atoi(p) <= 2 || atoi(p) >= 10);
	free(text);
	free((char *)(uintptr_t)path);
}

/* is_gone - dead; whoever is to reap it may take its time. */
static bool is_gone(pid_t pid)
{
	char path[64], *text;
	bool zombie;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (fsio_read(path, 4096, &text, &len, NULL))
		return true;
	zombie = strstr(text, ") Z ");
	free(text);
	return zombie;
}

static void nobody_waits_for_it_and_its_time_is_bounded(void **state)
{
	struct scratch *s = *state;
	const char *path = script(s, "trap '' TERM; sleep 600 & echo $! > \"$OUT.new\"; mv \"$OUT.new\" \"$OUT\"; wait");
	int64_t start = now_ms(), end;
	struct hook h = hook(path);
	char *text;
	pid_t pid;

	h.timeout_ms = 1000;
	hook_start(&h);
	assert_true(now_ms() - start < 900);
	text = wait_for(s, "out");
	pid = atoi(text);
	assert_true(pid > 1);
	for (end = now_ms() + WAIT_MS; !is_gone(pid); sleep_ms(20))	/* what it started goes, too */
		assert_true(now_ms() < end);
	assert_true(now_ms() - start >= 900);
	free(text);
	free((char *)(uintptr_t)path);
}

static void a_program_of_others_is_not_run(void **state)
{
	struct scratch *s = *state;
	const char *path = script(s, "touch \"$OUT\"");
	struct hook h = hook(path);
	struct err e = ERR_INIT;

	assert_int_equal(chmod(path, 0722), 0);
	assert_int_equal(hook_check(path, &e), -EPERM);
	assert_non_null(strstr(e.hint, "chmod go-w"));
	hook_start(&h);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(hook_check(path, &e), -EACCES);
	hook_start(&h);
	assert_int_equal(hook_check("/nonexistent/hook", &e), -ENOENT);
	assert_int_equal(hook_check("/", &e), -EACCES);
	h.path = "";
	hook_start(&h);
	sleep_ms(300);
	assert_int_equal(access(scratch_path(s, "out"), F_OK), -1);
	free((char *)(uintptr_t)path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(it_is_told_what_happens_and_nothing_else),
		scratch_test(its_descriptors_are_its_own),
		scratch_test(nobody_waits_for_it_and_its_time_is_bounded),
		scratch_test(a_program_of_others_is_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
