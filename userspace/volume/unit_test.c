// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "../common/clock.h"
#include "scratch.h"
#include "unit.h"

/* A tree of control groups in plain files. Stopping a unit is tested in guests, where systemd is. */

static void group(struct scratch *s, const char *name, const char *populated)
{
	char path[256], events[64];
	const char *slash = name;

	while ((slash = strchr(slash + 1, '/'))) {
		snprintf(path, sizeof(path), "%.*s", (int)(slash - name), name);
		mkdir(scratch_path(s, path), 0700);
	}
	mkdir(scratch_path(s, name), 0700);
	snprintf(path, sizeof(path), "%s/cgroup.kill", name);
	scratch_write(s, path, "");
	snprintf(path, sizeof(path), "%s/cgroup.events", name);
	snprintf(events, sizeof(events), "populated %s\nfrozen 0\n", populated);
	scratch_write(s, path, events);
}

static bool killed(struct scratch *s, const char *name)
{
	char path[256], *text;
	bool yes;

	snprintf(path, sizeof(path), "%s/cgroup.kill", name);
	text = scratch_read(s, path);
	yes = !strcmp(text, "1");
	free(text);
	return yes;
}

static void kills_below_slices_only(void **state)
{
	struct scratch *s = *state;

	group(s, "user.slice/user-1000.slice/user@1000.service/app.slice/valkey@a.service", "1");
	group(s, "machine.slice/x.scope/system.slice/valkey@a.service", "1");
	assert_int_equal(unit_kill(s->dir, "valkey@a.service", now_ms() + 1000, NULL), -ENOENT);
	group(s, "system.slice/system-valkey.slice/valkey@a.service", "0");
	group(s, "system.slice/system-valkey.slice/valkey@b.service", "0");
	assert_int_equal(unit_kill(s->dir, "valkey@a.service", now_ms() + 1000, NULL), 0);
	assert_true(killed(s, "system.slice/system-valkey.slice/valkey@a.service"));
	assert_false(killed(s, "system.slice/system-valkey.slice/valkey@b.service"));
	assert_false(killed(s, "user.slice/user-1000.slice/user@1000.service/app.slice/valkey@a.service"));
	assert_false(killed(s, "machine.slice/x.scope/system.slice/valkey@a.service"));
}

static void processes_that_do_not_die_are_told(void **state)
{
	struct scratch *s = *state;
	struct err e = ERR_INIT;
	int64_t start = now_ms();

	group(s, "system.slice/v.service", "1");
	assert_int_equal(unit_kill(s->dir, "v.service", start + 300, &e), -ETIMEDOUT);
	assert_true(now_ms() - start < 600);
	assert_true(killed(s, "system.slice/v.service"));
	assert_non_null(strstr(e.what, "v.service"));
}

static void a_whole_slice(void **state)
{
	struct scratch *s = *state;

	group(s, "tenants.slice/tenants-a.slice", "0");
	assert_int_equal(unit_kill(s->dir, "tenants-a.slice", now_ms() + 1000, NULL), 0);
	assert_true(killed(s, "tenants.slice/tenants-a.slice"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(kills_below_slices_only),
		scratch_test(processes_that_do_not_die_are_told),
		scratch_test(a_whole_slice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
