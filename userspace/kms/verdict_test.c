// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "../common/test.h"
#include "verdict.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct kms_answer said(int status, const char *code, const char *message)
{
	struct kms_answer a = { .transport = KMS_ANSWERED, .http_status = status };

	snprintf(a.code, sizeof(a.code), "%s", code);
	snprintf(a.message, sizeof(a.message), "%s", message);
	return a;
}

static const struct kms_answer good = { .transport = KMS_ANSWERED, .http_status = 200 };

/*
 * Every error that KMS's model gives an operation of ours, the common errors of AWS services, and what they mean to
 * a running volume. P: seen by a Decrypt probe, D: by DescribeKey ("-": the same).
 */
static const struct row {
	int status;
	const char *code;
	const char *message;
	enum verdict p;
	enum verdict_why why;
} rows[] = {
	{ 400, "AccessDeniedException", "not authorized to perform: kms:Decrypt", VERDICT_SUSPECT, VERDICT_WHY_DENIED },
	{ 400, "AccessDeniedException", "", VERDICT_SUSPECT, VERDICT_WHY_DENIED },
	{ 403, "AccessDenied", "", VERDICT_SUSPECT, VERDICT_WHY_DENIED },
	{ 400, "AccessDeniedException", "is pending deletion", VERDICT_SUSPECT, VERDICT_WHY_DENIED },
	{ 400, "NotFoundException", "", VERDICT_SUSPECT, VERDICT_WHY_DELETED },
	{ 400, "DisabledException", "", VERDICT_REVOKED, VERDICT_WHY_DISABLED },
	{ 400, "DisabledException", "arn:x is disabled.", VERDICT_REVOKED, VERDICT_WHY_DISABLED },
	{ 400, "DisabledException", "arn:x is pending import.", VERDICT_REVOKED, VERDICT_WHY_DISABLED },
	/* a key that waits for its deletion ends in this or in the next */
	{ 400, "DisabledException", "arn:x is pending deletion.", VERDICT_REVOKED, VERDICT_WHY_PENDING_DELETION },
	{ 400, "KMSInvalidStateException", "x is pending deletion.", VERDICT_REVOKED, VERDICT_WHY_PENDING_DELETION },
	{ 400, "KMSInvalidStateException", "state PendingDeletion", VERDICT_REVOKED, VERDICT_WHY_PENDING_DELETION },
	{ 400, "KMSInvalidStateException", "is pending replica deletion", VERDICT_REVOKED,
		VERDICT_WHY_PENDING_DELETION },
	{ 400, "KMSInvalidStateException", "PendingReplicaDeletion", VERDICT_REVOKED, VERDICT_WHY_PENDING_DELETION },
	{ 400, "KMSInvalidStateException", "arn:x is pending import.", VERDICT_REVOKED, VERDICT_WHY_PENDING_IMPORT },
	{ 400, "KMSInvalidStateException", "PendingImport", VERDICT_REVOKED, VERDICT_WHY_PENDING_IMPORT },
	{ 400, "KMSInvalidStateException", "is unavailable", VERDICT_UNREACHABLE, VERDICT_WHY_KEY_UNAVAILABLE },
	{ 400, "KMSInvalidStateException", "is creating", VERDICT_UNREACHABLE, VERDICT_WHY_KEY_UNAVAILABLE },
	{ 400, "KMSInvalidStateException", "is updating", VERDICT_UNREACHABLE, VERDICT_WHY_KEY_UNAVAILABLE },
	{ 400, "KMSInvalidStateException", "", VERDICT_UNREACHABLE, VERDICT_WHY_KEY_UNAVAILABLE },
	{ 500, "KeyUnavailableException", "", VERDICT_UNREACHABLE, VERDICT_WHY_KEY_UNAVAILABLE },
	{ 500, "DependencyTimeoutException", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
	{ 500, "KMSInternalException", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
	{ 500, "InternalFailure", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
	{ 500, "InternalServerError", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
	{ 503, "ServiceUnavailable", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
	{ 503, "ServiceUnavailableException", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
	{ 400, "RequestTimeout", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
	{ 400, "RequestTimeoutException", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
	{ 400, "PriorRequestNotComplete", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
	{ 400, "ThrottlingException", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 400, "Throttling", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 400, "ThrottledException", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 400, "RequestThrottled", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 400, "RequestThrottledException", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 400, "TooManyRequestsException", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 400, "RequestLimitExceeded", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 503, "SlowDown", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 400, "LimitExceededException", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 400, "ExpiredTokenException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 400, "ExpiredToken", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 400, "UnrecognizedClientException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 403, "InvalidClientTokenId", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 403, "InvalidAccessKeyId", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 400, "InvalidSignatureException", "does not match", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 400, "InvalidSignatureException", "Signature expired: 2 < 3", VERDICT_AGENT_FAULT, VERDICT_WHY_CLOCK },
	{ 400, "InvalidSignatureException", "Signature not yet current", VERDICT_AGENT_FAULT, VERDICT_WHY_CLOCK },
	{ 403, "SignatureDoesNotMatch", "Signature expired: 2 < 3", VERDICT_AGENT_FAULT, VERDICT_WHY_CLOCK },
	{ 403, "SignatureDoesNotMatch", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 400, "IncompleteSignature", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 400, "IncompleteSignatureException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 403, "MissingAuthenticationToken", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 403, "MissingAuthenticationTokenException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 403, "OptInRequired", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 400, "NotAuthorized", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS },
	{ 400, "RequestExpired", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CLOCK },
	{ 403, "RequestTimeTooSkewed", "", VERDICT_AGENT_FAULT, VERDICT_WHY_CLOCK },
	{ 400, "InvalidGrantTokenException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_GRANT_TOKEN },
	{ 400, "InvalidGrantIdException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST },
	{ 400, "InvalidArnException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST },
	{ 400, "InvalidMarkerException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST },
	{ 400, "UnsupportedOperationException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST },
	{ 400, "UnknownOperationException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST },
	{ 400, "SerializationException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST },
	{ 400, "ValidationException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST },
	{ 400, "ValidationError", "", VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST },
	{ 400, "InvalidCiphertextException", "", VERDICT_HEADER_FAULT, VERDICT_WHY_CIPHERTEXT },
	{ 400, "IncorrectKeyException", "", VERDICT_HEADER_FAULT, VERDICT_WHY_WRONG_KEY },
	{ 400, "InvalidKeyUsageException", "", VERDICT_HEADER_FAULT, VERDICT_WHY_WRONG_KEY },
	{ 400, "SomethingNewException", "", VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST },
	{ 408, "SomethingNewException", "", VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
	{ 429, "SomethingNewException", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 500, "SomethingNewException", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
	{ 200, "SomethingNewException", "", VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
	/* no code: not KMS's words */
	{ 0, "", "", VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
	{ 204, "", "", VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
	{ 301, "", "", VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
	{ 400, "", "", VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
	{ 403, "", "", VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
	{ 404, "", "", VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
	{ 407, "", "", VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
	{ 429, "", "", VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED },
	{ 502, "", "", VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE },
};

static const struct {
	enum kms_key_state state;
	enum verdict verdict;
	enum verdict_why why;
} states[] = {
	{ KMS_STATE_NONE, VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
	{ KMS_STATE_CREATING, VERDICT_UNREACHABLE, VERDICT_WHY_KEY_UNAVAILABLE },
	{ KMS_STATE_ENABLED, VERDICT_OK, VERDICT_WHY_NONE },
	{ KMS_STATE_DISABLED, VERDICT_REVOKED, VERDICT_WHY_DISABLED },
	{ KMS_STATE_PENDING_DELETION, VERDICT_REVOKED, VERDICT_WHY_PENDING_DELETION },
	{ KMS_STATE_PENDING_IMPORT, VERDICT_REVOKED, VERDICT_WHY_PENDING_IMPORT },
	{ KMS_STATE_PENDING_REPLICA_DELETION, VERDICT_REVOKED, VERDICT_WHY_PENDING_DELETION },
	{ KMS_STATE_UNAVAILABLE, VERDICT_UNREACHABLE, VERDICT_WHY_KEY_UNAVAILABLE },
	{ KMS_STATE_UPDATING, VERDICT_OK, VERDICT_WHY_NONE },
	{ KMS_STATE_UNKNOWN, VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
};

static void a_probe_is_ok_when_it_would_have_opened(void **state)
{
	struct kms_answer dry = said(400, "DryRunOperationException", "would have succeeded");
	enum verdict_why why;

	(void)state;
	assert_int_equal(verdict_of_probe(&dry, &why), VERDICT_OK);
	assert_int_equal(why, VERDICT_WHY_NONE);
	assert_int_equal(verdict_of_probe(&good, &why), VERDICT_OK);
	assert_int_equal(verdict_of_probe(&good, NULL), VERDICT_OK);
}

/* Every error, for both operations, in every key state: the state is not looked at when there is an error. */
static void every_error_has_its_verdict(void **state)
{
	enum verdict_why why;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct kms_answer a = said(r->status, r->code, r->message);

		if (verdict_of_probe(&a, &why) != r->p || why != r->why)
			fail_msg("%d %s \"%s\": %s, %s", r->status, r->code, r->message,
				 verdict_name(verdict_of_probe(&a, NULL)), verdict_why_name(why));
		for (k = 0; k < COUNT(states); k++) {
			if (verdict_of_describe(&a, states[k].state, &why) != r->p || why != r->why)
				fail_msg("DescribeKey: %d %s in state %d", r->status, r->code, states[k].state);
		}
	}
}

static void every_key_state_has_its_verdict(void **state)
{
	struct kms_answer dry = said(400, "DryRunOperationException", "");
	enum verdict_why why;
	size_t k;

	(void)state;
	for (k = 0; k < COUNT(states); k++) {
		assert_int_equal(verdict_of_describe(&good, states[k].state, &why), states[k].verdict);
		assert_int_equal(why, states[k].why);
		/* An answer that only Decrypt can give is no word about the key. */
		assert_int_equal(verdict_of_describe(&dry, states[k].state, &why), VERDICT_UNREACHABLE);
		assert_int_equal(why, VERDICT_WHY_BAD_ANSWER);
	}
	assert_int_equal(k, KMS_STATE_UNKNOWN + 1);
}

static void no_answer_is_no_denial_whatever_else_is_filled_in(void **state)
{
	static const struct {
		enum kms_transport transport;
		enum verdict verdict;
		enum verdict_why why;
	} t[] = {
		{ KMS_NO_CREDENTIALS, VERDICT_AGENT_FAULT, VERDICT_WHY_NO_CREDENTIALS },
		{ KMS_NO_ANSWER, VERDICT_UNREACHABLE, VERDICT_WHY_NO_ANSWER },
		{ KMS_BAD_ANSWER, VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER },
		{ KMS_NOT_ASKED, VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST },
	};
	struct kms_answer a = said(400, "AccessDeniedException", "");
	enum verdict_why why;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		a.transport = t[i].transport;
		assert_int_equal(verdict_of_probe(&a, &why), t[i].verdict);
		assert_int_equal(why, t[i].why);
		assert_int_equal(verdict_of_describe(&a, KMS_STATE_DISABLED, &why), t[i].verdict);
	}
	a = good;
	a.transport = KMS_NO_ANSWER;
	assert_int_equal(verdict_of_probe(&a, NULL), VERDICT_UNREACHABLE);
}

/* No text that we do not know word for word may end a volume: one byte changed in any code must not. */
static void a_code_that_is_nearly_right_never_tears_down(void **state)
{
	struct kms_answer a, b;
	enum verdict v;
	size_t i, at;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		a = said(rows[i].status, rows[i].code, rows[i].message);
		for (at = 0; at < strlen(a.code); at++) {
			b = a;
			b.code[at] ^= 0x20;
			v = verdict_of_probe(&b, NULL);
			assert_true(v == VERDICT_UNREACHABLE || v == VERDICT_AGENT_FAULT);
		}
	}
}

static void names_are_stable(void **state)
{
	int v;

	(void)state;
	assert_string_equal(verdict_name(VERDICT_OK), "ok");
	assert_string_equal(verdict_name(VERDICT_REVOKED), "revoked");
	assert_string_equal(verdict_name(VERDICT_LOST), "lost");
	assert_string_equal(verdict_name(VERDICT_SUSPECT), "suspect");
	assert_string_equal(verdict_name(VERDICT_UNREACHABLE), "unreachable");
	assert_string_equal(verdict_name(VERDICT_AGENT_FAULT), "agent-fault");
	assert_string_equal(verdict_name(VERDICT_HEADER_FAULT), "header-fault");
	assert_string_equal(verdict_name(VERDICT_HEADER_FAULT + 1), "unknown");
	assert_string_equal(verdict_why_name(VERDICT_WHY_DENIED), "denied");
	assert_string_equal(verdict_why_name(VERDICT_WHY_PENDING_DELETION), "pending-deletion");
	assert_string_equal(verdict_why_name(VERDICT_WHY_WRONG_KEY + 1), "unknown");
	for (v = VERDICT_WHY_NONE; v <= VERDICT_WHY_WRONG_KEY; v++)
		assert_non_null(verdict_why_name(v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_is_ok_when_it_would_have_opened),
		cmocka_unit_test(every_error_has_its_verdict),
		cmocka_unit_test(every_key_state_has_its_verdict),
		cmocka_unit_test(no_answer_is_no_denial_whatever_else_is_filled_in),
		cmocka_unit_test(a_code_that_is_nearly_right_never_tears_down),
		cmocka_unit_test(names_are_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
