// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Our client in the place of the aws CLI and boto3 (record.py): asked to do what they did, it sends what they sent, and
 * makes of the recorded answers what they say. What they have to say is known from the tale that record.py tells, and
 * our client goes on with what it was told: a grant's id, a token, a ciphertext come from its own earlier calls.
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

/* Opened is a ciphertext that was not made for our client. */
#define THEIRS "the key of GenerateDataKey"

/* How our client's part of record.py's talk() goes: an error's code, a key's state, or a caller. */
static const struct step {
	const char *op, *outcome;
} life[] = {
	{ "GetCallerIdentity", "arn:aws:iam::123456789012:user/admin" },
	{ "GetCallerIdentity", "arn:aws:sts::123456789012:assumed-role/host/static" },
	{ "DescribeKey", "Enabled" },
	{ "CreateGrant", "" },
	{ "CreateGrant", "" },
	{ "GenerateDataKeyWithoutPlaintext", "" },
	{ "Decrypt", "" },
	{ "Decrypt", "" },
	{ "Decrypt", "DryRunOperationException" },
	{ "Decrypt", "AccessDeniedException" },
	{ "CreateGrant", "AccessDeniedException" },
	{ "Decrypt", "InvalidCiphertextException" },
	{ "DescribeKey", "Enabled" },
	{ "Decrypt", "DisabledException" },
	{ "DescribeKey", "Disabled" },
	{ "RetireGrant", "" },
	{ "Decrypt", "AccessDeniedException" },
	{ "CreateGrant", "" },
	{ "RevokeGrant", "" },
	{ "RevokeGrant", "NotFoundException" },
	{ "DescribeKey", "NotFoundException" },
	{ "Decrypt", THEIRS },
	{ "GenerateDataKeyWithoutPlaintext", "KMSInvalidStateException" },
};

/* What our client was told so far. */
static struct {
	struct kms_grant first, last;
	uint8_t blob[KMS_BLOB_MAX], key[64];
	size_t blob_len, bytes;
	bool opened;
} told;
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

/* token_of - the first grant's, where they gave one. */
static const char *token_of(struct json_object *rq)
{
	return json_object_object_get(rq, "GrantTokens") ? told.first.token : NULL;
}

static bool theirs(const struct step *step)
{
	return !strcmp(step->outcome, THEIRS);
}

/* their_key - what GenerateDataKey, which our client does not have, gave to them. */
static size_t their_key(uint8_t *out, size_t size)
{
	struct json_object *said;
	size_t len = 0;

	for (unsigned int i = 0; i < record.nr; i++) {
		if (!is(record.line[i], "GenerateDataKey"))
			continue;
		said = recorded_object(record.line[i], "answer");
		len = bytes_of(recorded_string(said, "Plaintext"), out, size);
		json_object_put(said);
	}
	assert_true(len > 0);
	return len;
}

/* check_key - one ciphertext opens to the same key each time. */
static void check_key(const struct secret *key, const struct step *step)
{
	uint8_t want[64];

	if (theirs(step)) {
		assert_int_equal(their_key(want, sizeof(want)), key->len);
		assert_memory_equal(key->data, want, key->len);
	} else if (told.opened) {
		assert_memory_equal(key->data, told.key, told.bytes);
	} else {
		memcpy(told.key, key->data, told.bytes);
		told.opened = true;
	}
}

/* Each call returns what the client returned, and checks what it made of a success. */
static int decrypt(struct json_object *rq, struct json_object *said, const struct step *step)
{
	bool dry_run = json_object_get_boolean(json_object_object_get(rq, "DryRun"));
	struct secret key = SECRET_INIT;
	struct kms_context ctx;
	uint8_t blob[KMS_BLOB_MAX], want[64];
	size_t len = told.blob_len, bytes = theirs(step) ? 32 : told.bytes;
	int rc;

	memcpy(blob, told.blob, len);
	if (theirs(step))
		len = bytes_of(recorded_string(rq, "CiphertextBlob"), blob, sizeof(blob));
	context_of(json_object_object_get(rq, "EncryptionContext"), &ctx);
	if (dry_run)
		return kms_probe(kms, key_of(rq), &ctx, blob, len, &answer, &error);
	assert_int_equal(secret_alloc(&key, bytes), 0);
	rc = kms_decrypt(kms, key_of(rq), &ctx, blob, len, token_of(rq), &key, &answer, &error);
	assert_int_equal(key.len, rc ? 0 : bytes);
	if (!rc) {
		assert_int_equal(bytes_of(recorded_string(said, "Plaintext"), want, sizeof(want)), bytes);
		assert_memory_equal(key.data, want, bytes);
		check_key(&key, step);
	}
	secret_wipe(&key);
	return rc;
}

static int describe(struct json_object *rq, const struct step *step)
{
	struct kms_key key;
	int rc = kms_describe_key(kms, key_of(rq), token_of(rq), &key, &answer, &error);

	if (!rc) {
		/* they asked by ARN */
		assert_string_equal(key.arn, key_of(rq));
		assert_string_equal(kms_key_state_name(key.state), step->outcome);
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
		if (!told.first.id[0])
			told.first = grant;
		told.last = grant;
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
		memcpy(told.blob, blob, len);
		told.blob_len = len;
		told.bytes = bytes;
	}
	return rc;
}

static int ask(struct json_object *line, struct json_object *rq, struct json_object *said, const struct step *step)
{
	if (is(line, "Decrypt"))
		return decrypt(rq, said, step);
	if (is(line, "DescribeKey"))
		return describe(rq, step);
	if (is(line, "CreateGrant"))
		return create_grant(rq, said);
	if (is(line, "RetireGrant")) {
		/* asked for twice, by one Name */
		assert_string_equal(told.first.id, told.last.id);
		return kms_retire_grant(kms, key_of(rq), told.last.id, &answer, &error);
	}
	if (is(line, "RevokeGrant"))
		return kms_revoke_grant(kms, key_of(rq), told.last.id, &answer, &error);
	return generate(rq, said);
}

static void check_answer(struct json_object *line, struct json_object *said, const struct step *step, int rc)
{
	const char *id = recorded_header(line, "answer_headers", "x-amzn-requestid");
	bool failed = strstr(step->outcome, "Exception");

	assert_int_equal(answer.transport, KMS_ANSWERED);
	assert_int_equal(answer.http_status, failed ? 400 : 200);
	assert_string_equal(answer.request_id, id);
	assert_string_equal(answer.code, failed ? step->outcome : "");
	if (failed)
		assert_string_equal(answer.message, recorded_string(said, "message"));
	assert_int_equal(rc, failed && strcmp(step->outcome, "DryRunOperationException") ? -EPERM : 0);
}

static void ask_who(struct json_object *line, const struct step *step)
{
	char arn[KMS_ARN_MAX + 1];

	assert_int_equal(kms_caller(kms, arn, sizeof(arn), &answer, &error), 0);
	assert_string_equal(arn, step->outcome);
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
	const struct step *step = life;

	(void)state;
	for (unsigned int i = 0; i < record.nr; i++) {
		struct json_object *line = record.line[i], *rq, *said;

		if (!ours(line))
			continue;
		assert_true(step < life + sizeof(life) / sizeof(*life));
		assert_string_equal(recorded_op(line), step->op);
		error = (struct err)ERR_INIT;
		if (is(line, "GetCallerIdentity")) {
			ask_who(line, step++);
			continue;
		}
		rq = recorded_object(line, "body");
		said = recorded_object(line, "answer");
		check_answer(line, said, step, ask(line, rq, said, step));
		said_alike(line, rq);
		json_object_put(said);
		json_object_put(rq);
		step++;
	}
	assert_ptr_equal(step, life + sizeof(life) / sizeof(*life));
	assert_int_equal(fake.requests, step - life);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(our_client_does_what_theirs_did, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
