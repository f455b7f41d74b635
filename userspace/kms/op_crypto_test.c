// SPDX-License-Identifier: GPL-2.0-or-later
/* ReEncrypt: the wrapped key of a volume from one KMS key to another. */
#include <errno.h>

#include "../common/test.h"
#include "client_fixture.h"

#define ANSWERS(from, to) "{\"SourceKeyId\":\"" from "\",\"KeyId\":\"" to "\",\"CiphertextBlob\":\"YmxvYg==\"}"
#define CONTEXT "{\"ecache:cache-id\":\"c1\",\"ecache:format\":\"1\"}"

static int reencrypt(const char *to, size_t bytes, uint8_t *out, size_t *len)
{
	return kms_reencrypt(kms, KEY, to, &ctx, blob, bytes, out, len, &answer, &error);
}

static void a_wrapped_key_is_wrapped_again_under_another_key(void **state)
{
	uint8_t out[KMS_BLOB_MAX];
	size_t len;

	(void)state;
	BEGIN(OK(ANSWERS(KEY, OTHER_KEY)), OK(ANSWERS(OTHER_KEY, OTHER_KEY)), OK(ANSWERS(KEY, KEY)),
	      OK("{\"KeyId\":\"" OTHER_KEY "\",\"CiphertextBlob\":\"YmxvYg==\"}"), NO("AccessDeniedException"));
	assert_int_equal(reencrypt(OTHER_KEY, 3, out, &len), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(out, "blob", 4);
	assert_non_null(strstr(fake.head, "TrentService.ReEncrypt\r\n"));
	assert_string_equal(fake.body, "{\"CiphertextBlob\":\"d3Jh\",\"SourceKeyId\":\"" KEY "\","
			    "\"DestinationKeyId\":\"" OTHER_KEY "\",\"SourceEncryptionContext\":" CONTEXT ","
			    "\"DestinationEncryptionContext\":" CONTEXT "}");
	/* from another key, to another key, from a key that is not told */
	assert_int_equal(reencrypt(OTHER_KEY, 3, out, &len), -EBADMSG);
	assert_int_equal(reencrypt(OTHER_KEY, 3, out, &len), -EBADMSG);
	assert_int_equal(reencrypt(OTHER_KEY, 3, out, &len), -EBADMSG);
	assert_int_equal(reencrypt(OTHER_KEY, 3, out, &len), -EPERM);
	assert_int_equal(len, 0);
	assert_int_equal(reencrypt("alias/x", 3, out, &len), -EINVAL);
	assert_int_equal(reencrypt(OTHER_KEY, 0, out, &len), -EINVAL);
	assert_int_equal(fake.requests, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_wrapped_key_is_wrapped_again_under_another_key, end),
	};

	strcpy(creds_path, "/tmp/op_crypto_test.XXXXXX");
	return mkstemp(creds_path) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
