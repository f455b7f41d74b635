// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <stdbool.h>
#include <sys/stat.h>

#include "../volume/sample.h"
#include "../volume/scratch.h"
#include "check.h"

#define PIN "format=1\ncache-id=cache-1\nluks-uuid=" SAMPLE_UUID "\nkey-arn=" SAMPLE_ARN "\ndevice=/dev/vdb\n"

static void put(struct scratch *s, const char *name, const char *text)
{
	scratch_write(s, name, text);
	assert_int_equal(chmod(s->path, 0600), 0);
}

static void put_conf(struct scratch *s, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text), "region=local-1\npin-dir=%s/pins\n%s", s->dir, more);
	put(s, "ecached.conf", text);
}

/* findings - how many, and all of the text, to be freed. */
static unsigned int findings(struct scratch *s, char **text)
{
	size_t len;
	FILE *f = open_memstream(text, &len);
	unsigned int n;

	assert_non_null(f);
	n = check_config(scratch_path(s, "ecached.conf"), f);
	fclose(f);
	return n;
}

static void expect(struct scratch *s, unsigned int number, const char *what)
{
	char *text;
	unsigned int n = findings(s, &text);

	if (n != number || !strstr(text, what))
		fail_msg("%u findings, not %u with \"%s\":\n%s", n, number, what, text);
	free(text);
}

static void what_is_good_is_counted(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(mkdir(scratch_path(s, "pins"), 0700), 0);
	put_conf(s, "lease=15m\n");
	put(s, "pins/v1", PIN "lease=off\n");
	put(s, "pins/v2", PIN);
	expect(s, 0, "ecached.conf and the files of 2 volumes\n");
}

static void one_bad_file_hides_no_other(void **state)
{
	struct scratch *s = *state;
	char *text;

	assert_int_equal(mkdir(scratch_path(s, "pins"), 0700), 0);
	put_conf(s, "");
	put(s, "pins/v1", PIN "leese=15m\n");
	put(s, "pins/v2", PIN);
	put(s, "pins/v3", PIN "lease=1m\n");
	put(s, "pins/v4", PIN "unreachable=fail-after=10m\n");
	put(s, "pins/v5", PIN "hook=/nonexistent/hook\n");
	assert_int_equal(findings(s, &text), 4);
	assert_non_null(strstr(text, "/pins/v1:6: unknown key \"leese\"\n\tis it lease that you mean?\n"));
	assert_non_null(strstr(text, "/pins/v3:6, with ecached.conf: lease: 60s is under 105s"));
	assert_non_null(strstr(text, "\tset lease=105s or more"));
	assert_non_null(strstr(text, "/pins/v4:6, with ecached.conf: unreachable: fail-after=600s is under three"));
	assert_non_null(strstr(text, "/pins/v5:6: hook /nonexistent/hook: No such file"));
	free(text);
}

static void the_main_file_comes_first(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(mkdir(scratch_path(s, "pins"), 0700), 0);
	put(s, "pins/v1", PIN "lease=off\n");
	put_conf(s, "probe-interval=often\n");
	expect(s, 1, "ecached.conf:3: probe-interval: not a duration");
	put_conf(s, "lease=1m\n");
	expect(s, 1, "ecached.conf:3: lease: 60s is under 105s");
	put_conf(s, "hook=/etc/passwd\n");
	expect(s, 1, "ecached.conf:3: hook /etc/passwd is not a program\n");
	assert_int_equal(unlink(scratch_path(s, "ecached.conf")), 0);
	expect(s, 1, "ecached.conf");
}

static void a_volume_is_judged_with_what_the_main_file_says(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(mkdir(scratch_path(s, "pins"), 0700), 0);
	put_conf(s, "probe-interval=1m\n");
	put(s, "pins/v1", PIN "unreachable=fail-after=10m\n");
	expect(s, 0, "and the files of 1 volume\n");
	put_conf(s, "probe-interval=5m\n");
	expect(s, 1, "/pins/v1:6, with ecached.conf: unreachable: fail-after=600s");
	put_conf(s, "unreachable=fail-after=15m\n");
	put(s, "pins/v1", PIN "probe-interval=6m\n");
	expect(s, 1, "/pins/v1:6, with ecached.conf: unreachable: fail-after=900s");
	setenv("WATCHDOG_USEC", "1000000", 1);
	put_conf(s, "");
	put(s, "pins/v1", PIN "lease=18s\n");
	expect(s, 0, "good");
	unsetenv("WATCHDOG_USEC");
	expect(s, 1, "18s is under 105s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(what_is_good_is_counted),
		scratch_test(one_bad_file_hides_no_other),
		scratch_test(the_main_file_comes_first),
		scratch_test(a_volume_is_judged_with_what_the_main_file_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
