// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: what each does, what is refused, and that nothing of a key stays behind.
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

/* Whatever a word is: it may be a key in the wrong place. A refused message leaves none. */
static void test_wipes_every_word_of_a_refused_message(struct kunit *test)
{
	static const char * const lines[] = {
		"key", HEX_KEY, HEX_KEY " key set", "key " HEX_KEY " set", "key set " HEX_KEY " " HEX_KEY,
		"key renew " HEX_KEY, "key renew 60", "key renew", "stats " HEX_KEY, "set " HEX_KEY " key stats",
	};
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	char *argv[8], *copy, *at;
	const char *why;
	unsigned int i, argc, len;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		len = strlen(lines[i]) + 1;
		copy = kunit_kzalloc(test, len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, copy);
		memcpy(copy, lines[i], len);
		for (argc = 0, at = copy; at; argc++)
			argv[argc] = strsep(&at, " ");
		KUNIT_EXPECT_GT(test, 0, ecache_message_run(et, argc, argv, NULL, 0, &why));
		KUNIT_EXPECT_NULL_MSG(test, memchr_inv(copy, 0, len), "%s", lines[i]);
	}
}

/* dm's answer lies where the question did. */
static void test_answer_over_the_question_stays(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	char *buffer = kunit_kzalloc(test, 2048, GFP_KERNEL), *argv[] = { buffer };
	const char *why;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	strscpy(buffer, "stats", 2048);
	KUNIT_ASSERT_EQ(test, 1, ecache_message_run(et, 1, argv, buffer, 2048, &why));
	KUNIT_EXPECT_NOT_NULL(test, strstr(buffer, "reads 0\n"));
}

struct renewal {
	const char *seconds;
	int result;
};

static const struct renewal renewals[] = {
	{ "1", 0 }, { "60", 0 }, { "060", 0 }, { "31622400", 0 },
	{ "0", -EINVAL }, { "31622401", -EINVAL }, { "4294967356", -EINVAL }, { "99999999999999999999", -EINVAL },
	{ "-1", -EINVAL }, { "+60", -EINVAL }, { "0x10", -EINVAL }, { "60s", -EINVAL }, { "s", -EINVAL },
	{ "6.0", -EINVAL },
};

static void renewal_to_desc(const struct renewal *r, char *desc)
{
	strscpy(desc, r->seconds, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(renewal, renewals, renewal_to_desc);

static void test_renew_takes_plain_seconds(struct kunit *test)
{
	const struct renewal *r = test->param_value;
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	const char *why = NULL;
	char line[64];
	ktime_t end;

	snprintf(line, sizeof(line), "key renew %s", r->seconds);
	KUNIT_EXPECT_EQ_MSG(test, r->result ?: -ENOKEY, message(test, et, line, NULL, &why), "LOCKED");
	et->lease = 600;
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	end = et->vol->lease_end;
	KUNIT_EXPECT_EQ(test, r->result, message(test, et, line, NULL, &why));
	if (r->result)
		KUNIT_EXPECT_EQ(test, end, et->vol->lease_end);
	else
		KUNIT_EXPECT_NE(test, end, et->vol->lease_end);
}

/* A message may come from whom swap on this volume waits for: only logon keys with it. */
static void test_queue_if_locked_takes_logon_keys_only(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	const char *why;

	KUNIT_EXPECT_EQ(test, -ENOKEY, message(test, et, "key set :64:user:ecache-kunit:none", NULL, &why));
	et->queue_if_locked = true;
	KUNIT_EXPECT_EQ(test, -EINVAL, message(test, et, "key set :64:user:ecache-kunit:none", NULL, &why));
	KUNIT_EXPECT_NOT_NULL(test, strstr(why, "logon"));
	KUNIT_EXPECT_EQ(test, -ENOKEY, message(test, et, "key set :64:logon:ecache-kunit:none", NULL, &why));
}

static atomic_t nr_ended;

static void count_end(struct bio *bio)
{
	if (bio->bi_status == BLK_STS_IOERR)
		atomic_inc(&nr_ended);
}

/* Revoked: what waits for a key never gets one. A wipe leaves it waiting. */
static void test_revoke_ends_what_waits(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	struct bio bio;
	const char *why;

	et->queue_if_locked = true;
	ecache_hold_start(et);
	bio_init(&bio, NULL, NULL, 0, REQ_OP_READ);
	bio.bi_end_io = count_end;
	atomic_set(&nr_ended, 0);
	KUNIT_ASSERT_TRUE(test, ecache_hold(et, &bio));
	KUNIT_EXPECT_EQ(test, 0, message(test, et, "key wipe", NULL, &why));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&nr_ended));
	KUNIT_EXPECT_EQ(test, 0, message(test, et, "key revoke", NULL, &why));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&nr_ended));
}

static struct kunit_case message_cases[] = {
	KUNIT_CASE(test_key_messages),
	KUNIT_CASE_PARAM(test_refuses_unknown_messages, unknown_gen_params),
	KUNIT_CASE(test_wipes_the_argument),
	KUNIT_CASE(test_wipes_every_word_of_a_refused_message),
	KUNIT_CASE(test_answer_over_the_question_stays),
	KUNIT_CASE_PARAM(test_renew_takes_plain_seconds, renewal_gen_params),
	KUNIT_CASE(test_queue_if_locked_takes_logon_keys_only),
	KUNIT_CASE(test_revoke_ends_what_waits),
	{}
};

struct kunit_suite ecache_message_suite = {
	.name = "ecache_message",
	.test_cases = message_cases,
};
