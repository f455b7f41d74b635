// SPDX-License-Identifier: GPL-2.0-or-later
/* Encrypt: a key of ours on its way to a KMS. */
#include "../common/test.h"

#include <errno.h>
#include <stdlib.h>

#include "client_fixture.h"

static void make_key(struct secret *key)
{
	assert_int_equal(secret_alloc(key, 7), 0);
	memcpy(key->data, "secret!", 7);
	key->len = 7;
}

static void a_key_is_wrapped_under_its_context(void **state)
{
	struct secret key = SECRET_INIT;
	uint8_t out[KMS_BLOB_MAX];
	size_t len;

	(void)state;
	BEGIN(OK("{\"KeyId\":\"" KEY "\",\"CiphertextBlob\":\"YmxvYg==\"}"),
	      OK("{\"KeyId\":\"" KEY "\",\"CiphertextBlob\":\"YmxvYg==\"}"));
	make_key(&key);
	assert_int_equal(kms_encrypt(kms, KEY, &ctx, "tok", &key, out, &len, &answer, &error), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(out, "blob", 4);
	assert_non_null(strstr(fake.head, "TrentService.Encrypt\r\n"));
	assert_string_equal(fake.body, "{\"Plaintext\":\"c2VjcmV0IQ==\",\"KeyId\":\"" KEY "\",\"EncryptionContext\":"
			    "{\"ecache:cache-id\":\"c1\",\"ecache:format\":\"1\"},\"GrantTokens\":[\"tok\"]}");
	assert_memory_equal(key.data, "secret!", 7);	/* stays the caller's */
	assert_int_equal(kms_encrypt(kms, KEY, &ctx, NULL, &key, out, &len, &answer, &error), 0);
	assert_null(strstr(fake.body, "GrantTokens"));
	secret_wipe(&key);
}

static void an_answer_about_something_else_is_none(void **state)
{
	struct secret key = SECRET_INIT;
	uint8_t out[KMS_BLOB_MAX];
	size_t len, i;

	(void)state;
	BEGIN(OK("{\"KeyId\":\"" OTHER_KEY "\",\"CiphertextBlob\":\"YmxvYg==\"}"),
	      OK("{\"KeyId\":\"" KEY "\"}"),
	      OK("{\"KeyId\":\"" KEY "\",\"CiphertextBlob\":\"\"}"),
	      OK("no object"));
	make_key(&key);
	for (i = 0; i < 4; i++) {
		assert_int_equal(kms_encrypt(kms, KEY, &ctx, NULL, &key, out, &len, &answer, &error), -EBADMSG);
		assert_int_equal(len, 0);
		assert_int_equal(answer.transport, KMS_BAD_ANSWER);
	}
	secret_wipe(&key);
}

static void a_denial_does_not_repeat_the_key(void **state)
{
	struct secret key = SECRET_INIT;
	uint8_t out[KMS_BLOB_MAX];
	size_t len;

	(void)state;
	BEGIN(ANSWER(400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"not you\"}"));
	make_key(&key);
	assert_int_equal(kms_encrypt(kms, KEY, &ctx, NULL, &key, out, &len, &answer, &error), -EPERM);
	assert_null(strstr(error.what, "c2VjcmV0"));
	secret_wipe(&key);
}

static void what_cannot_be_meant_is_not_sent(void **state)
{
	const struct kms_context unsorted = { 2, { { "b", "1" }, { "a", "1" } } };
	struct secret key = SECRET_INIT, none = SECRET_INIT;
	uint8_t out[KMS_BLOB_MAX];
	size_t len;

	(void)state;
	BEGIN(OK("{}"));
	make_key(&key);
	assert_int_equal(kms_encrypt(kms, KEY, &ctx, NULL, &none, out, &len, &answer, &error), -EINVAL);
	assert_int_equal(kms_encrypt(kms, KEY, &unsorted, NULL, &key, out, &len, &answer, &error), -EINVAL);
	assert_int_equal(kms_encrypt(kms, KEY, &ctx, "", &key, out, &len, &answer, &error), -EINVAL);
	assert_int_equal(kms_encrypt(kms, "alias/x", &ctx, NULL, &key, out, &len, &answer, &error), -EINVAL);
	assert_int_equal(answer.transport, KMS_NOT_ASKED);
	secret_wipe(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_key_is_wrapped_under_its_context, end),
		cmocka_unit_test_teardown(an_answer_about_something_else_is_none, end),
		cmocka_unit_test_teardown(a_denial_does_not_repeat_the_key, end),
		cmocka_unit_test_teardown(what_cannot_be_meant_is_not_sent, end),
	};

	strcpy(creds_path, "/tmp/wrap_test.XXXXXX");
	return mkstemp(creds_path) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
