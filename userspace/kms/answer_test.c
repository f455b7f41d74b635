// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/test.h"
#include "answer.h"
#include "verdict.h"

static void key_states_have_kms_spelling(void **state)
{
	int s;

	(void)state;
	for (s = KMS_STATE_NONE; s <= KMS_STATE_UNKNOWN; s++)
		assert_int_equal(kms_key_state_of(kms_key_state_name(s)), s);
	assert_string_equal(kms_key_state_name(KMS_STATE_PENDING_REPLICA_DELETION), "PendingReplicaDeletion");
	assert_int_equal(kms_key_state_of("enabled"), KMS_STATE_UNKNOWN);
	assert_int_equal(kms_key_state_of("Retired"), KMS_STATE_UNKNOWN);
	assert_string_equal(kms_key_state_name(KMS_STATE_UNKNOWN + 1), "Unknown");
	assert_string_equal(kms_transport_name(KMS_NOT_ASKED), "not-asked");
	assert_string_equal(kms_transport_name(KMS_NOT_ASKED + 1), "unknown");
}

static void an_element_counts_only_once(void **state)
{
	static const char *const bad[] = {
		"", "<Arn>", "<Arn>a", "</Arn><Arn>", "<Arn>a</Arn><Arn>b</Arn>", "<Arn><b>a</b></Arn>",
		"<Arn>a&amp;b</Arn>",
		"<arn>a</arn>", "<Arn >a</Arn>", "<Arn>12345678</Arn>",
	};
	char out[8];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (xml_text(bad[i], strlen(bad[i]), "Arn", out, sizeof(out)))
			fail_msg("accepted: %s", bad[i]);
	}
	assert_true(xml_text("x<Arn>1234567</Arn>y", 20, "Arn", out, sizeof(out)));
	assert_string_equal(out, "1234567");
	assert_false(xml_text("x<Arn>1234567</Arn>y", 18, "Arn", out, sizeof(out)));
	assert_false(xml_text("<Arn>a\0b</Arn>", 14, "Arn", out, sizeof(out)));
}

static struct kms_answer said(enum kms_transport transport, int status, const char *code, const char *message)
{
	struct kms_answer a = { .transport = transport, .http_status = status };

	snprintf(a.code, sizeof(a.code), "%s", code);
	snprintf(a.message, sizeof(a.message), "%s", message);
	return a;
}

static void an_error_says_what_why_and_what_to_do(void **state)
{
	struct kms_answer a = said(KMS_ANSWERED, 400, "AccessDeniedException", "not you");
	struct err e = ERR_INIT;

	(void)state;
	strcpy(a.request_id, "r-1");
	assert_int_equal(answer_explain(&a, "Decrypt", "key/1", &e), -EPERM);
	assert_string_equal(e.what, "Decrypt of key/1: AccessDeniedException: not you (request id r-1)");
	assert_non_null(strstr(e.hint, "grant"));
	e = (struct err)ERR_INIT;
	a = said(KMS_ANSWERED, 503, "", "");
	assert_int_equal(answer_explain(&a, "Decrypt", "", &e), -EAGAIN);
	assert_string_equal(e.what, "Decrypt: HTTP status 503");
	/* through ecache-net the reason comes in the message */
	e = (struct err)ERR_INIT;
	a = said(KMS_NO_ANSWER, 0, "", "connection refused");
	assert_int_equal(answer_explain(&a, "Decrypt", "key/1", &e), -EAGAIN);
	assert_string_equal(e.what, "Decrypt of key/1: connection refused");
	/* in this process it is in the error already, perhaps with a better hint */
	err_set(&e, -ENOENT, "no AWS credentials");
	err_hint(&e, "write them");
	a = said(KMS_NO_CREDENTIALS, 0, "", "");
	assert_int_equal(answer_explain(&a, "Decrypt", "key/1", &e), -EKEYREJECTED);
	assert_string_equal(e.what, "Decrypt of key/1: no AWS credentials");
	assert_string_equal(e.hint, "write them");
	assert_int_equal(e.rc, -EKEYREJECTED);
	assert_int_equal(answer_explain(&a, "Decrypt", "key/1", NULL), -EKEYREJECTED);
}

/* Whatever KMS says no for, or does not say, there is something to do about it. */
static void every_reason_has_a_remedy(void **state)
{
	static const struct {
		enum verdict_why why;
		enum kms_transport transport;
		int status;
		const char *code, *message, *hint;
	} t[] = {
		{ VERDICT_WHY_DENIED, KMS_ANSWERED, 400, "AccessDeniedException", "", "grant" },
		{ VERDICT_WHY_DISABLED, KMS_ANSWERED, 400, "DisabledException", "", "enable" },
		{ VERDICT_WHY_PENDING_DELETION, KMS_ANSWERED, 400, "KMSInvalidStateException", "is pending deletion.",
		  "cancel" },
		{ VERDICT_WHY_PENDING_DELETION, KMS_ANSWERED, 400, "DisabledException", "is pending deletion.",
		  "cancel" },
		{ VERDICT_WHY_PENDING_IMPORT, KMS_ANSWERED, 400, "KMSInvalidStateException", "is pending import.",
		  "import" },
		{ VERDICT_WHY_DELETED, KMS_ANSWERED, 400, "NotFoundException", "", "region" },
		{ VERDICT_WHY_KEY_UNAVAILABLE, KMS_ANSWERED, 500, "KeyUnavailableException", "", "wait" },
		{ VERDICT_WHY_THROTTLED, KMS_ANSWERED, 400, "ThrottlingException", "", "probe-interval=" },
		{ VERDICT_WHY_THROTTLED, KMS_ANSWERED, 400, "LimitExceededException", "", "retire" },
		{ VERDICT_WHY_SERVICE, KMS_ANSWERED, 500, "KMSInternalException", "", "request id" },
		{ VERDICT_WHY_NO_ANSWER, KMS_NO_ANSWER, 0, "", "", "endpoint" },
		{ VERDICT_WHY_BAD_ANSWER, KMS_BAD_ANSWER, 200, "", "", "KMS" },
		{ VERDICT_WHY_NO_CREDENTIALS, KMS_NO_CREDENTIALS, 0, "", "", "credentials" },
		{ VERDICT_WHY_CREDENTIALS, KMS_ANSWERED, 400, "UnrecognizedClientException", "", "credentials" },
		{ VERDICT_WHY_CLOCK, KMS_ANSWERED, 400, "RequestExpired", "", "clock" },
		{ VERDICT_WHY_REQUEST, KMS_ANSWERED, 400, "ValidationException", "", "KMS" },
		{ VERDICT_WHY_GRANT_TOKEN, KMS_ANSWERED, 400, "InvalidGrantTokenException", "", "regrant" },
		{ VERDICT_WHY_CIPHERTEXT, KMS_ANSWERED, 400, "InvalidCiphertextException", "", "damaged" },
		{ VERDICT_WHY_WRONG_KEY, KMS_ANSWERED, 400, "IncorrectKeyException", "", "another KMS key" },
	};
	bool seen[VERDICT_WHY_WRONG_KEY + 1] = { [VERDICT_WHY_NONE] = true };
	enum verdict_why why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct kms_answer a = said(t[i].transport, t[i].status, t[i].code, t[i].message);
		struct err e = ERR_INIT;

		verdict_of_probe(&a, &why);
		assert_int_equal(why, t[i].why);
		answer_explain(&a, "Decrypt", "k", &e);
		if (!strstr(e.hint, t[i].hint))
			fail_msg("%s %s: \"%s\"", verdict_why_name(why), t[i].code, e.hint);
		seen[why] = true;
	}
	for (i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		if (!seen[i])
			fail_msg("nothing was tried for %s", verdict_why_name(i));
	}
}

static void return_codes_tell_no_from_not_now(void **state)
{
	static const struct {
		enum kms_transport transport;
		int status;
		const char *code;
		int rc;
	} t[] = {
		{ KMS_ANSWERED, 400, "DisabledException", -EPERM },
		{ KMS_ANSWERED, 400, "NotFoundException", -EPERM },
		{ KMS_ANSWERED, 400, "InvalidCiphertextException", -EPERM },
		{ KMS_ANSWERED, 400, "InvalidGrantTokenException", -EPERM },
		{ KMS_ANSWERED, 400, "ValidationException", -EPERM },
		{ KMS_ANSWERED, 400, "LimitExceededException", -EPERM },
		{ KMS_ANSWERED, 400, "ThrottlingException", -EAGAIN },
		{ KMS_ANSWERED, 500, "KMSInternalException", -EAGAIN },
		{ KMS_ANSWERED, 400, "ExpiredTokenException", -EKEYREJECTED },
		{ KMS_ANSWERED, 400, "RequestExpired", -EKEYREJECTED },
		{ KMS_ANSWERED, 404, "", -EBADMSG },
		{ KMS_NO_CREDENTIALS, 0, "", -EKEYREJECTED },
		{ KMS_NO_ANSWER, 0, "", -EAGAIN },
		{ KMS_BAD_ANSWER, 200, "", -EBADMSG },
		{ KMS_NOT_ASKED, 0, "", -EINVAL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct kms_answer a = said(t[i].transport, t[i].status, t[i].code, "");
		struct err e = ERR_INIT;

		assert_int_equal(answer_explain(&a, "Decrypt", "k", &e), t[i].rc);
		assert_int_equal(e.rc, t[i].rc);
		assert_true(*e.what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_states_have_kms_spelling),
		cmocka_unit_test(an_element_counts_only_once),
		cmocka_unit_test(an_error_says_what_why_and_what_to_do),
		cmocka_unit_test(every_reason_has_a_remedy),
		cmocka_unit_test(return_codes_tell_no_from_not_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
