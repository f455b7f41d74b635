// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "../common/test.h"
#include "arn.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void key_arns(void **state)
{
	static const char *const good[] = {
		"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
		"arn:aws-cn:kms:cn-north-1:000000000000:key/A",
	};
	static const char *const bad[] = {
		"", "arn", "key/1234", "alias/x", "arn:aws:kms:eu-west-1:111122223333:alias/x",
		"arn:aws:kms:eu-west-1:111122223333:key/", "arn:aws:kms:eu-west-1:11112222333:key/a",
		"arn:aws:kms:eu-west-1:1111222233334:key/a", "arn:aws:kms:eu-west-1:11112222333a:key/a",
		"arn:aws:kms::111122223333:key/a", "arn::kms:eu-west-1:111122223333:key/a",
		"arn:aws:s3:eu-west-1:111122223333:key/a", "Arn:aws:kms:eu-west-1:111122223333:key/a",
		"arn:aws:kms:eu-west-1:111122223333:key/a b", "arn:aws:kms:eu-west-1:111122223333:key/a:b",
		"arn:aws:kms:eu-west-1:111122223333:key/a/b", "arn:aws:kms:EU-WEST-1:111122223333:key/a",
		"arn:aws:kms:eu-west-1:111122223333:key/a\n", " arn:aws:kms:eu-west-1:111122223333:key/a",
	};
	struct err e = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		assert_int_equal(arn_check_key(good[i], &e), 0);
	for (i = 0; i < COUNT(bad); i++) {
		if (arn_check_key(bad[i], &e) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void names_of_keys(void **state)
{
	static const char *const good[] = {
		"1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab", "alias/aws/elasticache",
		"alias/My_key-1", "arn:aws:kms:eu-west-1:111122223333:alias/caches",
		"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
	};
	static const char *const bad[] = {
		"", "alias/", "Alias/x", "alias/a b", "alias/a:b", "a b", "key/1234", "1234 # mine",
		"arn:aws:kms:eu-west-1:111122223333:alias/", "arn:aws:kms:eu-west-1:11112222333:alias/x",
		"arn:aws:kms:eu-west-1:111122223333:key/", "arn:aws:iam::111122223333:role/x", "arn:", "arn:aws:kms",
	};
	struct err e = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		assert_int_equal(arn_check_key_name(good[i], &e), 0);
	for (i = 0; i < COUNT(bad); i++) {
		if (arn_check_key_name(bad[i], &e) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void principal_arns(void **state)
{
	static const char *const good[] = {
		"arn:aws:iam::111122223333:role/cache-host", "arn:aws:iam::111122223333:user/team/a.b+c=d,e@f_g",
	};
	static const char *const bad[] = {
		"", "cache-host", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/",
		"arn:aws:iam::111122223333:role/a/", "arn:aws:iam::111122223333:role//a",
		"arn:aws:iam::111122223333:group/a",
		"arn:aws:iam:eu-west-1:111122223333:role/a", "arn:aws:sts::111122223333:assumed-role/a/b",
		"arn:aws:iam::111122223333:role/a b", "arn:aws:iam::*:role/a", "arn:aws:iam::111122223333:role/*",
	};
	char longest[400];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		assert_int_equal(arn_check_principal(good[i], NULL), 0);
	for (i = 0; i < COUNT(bad); i++) {
		if (arn_check_principal(bad[i], NULL) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
	strcpy(longest, "arn:aws:iam::111122223333:role/");
	memset(longest + strlen(longest), 'a', ARN_PRINCIPAL_MAX - strlen(longest));
	longest[ARN_PRINCIPAL_MAX] = '\0';
	assert_int_equal(arn_check_principal(longest, NULL), 0);
	longest[ARN_PRINCIPAL_MAX] = 'a';
	longest[ARN_PRINCIPAL_MAX + 1] = '\0';
	assert_int_equal(arn_check_principal(longest, NULL), -EINVAL);
}

static void regions(void **state)
{
	static const char key[] = "arn:aws:kms:eu-west-1:111122223333:key/a";

	(void)state;
	assert_int_equal(arn_check_region("eu-west-1", NULL), 0);
	assert_int_equal(arn_check_region("", NULL), -EINVAL);
	assert_int_equal(arn_check_region("evil.example/", NULL), -EINVAL);
	assert_true(arn_in_region(key, "eu-west-1"));
	assert_false(arn_in_region(key, "eu-west-2"));
	assert_false(arn_in_region(key, "eu-west-11"));
	assert_false(arn_in_region(key, "eu-west-"));
	assert_false(arn_in_region(key, ""));
	assert_false(arn_in_region("rubbish", "eu-west-1"));
}

static void a_session_is_its_role(void **state)
{
	static const char *const bad[] = {
		"arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:federated-user/x",
		"arn:aws:sts::111122223333:assumed-role/admin", "arn:aws:sts::111122223333:assumed-role//x",
		"rubbish", "",
	};
	char out[ARN_PRINCIPAL_MAX + 1];
	size_t i;

	(void)state;
	assert_int_equal(arn_principal_of_caller("arn:aws:sts::111122223333:assumed-role/admin/alice", out, sizeof(out),
						 NULL), 0);
	assert_string_equal(out, "arn:aws:iam::111122223333:role/admin");
	assert_int_equal(arn_principal_of_caller("arn:aws:iam::111122223333:user/x/alice", out, sizeof(out), NULL), 0);
	assert_string_equal(out, "arn:aws:iam::111122223333:user/x/alice");
	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(arn_principal_of_caller(bad[i], out, sizeof(out), NULL), -EINVAL);
	assert_int_equal(arn_principal_of_caller("arn:aws:sts::111122223333:assumed-role/admin/alice", out, 36, NULL),
			 -ENOSPC);
	assert_int_equal(arn_principal_of_caller("arn:aws:iam::111122223333:user/alice", out, 36, NULL), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_arns),
		cmocka_unit_test(names_of_keys),
		cmocka_unit_test(principal_arns),
		cmocka_unit_test(regions),
		cmocka_unit_test(a_session_is_its_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
