// SPDX-License-Identifier: GPL-2.0
/*
 * Keys: their names, and where a message's argument finds them.
 */
#include <linux/cred.h>
#include <linux/key.h>
#include <linux/string.h>

#include "ecache_kunit.h"

/*
 * The id is part of tables and headers on disk: it must never change. Computed with
 * sha256sum.
 */
static void test_key_id_is_the_documented_hash(struct kunit *test)
{
	static const u8 want64[] = {
		0xe3, 0xd2, 0x73, 0x93, 0x97, 0xfa, 0xc6, 0x45,
		0x6a, 0x02, 0xa5, 0x12, 0xb4, 0x21, 0x2c, 0xc1,
	};
	static const u8 want32[] = {
		0xbd, 0xdd, 0x0d, 0xf4, 0x47, 0x11, 0x1c, 0x46,
		0x34, 0x05, 0x69, 0xd0, 0x5b, 0xce, 0x40, 0xde,
	};
	u8 key[64], id[ECACHE_KEY_ID_SIZE];
	unsigned int i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = i;
	ecache_key_id(key, 64, id);
	KUNIT_EXPECT_MEMEQ(test, want64, id, sizeof(id));
	ecache_key_id(key, 32, id);
	KUNIT_EXPECT_MEMEQ(test, want32, id, sizeof(id));
}

static void test_parse_hex(struct kunit *test)
{
	char hex[2 * ECACHE_MAX_KEY_SIZE + 2];
	u8 key[ECACHE_MAX_KEY_SIZE], want[ECACHE_MAX_KEY_SIZE];
	const char *why;

	ecache_kunit_key(want, 64, 1);
	snprintf(hex, sizeof(hex), "%*phN", 64, want);
	KUNIT_ASSERT_EQ(test, 0, ecache_key_parse(hex, key, 64, false, &why));
	KUNIT_EXPECT_MEMEQ(test, want, key, 64);

	KUNIT_EXPECT_EQ(test, -EINVAL, ecache_key_parse(hex, key, 32, false, &why));
	hex[127] = '\0';
	KUNIT_EXPECT_EQ(test, -EINVAL, ecache_key_parse(hex, key, 64, false, &why));
	hex[127] = 'g';
	KUNIT_EXPECT_EQ(test, -EINVAL, ecache_key_parse(hex, key, 64, false, &why));
	KUNIT_EXPECT_STREQ(test, "the key is not hex", why);
	KUNIT_EXPECT_NULL_MSG(test, memchr_inv(key, 0, sizeof(key)), "part of a refused key is left");
}

struct bad_keyring {
	const char *arg;
	int error;
};

static const struct bad_keyring bad_keyring_args[] = {
	{ ":", -EINVAL }, { "::", -EINVAL }, { ":64", -EINVAL }, { ":64:", -EINVAL }, { ":64:logon", -EINVAL },
	{ ":64:logon:", -EINVAL }, { ":64::name", -EINVAL }, { "::logon:name", -EINVAL }, { ":x:logon:name", -EINVAL },
	{ ":-64:logon:name", -EINVAL }, { ":+64:logon:name", -EINVAL }, { ":32:logon:name", -EINVAL },
	{ ":64 :logon:name", -EINVAL }, { ":00000000000000000064:logon:name", -EINVAL },
	{ ":64:asymmetric:name", -EINVAL }, { ":64:LOGON:name", -EINVAL },
	{ ":64:averyveryverylongtype:name", -EINVAL },
	{ ":64:logon:ecache-kunit:no-such-key", -ENOKEY }, { ":64:user:ecache-kunit-no-such-key", -ENOKEY },
};

static void bad_keyring_to_desc(const struct bad_keyring *b, char *desc)
{
	strscpy(desc, b->arg, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_keyring, bad_keyring_args, bad_keyring_to_desc);

static void test_refuses_wrong_keyring_names(struct kunit *test)
{
	const struct bad_keyring *b = test->param_value;
	u8 key[ECACHE_MAX_KEY_SIZE];
	const char *why = NULL;

	memset(key, 0xaa, sizeof(key));
	KUNIT_EXPECT_EQ(test, b->error, ecache_key_parse(b->arg, key, 64, false, &why));
	KUNIT_EXPECT_NOT_NULL(test, why);
	KUNIT_EXPECT_NULL(test, memchr_inv(key, 0, 64));
}

static void test_hex_of_either_case(struct kunit *test)
{
	u8 key[ECACHE_MAX_KEY_SIZE];
	const char *why;

	KUNIT_EXPECT_EQ(test, 0, ecache_key_parse("00FFaaAAbBBb0123456789abcdefABCD", key, 16, false, &why));
	KUNIT_EXPECT_EQ(test, 0xff, key[1]);
	KUNIT_EXPECT_EQ(test, 0xbb, key[4]);
	KUNIT_EXPECT_EQ(test, -EINVAL, ecache_key_parse("", key, 16, false, &why));
	KUNIT_EXPECT_NULL(test, memchr_inv(key, 0, 16));
}

static void put_keyring(void *keyring)
{
	key_put(keyring);
}

/* This thread's session keyring; empty. Gone with the thread. */
static struct key *session(struct kunit *test)
{
	struct cred *cred;
	struct key *ring;

	ring = keyring_alloc("ecache-kunit", GLOBAL_ROOT_UID, GLOBAL_ROOT_GID, current_cred(),
			     KEY_POS_ALL | KEY_USR_ALL, KEY_ALLOC_NOT_IN_QUOTA, NULL, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ring));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_keyring, ring));
	cred = prepare_creds();
	KUNIT_ASSERT_NOT_NULL(test, cred);
	key_put(cred->session_keyring);
	cred->session_keyring = key_get(ring);
	commit_creds(cred);
	return ring;
}

static struct key *add_key(struct kunit *test, struct key *ring, const char *type, const char *name, const void *data,
			   size_t size)
{
	key_ref_t ref = key_create_or_update(make_key_ref(ring, 1), type, name, data, size, KEY_POS_ALL | KEY_USR_ALL,
					     KEY_ALLOC_NOT_IN_QUOTA);

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(ref), "%s %s: %ld", type, name, PTR_ERR(ref));
	return key_ref_to_ptr(ref);
}

struct keyring_type {
	const char *type, *arg, *wrong_size;
};

static const struct keyring_type keyring_types[] = {
	{ "logon", ":64:logon:ecache-kunit:key", ":32:logon:ecache-kunit:key" },
	{ "user", ":64:user:ecache-kunit:key", ":32:user:ecache-kunit:key" },
};

static void keyring_to_desc(const struct keyring_type *k, char *desc)
{
	strscpy(desc, k->type, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(keyring, keyring_types, keyring_to_desc);

/* The payload, the whole payload, and only while the keyring would give it. */
static void test_reads_the_keyring(struct kunit *test)
{
	const struct keyring_type *k = test->param_value;
	u8 want[ECACHE_MAX_KEY_SIZE], key[ECACHE_MAX_KEY_SIZE];
	struct key *ring = session(test), *added;
	const char *why = NULL;

	ecache_kunit_key(want, 64, 5);
	added = add_key(test, ring, k->type, "ecache-kunit:key", want, 64);
	memset(key, 0, sizeof(key));
	KUNIT_EXPECT_EQ(test, 0, ecache_key_parse(k->arg, key, 64, false, &why));
	KUNIT_EXPECT_MEMEQ(test, want, key, 64);

	KUNIT_EXPECT_EQ_MSG(test, -EINVAL, ecache_key_parse(k->wrong_size, key, 32, false, &why), "a part of it");
	KUNIT_EXPECT_STREQ(test, "the keyring key's size is not the table's", why);
	KUNIT_EXPECT_NULL(test, memchr_inv(key, 0, 32));

	key_revoke(added);
	KUNIT_EXPECT_EQ(test, -EKEYREVOKED, ecache_key_parse(k->arg, key, 64, false, &why));
	KUNIT_EXPECT_NULL(test, memchr_inv(key, 0, 64));
	key_put(added);
}

static void test_logon_only(struct kunit *test)
{
	u8 want[ECACHE_MAX_KEY_SIZE], key[ECACHE_MAX_KEY_SIZE];
	struct key *ring = session(test);
	const char *why;

	ecache_kunit_key(want, 64, 5);
	key_put(add_key(test, ring, "logon", "ecache-kunit:key", want, 64));
	key_put(add_key(test, ring, "user", "ecache-kunit:key", want, 64));
	KUNIT_EXPECT_EQ(test, 0, ecache_key_parse(":64:logon:ecache-kunit:key", key, 64, true, &why));
	KUNIT_EXPECT_MEMEQ(test, want, key, 64);
	KUNIT_EXPECT_EQ(test, -EINVAL, ecache_key_parse(":64:user:ecache-kunit:key", key, 64, true, &why));
	KUNIT_EXPECT_NOT_NULL(test, strstr(why, "logon"));
}

/* Made by the kernel itself: nobody has its bytes to compare with. */
static void test_reads_an_encrypted_key(struct kunit *test)
{
	static const char blob[] = "new user:ecache-kunit-master 64";
	u8 master[32], key[ECACHE_MAX_KEY_SIZE], again[ECACHE_MAX_KEY_SIZE];
	struct key *ring;
	const char *why;

	if (!IS_REACHABLE(CONFIG_ENCRYPTED_KEYS))
		kunit_skip(test, "no encrypted keys in this kernel");
	ring = session(test);
	ecache_kunit_key(master, sizeof(master), 7);
	key_put(add_key(test, ring, "user", "ecache-kunit-master", master, sizeof(master)));
	key_put(add_key(test, ring, "encrypted", "ecache-kunit-key", blob, sizeof(blob) - 1));
	memset(key, 0, sizeof(key));
	KUNIT_EXPECT_EQ(test, 0, ecache_key_parse(":64:encrypted:ecache-kunit-key", key, 64, false, &why));
	KUNIT_EXPECT_NOT_NULL(test, memchr_inv(key, 0, 64));
	KUNIT_EXPECT_EQ(test, 0, ecache_key_parse(":64:encrypted:ecache-kunit-key", again, 64, false, &why));
	KUNIT_EXPECT_MEMEQ(test, key, again, 64);
	KUNIT_EXPECT_EQ(test, -EINVAL, ecache_key_parse(":32:encrypted:ecache-kunit-key", key, 32, false, &why));
	KUNIT_EXPECT_NULL(test, memchr_inv(key, 0, 32));
}

static struct kunit_case key_cases[] = {
	KUNIT_CASE(test_key_id_is_the_documented_hash),
	KUNIT_CASE(test_parse_hex),
	KUNIT_CASE(test_hex_of_either_case),
	KUNIT_CASE_PARAM(test_refuses_wrong_keyring_names, bad_keyring_gen_params),
	KUNIT_CASE_PARAM(test_reads_the_keyring, keyring_gen_params),
	KUNIT_CASE(test_logon_only),
	KUNIT_CASE(test_reads_an_encrypted_key),
	{}
};

struct kunit_suite ecache_key_suite = {
	.name = "ecache_key",
	.test_cases = key_cases,
};
