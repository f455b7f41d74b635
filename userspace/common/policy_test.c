// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "policy.h"
#include "test.h"

static struct policies sample(void)
{
	struct policies p;

	policies_init(&p);
	return p;
}

static void defaults_are_those_of_the_manual(void **state)
{
	struct policies p = sample();
	const char *key;

	(void)state;
	assert_int_equal(p.set, 0);
	assert_int_equal(p.on_revoke, POLICY_TEARDOWN);
	assert_int_equal(p.on_disabled, POLICY_LOCK);
	assert_int_equal(p.fail_after, 0);
	assert_int_equal(p.lease, 0);
	assert_int_equal(p.after_lock, AFTER_LOCK_RESTART);
	assert_int_equal(p.probe_interval, 300);
	assert_int_equal(p.teardown_deadline, 20);
	assert_string_equal(p.hook, "");
	assert_int_equal(policies_check(&p, POLICY_WATCHDOG_S, &key, NULL), 0);
}

static void values(void **state)
{
	static const struct {
		int (*parse)(struct policies *p, const char *value, struct err *e);
		const char *value;
		unsigned int bit;	/* 0: refused */
		const char *line;	/* what is written again, or why not */
	} t[] = {
		{ policies_on_revoke, "lock", POLICY_SET_ON_REVOKE, "on-revoke=lock\n" },
		{ policies_on_revoke, "Lock", 0, "must be teardown, lock or hold" },
		{ policies_on_disabled, "hold", POLICY_SET_ON_DISABLED, "on-disabled=hold\n" },
		{ policies_unreachable, "hold", POLICY_SET_UNREACHABLE, "unreachable=hold\n" },
		{ policies_unreachable, "fail-after=2h", POLICY_SET_UNREACHABLE, "unreachable=fail-after=7200s\n" },
		{ policies_unreachable, "fail-after=5s", 0, "must be 10s to 2592000s" },
		{ policies_unreachable, "fail-after=31d", 0, "must be 10s to 2592000s" },
		{ policies_unreachable, "fail-after", 0, "must be hold or fail-after=DURATION" },
		{ policies_unreachable, "2h", 0, "must be hold or fail-after=DURATION" },
		{ policies_lease, "off", POLICY_SET_LEASE, "lease=off\n" },
		{ policies_lease, "15m", POLICY_SET_LEASE, "lease=900s\n" },
		{ policies_lease, "0", 0, "must be 1s to 86400s" },
		{ policies_lease, "no", 0, "not a duration" },
		{ policies_after_lock, "stay", POLICY_SET_AFTER_LOCK, "after-lock=stay\n" },
		{ policies_after_lock, "reopen", 0, "must be restart or stay" },
		{ policies_probe_interval, "1d", POLICY_SET_PROBE, "probe-interval=86400s\n" },
		{ policies_probe_interval, "0", 0, "must be 1s to 86400s" },
		{ policies_teardown_deadline, "10m", POLICY_SET_DEADLINE, "teardown-deadline=600s\n" },
		{ policies_teardown_deadline, "4s", 0, "must be 5s to 600s" },
		{ policies_hook, "/h", POLICY_SET_HOOK, "hook=/h\n" },
		{ policies_hook, "none", POLICY_SET_HOOK, "hook=none\n" },
		{ policies_hook, "h", 0, "must be the absolute path of a program" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct policies p = sample();
		struct err e = ERR_INIT;
		char *text;

		if (!t[i].bit) {
			assert_int_not_equal(t[i].parse(&p, t[i].value, &e), 0);
			if (strncmp(e.what, t[i].line, strlen(t[i].line)))
				fail_msg("\"%s\" where \"%s\" was expected", e.what, t[i].line);
			assert_int_equal(p.set, 0);
			continue;
		}
		assert_int_equal(t[i].parse(&p, t[i].value, &e), 0);
		assert_int_equal(p.set, t[i].bit);
		text = policies_text(&p);
		assert_string_equal(text, t[i].line);
		free(text);
	}
}

static void a_hooks_path_is_bounded(void **state)
{
	char path[POLICY_HOOK_MAX + 2];
	struct policies p = sample();

	(void)state;
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(strlen(path), POLICY_HOOK_MAX + 1);
	assert_int_equal(policies_hook(&p, path, NULL), -EINVAL);
	path[POLICY_HOOK_MAX] = '\0';
	assert_int_equal(policies_hook(&p, path, NULL), 0);
	assert_string_equal(p.hook, path);
}

/* Each of the two files says something, nothing, or the default in so many words: 3^8 pairs, a few at random. */
static void a_volumes_own_word_counts(void **state)
{
	static int (*const parse[])(struct policies *p, const char *value, struct err *e) = {
		policies_on_revoke, policies_on_disabled, policies_unreachable, policies_lease, policies_after_lock,
		policies_probe_interval, policies_teardown_deadline, policies_hook,
	};
	static const char *const value[][2] = {
		{ "teardown", "hold" }, { "lock", "teardown" }, { "hold", "fail-after=1h" }, { "off", "15m" },
		{ "restart", "stay" }, { "300s", "60s" }, { "20s", "30s" }, { "none", "/h" },
	};
	uint64_t seed = 8, n;
	size_t k;

	(void)state;
	for (n = 0; n < 500; n++) {
		struct policies own = sample(), common = sample(), want = sample(), got;
		char *a, *b;

		for (k = 0; k < 8; k++) {
			unsigned int o = test_random(&seed) % 3, c = test_random(&seed) % 3;

			if (o)
				assert_int_equal(parse[k](&own, value[k][o - 1], NULL), 0);
			if (c)
				assert_int_equal(parse[k](&common, value[k][c - 1], NULL), 0);
			if (o || c)
				assert_int_equal(parse[k](&want, value[k][(o ? o : c) - 1], NULL), 0);
		}
		got = policies_over(&own, &common);
		a = policies_text(&got);
		b = policies_text(&want);
		assert_string_equal(a, b);
		assert_int_equal(got.fail_after, want.fail_after);
		assert_int_equal(got.lease, want.lease);
		free(a);
		free(b);
	}
}

static void what_does_not_go_together_is_refused_with_the_reason(void **state)
{
	static const struct {
		unsigned int lease, fail_after, probe, watchdog;
		const char *why, *remedy;	/* NULL: good */
	} t[] = {
		{ 0, 0, 300, 30, NULL, NULL },
		{ 900, 0, 300, 30, NULL, NULL },
		{ 105, 0, 300, 30, NULL, NULL },
		{ 104, 0, 300, 30, "lease: 104s is under 105s", "set lease=105s or more" },
		{ 105, 0, 300, 31, "lease: 105s is under 108s", "set lease=108s or more" },
		{ 18, 0, 300, 1, NULL, NULL },
		{ 17, 0, 300, 1, "lease: 17s is under 18s", "set lease=18s or more" },
		{ 0, 900, 300, 30, NULL, NULL },
		{ 0, 899, 300, 30, "unreachable: fail-after=899s is under three times the probe-interval of 300s",
		  "set fail-after=900s or more" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct policies p = sample();
		struct err e = ERR_INIT;
		const char *key = "";

		p.lease = t[i].lease;
		p.fail_after = t[i].fail_after;
		p.probe_interval = t[i].probe;
		assert_int_equal(policies_check(&p, t[i].watchdog, &key, &e), t[i].why ? -EINVAL : 0);
		if (strncmp(t[i].why ? t[i].why : "", key, strlen(key)))
			fail_msg("%s is to blame for \"%s\"", key, e.what);
		if (t[i].why && (!strstr(e.what, t[i].why) || !strstr(e.hint, t[i].remedy)))
			fail_msg("\"%s -- %s\" where \"%s\" was expected", e.what, e.hint, t[i].why);
	}
}

static void a_key_lives_no_longer_than_fail_after(void **state)
{
	struct policies p = sample();

	(void)state;
	p.fail_after = 600;
	assert_int_equal(policies_lease_of(&p), 0);
	p.lease = 900;
	assert_int_equal(policies_lease_of(&p), 600);
	p.lease = 300;
	assert_int_equal(policies_lease_of(&p), 300);
	p.fail_after = 0;
	assert_int_equal(policies_lease_of(&p), 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_manual),
		cmocka_unit_test(values),
		cmocka_unit_test(a_hooks_path_is_bounded),
		cmocka_unit_test(a_volumes_own_word_counts),
		cmocka_unit_test(what_does_not_go_together_is_refused_with_the_reason),
		cmocka_unit_test(a_key_lives_no_longer_than_fail_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
