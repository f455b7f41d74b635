// SPDX-License-Identifier: GPL-2.0
/*
 * The ciphers and engines that a table can name, and the IV that ESSIV makes.
 */
#include <linux/string.h>

#include "ecache_kunit.h"
#include "inline.h"

struct named_cipher {
	const char *name;
	bool takes[ECACHE_MAX_KEY_SIZE / 8 + 2];	/* by key size / 8 */
	unsigned int iv_size;
	bool essiv, reads_twice;
};

static const struct named_cipher named_ciphers[] = {
	{ "aes-xts-plain64", { [4] = true, [8] = true }, 16, false, false },
	{ "aes-cbc-essiv:sha256", { [2] = true, [3] = true, [4] = true }, 16, true, false },
	{ "xchacha12,aes-adiantum-plain64", { [4] = true }, 32, false, true },
};

static void cipher_to_desc(const struct named_cipher *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(cipher, named_ciphers, cipher_to_desc);

static void test_cipher(struct kunit *test)
{
	const struct named_cipher *want = test->param_value;
	const struct ecache_cipher *cipher = ecache_cipher_find(want->name);
	unsigned int size;

	KUNIT_ASSERT_NOT_NULL(test, cipher);
	KUNIT_EXPECT_STREQ(test, want->name, cipher->name);
	KUNIT_EXPECT_EQ(test, want->iv_size, cipher->iv_size);
	KUNIT_EXPECT_EQ(test, want->essiv, cipher->essiv);
	KUNIT_EXPECT_EQ(test, want->reads_twice, cipher->reads_twice);
	for (size = 0; size <= ECACHE_MAX_KEY_SIZE + 8; size++)
		KUNIT_EXPECT_EQ_MSG(test, !(size & 7) && want->takes[size / 8], ecache_cipher_takes_key(cipher, size),
				    "%u bytes", size);
}

static void test_no_other_cipher(struct kunit *test)
{
	static const char * const names[] = {
		"", "aes", "aes-xts", "aes-xts-plain", "aes-xts-plain64 ", "AES-XTS-PLAIN64", "aes-xts-plain64be",
		"aes-cbc-essiv", "aes-cbc-essiv:sha1", "aes-cbc-plain64", "xchacha20,aes-adiantum-plain64",
		"capi:xts(aes)-plain64", "serpent-xts-plain64",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		KUNIT_EXPECT_NULL_MSG(test, ecache_cipher_find(names[i]), "'%s'", names[i]);
}

static void test_engines(struct kunit *test)
{
	char *error = NULL;

	KUNIT_EXPECT_PTR_EQ(test, &ecache_engine_cpu, ecache_engine_find("cpu", &error));
	KUNIT_EXPECT_PTR_EQ(test, &ecache_engine_accel, ecache_engine_find("accel", &error));
	KUNIT_EXPECT_PTR_EQ(test, ecache_engine_inline(), ecache_engine_find("inline", &error));
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(error, "blk-crypto"), "says what it needs, where it is not there");
	error = NULL;
	KUNIT_EXPECT_NULL(test, ecache_engine_find("gpu", &error));
	KUNIT_EXPECT_NOT_NULL(test, error);
	KUNIT_EXPECT_NULL(test, ecache_engine_find("", &error));
	KUNIT_EXPECT_NULL(test, ecache_engine_find("CPU", &error));
}

/* Computed with openssl: AES-256-ECB of the sector under the SHA-256 of the key. */
static void test_essiv_is_the_known_answer(struct kunit *test)
{
	static const u8 want[] = {
		0xe7, 0x6e, 0xd9, 0x70, 0xc5, 0x5c, 0xb9, 0xdb,
		0xcd, 0xd7, 0x9f, 0xd7, 0x1b, 0x62, 0x58, 0xaa,
	};
	__le64 iv[2] = { cpu_to_le64(0x0102030405060708ULL) };
	struct ecache_essiv *essiv;
	u8 key[32];

	ecache_kunit_key(key, sizeof(key), 1);
	essiv = ecache_essiv_alloc(key, sizeof(key));
	KUNIT_ASSERT_NOT_NULL(test, essiv);
	ecache_essiv_iv(essiv, iv);
	KUNIT_EXPECT_MEMEQ(test, want, (u8 *)iv, sizeof(want));
	ecache_essiv_free(essiv);
	ecache_essiv_free(NULL);
}

static struct kunit_case cipher_cases[] = {
	KUNIT_CASE_PARAM(test_cipher, cipher_gen_params),
	KUNIT_CASE(test_no_other_cipher),
	KUNIT_CASE(test_engines),
	KUNIT_CASE(test_essiv_is_the_known_answer),
	{}
};

struct kunit_suite ecache_cipher_suite = {
	.name = "ecache_cipher",
	.test_cases = cipher_cases,
};
