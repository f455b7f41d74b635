// SPDX-License-Identifier: GPL-2.0-or-later
/* Dry runs of what the host should not be allowed: what is asked, and which answer means yes. */
#include <errno.h>

#include "../common/test.h"
#include "client_fixture.h"

#define HOST "arn:aws:iam::111122223333:role/host"
#define DRY "{\"__type\":\"DryRunOperationException\",\"message\":\"would have succeeded\"}"
#define CONTEXT "\"EncryptionContext\":{\"ecache:cache-id\":\"c1\",\"ecache:format\":\"1\"}"

static int may(enum kms_right right, const struct kms_context *context)
{
	error = (struct err)ERR_INIT;
	return kms_may(kms, right, KEY, context, HOST, &answer, &error);
}

/* Nothing but dry runs: what is sent by mistake without one is done. */
static void each_right_is_asked_as_a_dry_run(void **state)
{
	static const struct {
		enum kms_right right;
		const char *op, *body;
	} t[] = {
		{ KMS_MAY_GRANT, "CreateGrant", "{\"KeyId\":\"" KEY "\",\"GranteePrincipal\":\"" HOST
		  "\",\"Operations\":[\"Decrypt\"],\"DryRun\":true}" },
		{ KMS_MAY_ENCRYPT, "Encrypt",
		  "{\"KeyId\":\"" KEY "\",\"Plaintext\":\"AA==\"," CONTEXT ",\"DryRun\":true}" },
		{ KMS_MAY_GENERATE, "GenerateDataKeyWithoutPlaintext",
		  "{\"KeyId\":\"" KEY "\",\"NumberOfBytes\":64," CONTEXT ",\"DryRun\":true}" },
	};
	char target[80];

	(void)state;
	BEGIN(ANSWER(400, DRY));
	assert_int_equal(COUNT(t), KMS_RIGHTS);
	for (size_t i = 0; i < COUNT(t); i++) {
		assert_int_equal(may(t[i].right, &ctx), 0);
		assert_string_equal(answer.code, "DryRunOperationException");
		assert_string_equal(error.what, "");
		snprintf(target, sizeof(target), "X-Amz-Target: TrentService.%s\r\n", t[i].op);
		assert_non_null(strstr(fake.head, target));
		assert_string_equal(kms_right_name(t[i].right), t[i].op);
		assert_string_equal(fake.body, t[i].body);
	}
	assert_int_equal(may(KMS_MAY_ENCRYPT, NULL), 0);
	assert_string_equal(fake.body, "{\"KeyId\":\"" KEY "\",\"Plaintext\":\"AA==\",\"DryRun\":true}");
	assert_string_equal(kms_right_name(KMS_RIGHTS), "");
}

static void only_a_dry_run_that_would_succeed_is_a_yes(void **state)
{
	(void)state;
	BEGIN(NO("AccessDeniedException"), ANSWER(500, "{\"__type\":\"KMSInternalException\"}"),
	      ANSWER(403, "<html>filtered</html>"),
	      OK("{\"CiphertextBlob\":\"YmxvYg==\",\"KeyId\":\"" KEY "\"}"));
	assert_int_equal(may(KMS_MAY_ENCRYPT, &ctx), -EPERM);
	assert_string_equal(answer.code, "AccessDeniedException");
	assert_non_null(strstr(error.what, "Encrypt of " KEY));
	assert_int_equal(may(KMS_MAY_ENCRYPT, &ctx), -EAGAIN);
	assert_int_equal(may(KMS_MAY_ENCRYPT, &ctx), -EBADMSG);
	/* a service that knows no dry runs allows it, and has done it */
	assert_int_equal(may(KMS_MAY_ENCRYPT, &ctx), 0);
	assert_int_equal(answer.http_status, 200);
	assert_true(transport_wiped(kms->transport));
}

static void what_makes_no_sense_is_not_asked(void **state)
{
	static const struct kms_context unsorted = { 2, { { "b", "1" }, { "a", "2" } } };

	(void)state;
	BEGIN(ANSWER(400, DRY));
	assert_int_equal(kms_may(kms, KMS_MAY_GRANT, KEY, &ctx, NULL, &answer, &error), -EINVAL);
	assert_int_equal(kms_may(kms, KMS_MAY_GRANT, KEY, &ctx, "", &answer, &error), -EINVAL);
	assert_int_equal(may(KMS_RIGHTS, &ctx), -EINVAL);
	assert_int_equal(may(KMS_MAY_ENCRYPT, &unsorted), -EINVAL);
	assert_int_equal(kms_may(kms, KMS_MAY_ENCRYPT, "alias/x", &ctx, HOST, &answer, &error), -EINVAL);
	assert_int_equal(kms_may(kms, KMS_MAY_ENCRYPT, "arn:aws:kms:us-east-1:111122223333:key/a", &ctx, HOST, &answer,
				 &error), -EINVAL);
	assert_int_equal(answer.transport, KMS_NOT_ASKED);
	assert_int_equal(fake.requests, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_right_is_asked_as_a_dry_run, end),
		cmocka_unit_test_teardown(only_a_dry_run_that_would_succeed_is_a_yes, end),
		cmocka_unit_test_teardown(what_makes_no_sense_is_not_asked, end),
	};

	strcpy(creds_path, "/tmp/op_may_test.XXXXXX");
	return mkstemp(creds_path) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
