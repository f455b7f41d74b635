// SPDX-License-Identifier: GPL-2.0-or-later
/* Names: which are taken, which are made, and how an ARN comes apart. */
#include "common/test.h"

#include <string.h>

#include "ident.h"

static void forms(void **state)
{
	static const struct {
		bool (*ok)(const char *s);
		const char *text;
		bool want;
	} cases[] = {
		{ ident_account_ok, "123456789012", true },
		{ ident_account_ok, "1234567890123", false },
		{ ident_account_ok, "12345678901", false },
		{ ident_account_ok, "12345678901a", false },
		{ ident_account_ok, "", false },
		{ ident_region_ok, "local-1", true },
		{ ident_region_ok, "us-gov-west-1", true },
		{ ident_region_ok, "1local", false },
		{ ident_region_ok, "local-", false },
		{ ident_region_ok, "Local", false },
		{ ident_region_ok, "", false },
		{ ident_key_id_ok, "332306ac-4b7e-4114-9282-8ecf0d4e9a24", true },
		{ ident_key_id_ok, "332306AC-4b7e-4114-9282-8ecf0d4e9a24", false },
		{ ident_key_id_ok, "332306ac04b7e-4114-9282-8ecf0d4e9a24", false },
		{ ident_key_id_ok, "332306ac-4b7e-4114-9282-8ecf0d4e9a2", false },
		{ ident_key_id_ok, "-32306ac-4b7e-4114-9282-8ecf0d4e9a24", false },
		{ ident_principal_name_ok, "a", true },
		{ ident_principal_name_ok, "A.b_c-d+e=f,g@h", true },
		{ ident_principal_name_ok, "", false },
		{ ident_principal_name_ok, ".hidden", false },
		{ ident_principal_name_ok, "-option", false },
		{ ident_principal_name_ok, "../x", false },
		{ ident_principal_name_ok, "a/b", false },
		{ ident_principal_name_ok, "a]b", false },
		{ ident_principal_name_ok, "a\nb", false },
		{ ident_principal_name_ok, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
		{ ident_principal_name_ok, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
		{ ident_alias_ok, "alias/x", true },
		{ ident_alias_ok, "alias/", false },
		{ ident_alias_ok, "x", false },
		{ ident_alias_ok, "alias/x y", false },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (cases[i].ok(cases[i].text) != cases[i].want)
			fail_msg("case %u: \"%s\"", i, cases[i].text);
}

static void what_is_made_has_the_form(void **state)
{
	char account[ACCOUNT_SIZE], id[KEY_ID_SIZE], hex[HEX_ID_SIZE], access_key[ACCESS_KEY_SIZE],
		other[ACCESS_KEY_SIZE];
	char secret[SECRET_KEY_SIZE], unique[UNIQUE_ID_SIZE];

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(ident_new_account(account), 0);
		assert_true(ident_account_ok(account) && account[0] != '0');
		assert_int_equal(ident_new_uuid(id), 0);
		assert_true(ident_key_id_ok(id) && id[14] == '4' && strchr("89ab", id[19]));
		assert_int_equal(ident_new_hex(hex), 0);
		assert_true(ident_hex_id_ok(hex));
		assert_int_equal(ident_new_access_key(access_key), 0);
		assert_int_equal(strlen(access_key), 20);
		assert_int_equal(ident_new_access_key(other), 0);
		assert_string_not_equal(access_key, other);
		assert_int_equal(ident_new_secret_key(secret), 0);
		assert_int_equal(strlen(secret), 40);
		assert_int_equal(ident_new_unique_id(true, unique), 0);
		assert_int_equal(strncmp(unique, "AROA", 4), 0);
		assert_int_equal(strlen(unique), 21);
	}
}

static void arns_come_apart(void **state)
{
	static const char *const bad[] = {
		"", "arn", "arn:", "arn:aws:kms:r:1", "arn:aws:kms:r:1:", "urn:aws:kms:r:1:key/x"
	};
	struct arn arn;

	(void)state;
	assert_true(arn_parse("arn:aws:kms:local-1:123456789012:key/a:b", &arn));
	assert_string_equal(arn.partition, "aws");
	assert_string_equal(arn.service, "kms");
	assert_string_equal(arn.region, "local-1");
	assert_string_equal(arn.account, "123456789012");
	assert_string_equal(arn.resource, "key/a:b");
	assert_true(arn_parse("arn:aws:iam::123456789012:root", &arn));
	assert_string_equal(arn.region, "");
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(arn_parse(bad[i], &arn));
	assert_false(arn_parse("arn:a-partition-with-a-long-name:kms:r:1:x", &arn));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(what_is_made_has_the_form),
		cmocka_unit_test(arns_come_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
