// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Our client in the place of the aws CLI and boto3 (record.py): asked to do what they did, it sends what they sent, and
 * makes of the recorded answers what they say.
 */
#include "recorded_test.h"

#include <errno.h>

#include "../common/encode.h"
#include "client.h"
#include "fake_http.h"

static struct recorded record;
static struct fake_http fake;
static struct fake_reply script[RECORDED_MAX];
static char headers[RECORDED_MAX][160], creds_path[64];
static struct kms *kms;
static struct kms_answer answer;
static struct err error;

static bool is(struct json_object *line, const char *op)
{
	return !strcmp(recorded_op(line), op);
}

/* ours - whether our client has the operation. */
static bool ours(struct json_object *line)
{
	return is(line, "Decrypt") || is(line, "DescribeKey") || is(line, "CreateGrant") || is(line, "RetireGrant") ||
	       is(line, "RevokeGrant") || is(line, "GenerateDataKeyWithoutPlaintext") || is(line, "GetCallerIdentity");
}

static int setup(void **state)
{
	static const char creds[] = "[default]\naws_access_key_id=AKIDTEST\naws_secret_access_key=secret\n";
	struct kms_config cfg = { .creds.file = creds_path, .timeout_ms = 5000, .attempts = 1 };
	size_t nr = 0;
	int fd;

	(void)state;
	recorded_read(&record);
	for (unsigned int i = 0; i < record.nr; i++) {
		struct json_object *line = record.line[i];
		const char *id = recorded_header(line, "answer_headers", "x-amzn-requestid");

		if (!ours(line))
			continue;
		snprintf(headers[nr], sizeof(headers[nr]), "x-amzn-requestid: %s\r\n", id);
		script[nr] = (struct fake_reply){ .status = recorded_status(line), .headers = headers[nr],
						  .body = recorded_string(line, "answer") };
		nr++;
	}
	assert_true(fake_start(&fake, script, nr));
	strcpy(creds_path, "/tmp/recorded_test.XXXXXX");
	fd = mkstemp(creds_path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fsio_replace(creds_path, creds, strlen(creds), 0600, NULL), 0);
	cfg.region = recorded_string(record.head, "region");
	cfg.endpoint = fake.endpoint;
	assert_int_equal(kms_open(&kms, &cfg, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kms_close(kms);
	fake_stop(&fake);
	unlink(creds_path);
	recorded_free(&record);
	return 0;
}

/* What a request was made of, as our client wants it; strings belong to the request's object. */
static const char *key_of(struct json_object *rq)
{
	return recorded_string(rq, "KeyId");
}

static void context_of(struct json_object *context, struct kms_context *out)
{
	unsigned int at;

	out->nr = 0;
	json_object_object_foreach(context, name, value) {
		assert_true(out->nr < 8);
		for (at = out->nr++; at && strcmp(out->pair[at - 1].key, name) > 0; at--)
			out->pair[at] = out->pair[at - 1];
		out->pair[at].key = name;
		out->pair[at].value = json_object_get_string(value);
	}
}

static size_t bytes_of(const char *base64, uint8_t *out, size_t size)
{
	ssize_t n = base64_decode(base64, strlen(base64), out, size);

	assert_true(n > 0);
	return n;
}

static const char *token_of(struct json_object *rq)
{
	struct json_object *tokens = json_object_object_get(rq, "GrantTokens");

	return tokens ? json_object_get_string(json_object_array_get_idx(tokens, 0)) : NULL;
}

/* Each call returns what the client returned, and checks what it made of a success. */
static int decrypt(struct json_object *rq, struct json_object *said)
{
	bool dry_run = json_object_get_boolean(json_object_object_get(rq, "DryRun"));
	struct secret key = SECRET_INIT;
	struct kms_context ctx;
	uint8_t blob[KMS_BLOB_MAX], want[64];
	size_t len = bytes_of(recorded_string(rq, "CiphertextBlob"), blob, sizeof(blob)), bytes = 64;
	int rc;

	context_of(json_object_object_get(rq, "EncryptionContext"), &ctx);
	if (dry_run)
		return kms_probe(kms, key_of(rq), &ctx, blob, len, &answer, &error);
	if (json_object_object_get(said, "Plaintext"))
		bytes = bytes_of(recorded_string(said, "Plaintext"), want, sizeof(want));
	assert_int_equal(secret_alloc(&key, bytes), 0);
	rc = kms_decrypt(kms, key_of(rq), &ctx, blob, len, token_of(rq), &key, &answer, &error);
	assert_int_equal(key.len, rc ? 0 : bytes);
	if (!rc)
		assert_memory_equal(key.data, want, bytes);
	secret_wipe(&key);
	return rc;
}

static int describe(struct json_object *rq, struct json_object *said)
{
	struct json_object *meta = json_object_object_get(said, "KeyMetadata");
	struct kms_key key;
	int rc = kms_describe_key(kms, key_of(rq), token_of(rq), &key, &answer, &error);

	if (!rc) {
		assert_string_equal(key.arn, recorded_string(meta, "Arn"));
		assert_string_equal(kms_key_state_name(key.state), recorded_string(meta, "KeyState"));
		assert_true(key.symmetric);
	}
	return rc;
}

static int create_grant(struct json_object *rq, struct json_object *said)
{
	struct json_object *list = json_object_object_get(rq, "Operations"), *constraints;
	const char *operations[8] = { NULL };
	struct kms_context ctx;
	struct kms_grant_request wanted = {
		.key_arn = key_of(rq), .grantee = recorded_string(rq, "GranteePrincipal"),
		.retiring = recorded_string(rq, "RetiringPrincipal"), .name = recorded_string(rq, "Name"),
		.operations = operations, .equals = &ctx,
	};
	struct kms_grant grant;
	int rc;

	for (size_t i = 0; i < json_object_array_length(list) && i < 7; i++)
		operations[i] = json_object_get_string(json_object_array_get_idx(list, i));
	constraints = json_object_object_get(rq, "Constraints");
	context_of(json_object_object_get(constraints, "EncryptionContextEquals"), &ctx);
	rc = kms_create_grant(kms, &wanted, &grant, &answer, &error);
	if (!rc) {
		assert_string_equal(grant.id, recorded_string(said, "GrantId"));
		assert_string_equal(grant.token, recorded_string(said, "GrantToken"));
	}
	return rc;
}

static int generate(struct json_object *rq, struct json_object *said)
{
	unsigned int bytes = json_object_get_int(json_object_object_get(rq, "NumberOfBytes"));
	uint8_t blob[KMS_BLOB_MAX], want[KMS_BLOB_MAX];
	struct kms_context ctx;
	size_t len;
	int rc;

	context_of(json_object_object_get(rq, "EncryptionContext"), &ctx);
	rc = kms_generate_data_key_wrapped(kms, key_of(rq), bytes, &ctx, blob, &len, &answer, &error);
	if (!rc) {
		assert_int_equal(len, bytes_of(recorded_string(said, "CiphertextBlob"), want, sizeof(want)));
		assert_memory_equal(blob, want, len);
	}
	return rc;
}

static int ask(struct json_object *line, struct json_object *rq, struct json_object *said)
{
	if (is(line, "Decrypt"))
		return decrypt(rq, said);
	if (is(line, "DescribeKey"))
		return describe(rq, said);
	if (is(line, "CreateGrant"))
		return create_grant(rq, said);
	if (is(line, "RetireGrant"))
		return kms_retire_grant(kms, key_of(rq), recorded_string(rq, "GrantId"), &answer, &error);
	if (is(line, "RevokeGrant"))
		return kms_revoke_grant(kms, key_of(rq), recorded_string(rq, "GrantId"), &answer, &error);
	return generate(rq, said);
}

static void check_answer(struct json_object *line, struct json_object *said, int rc)
{
	const char *id = recorded_header(line, "answer_headers", "x-amzn-requestid");

	assert_int_equal(answer.transport, KMS_ANSWERED);
	assert_int_equal(answer.http_status, recorded_status(line));
	assert_string_equal(answer.request_id, id);
	if (recorded_status(line) == 200) {
		assert_int_equal(rc, 0);
		return;
	}
	assert_string_equal(answer.code, recorded_string(said, "__type"));
	assert_string_equal(answer.message, recorded_string(said, "message"));
	assert_int_equal(rc, !strcmp(answer.code, "DryRunOperationException") ? 0 : -EPERM);
}

static void ask_who(struct json_object *line)
{
	char arn[KMS_ARN_MAX + 1];

	assert_int_equal(kms_caller(kms, arn, sizeof(arn), &answer, &error), 0);
	assert_non_null(strstr(recorded_string(line, "answer"), arn));
	assert_string_equal(fake.body, recorded_string(line, "body"));
	assert_string_equal(recorded_header(line, "headers", "Content-Type"),
			    "application/x-www-form-urlencoded; charset=utf-8");
}

/* said_alike - what went over the wire: the same members, the same way, whoever wrote the client. */
static void said_alike(struct json_object *line, struct json_object *rq)
{
	char target[96];
	struct json_object *sent;

	snprintf(target, sizeof(target), "X-Amz-Target: TrentService.%s\r\n", recorded_op(line));
	assert_non_null(strstr(fake.head, target));
	assert_non_null(strstr(fake.head, "Content-Type: application/x-amz-json-1.1\r\n"));
	assert_int_equal(js_parse(fake.body, strlen(fake.body), 12, &sent, NULL), 0);
	if (!json_object_equal(sent, rq))
		fail_msg("%s: we sent %s", recorded_op(line), fake.body);
	json_object_put(sent);
}

static void our_client_does_what_theirs_did(void **state)
{
	unsigned int tried = 0;

	(void)state;
	for (unsigned int i = 0; i < record.nr; i++) {
		struct json_object *line = record.line[i], *rq, *said;

		if (!ours(line))
			continue;
		error = (struct err)ERR_INIT;
		tried++;
		if (is(line, "GetCallerIdentity")) {
			ask_who(line);
			continue;
		}
		rq = recorded_object(line, "body");
		said = recorded_object(line, "answer");
		check_answer(line, said, ask(line, rq, said));
		said_alike(line, rq);
		json_object_put(said);
		json_object_put(rq);
	}
	assert_int_equal(fake.requests, tried);
	assert_true(tried > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(our_client_does_what_theirs_did, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
