// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/test.h"
#include "endpoint.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void endpoints(void **state)
{
	static const struct {
		const char *text, *region, *url, *host, *unix_path;
		bool local, aws;
	} good[] = {
		{ NULL, "eu-west-1", "https://kms.eu-west-1.amazonaws.com", "kms.eu-west-1.amazonaws.com", "", false, true },
		{ NULL, "cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn", "kms.cn-north-1.amazonaws.com.cn", "",
			false, true },
		{ "unix:/run/ecache-kmsd/kms.sock", "r", "http://localhost", "localhost", "/run/ecache-kmsd/kms.sock", true,
			false },
		{ "http://127.0.0.1:7000", "r", "http://127.0.0.1:7000", "127.0.0.1:7000", "", true, false },
		{ "http://[::1]:7000/", "r", "http://[::1]:7000", "[::1]:7000", "", true, false },
		{ "https://kms.example.org", "r", "https://kms.example.org", "kms.example.org", "", false, false },
		{ "https://kms.example.org:8443/", "r", "https://kms.example.org:8443", "kms.example.org:8443", "", false,
			false },
		{ "https://vpce-1.kms.us-east-1.vpce.amazonaws.com", "r", "https://vpce-1.kms.us-east-1.vpce.amazonaws.com",
			"vpce-1.kms.us-east-1.vpce.amazonaws.com", "", false, true },
		{ "https://KMS.eu-west-1.API.aws", "r", "https://KMS.eu-west-1.API.aws", "KMS.eu-west-1.API.aws", "", false,
			true },
		{ "https://amazonaws.com", "r", "https://amazonaws.com", "amazonaws.com", "", false, false },
		{ "https://x.notamazonaws.com", "r", "https://x.notamazonaws.com", "x.notamazonaws.com", "", false,
			false },
		{ "https://127.0.0.1:1", "r", "https://127.0.0.1:1", "127.0.0.1:1", "", true, false },
	};
	struct endpoint ep;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(endpoint_parse(good[i].text, good[i].region, &ep, &e), 0);
		assert_string_equal(ep.url, good[i].url);
		assert_string_equal(ep.host, good[i].host);
		assert_string_equal(ep.unix_path, good[i].unix_path);
		assert_int_equal(ep.local, good[i].local);
		assert_int_equal(ep.aws, good[i].aws);
	}
}

/* The key's plaintext would cross a network in the clear. */
static void plain_http_stays_on_this_host(void **state)
{
	static const char *const bad[] = {
		"http://10.0.0.1:7000", "http://kms.example.org", "http://localhost:7000", "http://127.0.0.1.example.org",
		"http://127.0.0.2", "http://[::2]:1", "http://[::ffff:127.0.0.1]:1", "http://127.0.0.1@example.org",
	};
	struct endpoint ep;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		struct err e = ERR_INIT;

		if (endpoint_parse(bad[i], "r", &ep, &e) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void what_is_not_an_endpoint_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "kms.example.org", "unix:", "unix:relative", "ftp://x", "https://", "https://x/path", "https://x?q", "https://:1",
		"https://x:", "https://x:0", "https://x:65536", "https://x:1a", "https://u:p@x", "https://[::1", "https://x y",
		"file:///etc/shadow", "HTTPS://x", "https://x//", "https://[]", "https://x\r\nHost: y",
	};
	char too_long[400] = "https://";
	struct endpoint ep;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		struct err e = ERR_INIT;

		if (endpoint_parse(bad[i], "r", &ep, &e) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_true(*e.what);
	}
	memset(too_long + 8, 'a', 300);
	assert_int_equal(endpoint_parse(too_long, "r", &ep, NULL), -EINVAL);
	memcpy(too_long, "unix:///", 8);
	assert_int_equal(endpoint_parse(too_long, "r", &ep, NULL), -EINVAL);
	assert_int_equal(endpoint_parse(NULL, "evil.example/", &ep, NULL), -EINVAL);
}

static int setup(void **state)
{
	static const char *const names[] = {
		"AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL", "AWS_USE_FIPS_ENDPOINT",
		"AWS_USE_DUALSTACK_ENDPOINT",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
	return 0;
}

/* What botocore 1.43 makes of the same: its rule sets for kms and sts, its partitions.json. */
static void aws_hosts_follow_the_partition_of_the_region(void **state)
{
	static const struct {
		const char *region;
		bool fips, dualstack;
		const char *kms, *sts;
	} want[] = {
		{ "eu-west-1", false, false, "kms.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com" },
		{ "eu-west-1", false, true, "kms.eu-west-1.api.aws", "sts.eu-west-1.api.aws" },
		{ "us-east-1", true, false, "kms-fips.us-east-1.amazonaws.com", "sts-fips.us-east-1.amazonaws.com" },
		{ "us-east-1", true, true, "kms-fips.us-east-1.api.aws", "sts-fips.us-east-1.api.aws" },
		{ "xx-new-9", false, false, "kms.xx-new-9.amazonaws.com", "sts.xx-new-9.amazonaws.com" },
		{ "cn-north-1", false, false, "kms.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn" },
		{ "cn-north-1", false, true, "kms.cn-north-1.api.amazonwebservices.com.cn",
			"sts.cn-north-1.api.amazonwebservices.com.cn" },
		{ "us-gov-west-1", false, false, "kms.us-gov-west-1.amazonaws.com", "sts.us-gov-west-1.amazonaws.com" },
		{ "us-gov-west-1", true, false, "kms-fips.us-gov-west-1.amazonaws.com",
			"sts.us-gov-west-1.amazonaws.com" },
		{ "us-iso-east-1", true, false, "kms-fips.us-iso-east-1.c2s.ic.gov",
			"sts-fips.us-iso-east-1.c2s.ic.gov" },
		{ "us-isob-east-1", false, true, "kms.us-isob-east-1.api.aws.scloud",
			"sts.us-isob-east-1.api.aws.scloud" },
		{ "eu-isoe-west-1", false, false, "kms.eu-isoe-west-1.cloud.adc-e.uk",
			"sts.eu-isoe-west-1.cloud.adc-e.uk" },
		{ "us-isof-south-1", false, false, "kms.us-isof-south-1.csp.hci.ic.gov",
			"sts.us-isof-south-1.csp.hci.ic.gov" },
		{ "eusc-de-east-1", false, false, "kms.eusc-de-east-1.amazonaws.eu",
			"sts.eusc-de-east-1.amazonaws.eu" },
	};
	struct endpoint kms, sts;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(want); i++) {
		const struct endpoint_config c = { .fips = want[i].fips, .dualstack = want[i].dualstack };

		assert_int_equal(endpoint_resolve(&c, want[i].region, &kms, &sts, NULL), 0);
		assert_string_equal(kms.host, want[i].kms);
		assert_string_equal(sts.host, want[i].sts);
		assert_true(kms.aws && sts.aws && !kms.local);
		assert_int_equal(strncmp(sts.url, "https://sts", 11), 0);
	}
}

static void sts_is_elsewhere_only_at_aws(void **state)
{
	struct endpoint_config c = { .kms = "https://vpce-1.kms.eu-west-1.vpce.amazonaws.com" };
	struct endpoint kms, sts;

	(void)state;
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), 0);
	assert_string_equal(kms.host, "vpce-1.kms.eu-west-1.vpce.amazonaws.com");
	assert_string_equal(sts.url, "https://sts.eu-west-1.amazonaws.com");
	c.sts = "https://vpce-2.sts.eu-west-1.vpce.amazonaws.com";
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), 0);
	assert_string_equal(sts.host, "vpce-2.sts.eu-west-1.vpce.amazonaws.com");
	c = (struct endpoint_config){ .kms = "unix:/k" };
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), 0);
	assert_string_equal(sts.unix_path, "/k");
	assert_string_equal(sts.host, "localhost");
	c.sts = "http://10.0.0.1";
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), -EINVAL);
}

static void the_environment_comes_after_the_configuration(void **state)
{
	struct endpoint_config c = { .environment = true };
	struct err e = ERR_INIT;
	struct endpoint kms, sts;

	(void)state;
	setenv("AWS_ENDPOINT_URL", "https://all.example.org", 1);
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), 0);
	assert_string_equal(kms.host, "all.example.org");
	assert_string_equal(sts.host, "all.example.org");
	setenv("AWS_ENDPOINT_URL_KMS", "https://kms.example.org", 1);
	setenv("AWS_ENDPOINT_URL_STS", "https://sts.example.org", 1);
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), 0);
	assert_string_equal(kms.host, "kms.example.org");
	assert_string_equal(sts.host, "sts.example.org");
	c.sts = "unix:/s";
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), 0);
	assert_string_equal(kms.host, "kms.example.org");
	assert_string_equal(sts.unix_path, "/s");
	/* who names a KMS means its STS, too, not that of somebody's shell */
	c = (struct endpoint_config){ .environment = true, .kms = "unix:/k" };
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), 0);
	assert_string_equal(kms.unix_path, "/k");
	assert_string_equal(sts.unix_path, "/k");
	/* a daemon looks at none of it */
	c = (struct endpoint_config){ 0 };
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), 0);
	assert_string_equal(kms.host, "kms.eu-west-1.amazonaws.com");
	c.environment = true;
	setenv("AWS_ENDPOINT_URL_KMS", "ftp://x", 1);
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, &e), -EINVAL);
	assert_non_null(strstr(e.what, "AWS_ENDPOINT_URL_KMS"));
	setenv("AWS_ENDPOINT_URL_KMS", "", 1);
	setenv("AWS_ENDPOINT_URL", "", 1);
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), 0);
	assert_string_equal(kms.host, "kms.eu-west-1.amazonaws.com");
}

static void variants_are_of_aws_only(void **state)
{
	struct endpoint_config c = { .kms = "unix:/k", .fips = true };
	struct endpoint kms, sts;

	(void)state;
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), -EINVAL);
	c = (struct endpoint_config){ .kms = "https://kms.eu-west-1.amazonaws.com", .dualstack = true };
	assert_int_equal(endpoint_resolve(&c, "eu-west-1", &kms, &sts, NULL), -EINVAL);
	setenv("AWS_USE_FIPS_ENDPOINT", "True", 1);
	setenv("AWS_USE_DUALSTACK_ENDPOINT", "true", 1);
	c = (struct endpoint_config){ .environment = true };
	assert_int_equal(endpoint_resolve(&c, "us-east-2", &kms, &sts, NULL), 0);
	assert_string_equal(kms.host, "kms-fips.us-east-2.api.aws");
	setenv("AWS_USE_DUALSTACK_ENDPOINT", "false", 1);
	assert_int_equal(endpoint_resolve(&c, "us-east-2", &kms, &sts, NULL), 0);
	assert_string_equal(kms.host, "kms-fips.us-east-2.amazonaws.com");
	/* of somebody's shell, not about the KMS that the configuration names */
	c.kms = "unix:/k";
	assert_int_equal(endpoint_resolve(&c, "us-east-2", &kms, &sts, NULL), 0);
	c.kms = NULL;
	setenv("AWS_ENDPOINT_URL", "https://all.example.org", 1);
	assert_int_equal(endpoint_resolve(&c, "us-east-2", &kms, &sts, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints),
		cmocka_unit_test(plain_http_stays_on_this_host),
		cmocka_unit_test(what_is_not_an_endpoint_is_refused),
		cmocka_unit_test_setup(aws_hosts_follow_the_partition_of_the_region, setup),
		cmocka_unit_test_setup(sts_is_elsewhere_only_at_aws, setup),
		cmocka_unit_test_setup(the_environment_comes_after_the_configuration, setup),
		cmocka_unit_test_setup(variants_are_of_aws_only, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
