// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Our two ends of a signature: what the client signs through libcurl (kms/request.c), as it came over the wire, is what
 * the verifier takes for signed, and no longer once one byte is another.
 */
#include "common/test.h"

#include <time.h>

#include "kms/fake_http.h"
#include "kms/request.h"
#include "sigv4.h"

#define REQUESTS 1000
#define REGION "eu-west-1"

static struct fake_http fake;
static struct transport *transport;
static struct endpoint endpoint;

static int setup(void **state)
{
	static const struct fake_reply reply = { .status = 200, .body = "{}" };

	(void)state;
	assert_true(fake_start(&fake, &reply, 1));
	assert_int_equal(endpoint_parse(fake.endpoint, REGION, &endpoint, NULL), 0);
	transport = transport_open(NULL);
	assert_non_null(transport);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	transport_close(transport);
	fake_stop(&fake);
	return 0;
}

/* What one request is made of; strings from a small alphabet that quoting, folding and encoding could trip over. */
struct parts {
	char access_key[21], secret[41], token[200], target[80], type[60], body[2048];
};

static void fill(char *out, size_t min, size_t size, const char *const alphabet[], unsigned int nr, uint64_t *seed)
{
	size_t want = min + test_random(seed) % (size - min), n = 0;

	while (n < want) {
		const char *next = alphabet[test_random(seed) % nr];

		if (n + strlen(next) >= size)
			break;
		n = (size_t)(stpcpy(out + n, next) - out);
	}
	out[n] = '\0';
}

#define FILL(out, min, ...) do { \
	static const char *const alphabet_[] = { __VA_ARGS__ }; \
	fill(out, min, sizeof(out), alphabet_, sizeof(alphabet_) / sizeof(*alphabet_), seed); \
} while (0)

static void make_parts(struct parts *p, uint64_t *seed)
{
	FILL(p->access_key, 16, "A", "K", "I", "D", "0", "9");
	FILL(p->secret, 40, "a", "Z", "0", "/", "+", "=");
	FILL(p->token, 0, "a", "Z", "0", "/", "+", "=");
	FILL(p->target, 1, "TrentService.", "ListKeys", "a", "Z", "0");
	FILL(p->type, 1, "application/x-amz-json-1.1", "a", ";", " charset=utf-8", "=");
	FILL(p->body, 0, "{", "}", "\"", "a", " ", "\n", "\\u2603", "\xe2\x98\x83", "\xf0\x9d\x84\x9e", "&", "=", "+", "%2B",
	     "\x7f", "\xff");
}

static void post(const struct parts *p)
{
	const struct creds creds = { .access_key_id = p->access_key, .secret_access_key = p->secret,
				     .session_token = p->token };
	const struct request rq = {
		.endpoint = &endpoint, .service = "kms", .region = REGION, .creds = &creds, .content_type = p->type,
		.target = p->target, .body = p->body, .body_len = strlen(p->body), .timeout_ms = 10000,
	};
	struct err e = ERR_INIT;
	struct response rs;

	if (transport_send(transport, &rq, &rs, &e))
		fail_msg("%s", e.what);
	assert_int_equal(rs.status, 200);
}

/* received - the request as the server got it; the pieces stay in the server's copy of head and body. */
static void received(struct http_request *rq)
{
	char *line = fake.head, *next = strstr(line, "\r\n"), *blank = strchr(line, ' ');

	memset(rq, 0, sizeof(*rq));
	*blank = '\0';
	rq->method = line;
	rq->target = blank + 1;
	*strchr(blank + 1, ' ') = '\0';
	while (next) {
		char *colon;

		*next = '\0';
		line = next + 2;
		next = strstr(line, "\r\n");
		colon = strchr(line, ':');
		if (!next || !colon)
			break;
		*next = '\0';
		*colon = '\0';
		rq->headers[rq->nr_headers].name = line;
		rq->headers[rq->nr_headers++].value = colon + 1 + strspn(colon + 1, " ");
	}
	rq->body = fake.body;
	rq->body_len = strlen(fake.body);
}

/* one_changed - put another byte somewhere into what is signed; *old is what was there. */
static char *one_changed(const struct http_request *rq, uint64_t *seed, char *old)
{
	static const char *const names[] = { "Content-Type", "Host", "X-Amz-Target", NULL };
	const char *name = names[test_random(seed) % 4];
	char *at = fake.body;

	if (!name && !*fake.body)
		name = "Host";
	if (name)
		at = fake.head + (http_header(rq, name) - fake.head);
	at += test_random(seed) % strlen(at);
	*old = *at;
	*at = *old == 'q' ? 'Q' : 'q';
	return at;
}

static enum fault verify(const struct http_request *rq, const struct parts *p, struct err *why)
{
	struct sigv4 sig;
	enum fault f = sigv4_parse(rq, &sig, why);

	if (!f)
		f = sigv4_check_scope(&sig, REGION, "kms", (int64_t)time(NULL) * 1000, why);
	if (!f)
		f = sigv4_check_signature(&sig, rq, p->secret, why);
	if (!f)
		assert_string_equal(sig.access_key, p->access_key);
	return f;
}

static void what_libcurl_signs_verifies_and_nothing_else(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned int i = 0; i < REQUESTS; i++) {
		struct err why = ERR_INIT;
		struct http_request rq;
		struct parts p;
		char *at, old;

		make_parts(&p, &seed);
		post(&p);
		received(&rq);
		assert_string_equal(rq.body, p.body);
		assert_string_equal(http_header(&rq, "X-Amz-Target"), p.target);
		assert_true(!*p.token || !strcmp(http_header(&rq, "X-Amz-Security-Token"), p.token));
		if (verify(&rq, &p, &why))
			fail_msg("request %u: %s", i, why.what);
		at = one_changed(&rq, &seed, &old);
		assert_int_equal(verify(&rq, &p, &why), FAULT_INVALID_SIGNATURE);
		*at = old;
		assert_int_equal(verify(&rq, &p, &why), FAULT_NONE);
		p.secret[0] ^= 1;
		assert_int_equal(verify(&rq, &p, &why), FAULT_INVALID_SIGNATURE);
	}
	assert_int_equal(fake.requests, REQUESTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_libcurl_signs_verifies_and_nothing_else, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
