// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <time.h>

#include "../common/test.h"
#include "client_fixture.h"

static void describe_reads_what_it_needs(void **state)
{
	struct json_object *o;
	struct kms_key key;

	(void)state;
	BEGIN({ .status = 200, .headers = "x-amzn-RequestId: r-1\r\n", .body = DESCRIBED(KEY, "Enabled") },
	      OK(DESCRIBED(KEY, "PendingDeletion")),
	      OK(DESCRIBED(KEY, "Strange")),
	      OK("{\"KeyMetadata\":{\"Arn\":\"" KEY "\",\"KeyState\":\"Enabled\",\"KeySpec\":\"RSA_2048\"}}"),
	      OK("{\"KeyMetadata\":{\"Arn\":\"" KEY "\",\"KeyState\":\"Enabled\",\"KeySpec\":null,"
		 "\"KeyUsage\":null}}"));
	assert_int_equal(kms_describe_key(kms, KEY, "token", &key, &answer, &error), 0);
	assert_string_equal(key.arn, KEY);
	assert_int_equal(key.state, KMS_STATE_ENABLED);
	assert_true(key.symmetric);
	assert_int_equal(answer.transport, KMS_ANSWERED);
	assert_int_equal(answer.http_status, 200);
	assert_string_equal(answer.request_id, "r-1");
	assert_string_equal(answer.code, "");
	o = sent();
	assert_string_equal(string_of(o, "KeyId"), KEY);
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(o, "GrantTokens"), 0),
			    "[\"token\"]");
	json_object_put(o);
	assert_int_equal(kms_describe_key(kms, "alias/x", NULL, &key, &answer, &error), 0);
	assert_int_equal(key.state, KMS_STATE_PENDING_DELETION);
	assert_int_equal(kms_describe_key(kms, KEY, NULL, &key, &answer, &error), 0);
	assert_int_equal(key.state, KMS_STATE_UNKNOWN);
	assert_int_equal(kms_describe_key(kms, KEY, NULL, &key, &answer, &error), 0);
	assert_false(key.symmetric);
	/* to every SDK a null is as good as nothing */
	assert_int_equal(kms_describe_key(kms, KEY, NULL, &key, &answer, &error), 0);
	assert_true(key.symmetric);
}

static void requests_are_signed_posts(void **state)
{
	(void)state;
	BEGIN(OK(DESCRIBED(KEY, "Enabled")));
	assert_int_equal(describe(), 0);
	assert_int_equal(strncmp(fake.head, "POST / HTTP/1.1\r\n", 17), 0);
	assert_non_null(strstr(fake.head, "\r\nHost: localhost\r\n"));
	assert_non_null(strstr(fake.head, "\r\nX-Amz-Target: TrentService.DescribeKey\r\n"));
	assert_non_null(strstr(fake.head, "\r\nContent-Type: application/x-amz-json-1.1\r\n"));
	assert_non_null(strstr(fake.head, "\r\nX-Amz-Security-Token: tok//en\r\n"));
	assert_non_null(strstr(fake.head, "\r\nX-Amz-Date: "));
	assert_non_null(strstr(fake.head, "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDTEST/"));
	assert_non_null(strstr(fake.head, "/eu-west-1/kms/aws4_request"));
	assert_non_null(strstr(fake.head, "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"
			       "x-amz-target,"));
	assert_null(strstr(fake.head, "sec/ret+"));
	assert_null(strstr(fake.head, "Expect:"));
}

static void a_grant_is_made_as_asked(void **state)
{
	static const char *const operations[] = { "Decrypt", "DescribeKey", "RetireGrant", NULL };
	const struct kms_grant_request rq = {
		.key_arn = KEY,
		.grantee = "arn:aws:iam::111122223333:role/host",
		.retiring = "arn:aws:iam::111122223333:user/creator",
		.name = "ecache:c1:volume",
		.operations = operations,
		.equals = &ctx,
	};
	static const char want[] = "{\"KeyId\":\"" KEY "\","
		"\"GranteePrincipal\":\"arn:aws:iam::111122223333:role/host\","
		"\"RetiringPrincipal\":\"arn:aws:iam::111122223333:user/creator\",\"Name\":\"ecache:c1:volume\","
		"\"Operations\":[\"Decrypt\",\"DescribeKey\",\"RetireGrant\"],"
		"\"Constraints\":{\"EncryptionContextEquals\":{\"ecache:cache-id\":\"c1\",\"ecache:format\":\"1\"}}}";
	struct kms_grant grant;

	(void)state;
	BEGIN(OK("{\"GrantId\":\"abc123\",\"GrantToken\":\"TOKEN\"}"),
	      OK("{\"GrantId\":\"abc123\"}"));
	assert_int_equal(kms_create_grant(kms, &rq, &grant, &answer, &error), 0);
	assert_string_equal(grant.id, "abc123");
	assert_string_equal(grant.token, "TOKEN");
	assert_string_equal(fake.body, want);
	assert_int_equal(kms_create_grant(kms, &rq, &grant, &answer, &error), -EBADMSG);
	assert_int_equal(answer.transport, KMS_BAD_ANSWER);
	assert_string_equal(grant.id, "");
}

static void grants_end_with_an_empty_answer(void **state)
{
	(void)state;
	BEGIN(OK(""), OK("{}"));
	assert_int_equal(kms_retire_grant(kms, KEY, "abc", &answer, &error), 0);
	assert_non_null(strstr(fake.head, "TrentService.RetireGrant"));
	assert_string_equal(fake.body, "{\"KeyId\":\"" KEY "\",\"GrantId\":\"abc\"}");
	assert_int_equal(kms_revoke_grant(kms, KEY, "abc", &answer, &error), 0);
	assert_non_null(strstr(fake.head, "TrentService.RevokeGrant"));
}

static void a_grant_is_looked_for_in_the_list(void **state)
{
	struct json_object *o;
	bool listed;

	(void)state;
	BEGIN(OK("{\"Grants\":[{\"GrantId\":\"g1\",\"Name\":\"n\"}],\"Truncated\":false}"),
	      OK("{\"Grants\":[],\"Truncated\":false}"), OK("{\"Grants\":[{\"GrantId\":\"g2\"},{},7]}"),
	      OK("{\"Grants\":[{\"GrantId\":\"g2\"}],\"Truncated\":true}"), NO("AccessDeniedException"));
	assert_int_equal(kms_grant_listed(kms, KEY, "g1", &listed, &answer, &error), 0);
	assert_true(listed);
	assert_non_null(strstr(fake.head, "TrentService.ListGrants"));
	o = sent();
	assert_string_equal(string_of(o, "KeyId"), KEY);
	assert_string_equal(string_of(o, "GrantId"), "g1");
	json_object_put(o);
	assert_int_equal(kms_grant_listed(kms, KEY, "g1", &listed, &answer, &error), 0);
	assert_false(listed);
	/* others, from a service that knows no such filter */
	assert_int_equal(kms_grant_listed(kms, KEY, "g1", &listed, &answer, &error), 0);
	assert_false(listed);
	assert_int_equal(kms_grant_listed(kms, KEY, "g1", &listed, &answer, &error), -EBADMSG);
	assert_int_equal(kms_grant_listed(kms, KEY, "g1", &listed, &answer, &error), -EPERM);
	assert_false(listed);
	assert_int_equal(kms_grant_listed(kms, KEY, "", &listed, &answer, &error), -EINVAL);
}

static void a_wrapped_key_is_generated(void **state)
{
	uint8_t out[KMS_BLOB_MAX];
	size_t len;

	(void)state;
	BEGIN(OK("{\"KeyId\":\"" KEY "\",\"CiphertextBlob\":\"YmxvYg==\"}"),
	      OK("{\"KeyId\":\"" OTHER_KEY "\",\"CiphertextBlob\":\"YmxvYg==\"}"),
	      OK("{\"KeyId\":\"" KEY "\",\"CiphertextBlob\":\"YmxvYg=\"}"),
	      OK("{\"KeyId\":\"" KEY "\"}"));
	assert_int_equal(kms_generate_data_key_wrapped(kms, KEY, 64, &ctx, out, &len, &answer, &error), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(out, "blob", 4);
	assert_non_null(strstr(fake.head, "TrentService.GenerateDataKeyWithoutPlaintext\r\n"));
	assert_string_equal(fake.body, "{\"KeyId\":\"" KEY "\",\"NumberOfBytes\":64,\"EncryptionContext\":"
			    "{\"ecache:cache-id\":\"c1\",\"ecache:format\":\"1\"}}");
	assert_int_equal(kms_generate_data_key_wrapped(kms, KEY, 64, &ctx, out, &len, &answer, &error), -EBADMSG);
	assert_non_null(strstr(error.what, "another key"));
	assert_int_equal(kms_generate_data_key_wrapped(kms, KEY, 64, &ctx, out, &len, &answer, &error), -EBADMSG);
	assert_int_equal(kms_generate_data_key_wrapped(kms, KEY, 64, &ctx, out, &len, &answer, &error), -EBADMSG);
	assert_int_equal(len, 0);
}

static void decrypt_hands_over_the_key_and_keeps_nothing(void **state)
{
	struct json_object *o;
	struct secret key;
	char want[64];

	(void)state;
	BEGIN(OK("{\"KeyId\":\"" KEY "\",\"Plaintext\":\"c2VjcmV0IQ==\",\"EncryptionAlgorithm\":\"X\"}"));
	assert_int_equal(secret_alloc(&key, 7), 0);
	assert_int_equal(kms_decrypt(kms, KEY, &ctx, blob, sizeof(blob), "tok", &key, &answer, &error), 0);
	assert_int_equal(key.len, 7);
	assert_memory_equal(key.data, "secret!", 7);
	assert_true(transport_wiped(kms->transport));
	o = sent();
	base64_encode(blob, sizeof(blob), want);
	assert_string_equal(string_of(o, "CiphertextBlob"), want);
	assert_string_equal(string_of(o, "KeyId"), KEY);
	assert_string_equal(string_of(json_object_object_get(o, "EncryptionContext"), "ecache:cache-id"), "c1");
	assert_null(json_object_object_get(o, "DryRun"));
	assert_int_equal(json_object_object_length(o), 4);
	json_object_put(o);
	secret_wipe(&key);
}

/* Whatever is wrong with an answer to Decrypt, no byte of a key stays anywhere. */
static void a_bad_plaintext_answer_leaves_nothing(void **state)
{
	static const uint8_t zero[7];
	struct secret key;
	int i;

	(void)state;
	BEGIN(OK("{\"KeyId\":\"" OTHER_KEY "\",\"Plaintext\":\"c2VjcmV0IQ==\"}"),
	      OK("{\"Plaintext\":\"c2VjcmV0IQ==\"}"),
	      OK("{\"KeyId\":\"" KEY "\",\"Plaintext\":\"c2VjcmV0\"}"),
	      OK("{\"KeyId\":\"" KEY "\",\"Plaintext\":\"c2VjcmV0IXN0aWxs\"}"),
	      OK("{\"KeyId\":\"" KEY "\",\"Plaintext\":\"c2VjcmV0IQ==\",\"x\":nonsense}"),
	      OK("{\"KeyId\":\"" KEY "\",\"Plaintext\":\"c2VjcmV0IQ==\",\"Plaintext\":\"c2VjcmV0IQ==\"}"),
	      OK("{\"KeyId\":\"" KEY "\"}"),
	      OK("c2VjcmV0IQ=="),
	      { 200, NULL, "{\"KeyId\":\"" KEY "\",\"Plaintext\":\"c2VjcmV0IQ==\"}", 0, FAKE_TRUNCATE });
	assert_int_equal(secret_alloc(&key, 7), 0);
	for (i = 0; i < 9; i++) {
		int rc = kms_decrypt(kms, KEY, &ctx, blob, sizeof(blob), NULL, &key, &answer, &error);

		assert_int_equal(rc, i < 8 ? -EBADMSG : -EAGAIN);
		assert_int_equal(answer.transport, i < 8 ? KMS_BAD_ANSWER : KMS_NO_ANSWER);
		assert_int_equal(key.len, 0);
		assert_memory_equal(key.data, zero, 7);
		assert_true(transport_wiped(kms->transport));
		assert_null(strstr(error.what, "c2Vj"));
	}
	secret_wipe(&key);
}

static void a_dry_run_that_would_succeed_is_good(void **state)
{
	(void)state;
	BEGIN(ANSWER(400, "{\"__type\":\"DryRunOperationException\",\"message\":\"would have succeeded\"}"),
	      OK("{\"KeyId\":\"" KEY "\",\"Plaintext\":\"c2VjcmV0IQ==\"}"),
	      ANSWER(400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}"),
	      NO("DryRunOperationException"));
	assert_int_equal(kms_probe(kms, KEY, &ctx, blob, sizeof(blob), &answer, &error), 0);
	assert_string_equal(answer.code, "DryRunOperationException");
	assert_string_equal(error.what, "");
	assert_non_null(strstr(fake.body, "\"DryRun\":true"));
	assert_null(strstr(fake.body, "GrantTokens"));
	assert_null(strstr(fake.body, "DryRunModifiers"));
	/* a service without dry runs sent the key; it is wiped unread */
	assert_int_equal(kms_probe(kms, KEY, &ctx, blob, sizeof(blob), &answer, &error), 0);
	assert_true(transport_wiped(kms->transport));
	assert_int_equal(kms_probe(kms, KEY, &ctx, blob, sizeof(blob), &answer, &error), -EPERM);
	assert_string_equal(answer.code, "AccessDeniedException");
	assert_string_equal(answer.message, "no");
	/* the control probe needs no ciphertext */
	assert_int_equal(kms_probe(kms, KEY, NULL, NULL, 0, &answer, &error), 0);
	assert_string_equal(fake.body, "{\"KeyId\":\"" KEY "\",\"DryRun\":true,"
			    "\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]}");
}

static void the_caller_is_asked_of_sts(void **state)
{
	char arn[128];

	(void)state;
	BEGIN(OK("<GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/a</Arn><UserId>x</UserId>\n"),
	      OK("<Arn>arn:a</Arn><Arn>arn:b</Arn>"),
	      OK("<html>hello</html>"),
	      ANSWER(403, "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>bad id</Message></Error>"));
	assert_int_equal(kms_caller(kms, arn, sizeof(arn), &answer, &error), 0);
	assert_string_equal(arn, "arn:aws:iam::111122223333:user/a");
	assert_non_null(strstr(fake.head, "/eu-west-1/sts/aws4_request"));
	assert_string_equal(fake.body, "Action=GetCallerIdentity&Version=2011-06-15");
	assert_int_equal(kms_caller(kms, arn, sizeof(arn), &answer, &error), -EBADMSG);
	assert_int_equal(kms_caller(kms, arn, sizeof(arn), &answer, &error), -EBADMSG);
	assert_int_equal(kms_caller(kms, arn, sizeof(arn), &answer, &error), -EKEYREJECTED);
	assert_string_equal(answer.code, "InvalidClientTokenId");
	assert_string_equal(answer.message, "bad id");
	assert_string_equal(arn, "");
}

static void every_spelling_of_an_error_is_understood(void **state)
{
	static const struct {
		const char *code;
		int rc;
	} want[] = {
		{ "NotFoundException", -EPERM }, { "NotFoundException", -EPERM }, { "NotFoundException", -EPERM },
		{ "ExpiredTokenException", -EKEYREJECTED }, { "RequestExpired", -EKEYREJECTED },
		{ "KMSInternalException", -EAGAIN }, { "ThrottlingException", -EAGAIN },
		{ "LimitExceededException", -EPERM }, { "ValidationException", -EPERM }, { "", -EAGAIN },
		{ "", -EBADMSG }, { "", -EBADMSG }, { "", -EBADMSG }, { "", -EBADMSG }, { "ABdlt.b-x_3", -EPERM },
	};
	size_t i;

	(void)state;
	BEGIN(ANSWER(400, "{\"__type\":\"NotFoundException\",\"message\":\"m\"}"),
	      ANSWER(400, "{\"__type\":\"com.amazonaws.kms#NotFoundException\",\"Message\":\"m\"}"),
	      ANSWER(400, "{\"__type\":\"NotFoundException:http://internal.amazon.com/x#y/\",\"message\":\"m\"}"),
	      ANSWER(400, "{\"__type\":\"ExpiredTokenException\",\"message\":null}"),
	      NO("RequestExpired"),
	      ANSWER(500, "{\"__type\":\"KMSInternalException\"}"),
	      NO("ThrottlingException"),
	      NO("LimitExceededException"),
	      NO("ValidationException"),
	      ANSWER(502, "<html>bad gateway</html>"),
	      ANSWER(403, "<html>filtered</html>"),
	      ANSWER(400, ""),
	      ANSWER(400, "{\"__type\":5}"),
	      { .status = 302, .headers = "Location: http://127.0.0.1:1/\r\n", .body = "" },
	      ANSWER(400, "{\"__type\":\"AB\\u0007d\\u00fclt .b-x_3\",\"message\":\"\\u001b[2J\\nx\"}"));
	for (i = 0; i < COUNT(want); i++) {
		assert_int_equal(describe(), want[i].rc);
		assert_string_equal(answer.code, want[i].code);
		assert_int_equal(answer.transport, KMS_ANSWERED);
		assert_true(transport_wiped(kms->transport));
		assert_true(*error.what);
	}
	assert_string_equal(answer.message, "?[2J?x");	/* safe for terminals and logs */
	assert_int_equal(fake.requests, COUNT(want));	/* the redirect was not followed */
}

static void what_is_no_answer_says_so(void **state)
{
	static char huge[70000];
	static const struct fake_reply replies[] = {
		{ 200, NULL, "{\"KeyMetadata\":{\"Arn\":\"" KEY "\"", 0, FAKE_TRUNCATE },
		{ 0, NULL, NULL, 0, FAKE_CLOSE },
		ANSWER(0, "SSH-2.0-OpenSSH_9.2\r\n"),
		{ .status = 200, .body = huge, .body_len = sizeof(huge) },
		OK("not json"),
		OK("{\"KeyMetadata\":{\"KeyState\":\"Enabled\"}}"),
		OK("{\"KeyMetadata\":[]}"),
		OK(DESCRIBED(OTHER_KEY, "Enabled")),
		OK(DESCRIBED("rubbish", "Enabled")),
		{ 0, NULL, NULL, 0, FAKE_HANG },
	};
	static const enum kms_transport want[] = {
		KMS_NO_ANSWER, KMS_NO_ANSWER, KMS_BAD_ANSWER, KMS_BAD_ANSWER, KMS_BAD_ANSWER, KMS_BAD_ANSWER,
		KMS_BAD_ANSWER, KMS_BAD_ANSWER, KMS_BAD_ANSWER, KMS_NO_ANSWER,
	};
	struct timespec before, after;
	size_t i;

	(void)state;
	/* good, if only it were cut where our buffer ends */
	memset(huge, ' ', sizeof(huge));
	memcpy(huge, DESCRIBED(KEY, "Enabled"), strlen(DESCRIBED(KEY, "Enabled")));
	begin(replies, COUNT(replies), 1000, 1);
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (i = 0; i < COUNT(want); i++) {
		assert_int_equal(describe(), want[i] == KMS_BAD_ANSWER ? -EBADMSG : -EAGAIN);
		assert_int_equal(answer.transport, want[i]);
		assert_true(transport_wiped(kms->transport));
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec <= 4);		/* the one that hangs */
	assert_non_null(strstr(error.what, "no answer from"));
	assert_non_null(strstr(error.what, fake.path));
}

static void nobody_there_is_no_answer(void **state)
{
	struct kms_config cfg = { .region = REGION, .endpoint = "unix:/nonexistent/s", .creds.file = creds_path,
				  .timeout_ms = 1000, .attempts = 1 };

	(void)state;
	BEGIN(OK(""));
	kms_close(kms);
	assert_int_equal(kms_open(&kms, &cfg, NULL), 0);
	assert_int_equal(describe(), -EAGAIN);
	assert_int_equal(answer.transport, KMS_NO_ANSWER);
	kms_close(kms);
	cfg.endpoint = "https://127.0.0.1:1";
	assert_int_equal(kms_open(&kms, &cfg, NULL), 0);
	assert_int_equal(describe(), -EAGAIN);
	assert_int_equal(answer.transport, KMS_NO_ANSWER);
}

static void transient_errors_are_retried_and_others_not(void **state)
{
	static const struct fake_reply replies[] = {
		ANSWER(500, "{\"__type\":\"KMSInternalException\"}"),
		{ 0, NULL, NULL, 0, FAKE_CLOSE },
		OK(DESCRIBED(KEY, "Enabled")),
		NO("LimitExceededException"),
		NO("AccessDeniedException"),
		ANSWER(403, "filtered"),
		NO("ThrottlingException"),
	};

	(void)state;
	begin(replies, COUNT(replies), 1000, 3);
	assert_int_equal(describe(), 0);
	assert_int_equal(fake.requests, 3);
	assert_string_equal(error.what, "");
	assert_int_equal(describe(), -EPERM);
	assert_int_equal(describe(), -EPERM);
	assert_int_equal(describe(), -EBADMSG);
	assert_int_equal(fake.requests, 6);
	assert_int_equal(describe(), -EAGAIN);
	assert_int_equal(fake.requests, 9);
}

static void a_connection_is_kept_until_it_is_forgotten(void **state)
{
	(void)state;
	BEGIN(OK(DESCRIBED(KEY, "Enabled")));
	assert_int_equal(describe(), 0);
	assert_int_equal(describe(), 0);
	assert_int_equal(fake.connections, 1);
	write_credentials("[default]\naws_access_key_id=AKIDNEW\naws_secret_access_key=s\n");
	assert_int_equal(describe(), 0);
	assert_non_null(strstr(fake.head, "Credential=AKIDTEST/"));
	kms_forget(kms);
	assert_int_equal(describe(), 0);
	assert_int_equal(fake.connections, 2);
	assert_non_null(strstr(fake.head, "Credential=AKIDNEW/"));
	assert_null(strstr(fake.head, "Security-Token"));
}

static void no_credentials_is_a_fault_of_ours(void **state)
{
	(void)state;
	BEGIN(OK(""));
	unlink(creds_path);
	assert_int_equal(describe(), -EKEYREJECTED);
	assert_int_equal(answer.transport, KMS_NO_CREDENTIALS);
	assert_non_null(strstr(error.what, creds_path));
	assert_int_equal(fake.requests, 0);
}

static void bad_arguments_are_not_sent(void **state)
{
	static const struct kms_context unsorted = { 2, { { "b", "1" }, { "a", "2" } } };
	static const struct kms_context twice = { 2, { { "a", "1" }, { "a", "2" } } };
	static const char elsewhere[] = "arn:aws:kms:us-east-1:111122223333:key/a";
	uint8_t out[KMS_BLOB_MAX];
	struct secret key;
	struct kms_key k;
	size_t len;

	(void)state;
	BEGIN(OK(""));
	assert_int_equal(secret_alloc(&key, 64), 0);
	assert_int_equal(kms_describe_key(kms, elsewhere, NULL, &k, &answer, &error), -EINVAL);
	assert_non_null(strstr(error.what, "region eu-west-1"));
	assert_int_equal(kms_describe_key(kms, "", NULL, &k, &answer, &error), -EINVAL);
	assert_int_equal(kms_decrypt(kms, elsewhere, &ctx, blob, 3, NULL, &key, &answer, &error), -EINVAL);
	assert_int_equal(kms_decrypt(kms, "alias/x", &ctx, blob, 3, NULL, &key, &answer, &error), -EINVAL);
	assert_int_equal(kms_decrypt(kms, KEY, &unsorted, blob, 3, NULL, &key, &answer, &error), -EINVAL);
	assert_int_equal(kms_decrypt(kms, KEY, &twice, blob, 3, NULL, &key, &answer, &error), -EINVAL);
	assert_int_equal(kms_decrypt(kms, KEY, &ctx, blob, 0, NULL, &key, &answer, &error), -EINVAL);
	assert_int_equal(kms_decrypt(kms, KEY, &ctx, blob, 6145, NULL, &key, &answer, &error), -EINVAL);
	assert_int_equal(kms_decrypt(kms, KEY, &ctx, NULL, 0, NULL, &key, &answer, &error), -EINVAL);
	assert_int_equal(kms_decrypt(kms, KEY, &ctx, blob, 3, "", &key, &answer, &error), -EINVAL);
	assert_int_equal(kms_generate_data_key_wrapped(kms, KEY, 15, &ctx, out, &len, &answer, &error), -EINVAL);
	assert_int_equal(kms_generate_data_key_wrapped(kms, KEY, 65, &ctx, out, &len, &answer, &error), -EINVAL);
	assert_int_equal(kms_retire_grant(kms, KEY, "", &answer, &error), -EINVAL);
	assert_int_equal(answer.transport, KMS_NOT_ASKED);
	assert_int_equal(fake.requests, 0);
	secret_wipe(&key);
}

static void configuration_is_checked_when_it_is_opened(void **state)
{
	struct kms_config cfg = { .region = REGION, .endpoint = "unix:/s", .timeout_ms = 1000, .attempts = 1 };
	struct kms_config bad;
	struct kms *k;

	(void)state;
	bad = cfg;
	bad.timeout_ms = 999;
	assert_int_equal(kms_open(&k, &bad, NULL), -EINVAL);
	bad = cfg;
	bad.attempts = 0;
	assert_int_equal(kms_open(&k, &bad, NULL), -EINVAL);
	bad = cfg;
	bad.region = "x/y";
	assert_int_equal(kms_open(&k, &bad, NULL), -EINVAL);
	bad = cfg;
	bad.endpoint = "http://10.0.0.1";
	assert_int_equal(kms_open(&k, &bad, NULL), -EINVAL);
	assert_null(k);
	kms_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(describe_reads_what_it_needs, end),
		cmocka_unit_test_teardown(requests_are_signed_posts, end),
		cmocka_unit_test_teardown(a_grant_is_made_as_asked, end),
		cmocka_unit_test_teardown(grants_end_with_an_empty_answer, end),
		cmocka_unit_test_teardown(a_grant_is_looked_for_in_the_list, end),
		cmocka_unit_test_teardown(a_wrapped_key_is_generated, end),
		cmocka_unit_test_teardown(decrypt_hands_over_the_key_and_keeps_nothing, end),
		cmocka_unit_test_teardown(a_bad_plaintext_answer_leaves_nothing, end),
		cmocka_unit_test_teardown(a_dry_run_that_would_succeed_is_good, end),
		cmocka_unit_test_teardown(the_caller_is_asked_of_sts, end),
		cmocka_unit_test_teardown(every_spelling_of_an_error_is_understood, end),
		cmocka_unit_test_teardown(what_is_no_answer_says_so, end),
		cmocka_unit_test_teardown(nobody_there_is_no_answer, end),
		cmocka_unit_test_teardown(transient_errors_are_retried_and_others_not, end),
		cmocka_unit_test_teardown(a_connection_is_kept_until_it_is_forgotten, end),
		cmocka_unit_test_teardown(no_credentials_is_a_fault_of_ours, end),
		cmocka_unit_test_teardown(bad_arguments_are_not_sent, end),
		cmocka_unit_test(configuration_is_checked_when_it_is_opened),
	};

	strcpy(creds_path, "/tmp/client_test.XXXXXX");
	return mkstemp(creds_path) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
