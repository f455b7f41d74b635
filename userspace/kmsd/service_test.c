// SPDX-License-Identifier: GPL-2.0-or-later
/* The door: who is let in, what a request must look like, and that no bytes do harm. */
#include "service_test.h"

#include <signal.h>
#include <sys/resource.h>

#include "call.h"

static void a_signed_request_is_answered(void **state)
{
	struct http_reply reply;
	struct kit_request r;
	struct kit *k = *state;

	kit_prepare(k, &r, "admin", "TrentService.ListKeys", "{}", 2);
	service_handle(&k->svc, &r.rq, &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.content_type, "application/x-amz-json-1.1");
	assert_true(ident_key_id_ok(reply.request_id));
	assert_string_equal(reply.body.data, "{\"Keys\":[],\"Truncated\":false}");
	buf_wipe(&reply.body);
}

static const char *handled(struct kit *k, struct kit_request *r)
{
	static struct kit_answer a;
	struct http_reply reply;

	service_handle(&k->svc, &r->rq, &reply);
	kit_read_answer(&reply, &a);
	kit_answer_free(&a);
	return a.type;
}

static void credentials_decide(void **state)
{
	struct kit_request r;
	struct kit *k = *state;
	struct principal p;
	char secret[SECRET_KEY_SIZE];

	kit_principal(k, "u", NULL);
	kit_prepare(k, &r, "u", "TrentService.ListKeys", "{}", 2);
	assert_string_equal(handled(k, &r), "AccessDeniedException");
	/* not signed at all */
	r.rq.nr_headers--;
	assert_string_equal(handled(k, &r), "MissingAuthenticationTokenException");
	/* a session token, of which there are none here */
	kit_prepare(k, &r, "u", "TrentService.ListKeys", "{}", 2);
	kit_header(&r, "X-Amz-Security-Token", "x");
	assert_string_equal(handled(k, &r), "InvalidSignatureException");
	/* of another time */
	kit_prepare(k, &r, "admin", "TrentService.ListKeys", "{}", 2);
	kit_now += SIGV4_SKEW_MS + 1000;
	assert_string_equal(handled(k, &r), "InvalidSignatureException");
	kit_now -= SIGV4_SKEW_MS + 1000;
	assert_string_equal(handled(k, &r), "");
	/* disabled and enabled again */
	kit_prepare(k, &r, "u", "TrentService.ListKeys", "{}", 2);
	assert_int_equal(store_principal_get(k->svc.store, "u", &p), 0);
	p.disabled = true;
	assert_int_equal(store_principal_update(k->svc.store, &p), 0);
	assert_string_equal(handled(k, &r), "UnrecognizedClientException");
	p.disabled = false;
	assert_int_equal(store_principal_update(k->svc.store, &p), 0);
	assert_string_equal(handled(k, &r), "AccessDeniedException");
	/* rotated: the old key is unknown */
	assert_int_equal(principal_new_credentials(&k->svc, &p, secret), 0);
	assert_int_equal(store_principal_update(k->svc.store, &p), 0);
	assert_string_equal(handled(k, &r), "UnrecognizedClientException");
	kit_prepare(k, &r, "u", "TrentService.ListKeys", "{}", 2);
	assert_string_equal(handled(k, &r), "AccessDeniedException");
	principal_free(&p);
}

static void a_signature_for_another_service_is_refused(void **state)
{
	char access_key[ACCESS_KEY_SIZE], secret[SECRET_KEY_SIZE];
	struct kit_request r = { 0 };
	struct kit *k = *state;

	r.rq.method = "POST";
	r.rq.target = "/";
	r.rq.body = "{}";
	r.rq.body_len = 2;
	kit_header(&r, "Host", "localhost");
	kit_header(&r, "X-Amz-Target", "TrentService.ListKeys");
	kit_secret(k, "admin", access_key, secret);
	kit_sign(&r, access_key, secret, "sts", "host;x-amz-date;x-amz-target");
	assert_string_equal(handled(k, &r), "InvalidSignatureException");
}

static void only_known_operations_at_the_root(void **state)
{
	static const char *const targets[] = {
		"TrentService.Frobnicate", "TrentService.", "TrentService.listkeys", "DynamoDB.ListKeys", "ListKeys", "",
	};
	struct kit_request r;
	struct kit *k = *state;

	for (unsigned int i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		kit_prepare(k, &r, "admin", targets[i], "{}", 2);
		assert_string_equal(handled(k, &r), "UnknownOperationException");
	}
	kit_prepare(k, &r, "admin", "TrentService.ListKeys", "{}", 2);
	r.rq.method = "GET";
	assert_string_equal(handled(k, &r), "UnknownOperationException");
	kit_prepare(k, &r, "admin", "TrentService.ListKeys", "{}", 2);
	r.rq.target = "/keys";
	assert_string_equal(handled(k, &r), "UnknownOperationException");
	/* named twice: by which of the two would anybody else have gone? */
	kit_prepare(k, &r, "admin", "TrentService.ListKeys", "{}", 2);
	kit_header(&r, "X-Amz-Target", "TrentService.CreateKey");
	assert_string_equal(handled(k, &r), "UnknownOperationException");
}

static void a_body_is_one_json_object(void **state)
{
	static const char *const bodies[] = {
		"", "[]", "\"\"", "null", "{", "{}{}", "{} x", "{\"a\":}", "{\"Limit\":5,}", "\xff",
		"{\"a\":\"\xc3\"}", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}",
	};
	struct kit *k = *state;
	struct kit_answer a;

	for (unsigned int i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		kit_call(k, &a, "admin", "ListKeys", bodies[i]);
		if (strcmp(a.type, "SerializationException"))
			fail_msg("%s: %s", bodies[i], a.type);
		kit_answer_free(&a);
	}
	assert_string_equal(kit_fails(k, "admin", "ListKeys", " {\n} "), "");
	/* members of a newer model are not our business */
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{\"Colour\":\"blue\",\"Limit\":null}"), "");
}

/* A message may quote the request; whatever that was, the answer is JSON in UTF-8. */
static void an_answer_is_always_json(void **state)
{
	struct kit_request r;
	struct kit *k = *state;

	kit_prepare(k, &r, "admin", "TrentService.\xc3\x28\"\\\x01", "{}", 2);
	assert_string_equal(handled(k, &r), "UnknownOperationException");
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"\\u00e9\\u00e9\\\"\\n\"}"), "NotFoundException");
}

static const char *const seeds[] = {
	"{\"KeyId\":\"alias/aws/elasticache\",\"GrantTokens\":[\"a\"],\"Limit\":5,\"Marker\":\"MTph\",\"DryRun\":true}",
	"{\"KeyId\":\"alias/aws/elasticache\",\"Plaintext\":\"c2VjcmV0\",\"EncryptionContext\":{\"a\":\"b\"},\"NumberOfBytes\":64}",
	"{\"CiphertextBlob\":\"AAAA\",\"KeyId\":\"x\",\"DryRun\":true,\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]}",
	"{\"GranteePrincipal\":\"" KIT_USER("admin") "\",\"Operations\":[\"Decrypt\"],\"Constraints\":"
	"{\"EncryptionContextEquals\":{\"a\":\"b\"}},\"Name\":\"n\",\"KeyId\":\"alias/aws/elasticache\"}",
	"{\"Policy\":\"{\\\"Statement\\\":[]}\",\"Description\":\"d\",\"AliasName\":\"alias/x\",\"TargetKeyId\":\"y\"}",
};

/* Every operation, on bodies cut, spliced and changed at random: an answer comes, and it is one we know. */
static void any_body_gets_an_answer(void **state)
{
	static const char bytes[] = "{}[]:,\"\\0123456789.-+eEtrufalsn\x00\xff\xc3";
	uint64_t seed = 7;
	struct kit *k = *state;

	for (unsigned int i = 0; i < 6000; i++) {
		const char *from = seeds[test_random(&seed) % (sizeof(seeds) / sizeof(*seeds))];
		const struct operation *op = operation_at((unsigned int)(i % 19));
		size_t len = strlen(from);
		char body[512], target[64];
		struct http_reply reply;
		struct kit_request r;

		memcpy(body, from, len);
		for (unsigned int n = 0; n < test_random(&seed) % 5; n++)
			body[test_random(&seed) % len] = bytes[test_random(&seed) % (sizeof(bytes) - 1)];
		if (test_random(&seed) % 4 == 0)
			len = test_random(&seed) % len;
		assert_non_null(op);
		snprintf(target, sizeof(target), "TrentService.%s", op->name);
		kit_prepare(k, &r, "admin", target, body, len);
		service_handle(&k->svc, &r.rq, &reply);
		if (reply.status != 200 && reply.status != 400)
			fail_msg("%s: %d %s", op->name, reply.status, reply.body.data);
		buf_wipe(&reply.body);
	}
}

/* What could not be made durable was not done, and is said to be our fault. */
static void a_full_disk_changes_nothing(void **state)
{
	struct rlimit limit = { 4096, RLIM_INFINITY };
	char key[ARN_SIZE], id[HEX_ID_SIZE], other[HEX_ID_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	kit_grant(k, key, KIT_USER("admin"), "[\"Decrypt\"]", ",\"Name\":\"n\"", id, NULL);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_string_equal(kit_fails(k, "admin", "CreateKey", "{}"), "KMSInternalException");
	assert_string_equal(kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id),
			    "KMSInternalException");
	/* reading goes on */
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"%s\"}", key), "");
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	kit_grant(k, key, KIT_USER("admin"), "[\"Decrypt\"]", ",\"Name\":\"n\"", other, NULL);
	assert_string_equal(id, other);
	assert_string_equal(kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id), "");
	kit_reopen(k);
	assert_int_equal(store_check(k->svc.store, NULL), 0);
}

static void faults_have_names_and_statuses(void **state)
{
	(void)state;
	for (int f = FAULT_ACCESS_DENIED; f < FAULT_NR; f++) {
		assert_non_null(fault_name((enum fault)f));
		assert_true(strlen(fault_name((enum fault)f)) > 8);
		assert_true(fault_status((enum fault)f) >= 400);
		assert_non_null(fault_query_name((enum fault)f));
	}
	assert_int_equal(fault_status(FAULT_INTERNAL), 500);
	assert_int_equal(fault_status(FAULT_DEPENDENCY_TIMEOUT), 500);
	assert_int_equal(fault_status(FAULT_KEY_UNAVAILABLE), 500);
	assert_int_equal(fault_status(FAULT_THROTTLING), 400);
	assert_int_equal(fault_status(FAULT_DRY_RUN), 400);
	assert_int_equal(fault_status(FAULT_ACCESS_DENIED), 400);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_signed_request_is_answered),
		T(credentials_decide),
		T(a_signature_for_another_service_is_refused),
		T(only_known_operations_at_the_root),
		T(a_body_is_one_json_object),
		T(an_answer_is_always_json),
		T(any_body_gets_an_answer),
		T(a_full_disk_changes_nothing),
		cmocka_unit_test(faults_have_names_and_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
