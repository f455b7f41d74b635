// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scratch.h"
#include "swap.h"

#define MIB 1048576ULL
#define SLACK_MIB 16	/* what swapoff gets for its own work */

static char proc[128], cgroups[128];

/* host - so much memory is available, and no control group. */
static void host(struct scratch *s, unsigned long long mib)
{
	char text[128];

	snprintf(proc, sizeof(proc), "%s", s->dir);
	snprintf(cgroups, sizeof(cgroups), "%s/cgroup", s->dir);
	mkdir(cgroups, 0700);
	snprintf(text, sizeof(text), "MemTotal: 99999999 kB\nMemFree: 1 kB\nMemAvailable:   %llu kB\n", mib * 1024);
	scratch_write(s, "meminfo", text);
}

static void put(struct scratch *s, const char *group, const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "cgroup/%s/%s", group, file);
	scratch_write(s, path, text);
}

/* group - @max MiB (0: no limit) of which @current are in use, @file of these by files; @swapped beside them. */
static void group(struct scratch *s, const char *path, unsigned int max, unsigned int current, unsigned int file,
		  unsigned int swapped)
{
	char text[128], dir[64];

	snprintf(dir, sizeof(dir), "cgroup/%s", path);
	mkdir(scratch_path(s, dir), 0700);
	snprintf(text, sizeof(text), "%llu\n", max * MIB);
	put(s, path, "memory.max", max ? text : "max\n");
	snprintf(text, sizeof(text), "%llu\n", current * MIB);
	put(s, path, "memory.current", text);
	snprintf(text, sizeof(text), "%llu\n", swapped * MIB);
	put(s, path, "memory.swap.current", text);
	snprintf(text, sizeof(text), "anon 1\nfile 7\ninactive_file %llu\nactive_file 0\nslab 3\n", file * MIB);
	put(s, path, "memory.stat", text);
}

static int room(unsigned int used, unsigned int elsewhere, struct err *e)
{
	const struct swap_area a = { .on = true, .used = used * MIB, .elsewhere = elsewhere * MIB };

	*e = (struct err)ERR_INIT;
	return swap_room(proc, cgroups, "s1", &a, e);
}

static void an_empty_area_needs_none(void **state)
{
	const struct swap_area off = { .used = 5 * MIB };
	struct err e;

	host(*state, 0);
	assert_int_equal(room(0, 0, &e), 0);
	assert_int_equal(swap_room(proc, cgroups, "s1", &off, NULL), 0);
}

static void memory_and_other_areas_make_room(void **state)
{
	struct err e;

	host(*state, 100);
	assert_int_equal(room(100 - SLACK_MIB, 0, &e), 0);
	assert_int_equal(room(101 - SLACK_MIB, 0, &e), -ENOMEM);
	assert_non_null(strstr(e.what, "it holds 85 MiB"));
	assert_non_null(strstr(e.what, "no room for 1 MiB"));
	assert_non_null(strstr(e.hint, "swap area"));
	assert_non_null(strstr(e.hint, "ecachectl revoke s1"));
	assert_int_equal(room(120 - SLACK_MIB, 20, &e), 0);
	assert_int_equal(room(121 - SLACK_MIB, 20, &e), -ENOMEM);
	assert_int_equal(room(4000, 0, &e), -ENOMEM);
	assert_non_null(strstr(e.what, "no room for 3916 MiB"));
}

static void a_group_that_may_hold_no_more_has_no_room(void **state)
{
	struct scratch *s = *state;
	struct err e;

	host(s, 10000);
	group(s, "a", 64, 60, 0, 30);
	group(s, "b", 0, 600, 0, 300);		/* no limit */
	assert_int_equal(room(400, 0, &e), -ENOMEM);
	assert_non_null(strstr(e.what, "26 MiB"));
	assert_non_null(strstr(e.what, "/cgroup/a,"));
	assert_non_null(strstr(e.what, "memory.max is 64 MiB"));
	assert_non_null(strstr(e.hint, "MemoryMax="));
	group(s, "a", 64, 60, 40, 30);		/* files make room */
	assert_int_equal(room(400, 0, &e), 0);
	group(s, "a", 64, 60, 0, 4);
	assert_int_equal(room(400, 0, &e), 0);
	group(s, "a", 64, 60, 0, 30);
	assert_int_equal(room(4, 0, &e), 0);	/* what it swapped elsewhere is none of ours */
	assert_int_equal(room(400, 26, &e), 0);
	assert_int_equal(room(400, 25, &e), -ENOMEM);
}

static void limits_hold_for_what_is_below(void **state)
{
	struct scratch *s = *state;
	struct err e;

	host(s, 10000);
	group(s, "up", 100, 90, 0, 50);
	group(s, "up/low", 0, 90, 0, 50);
	assert_int_equal(room(50, 0, &e), -ENOMEM);
	assert_non_null(strstr(e.what, "40 MiB"));
	group(s, "up/low", 64, 60, 0, 50);	/* lacks more */
	assert_int_equal(room(50, 0, &e), -ENOMEM);
	assert_non_null(strstr(e.what, "/cgroup/up/low,"));
	assert_non_null(strstr(e.what, "46 MiB"));
}

static void what_cannot_be_read_is_no_room(void **state)
{
	struct scratch *s = *state;
	struct err e;

	host(s, 100);
	scratch_write(s, "meminfo", "MemFree: 100000 kB\n");
	assert_int_equal(room(1, 0, &e), -EIO);
	assert_int_equal(unlink(scratch_path(s, "meminfo")), 0);
	assert_int_equal(room(1, 0, &e), -EIO);
	host(s, 100);
	strcpy(cgroups, "/nonexistent");	/* a host without them limits nothing */
	assert_int_equal(room(1, 0, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(an_empty_area_needs_none),
		scratch_test(memory_and_other_areas_make_room),
		scratch_test(a_group_that_may_hold_no_more_has_no_room),
		scratch_test(limits_hold_for_what_is_below),
		scratch_test(what_cannot_be_read_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
