// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
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

static void sts_is_elsewhere_only_at_aws(void **state)
{
	struct endpoint kms, sts;

	(void)state;
	assert_int_equal(endpoint_parse("https://vpce-1.kms.eu-west-1.vpce.amazonaws.com", "eu-west-1", &kms, NULL), 0);
	assert_int_equal(endpoint_service(&kms, "sts", "eu-west-1", &sts, NULL), 0);
	assert_string_equal(sts.url, "https://sts.eu-west-1.amazonaws.com");
	assert_int_equal(endpoint_parse("unix:/k", "eu-west-1", &kms, NULL), 0);
	assert_int_equal(endpoint_service(&kms, "sts", "eu-west-1", &sts, NULL), 0);
	assert_string_equal(sts.unix_path, "/k");
	assert_string_equal(sts.host, "localhost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints),
		cmocka_unit_test(plain_http_stays_on_this_host),
		cmocka_unit_test(what_is_not_an_endpoint_is_refused),
		cmocka_unit_test(sts_is_elsewhere_only_at_aws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
