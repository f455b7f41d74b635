// SPDX-License-Identifier: GPL-2.0
/*
 * The table line: what is accepted, what is refused and why, and that printing and parsing
 * are inverse.
 */
#include <linux/random.h>
#include <linux/string.h>

#include "ecache_kunit.h"

#define MAX_WORDS 16

/* Parses a copy of @line; the device name, if any, into @dev. */
static int parse(struct kunit *test, struct ecache_target *et, const char *line, char *dev, char **error)
{
	char *copy = kunit_kzalloc(test, strlen(line) + 1, GFP_KERNEL), *word;
	char *argv[MAX_WORDS];
	unsigned int argc = 0;
	const char *name = "";
	int r;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	strscpy(copy, line, strlen(line) + 1);
	while ((word = strsep(&copy, " ")) != NULL && argc < MAX_WORDS)
		if (*word)
			argv[argc++] = word;
	memset(et, 0, sizeof(*et));
	*error = NULL;
	r = ecache_parse(et, argc, argv, &name, error);
	if (!r && dev)
		strscpy(dev, name, 64);
	return r;
}

struct accepted {
	const char *line;
	const char *canonical;	/* NULL: the line itself */
};

static const struct accepted accepted_lines[] = {
	{ "aes-xts-plain64 64 0 /dev/sdb 0" },
	{ "aes-xts-plain64 32 18446744073709551615 8:16 2048" },
	{ "aes-xts-plain64 64 0 8:16 2048 1 sector_size:4096" },
	{ "aes-xts-plain64 64 0 8:16 2048 0", "aes-xts-plain64 64 0 8:16 2048" },
	{ "aes-xts-plain64 64 0 8:16 2048 1 sector_size:512", "aes-xts-plain64 64 0 8:16 2048" },
	{ "aes-xts-plain64 064 00 8:16 02048", "aes-xts-plain64 64 0 8:16 2048" },
	{ "aes-xts-plain64 64 8 8:16 0 6 cache_id:a_B-9 key_id:00112233445566778899AABBCCDDEEFF "
	  "engine:cpu allow_discards iv_large_sectors sector_size:2048",
	  "aes-xts-plain64 64 8 8:16 0 6 sector_size:2048 iv_large_sectors allow_discards engine:cpu "
	  "key_id:00112233445566778899aabbccddeeff cache_id:a_B-9" },
};

static void accepted_to_desc(const struct accepted *a, char *desc)
{
	strscpy(desc, a->line, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(accepted, accepted_lines, accepted_to_desc);

static void test_accepts_and_prints_canonically(struct kunit *test)
{
	const struct accepted *a = test->param_value;
	const char *want = a->canonical ?: a->line;
	struct ecache_target et;
	char printed[512], dev[64], *error;

	KUNIT_ASSERT_EQ_MSG(test, 0, parse(test, &et, a->line, dev, &error), "%s", error);
	ecache_emit(&et, dev, printed, sizeof(printed));
	KUNIT_EXPECT_STREQ(test, want, printed);

	KUNIT_ASSERT_EQ(test, 0, parse(test, &et, printed, dev, &error));
	ecache_emit(&et, dev, printed, sizeof(printed));
	KUNIT_EXPECT_STREQ(test, want, printed);
}

struct refused {
	const char *line;
	const char *error;	/* a part of it */
};

static const struct refused refused_lines[] = {
	{ "", "Not enough arguments" },
	{ "aes-xts-plain64 64 0 8:16", "Not enough arguments" },
	{ "aes-cbc-plain64 64 0 8:16 0", "cipher" },
	{ "aes-xts-plain64x 64 0 8:16 0", "cipher" },
	{ "aes-xts-plain 64 0 8:16 0", "cipher" },
	{ "aes-xts-plain64 0 0 8:16 0", "key size" },
	{ "aes-xts-plain64 16 0 8:16 0", "key size" },
	{ "aes-xts-plain64 48 0 8:16 0", "key size" },
	{ "aes-xts-plain64 128 0 8:16 0", "key size" },
	{ "aes-xts-plain64 64k 0 8:16 0", "key size" },
	{ "aes-xts-plain64 -64 0 8:16 0", "key size" },
	{ "aes-xts-plain64 +64 0 8:16 0", "key size" },
	{ "aes-xts-plain64 0x40 0 8:16 0", "key size" },
	{ "aes-xts-plain64 64 -1 8:16 0", "iv_offset" },
	{ "aes-xts-plain64 64 18446744073709551616 8:16 0", "iv_offset" },
	{ "aes-xts-plain64 64 0 8:16 x", "offset" },
	{ "aes-xts-plain64 64 0 8:16 0x", "offset" },
	{ "aes-xts-plain64 64 0 8:16 18446744073709551616", "offset" },
	{ "aes-xts-plain64 64 0 8:16 0 1", "Number of options" },
	{ "aes-xts-plain64 64 0 8:16 0 2 allow_discards", "Number of options" },
	{ "aes-xts-plain64 64 0 8:16 0 0 allow_discards", "Number of options" },
	{ "aes-xts-plain64 64 0 8:16 0 -1 allow_discards", "Number of options" },
	{ "aes-xts-plain64 64 0 8:16 0 allow_discards", "Number of options" },
	{ "aes-xts-plain64 64 0 8:16 0 1 sector_size:0", "sector_size" },
	{ "aes-xts-plain64 64 0 8:16 0 1 sector_size:256", "sector_size" },
	{ "aes-xts-plain64 64 0 8:16 0 1 sector_size:1536", "sector_size" },
	{ "aes-xts-plain64 64 0 8:16 0 1 sector_size:8192", "sector_size" },
	{ "aes-xts-plain64 64 0 8:16 0 1 sector_size:4294967808", "sector_size" },
	{ "aes-xts-plain64 64 0 8:16 0 1 sector_size:", "sector_size" },
	{ "aes-xts-plain64 64 0 8:16 0 1 sector_size", "Unknown option" },
	{ "aes-xts-plain64 64 0 8:16 0 1 allow_discards:1", "Unknown option" },
	{ "aes-xts-plain64 64 0 8:16 0 1 allow_discard", "Unknown option" },
	{ "aes-xts-plain64 64 0 8:16 0 1 ALLOW_DISCARDS", "Unknown option" },
	{ "aes-xts-plain64 64 0 8:16 0 2 allow_discards allow_discards", "twice" },
	{ "aes-xts-plain64 64 0 8:16 0 2 sector_size:512 sector_size:4096", "twice" },
	{ "aes-xts-plain64 64 0 8:16 0 1 engine:accel", "engine" },
	{ "aes-xts-plain64 64 0 8:16 0 1 engine:", "engine" },
	{ "aes-xts-plain64 64 0 8:16 0 1 key_id:0011", "key_id" },
	{ "aes-xts-plain64 64 0 8:16 0 1 key_id:00112233445566778899aabbccddeefff", "key_id" },
	{ "aes-xts-plain64 64 0 8:16 0 1 key_id:00112233445566778899aabbccddeefg", "key_id" },
	{ "aes-xts-plain64 64 0 8:16 0 1 cache_id:", "cache_id" },
	{ "aes-xts-plain64 64 0 8:16 0 1 cache_id:a,b", "cache_id" },
	{ "aes-xts-plain64 64 0 8:16 0 1 "
	  "cache_id:12345678901234567890123456789012345678901234567890123456789012345", "cache_id" },
};

static void refused_to_desc(const struct refused *r, char *desc)
{
	strscpy(desc, r->line, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(refused, refused_lines, refused_to_desc);

static void test_refuses_and_says_why(struct kunit *test)
{
	const struct refused *r = test->param_value;
	struct ecache_target et;
	char *error;

	KUNIT_ASSERT_EQ(test, -EINVAL, parse(test, &et, r->line, NULL, &error));
	KUNIT_ASSERT_NOT_NULL(test, error);
	KUNIT_EXPECT_TRUE_MSG(test, strstr(error, r->error), "says \"%s\"", error);
}

/* Any fields print to a line that parses to the same fields. */
static void test_round_trip_of_random_fields(struct kunit *test)
{
	char first[512], second[512], dev[64], *error;
	struct ecache_target a, b;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		memset(&a, 0, sizeof(a));
		a.cipher = ecache_cipher_find("aes-xts-plain64");
		a.engine = &ecache_engine_cpu;
		a.key_size = get_random_u32_below(2) ? 32 : 64;
		a.sector_size = 512 << get_random_u32_below(4);
		a.start = get_random_u64();
		a.iv_offset = get_random_u64();
		a.iv_large_sectors = get_random_u32_below(2);
		a.allow_discards = get_random_u32_below(2);
		a.engine_given = get_random_u32_below(2);
		a.key_id_given = get_random_u32_below(2);
		if (a.key_id_given)
			get_random_bytes(a.key_id, sizeof(a.key_id));
		if (get_random_u32_below(2))
			memset(a.cache_id, 'c', 1 + get_random_u32_below(ECACHE_CACHE_ID_MAX));

		ecache_emit(&a, "253:7", first, sizeof(first));
		KUNIT_ASSERT_EQ_MSG(test, 0, parse(test, &b, first, dev, &error), "%s: %s", first, error);
		ecache_emit(&b, dev, second, sizeof(second));
		KUNIT_ASSERT_STREQ(test, first, second);
		KUNIT_ASSERT_EQ(test, a.sector_size / 512 - 1, b.sector_mask);
		KUNIT_ASSERT_EQ(test, a.iv_large_sectors ? ilog2(a.sector_size) - 9 : 0, b.iv_shift);
	}
}

/* dm gives us a buffer that may be too small: the line is cut, nothing behind it is written. */
static void test_emit_stays_in_its_buffer(struct kunit *test)
{
	struct ecache_target et;
	char whole[256], cut[256], *error;
	unsigned int size, len;

	KUNIT_ASSERT_EQ(test, 0, parse(test, &et, accepted_lines[6].line, NULL, &error));
	len = ecache_emit(&et, "8:16", whole, sizeof(whole));
	for (size = 1; size <= len; size++) {
		memset(cut, 'x', sizeof(cut));
		ecache_emit(&et, "8:16", cut, size);
		KUNIT_ASSERT_EQ(test, strlen(cut), size - 1);
		KUNIT_ASSERT_EQ(test, 0, memcmp(cut, whole, size - 1));
		KUNIT_ASSERT_EQ(test, 'x', cut[size]);
	}
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE_PARAM(test_accepts_and_prints_canonically, accepted_gen_params),
	KUNIT_CASE_PARAM(test_refuses_and_says_why, refused_gen_params),
	KUNIT_CASE(test_round_trip_of_random_fields),
	KUNIT_CASE(test_emit_stays_in_its_buffer),
	{}
};

struct kunit_suite ecache_table_suite = {
	.name = "ecache_table",
	.test_cases = table_cases,
};
