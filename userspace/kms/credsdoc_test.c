// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/test.h"
#include "credsdoc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* In memory that ends where the text does. */
static int read_json(int (*read)(char *, size_t, struct found *, struct err *), const char *text, struct found *f,
		     char **copy)
{
	size_t len = strlen(text);

	*copy = malloc(len + !len);
	assert_non_null(*copy);
	memcpy(*copy, text, len);
	return read(*copy, len, f, NULL);
}

#define PAIR "\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"s\\/k+=\""

static void a_programs_document(void **state)
{
	static const char *const bad[] = {
		"", "{}", "[]", "{" PAIR "}", "{\"Version\":2," PAIR "}", "{\"Version\":\"1\"," PAIR "}",
		"{\"Version\":11," PAIR "}", "{\"Version\":1,\"AccessKeyId\":\"AK\"}", "{\"Version\":1," PAIR "} x",
		"{\"Version\":1," PAIR ",\"AccessKeyId\":\"B\"}", "{\"Version\":1," PAIR ",\"Expiration\":5}",
		"{\"Version\":1," PAIR ",\"Expiration\":\"soon\"}", "{\"Version\":1," PAIR ",\"SessionToken\":\"\\u0130\"}",
		"{\"Version\":1,\"SecretAccessKey\":null,\"AccessKeyId\":\"AK\"}",
	};
	struct found f;
	char *text;
	size_t i;

	(void)state;
	assert_int_equal(read_json(credsdoc_process, "{\"Version\":1," PAIR "}", &f, &text), 0);
	assert_true(span_is(&f.access_key_id, "AK"));
	assert_true(span_is(&f.secret_access_key, "s/k+="));
	assert_null(f.session_token.at);
	assert_int_equal(f.expires_s, 0);
	free(text);
	assert_int_equal(read_json(credsdoc_process, " {\"x\":[{}],\"Version\": 1 ," PAIR ",\"SessionToken\":\"t\","
				   "\"Expiration\":\"2026-11-26T14:00:00+00:00\"}\n", &f, &text), 0);
	assert_true(span_is(&f.session_token, "t"));
	assert_int_equal(f.expires_s, 1795701600);
	free(text);
	for (i = 0; i < COUNT(bad); i++) {
		if (read_json(credsdoc_process, bad[i], &f, &text) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		free(text);
	}
}

#define ALL PAIR ",\"Token\":\"t\",\"Expiration\":\"2026-11-26T14:00:00Z\""

static void an_endpoints_document(void **state)
{
	static const char *const bad[] = {
		"{" PAIR "}", "{" PAIR ",\"Token\":\"t\"}", "{\"Code\":\"Failed\"," ALL "}", "{\"Code\":1," ALL "}",
		"{\"Code\":\"Assume\\u0007\"," ALL "}", "<html>",
	};
	struct err e = ERR_INIT;
	struct found f;
	char *text, denied[] = "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"x\"}";
	size_t i;

	(void)state;
	assert_int_equal(read_json(credsdoc_endpoint, "{\"Code\":\"Success\"," ALL ",\"LastUpdated\":\"x\"}", &f,
				   &text), 0);
	assert_true(span_is(&f.session_token, "t"));
	assert_int_equal(f.expires_s, 1795701600);
	free(text);
	assert_int_equal(read_json(credsdoc_endpoint, "{\"RoleArn\":\"r\"," ALL "}", &f, &text), 0);
	free(text);
	for (i = 0; i < COUNT(bad); i++) {
		if (read_json(credsdoc_endpoint, bad[i], &f, &text) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		free(text);
	}
	assert_int_equal(credsdoc_endpoint(denied, strlen(denied), &f, &e), -EBADMSG);
	assert_non_null(strstr(e.what, "AssumeRoleUnauthorizedAccess"));
}

#define XML(inner) "<R><Credentials>\n" inner "</Credentials><User><Arn>a</Arn></User></R>"
#define FOUR "<AccessKeyId>AK</AccessKeyId><SecretAccessKey>s/+</SecretAccessKey><SessionToken>t==</SessionToken>" \
	"<Expiration>2026-11-26T14:00:00Z</Expiration>"

static void stss_document(void **state)
{
	static const char good[] = XML(FOUR);
	static const char *const bad[] = {
		"", FOUR, XML(""), XML(FOUR FOUR), XML(FOUR) XML(FOUR), "<Credentials>" FOUR,
		XML("<AccessKeyId>A&amp;</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
		    "<Expiration>2026-11-26T14:00:00Z</Expiration>"),
		XML("<AccessKeyId><b>A</b></AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
		    "<Expiration>2026-11-26T14:00:00Z</Expiration>"),
		XML("<AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
		    "<Expiration>never</Expiration>"),
	};
	struct found f;
	size_t i, len;
	char *text;

	(void)state;
	assert_int_equal(credsdoc_sts(good, strlen(good), &f, NULL), 0);
	assert_true(span_is(&f.access_key_id, "AK"));
	assert_true(span_is(&f.secret_access_key, "s/+"));
	assert_true(span_is(&f.session_token, "t=="));
	assert_int_equal(f.expires_s, 1795701600);
	for (i = 0; i < COUNT(bad); i++) {
		if (credsdoc_sts(bad[i], strlen(bad[i]), &f, NULL) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	}
	for (len = 0; len < strlen("<R><Credentials>\n" FOUR "</Credentials>"); len++) {
		text = malloc(len + 1);
		memcpy(text, good, len);
		assert_int_equal(credsdoc_sts(text, len, &f, NULL), -EBADMSG);
		free(text);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} good[] = {
		{ "1970-01-01T00:00:01Z", 1 }, { "2026-11-26T14:00:00Z", 1795701600 },
		{ "2026-11-26T14:00:00.999999Z", 1795701600 }, { "2026-11-26T15:30:00+01:30", 1795701600 },
		{ "2026-11-26T13:00:00-01:00", 1795701600 }, { "2038-01-19T03:14:08Z", 2147483648 },
	};
	static const char *const bad[] = {
		"", "2026-11-26", "2026-11-26T14:00:00", "2026-11-26 14:00:00Z", "2026-13-26T14:00:00Z", "2026-00-26T14:00:00Z",
		"2026-11-32T14:00:00Z", "2026-11-26T24:00:00Z", "2026-11-26T14:60:00Z", "2026-11-26T14:00:61Z",
		"2026-11-26T14:00:00Zx", "2026-11-26T14:00:00.Z", "2026-11-26T14:00:00+1", "2026-11-26T14:00:00+0100",
		"2027-02-31T14:00:00Z", "1795701600", "+026-11-26T14:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z",
	};
	uint64_t seed = 4;
	int64_t t;
	size_t i;
	int round;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_int_equal(credsdoc_time(good[i].text, strlen(good[i].text), &t), 0);
		assert_int_equal(t, good[i].want);
	}
	for (i = 0; i < COUNT(bad); i++) {
		if (credsdoc_time(bad[i], strlen(bad[i]), &t) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
	for (round = 0; round < 5000; round++) {
		time_t want = 1 + (test_random(&seed) >> 30) % 253402300799LL;
		struct tm tm;
		char text[32];

		assert_non_null(gmtime_r(&want, &tm));
		assert_true(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 20);
		assert_int_equal(credsdoc_time(text, 20, &t), 0);
		assert_int_equal(t, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_programs_document),
		cmocka_unit_test(an_endpoints_document),
		cmocka_unit_test(stss_document),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
