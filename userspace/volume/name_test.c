// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "name.h"

#define UUID "01234567-89ab-4cde-8f01-23456789abcd"

static char *repeat(char *buf, size_t n)
{
	memset(buf, 'a', n);
	buf[n] = '\0';
	return buf;
}

static void volume_names(void **state)
{
	static const char *const good[] = { "a", "0", "cache-1", "a_b", "z9-_", "controls" };
	static const char *const bad[] = { "", "-a", "_a", "A", "a b", "a/b", "..", "a.b", "a,b", "a;b", "\xc3\xa4",
					   "a\n", "control" };
	char buf[80];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(volume_name_check(good[i], NULL), 0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(volume_name_check(bad[i], &e), -EINVAL);
		assert_int_equal(e.rc, -EINVAL);
		assert_non_null(strstr(e.what, "volume name"));
	}
	assert_int_equal(volume_name_check(repeat(buf, 63), NULL), 0);
	assert_int_equal(volume_name_check(repeat(buf, 64), NULL), -EINVAL);
}

static void cache_ids(void **state)
{
	char buf[80];

	(void)state;
	assert_int_equal(cache_id_check("Tenant-7_x", NULL), 0);
	assert_int_equal(cache_id_check(UUID, NULL), 0);
	assert_int_equal(cache_id_check("", NULL), -EINVAL);
	assert_int_equal(cache_id_check("-x", NULL), -EINVAL);
	assert_int_equal(cache_id_check("a:b", NULL), -EINVAL);
	assert_int_equal(cache_id_check(repeat(buf, 64), NULL), 0);
	assert_int_equal(cache_id_check(repeat(buf, 65), NULL), -EINVAL);
}

static void only_lowercase_version_4_uuids(void **state)
{
	static const char *const bad[] = {
		"", "01234567-89ab-4cde-8f01-23456789abc", "01234567-89ab-4cde-8f01-23456789abcdd",
		"01234567-89AB-4cde-8f01-23456789abcd", "01234567-89ab-1cde-8f01-23456789abcd",
		"01234567-89ab-4cde-7f01-23456789abcd", "0123456-789ab-4cde-8f01-23456789abcd",
		"g1234567-89ab-4cde-8f01-23456789abcd",
	};
	char uuid[LUKS_UUID_LEN + 1];
	size_t i;

	(void)state;
	assert_int_equal(luks_uuid_check(UUID, NULL), 0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(luks_uuid_check(bad[i], NULL), -EINVAL);
	for (i = 0; i < 100; i++) {
		luks_uuid_make(uuid);
		assert_int_equal(luks_uuid_check(uuid, NULL), 0);
	}
}

static void key_arns_never_aliases(void **state)
{
	static const char *const good[] = {
		"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"arn:aws-cn:kms:cn-north-1:000000000000:key/mrk-1234abcd12ab34cd56ef1234567890ab",
	};
	static const char *const bad[] = {
		"", "arn:aws:kms:us-east-1:123456789012:alias/x", "arn:aws:kms:us-east-1:12345678901:key/x",
		"arn:aws:kms:us-east-1:1234567890123:key/x", "arn:aws:kms::123456789012:key/x",
		"arn::kms:us-east-1:123456789012:key/x", "arn:aws:sqs:us-east-1:123456789012:key/x",
		"arn:aws:kms:us-east-1:123456789012:key/", "arn:aws:kms:us-east-1:123456789012:key/a/b",
		"arn:aws:kms:us-east-1:123456789012:key/a b", "arn:aws:kms:us.evil.com/:123456789012:key/a",
		" arn:aws:kms:us-east-1:123456789012:key/x", "1234abcd-12ab-34cd-56ef-1234567890ab",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(key_arn_check(good[i], NULL), 0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(key_arn_check(bad[i], NULL), -EINVAL);
}

static void dm_uuid_round_trip(void **state)
{
	static const char *const bad[] = {
		"", "ECACHE-", "ECACHE-" UUID, "ECACHE-" UUID "-", "ECACHE-" UUID "-A", "ecache-" UUID "-a",
		"CRYPT-LUKS2-" UUID "-a", "ECACHE-" UUID "_a", "ECACHE-" UUID "-control",
	};
	char buf[80], out[DM_UUID_MAX + 1], uuid[LUKS_UUID_LEN + 1], name[VOLUME_NAME_MAX + 1], longer[200];
	size_t i;

	(void)state;
	repeat(buf, 63);
	dm_uuid_make(UUID, buf, out);
	assert_int_equal(strlen(out), DM_UUID_MAX);
	assert_int_equal(dm_uuid_parse(out, uuid, name), 0);
	assert_string_equal(uuid, UUID);
	assert_string_equal(name, buf);
	snprintf(longer, sizeof(longer), "%sa", out);
	assert_int_equal(dm_uuid_parse(longer, uuid, name), -EINVAL);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(dm_uuid_parse(bad[i], uuid, name), -EINVAL);
}

static void grant_names(void **state)
{
	char out[GRANT_NAME_MAX + 1], id[80];

	(void)state;
	grant_name_make("c1", "volume", out);
	assert_string_equal(out, "ecache:c1:volume");
	grant_name_make(repeat(id, 64), "backup-" UUID, out);
	assert_int_equal(strlen(out), 7 + 64 + 1 + 7 + 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volume_names),
		cmocka_unit_test(cache_ids),
		cmocka_unit_test(only_lowercase_version_4_uuids),
		cmocka_unit_test(key_arns_never_aliases),
		cmocka_unit_test(dm_uuid_round_trip),
		cmocka_unit_test(grant_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
