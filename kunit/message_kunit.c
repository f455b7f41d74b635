// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, and the status line that they show in.
 */
#include <linux/string.h>

#include "ecache_kunit.h"

#define HEX_KEY	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
		"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

/* Sends a copy of the words; afterwards *rest holds what is left of the third. */
static int message(struct kunit *test, struct ecache_target *et, const char *line, char *rest, const char **why)
{
	char *copy = kunit_kzalloc(test, strlen(line) + 1, GFP_KERNEL), *word;
	unsigned int argc = 0, len = 0;
	static char answer[2048];
	char *argv[8];
	int r;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	strscpy(copy, line, strlen(line) + 1);
	while ((word = strsep(&copy, " ")) != NULL && argc < ARRAY_SIZE(argv))
		if (*word)
			argv[argc++] = word;
	if (argc > 2)
		len = strlen(argv[2]);
	r = ecache_message_run(et, argc, argv, answer, sizeof(answer), why);
	if (argc > 2 && rest) {
		memset(rest, 0xff, 256);
		memcpy(rest, argv[2], len);
	}
	return r;
}

static void test_key_messages(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	const char *why;

	KUNIT_EXPECT_EQ(test, 0, message(test, et, "key wipe", NULL, &why));
	KUNIT_EXPECT_EQ(test, 0, message(test, et, "key set " HEX_KEY, NULL, &why));
	KUNIT_EXPECT_EQ(test, ECACHE_ACTIVE, et->vol->state);
	KUNIT_EXPECT_EQ(test, 0, message(test, et, "key set " HEX_KEY, NULL, &why));
	KUNIT_EXPECT_EQ(test, 0, message(test, et, "key wipe", NULL, &why));
	KUNIT_EXPECT_EQ(test, 0, message(test, et, "key revoke", NULL, &why));
	KUNIT_EXPECT_EQ(test, 0, message(test, et, "key revoke", NULL, &why));
	KUNIT_EXPECT_EQ(test, -EKEYREVOKED, message(test, et, "key set " HEX_KEY, NULL, &why));
}

static const char * const unknown_messages[] = {
	"", "key", "keys wipe", "Key wipe", "key Wipe", "key wipe now", "key set", "key revoke all", "wipe",
	"key renew", "key set " HEX_KEY " " HEX_KEY, "stats reset",
};

static void unknown_to_desc(const char * const *m, char *desc)
{
	strscpy(desc, *m, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(unknown, unknown_messages, unknown_to_desc);

static void test_refuses_unknown_messages(struct kunit *test)
{
	const char * const *line = test->param_value;
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	const char *why = NULL;

	KUNIT_EXPECT_EQ(test, -EINVAL, message(test, et, *line, NULL, &why));
	KUNIT_EXPECT_NOT_NULL(test, why);
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, et->vol->state);
}

/* Accepted or refused: nothing of the argument stays where userspace put it. */
static void test_wipes_the_argument(struct kunit *test)
{
	static const char * const lines[] = {
		"key set " HEX_KEY, "key set " HEX_KEY "00", "key set xyz" HEX_KEY, "key set " HEX_KEY " more",
		"key get " HEX_KEY, "something else " HEX_KEY, "key set :64:logon:ecache-kunit:none",
	};
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	char rest[256];
	const char *why;
	unsigned int i, len;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		message(test, et, lines[i], rest, &why);
		for (len = 0; rest[len] != (char)0xff; len++)
			KUNIT_ASSERT_EQ_MSG(test, 0, rest[len], "%s", lines[i]);
		KUNIT_ASSERT_GT(test, len, 0);
	}
}

static void expect_status(struct kunit *test, struct ecache_target *et, const char *state, const char *key_id,
			  const char *reason)
{
	char want[256], line[256];

	snprintf(want, sizeof(want), "%s cpu %s %s - 0 0 0 0 0 0 0 %s", state,
		 ecache_cpu_driver(et->vol->unkeyed), key_id, reason);
	ecache_emit_info(et->vol, line, sizeof(line));
	KUNIT_EXPECT_STREQ(test, want, line);
}

static void test_status_line(struct kunit *test)
{
	static const char id[] = "e3d2739397fac6456a02a512b4212cc1";
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	const char *why;

	expect_status(test, et, "LOCKED", "-", "new");
	message(test, et, "key set " HEX_KEY, NULL, &why);
	expect_status(test, et, "ACTIVE", id, "key-set");
	message(test, et, "key wipe", NULL, &why);
	expect_status(test, et, "LOCKED", id, "key-wipe");
	message(test, et, "key revoke", NULL, &why);
	expect_status(test, et, "REVOKED", id, "key-revoke");
}

static void test_status_sums_all_cpus(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	char want[256], line[256];
	unsigned int cpu, n = 0;

	for_each_possible_cpu(cpu) {
		struct ecache_stats *s = per_cpu_ptr(et->vol->stats, cpu);

		*s = (struct ecache_stats){ .reads = 1, .writes = 2, .read_sectors = 3, .write_sectors = 4,
					    .inline_reads = 5, .deferred_reads = 6, .errors = 7 };
		n++;
	}
	snprintf(want, sizeof(want), "LOCKED cpu %s - - %u %u %u %u %u %u %u new",
		 ecache_cpu_driver(et->vol->unkeyed), n, 2 * n, 3 * n, 4 * n, 5 * n, 6 * n, 7 * n);
	ecache_emit_info(et->vol, line, sizeof(line));
	KUNIT_EXPECT_STREQ(test, want, line);
}

static struct kunit_case message_cases[] = {
	KUNIT_CASE(test_key_messages),
	KUNIT_CASE_PARAM(test_refuses_unknown_messages, unknown_gen_params),
	KUNIT_CASE(test_wipes_the_argument),
	KUNIT_CASE(test_status_line),
	KUNIT_CASE(test_status_sums_all_cpus),
	{}
};

struct kunit_suite ecache_message_suite = {
	.name = "ecache_message",
	.test_cases = message_cases,
};
