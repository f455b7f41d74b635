// SPDX-License-Identifier: GPL-2.0
/*
 * Keys and the states of a volume.
 */
#include <linux/rcupdate.h>
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

static struct kunit_case key_cases[] = {
	KUNIT_CASE(test_key_id_is_the_documented_hash),
	KUNIT_CASE(test_parse_hex),
	KUNIT_CASE_PARAM(test_refuses_wrong_keyring_names, bad_keyring_gen_params),
	{}
};

struct kunit_suite ecache_key_suite = {
	.name = "ecache_key",
	.test_cases = key_cases,
};

static int set(struct ecache_target *et, u8 seed)
{
	u8 key[ECACHE_MAX_KEY_SIZE];
	const char *why;

	ecache_kunit_key(key, et->key_size, seed);
	return min(ecache_volume_set_key(et, key, et->key_size, &why), 0);
}

/* Every state, every event. */
static void test_states(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	struct ecache_volume *vol = et->vol;
	u64 first;

	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, vol->state);
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_epoch(vol));
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_end_key(vol, ECACHE_WHY_KEY_WIPE));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, vol->state);

	KUNIT_EXPECT_EQ(test, 0, set(et, 1));
	KUNIT_EXPECT_EQ(test, ECACHE_ACTIVE, vol->state);
	first = ecache_volume_epoch(vol);
	KUNIT_EXPECT_NE(test, 0, first);

	KUNIT_EXPECT_EQ_MSG(test, 0, set(et, 1), "the same key again is a no-op");
	KUNIT_EXPECT_EQ(test, first, ecache_volume_epoch(vol));
	KUNIT_EXPECT_EQ_MSG(test, -EKEYREJECTED, set(et, 2), "another key on ACTIVE");
	KUNIT_EXPECT_EQ(test, first, ecache_volume_epoch(vol));

	KUNIT_EXPECT_EQ(test, 1, ecache_volume_end_key(vol, ECACHE_WHY_KEY_WIPE));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, vol->state);
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_epoch(vol));
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_end_key(vol, ECACHE_WHY_KEY_WIPE));

	KUNIT_EXPECT_EQ_MSG(test, -EKEYREJECTED, set(et, 2), "the first key pinned the id");
	KUNIT_EXPECT_EQ(test, 0, set(et, 1));
	KUNIT_EXPECT_GT_MSG(test, ecache_volume_epoch(vol), first, "the same key set anew is another epoch");

	KUNIT_EXPECT_EQ(test, 1, ecache_volume_revoke(vol));
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKED, vol->state);
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_revoke(vol));
	KUNIT_EXPECT_EQ_MSG(test, -EKEYREVOKED, set(et, 1), "revoked is for ever");
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_end_key(vol, ECACHE_WHY_KEY_WIPE));
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKED, vol->state);
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_epoch(vol));
}

static void test_revoke_of_a_locked_volume(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);

	KUNIT_EXPECT_EQ(test, 1, ecache_volume_revoke(et->vol));
	KUNIT_EXPECT_EQ(test, -EKEYREVOKED, set(et, 1));
}

static void test_refuses_weak_and_wrong_size(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	u8 key[ECACHE_MAX_KEY_SIZE];
	const char *why;

	memset(key, 0x5a, sizeof(key));
	KUNIT_EXPECT_EQ_MSG(test, -EINVAL, ecache_volume_set_key(et, key, 64, &why), "equal halves");
	ecache_kunit_key(key, 64, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, ecache_volume_set_key(et, key, 32, &why));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, et->vol->state);
	KUNIT_EXPECT_FALSE_MSG(test, et->vol->key_id_known, "a refused key must not pin the volume");
}

static void test_key_id_of_the_table(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_target(test, 32, 512);
	u8 key[ECACHE_MAX_KEY_SIZE];
	char *error;

	ecache_kunit_key(key, 32, 9);
	ecache_key_id(key, 32, et->key_id);
	et->key_id_given = true;
	et->vol = ecache_volume_get((struct mapped_device *)et, et, &error);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, et->vol);
	KUNIT_EXPECT_EQ(test, -EKEYREJECTED, set(et, 8));
	KUNIT_EXPECT_EQ(test, 0, set(et, 9));
	ecache_volume_put(et->vol);
}

/* A reload: the new table joins the volume, the old one leaves; key, state and epoch stay. */
static void test_reload_keeps_key_and_revocation(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_target(test, 64, 4096);
	struct mapped_device *md = (struct mapped_device *)et;
	struct ecache_volume *vol;
	char *error;
	u64 epoch;

	et->vol = ecache_volume_get(md, et, &error);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, et->vol);
	KUNIT_ASSERT_EQ(test, 0, set(et, 1));
	epoch = ecache_volume_epoch(et->vol);

	vol = ecache_volume_get(md, et, &error);
	KUNIT_EXPECT_PTR_EQ(test, et->vol, vol);
	ecache_volume_put(vol);
	KUNIT_EXPECT_EQ(test, epoch, ecache_volume_epoch(et->vol));

	ecache_volume_revoke(et->vol);
	vol = ecache_volume_get(md, et, &error);
	KUNIT_EXPECT_PTR_EQ(test, et->vol, vol);
	ecache_volume_put(vol);
	KUNIT_EXPECT_EQ(test, -EKEYREVOKED, set(et, 1));
	ecache_volume_put(et->vol);

	vol = ecache_volume_get(md, et, &error);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vol);
	KUNIT_EXPECT_EQ_MSG(test, ECACHE_LOCKED, vol->state, "the state ends with the last table");
	ecache_volume_put(vol);
}

static void test_tables_that_may_not_join(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	struct mapped_device *md = (struct mapped_device *)et;
	struct ecache_target other = *et;
	char *error = NULL;

	other.start = 8;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	KUNIT_EXPECT_NOT_NULL(test, error);
	other = *et;
	other.iv_offset = 8;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	other = *et;
	other.key_size = 32;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	other = *et;
	other.sector_size = 512;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	other = *et;
	other.iv_large_sectors = true;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	other = *et;
	other.key_id_given = true;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	KUNIT_EXPECT_EQ_MSG(test, 1, et->vol->tables, "a refused table holds no reference");
}

static struct kunit_case volume_cases[] = {
	KUNIT_CASE(test_states),
	KUNIT_CASE(test_revoke_of_a_locked_volume),
	KUNIT_CASE(test_refuses_weak_and_wrong_size),
	KUNIT_CASE(test_key_id_of_the_table),
	KUNIT_CASE(test_reload_keeps_key_and_revocation),
	KUNIT_CASE(test_tables_that_may_not_join),
	{}
};

struct kunit_suite ecache_volume_suite = {
	.name = "ecache_volume",
	.test_cases = volume_cases,
};
