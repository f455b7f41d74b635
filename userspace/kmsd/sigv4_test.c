// SPDX-License-Identifier: GPL-2.0-or-later
/* The signatures that AWS publishes for its example requests, and that no other request passes for a signed one. */
#include "service_test.h"

#include "sigv4_canonical.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TOKEN \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YU" \
	"uwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8Y" \
	"QcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICC" \
	"R/oLxBA=="
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* AWS's test suite: AKIDEXAMPLE, 20150830T123600Z, us-east-1, service "service", host example.amazonaws.com. */
static const struct vector {
	const char *name;
	const char *method;
	const char *target;
	struct http_header extra[3];
	const char *body;
	const char *signed_headers;
	const char *signature;
} vectors[] = {
	{ "get-vanilla", "GET", "/", { { 0 } }, "", "host;x-amz-date",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "post-vanilla", "POST", "/", { { 0 } }, "", "host;x-amz-date",
	  "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "get-relative", "GET", "/example/..", { { 0 } }, "", "host;x-amz-date",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-relative-relative", "GET", "/example1/example2/../..", { { 0 } }, "", "host;x-amz-date",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-slash", "GET", "//", { { 0 } }, "", "host;x-amz-date",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-slash-dot-slash", "GET", "/./", { { 0 } }, "", "host;x-amz-date",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-unreserved", "GET", "/" UNRESERVED, { { 0 } }, "", "host;x-amz-date",
	  "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	{ "get-utf8", "GET", "/\xe1\x88\xb4", { { 0 } }, "", "host;x-amz-date",
	  "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ "get-header-key-duplicate", "GET", "/",
	  { { "My-Header1", "value2" }, { "My-Header1", "value2" }, { "My-Header1", "value1" } }, "",
	  "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
	{ "get-header-value-trim", "GET", "/", { { "My-Header1", " value1" }, { "My-Header2", " \"a   b   c\"" } }, "",
	  "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ "get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", { { 0 } }, "", "host;x-amz-date",
	  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "get-vanilla-empty-query-key", "GET", "/?Param1=value1", { { 0 } }, "", "host;x-amz-date",
	  "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
	{ "get-vanilla-query-unreserved", "GET", "/?" UNRESERVED "=" UNRESERVED, { { 0 } }, "", "host;x-amz-date",
	  "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
	{ "get-vanilla-utf8-query", "GET", "/?\xe1\x88\xb4=bar", { { 0 } }, "", "host;x-amz-date",
	  "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
	{ "post-vanilla-query", "POST", "/?Param1=value1", { { 0 } }, "", "host;x-amz-date",
	  "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
	{ "post-header-key-sort", "POST", "/", { { "My-Header1", "value1" } }, "", "host;my-header1;x-amz-date",
	  "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
	{ "post-header-value-case", "POST", "/", { { "My-Header1", "VALUE1" } }, "", "host;my-header1;x-amz-date",
	  "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d" },
	{ "post-sts-header-before", "POST", "/", { { "X-Amz-Security-Token", TOKEN } }, "",
	  "host;x-amz-date;x-amz-security-token", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
	{ "post-x-www-form-urlencoded", "POST", "/", { { "Content-Type", "application/x-www-form-urlencoded" } },
	  "Param1=value1", "content-type;host;x-amz-date",
	  "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
};

static void vector_request(const struct vector *v, struct kit_request *r)
{
	memset(r, 0, sizeof(*r));
	r->rq.method = v->method;
	r->rq.target = v->target;
	r->rq.body = v->body;
	r->rq.body_len = strlen(v->body);
	kit_header(r, "Host", "example.amazonaws.com");
	kit_header(r, "X-Amz-Date", "20150830T123600Z");
	for (unsigned int i = 0; i < 3 && v->extra[i].name; i++)
		kit_header(r, v->extra[i].name, v->extra[i].value);
	snprintf(r->authorization, sizeof(r->authorization),
		 "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=%s, "
		 "Signature=%s", v->signed_headers, v->signature);
	kit_header(r, "Authorization", r->authorization);
}

static void published_examples_verify(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		struct err why = ERR_INIT;
		struct kit_request r;
		struct sigv4 sig;

		vector_request(&vectors[i], &r);
		if (sigv4_parse(&r.rq, &sig, &why) ||
		    sigv4_check_scope(&sig, "us-east-1", "service", 1440938160000, &why) ||
		    sigv4_check_signature(&sig, &r.rq, SECRET, &why))
			fail_msg("%s: %s", vectors[i].name, why.what);
		assert_string_equal(sig.access_key, "AKIDEXAMPLE");
	}
}

static void another_secret_does_not_verify(void **state)
{
	struct err why = ERR_INIT;
	struct kit_request r;
	struct sigv4 sig;

	(void)state;
	vector_request(&vectors[0], &r);
	assert_int_equal(sigv4_parse(&r.rq, &sig, &why), FAULT_NONE);
	assert_int_equal(sigv4_check_signature(&sig, &r.rq, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ", &why),
			 FAULT_INVALID_SIGNATURE);
}

static void a_path_is_normalised_and_encoded_once_more(void **state)
{
	static const struct {
		const char *target;
		const char *line;
	} cases[] = {
		{ "/", "/" },
		{ "", "/" },
		{ "/a/", "/a/" },
		{ "/a//b", "/a/b" },
		{ "/a/./b/../c", "/a/c" },
		{ "/../../a", "/a" },
		{ "/a/b/..", "/a/" },
		{ "/%E1%88%B4", "/%25E1%2588%25B4" },
		{ "/a b", "/a%20b" },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct http_request rq = { .method = "GET", .target = cases[i].target };
		struct buf out = BUF_INIT;
		char *line;

		assert_int_equal(sigv4_canonical(&rq, "", &out), 0);
		line = strchr(out.data, '\n') + 1;
		*strchr(line, '\n') = '\0';
		assert_string_equal(line, cases[i].line);
		buf_wipe(&out);
	}
}

static enum fault parse_with(const char *authorization, const char *date)
{
	struct err why = ERR_INIT;
	struct kit_request r = { 0 };
	struct sigv4 sig;
	enum fault f;

	r.rq.method = "POST";
	r.rq.target = "/";
	kit_header(&r, "Host", "h");
	if (date)
		kit_header(&r, "X-Amz-Date", date);
	if (authorization)
		kit_header(&r, "Authorization", authorization);
	f = sigv4_parse(&r.rq, &sig, &why);
	assert_int_equal(!f, !*why.what);
	return f;
}

#define SIG64 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
#define CRED "Credential=AKID/20150830/us-east-1/kms/aws4_request"
#define REST ", SignedHeaders=host;x-amz-date, Signature=" SIG64
#define GOOD "AWS4-HMAC-SHA256 " CRED REST
#define DATE "20150830T123600Z"

static void a_malformed_header_is_refused_by_name(void **state)
{
	static const struct {
		const char *authorization;
		const char *date;
		enum fault fault;
	} cases[] = {
		{ GOOD, DATE, FAULT_NONE },
		{ NULL, DATE, FAULT_MISSING_TOKEN },
		{ GOOD, NULL, FAULT_INCOMPLETE_SIGNATURE },
		{ GOOD, "2015-08-30T12:36:00Z", FAULT_INCOMPLETE_SIGNATURE },
		{ GOOD, "20150832T123600Z", FAULT_INCOMPLETE_SIGNATURE },
		{ GOOD, "20150830T123600", FAULT_INCOMPLETE_SIGNATURE },
		{ "", DATE, FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256", DATE, FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA1 " CRED, DATE, FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=host;x-amz-date", DATE, FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256 " CRED ", Signature=" SIG64, DATE, FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256 SignedHeaders=host;x-amz-date, Signature=" SIG64, DATE,
		  FAULT_INCOMPLETE_SIGNATURE },
		{ GOOD ", Signature=" SIG64, DATE, FAULT_INCOMPLETE_SIGNATURE },
		{ GOOD ", Extra=1", DATE, FAULT_INCOMPLETE_SIGNATURE },
		{ GOOD "0", DATE, FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/kms/aws4" REST,
		  DATE, FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/aws4_request" REST,
		  DATE, FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=x-amz-date;host, Signature=" SIG64, DATE,
		  FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=host;host;x-amz-date, Signature=" SIG64, DATE,
		  FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=Host;x-amz-date, Signature=" SIG64, DATE,
		  FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=host;, Signature=" SIG64, DATE,
		  FAULT_INCOMPLETE_SIGNATURE },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=host, Signature=" SIG64, DATE, FAULT_INVALID_SIGNATURE },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=x-amz-date, Signature=" SIG64, DATE,
		  FAULT_INVALID_SIGNATURE },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (parse_with(cases[i].authorization, cases[i].date) != cases[i].fault)
			fail_msg("case %u: %s", i, cases[i].authorization);
}

static void every_amz_header_must_be_signed(void **state)
{
	struct err why = ERR_INIT;
	struct kit_request r = { 0 };
	struct sigv4 sig;

	(void)state;
	r.rq.method = "POST";
	r.rq.target = "/";
	kit_header(&r, "Host", "h");
	kit_header(&r, "X-Amz-Date", DATE);
	kit_header(&r, "x-amz-target", "TrentService.Decrypt");
	kit_header(&r, "Authorization", GOOD);
	assert_int_equal(sigv4_parse(&r.rq, &sig, &why), FAULT_INVALID_SIGNATURE);
}

static void the_date_header_will_do(void **state)
{
	struct err why = ERR_INIT;
	struct kit_request r = { 0 };
	struct sigv4 sig;

	(void)state;
	r.rq.method = "POST";
	r.rq.target = "/";
	kit_header(&r, "Host", "h");
	kit_header(&r, "Date", "Sun, 30 Aug 2015 12:36:00 GMT");
	kit_header(&r, "Authorization", "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=date;host, Signature=" SIG64);
	assert_int_equal(sigv4_parse(&r.rq, &sig, &why), FAULT_NONE);
	assert_string_equal(sig.date, DATE);
	assert_int_equal(sig.date_ms, 1440938160000);
}

static void the_scope_must_be_ours_and_of_now(void **state)
{
	const int64_t now = 1440938160000;
	struct err why = ERR_INIT;
	struct kit_request r;
	struct sigv4 sig;

	(void)state;
	vector_request(&vectors[0], &r);
	assert_int_equal(sigv4_parse(&r.rq, &sig, &why), FAULT_NONE);
	assert_int_equal(sigv4_check_scope(&sig, "us-east-1", "service", now, &why), FAULT_NONE);
	assert_int_equal(sigv4_check_scope(&sig, "us-east-1", "service", now + SIGV4_SKEW_MS, &why), FAULT_NONE);
	assert_int_equal(sigv4_check_scope(&sig, "us-east-1", "service", now - SIGV4_SKEW_MS, &why), FAULT_NONE);
	assert_int_equal(sigv4_check_scope(&sig, "us-east-1", "service", now + SIGV4_SKEW_MS + 1, &why),
			 FAULT_INVALID_SIGNATURE);
	assert_int_equal(sigv4_check_scope(&sig, "us-east-1", "service", now - SIGV4_SKEW_MS - 1, &why),
			 FAULT_INVALID_SIGNATURE);
	assert_int_equal(sigv4_check_scope(&sig, "us-east-2", "service", now, &why), FAULT_INVALID_SIGNATURE);
	assert_int_equal(sigv4_check_scope(&sig, "us-east-1", "kms", now, &why), FAULT_INVALID_SIGNATURE);
	strcpy(sig.scope_date, "20150831");
	assert_int_equal(sigv4_check_scope(&sig, "us-east-1", "service", now, &why), FAULT_INVALID_SIGNATURE);
}

/* mutate - one byte of one place of a signed request; false when the place is not there. */
static void mutate(struct kit_request *r, char *copy[8], char *body, uint64_t *seed)
{
	unsigned int place = (unsigned int)(test_random(seed) % (r->rq.nr_headers + 2));
	uint8_t flip = (uint8_t)(1 + test_random(seed) % 255);
	char *s;

	if (place < r->rq.nr_headers) {
		s = copy[place];
		strcpy(s, r->rq.headers[place].value);
		r->rq.headers[place].value = s;
	} else if (place == r->rq.nr_headers) {
		s = copy[7];
		strcpy(s, r->rq.target);
		r->rq.target = s;
	} else {
		s = body;
	}
	s += test_random(seed) % strlen(s);
	*s = (char)((uint8_t)*s ^ flip);
	/* A NUL would cut the string, as no HTTP parser lets it through. */
	if (!*s)
		*s = (char)0xff;
}

static bool same_meaning(struct kit *k, const struct kit_request *a, const struct kit_request *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	(void)k;
	sigv4_canonical(&a->rq, "content-type;host;x-amz-date;x-amz-target", &x);
	sigv4_canonical(&b->rq, "content-type;host;x-amz-date;x-amz-target", &y);
	same = x.len == y.len && !memcmp(x.data, y.data, x.len) && !strcmp(a->authorization, b->authorization);
	for (unsigned int i = 0; same && i < b->rq.nr_headers; i++)
		if (!strcmp(b->rq.headers[i].name, "Authorization"))
			same = !strcmp(b->rq.headers[i].value, a->authorization);
	buf_wipe(&x);
	buf_wipe(&y);
	return same;
}

/* A blank more or less in a header changes nothing that is signed; every other byte does, and is noticed. */
static void a_changed_byte_is_refused(void **state)
{
	static const char body[] = "{\"Limit\":5}";
	struct kit *k = *state;
	uint64_t seed = 0x1234567;
	unsigned int refused = 0;

	for (unsigned int i = 0; i < 5000; i++) {
		char changed[sizeof(body)], text[8][1100], *copy[8];
		struct kit_request good, bad;
		struct http_reply reply;

		for (unsigned int n = 0; n < 8; n++)
			copy[n] = text[n];
		kit_prepare(k, &good, "admin", "TrentService.ListKeys", body, sizeof(body) - 1);
		memcpy(changed, body, sizeof(body));
		bad = good;
		bad.rq.body = changed;
		mutate(&bad, copy, changed, &seed);
		if (same_meaning(k, &good, &bad))
			continue;
		service_handle(&k->svc, &bad.rq, &reply);
		if (reply.status == 200)
			fail_msg("accepted: seed run %u", i);
		buf_wipe(&reply.body);
		refused++;
	}
	assert_true(refused > 4500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_examples_verify),
		cmocka_unit_test(another_secret_does_not_verify),
		cmocka_unit_test(a_path_is_normalised_and_encoded_once_more),
		cmocka_unit_test(a_malformed_header_is_refused_by_name),
		cmocka_unit_test(every_amz_header_must_be_signed),
		cmocka_unit_test(the_date_header_will_do),
		cmocka_unit_test(the_scope_must_be_ours_and_of_now),
		cmocka_unit_test_setup_teardown(a_changed_byte_is_refused, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
