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
	{ "aes-cbc-essiv:sha256 16 0 8:16 0" },
	{ "aes-cbc-essiv:sha256 24 0 8:16 0" },
	{ "aes-cbc-essiv:sha256 32 0 8:16 0" },
	{ "xchacha12,aes-adiantum-plain64 32 0 8:16 0" },
	{ "aes-xts-plain64 64 0 8:16 0 1 engine:inline" },
	{ "aes-xts-plain64 64 0 8:16 0 2 engine:accel driver:cryptd(__xts-aes-aesni)" },
	{ "aes-xts-plain64 64 0 8:16 0 2 driver:xts_aes-qat engine:accel",
	  "aes-xts-plain64 64 0 8:16 0 2 engine:accel driver:xts_aes-qat" },
	{ "aes-xts-plain64 64 0 8:16 0 1 lease:1" },
	{ "aes-xts-plain64 64 0 8:16 0 1 lease:31622400" },
	{ "aes-xts-plain64 64 0 8:16 0 1 lease:0", "aes-xts-plain64 64 0 8:16 0" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked:1" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked:86400" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked:060", "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked:60" },
	{ "aes-xts-plain64 64 0 8:16 0 1 "
	  "cache_id:1234567890123456789012345678901234567890123456789012345678901234" },
	/* All of them, backwards. */
	{ "aes-xts-plain64 64 8 8:16 0 9 cache_id:c queue_if_locked:5 lease:60 key_id:000102030405060708090a0b0c0d0e0f "
	  "driver:d engine:accel allow_discards iv_large_sectors sector_size:4096",
	  "aes-xts-plain64 64 8 8:16 0 9 sector_size:4096 iv_large_sectors allow_discards engine:accel driver:d "
	  "key_id:000102030405060708090a0b0c0d0e0f lease:60 queue_if_locked:5 cache_id:c" },
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
	{ "aes-cbc-essiv:sha256 64 0 8:16 0", "key size" },
	{ "aes-cbc-essiv:sha256 0 0 8:16 0", "key size" },
	{ "aes-cbc-essiv 32 0 8:16 0", "cipher" },
	{ "xchacha12,aes-adiantum-plain64 64 0 8:16 0", "key size" },
	{ "xchacha12,aes-adiantum-plain64 16 0 8:16 0", "key size" },
	{ "xchacha20,aes-adiantum-plain64 32 0 8:16 0", "cipher" },
	{ "aes-xts-plain64 64 0 8:16 0 10 sector_size:512 iv_large_sectors allow_discards engine:accel driver:d "
	  "key_id:00112233445566778899aabbccddeeff lease:1 queue_if_locked cache_id:c cache_id:c",
	  "Number of options" },
	{ "aes-xts-plain64 64 0 8:16 0 1 engine:", "engine" },
	{ "aes-xts-plain64 64 0 8:16 0 1 engine:gpu", "engine" },
	{ "aes-xts-plain64 64 0 8:16 0 1 engine:CPU", "engine" },
	{ "aes-xts-plain64 64 0 8:16 0 1 engine", "Unknown option" },
	{ "aes-xts-plain64 64 0 8:16 0 2 engine:cpu engine:cpu", "twice" },
	{ "aes-xts-plain64 64 0 8:16 0 1 engine:accel", "driver" },
	{ "aes-xts-plain64 64 0 8:16 0 1 driver:d", "driver" },
	{ "aes-xts-plain64 64 0 8:16 0 2 engine:cpu driver:d", "driver" },
	{ "aes-xts-plain64 64 0 8:16 0 2 engine:inline driver:d", "driver" },
	{ "aes-xts-plain64 64 0 8:16 0 2 engine:accel driver:", "Invalid driver" },
	{ "aes-xts-plain64 64 0 8:16 0 2 engine:accel driver:xts,aes", "Invalid driver" },
	{ "aes-xts-plain64 64 0 8:16 0 2 engine:accel driver:../d", "Invalid driver" },
	{ "aes-xts-plain64 64 0 8:16 0 2 engine:accel "
	  "driver:12345678901234567890123456789012345678901234567890123456789012345678901234567890"
	  "123456789012345678901234567890123456789012345678", "Invalid driver" },
	{ "aes-xts-plain64 64 0 8:16 0 1 lease:", "lease" },
	{ "aes-xts-plain64 64 0 8:16 0 1 lease:-1", "lease" },
	{ "aes-xts-plain64 64 0 8:16 0 1 lease:60s", "lease" },
	{ "aes-xts-plain64 64 0 8:16 0 1 lease:31622401", "lease" },
	{ "aes-xts-plain64 64 0 8:16 0 1 lease:4294967356", "lease" },
	{ "aes-xts-plain64 64 0 8:16 0 1 lease", "Unknown option" },
	{ "aes-xts-plain64 64 0 8:16 0 2 lease:0 lease:60", "twice" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked:", "Unknown option" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked:0", "queue_if_locked" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked:86401", "queue_if_locked" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked:4294967297", "queue_if_locked" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked:+1", "queue_if_locked" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_locked:1m", "queue_if_locked" },
	{ "aes-xts-plain64 64 0 8:16 0 1 queue_if_lockedx", "Unknown option" },
	{ "aes-xts-plain64 64 0 8:16 0 2 queue_if_locked queue_if_locked:1", "twice" },
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

static void random_name(char *to, unsigned int max, const char *letters)
{
	unsigned int len = 1 + get_random_u32_below(max), i;

	for (i = 0; i < len; i++)
		to[i] = letters[get_random_u32_below(strlen(letters))];
	to[len] = '\0';
}

static void random_cipher(struct ecache_target *et)
{
	static const struct {
		const char *name;
		unsigned int key_size;
	} ciphers[] = {
		{ "aes-xts-plain64", 32 }, { "aes-xts-plain64", 64 }, { "aes-cbc-essiv:sha256", 16 },
		{ "aes-cbc-essiv:sha256", 24 }, { "aes-cbc-essiv:sha256", 32 },
		{ "xchacha12,aes-adiantum-plain64", 32 },
	};
	unsigned int i = get_random_u32_below(ARRAY_SIZE(ciphers));

	et->cipher = ecache_cipher_find(ciphers[i].name);
	et->key_size = ciphers[i].key_size;
}

static void random_engine(struct ecache_target *et)
{
	char *error;

	et->engine = &ecache_engine_cpu;
	et->engine_given = get_random_u32_below(2);
	if (!et->engine_given)
		return;
	switch (get_random_u32_below(3)) {
	case 1:
		et->engine = &ecache_engine_accel;
		random_name(et->driver, sizeof(et->driver) - 1, "azAZ09-_()");
		break;
	case 2:
		et->engine = ecache_engine_find("inline", &error) ?: &ecache_engine_cpu;
		break;
	}
}

static void random_fields(struct ecache_target *et)
{
	memset(et, 0, sizeof(*et));
	random_cipher(et);
	random_engine(et);
	et->sector_size = 512 << get_random_u32_below(4);
	et->start = get_random_u64();
	et->iv_offset = get_random_u64();
	et->iv_large_sectors = get_random_u32_below(2);
	et->allow_discards = get_random_u32_below(2);
	et->lease = get_random_u32_below(2) ? get_random_u32_below(ECACHE_LEASE_MAX + 1) : 0;
	et->queue_if_locked = get_random_u32_below(2);
	if (et->queue_if_locked && get_random_u32_below(2))
		et->hold_seconds = 1 + get_random_u32_below(ECACHE_HOLD_MAX);
	et->key_id_given = get_random_u32_below(2);
	if (et->key_id_given)
		get_random_bytes(et->key_id, sizeof(et->key_id));
	if (get_random_u32_below(2))
		random_name(et->cache_id, ECACHE_CACHE_ID_MAX, "azAZ09-_");
}

static void expect_equal(struct kunit *test, const struct ecache_target *a, const struct ecache_target *b)
{
	KUNIT_ASSERT_PTR_EQ(test, a->cipher, b->cipher);
	KUNIT_ASSERT_PTR_EQ(test, a->engine, b->engine);
	KUNIT_ASSERT_EQ(test, a->engine_given, b->engine_given);
	KUNIT_ASSERT_EQ(test, a->key_size, b->key_size);
	KUNIT_ASSERT_EQ(test, a->sector_size, b->sector_size);
	KUNIT_ASSERT_EQ(test, a->sector_size / 512 - 1, b->sector_mask);
	KUNIT_ASSERT_EQ(test, a->iv_large_sectors ? ilog2(a->sector_size) - 9 : 0, b->iv_shift);
	KUNIT_ASSERT_EQ(test, a->iv_large_sectors, b->iv_large_sectors);
	KUNIT_ASSERT_EQ(test, a->start, b->start);
	KUNIT_ASSERT_EQ(test, a->iv_offset, b->iv_offset);
	KUNIT_ASSERT_EQ(test, a->allow_discards, b->allow_discards);
	KUNIT_ASSERT_EQ(test, a->lease, b->lease);
	KUNIT_ASSERT_EQ(test, a->queue_if_locked, b->queue_if_locked);
	KUNIT_ASSERT_EQ(test, a->hold_seconds, b->hold_seconds);
	KUNIT_ASSERT_EQ(test, a->key_id_given, b->key_id_given);
	KUNIT_ASSERT_MEMEQ(test, a->key_id, b->key_id, sizeof(a->key_id));
	KUNIT_ASSERT_STREQ(test, a->driver, b->driver);
	KUNIT_ASSERT_STREQ(test, a->cache_id, b->cache_id);
}

/* Any fields print to a line that parses to the same fields. */
static void test_round_trip_of_random_fields(struct kunit *test)
{
	struct ecache_target *a = kunit_kzalloc(test, 2 * sizeof(*a), GFP_KERNEL), *b = a + 1;
	char line[512], dev[64], *error;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, a);
	for (i = 0; i < ecache_kunit_rounds(1000); i++) {
		random_fields(a);
		KUNIT_ASSERT_LT(test, ecache_emit(a, "253:7", line, sizeof(line)), sizeof(line) - 1);
		KUNIT_ASSERT_EQ_MSG(test, 0, parse(test, b, line, dev, &error), "%s: %s", line, error);
		KUNIT_ASSERT_STREQ(test, "253:7", dev);
		expect_equal(test, a, b);
	}
}

/* dm gives us a buffer that may be too small: the line is cut, nothing behind it is written. */
static void test_emit_stays_in_its_buffer(struct kunit *test)
{
	struct ecache_target et;
	char whole[256], cut[256], *error;
	unsigned int size, len;

	KUNIT_ASSERT_EQ(test, 0, parse(test, &et, accepted_lines[ARRAY_SIZE(accepted_lines) - 1].line, NULL, &error));
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
