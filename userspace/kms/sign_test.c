// SPDX-License-Identifier: GPL-2.0-or-later
/* Two signers, one signature: libcurl's is the oracle, at the time that it chose. */
#include <errno.h>

#include "../common/test.h"
#include "fake_http.h"
#include "request.h"
#include "sign.h"

static struct fake_http fake;

static void random_text(uint64_t *seed, char *out, size_t size, bool printable)
{
	size_t len = (test_random(seed) >> 33) % size, i;

	for (i = 0; i < len; i++)
		out[i] = printable ? '!' + (test_random(seed) >> 33) % 94 : 1 + (test_random(seed) >> 33) % 255;
	if (!len)
		out[len++] = 'x';
	out[len == size ? size - 1 : len] = '\0';
}

/* The line of the last request that begins with @name; "" when there is none. */
static void header_of_last(const char *name, char *out, size_t size)
{
	const char *p = strstr(fake.head, name);

	*out = '\0';
	if (p)
		snprintf(out, size, "%.*s", (int)strcspn(p + strlen(name), "\r"), p + strlen(name));
}

static void both_signers_agree(void **state)
{
	static const struct fake_reply ok = { .status = 200, .body = "" };
	char id[100], secret[200], token[2000], body[3000], date[20], want[1024], got[SIGN_MAX];
	const struct creds creds = { id, secret, token, 0, SECRET_INIT };
	struct endpoint ep = { .url = "http://localhost", .local = true };
	struct request rq = { .endpoint = &ep, .creds = &creds, .content_type = "application/x-amz-json-1.1",
			      .body = body, .timeout_ms = 5000 };
	struct transport *t = transport_open(NULL);
	struct response rs;
	uint64_t seed = 11;
	int i;

	(void)state;
	assert_non_null(t);
	assert_true(fake_start(&fake, &ok, 1));
	strcpy(ep.unix_path, fake.path);
	for (i = 0; i < 200; i++) {
		snprintf(ep.host, sizeof(ep.host), "localhost%s", i % 2 ? ":8443" : "");
		random_text(&seed, secret, sizeof(secret), true);
		random_text(&seed, body, sizeof(body), false);
		random_text(&seed, token, sizeof(token), true);
		if (i % 3 == 0)
			*token = '\0';
		snprintf(id, sizeof(id), "AKID%u", i);
		rq.target = i % 4 ? "TrentService.Decrypt" : NULL;
		rq.service = i % 5 ? "kms" : "sts";
		rq.region = i % 7 ? "eu-west-1" : "us-gov-west-1";
		rq.body_len = strlen(body);
		rq.date = NULL;
		assert_int_equal(transport_send(t, &rq, &rs, NULL), 0);
		header_of_last("\r\nX-Amz-Date: ", date, sizeof(date));
		header_of_last("\r\nAuthorization: ", want, sizeof(want));
		rq.date = date;
		assert_int_equal(sign_request(&rq, got), 0);
		assert_string_equal(got, want);
		/* and that is what is sent then, once */
		assert_int_equal(transport_send(t, &rq, &rs, NULL), 0);
		header_of_last("\r\nAuthorization: ", want, sizeof(want));
		assert_string_equal(got, want);
		assert_null(strstr(strstr(fake.head, "X-Amz-Date") + 1, "X-Amz-Date"));
		assert_null(strstr(strstr(fake.head, "Authorization") + 1, "Authorization"));
	}
	transport_close(t);
	fake_stop(&fake);
}

static void what_is_not_such_a_request_is_not_signed(void **state)
{
	static const struct header more[] = { { "X", "y" }, { NULL, NULL } };
	const struct creds creds = { "A", "B", "", 0, SECRET_INIT };
	const struct endpoint ep = { .host = "h" };
	const struct request good = { .endpoint = &ep, .creds = &creds, .service = "kms", .region = "r", .body = "",
				      .date = "20261126T140000Z" };
	struct request rq = good;
	char out[SIGN_MAX];

	(void)state;
	assert_int_equal(sign_request(&rq, out), 0);
	rq.path = "/x";
	assert_int_equal(sign_request(&rq, out), -EINVAL);
	rq = good;
	rq.method = "GET";
	assert_int_equal(sign_request(&rq, out), -EINVAL);
	rq = good;
	rq.headers = more;
	assert_int_equal(sign_request(&rq, out), -EINVAL);
	rq = good;
	rq.date = "2026";
	assert_int_equal(sign_request(&rq, out), -EINVAL);
	rq = good;
	rq.creds = NULL;
	assert_int_equal(sign_request(&rq, out), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_signers_agree),
		cmocka_unit_test(what_is_not_such_a_request_is_not_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
