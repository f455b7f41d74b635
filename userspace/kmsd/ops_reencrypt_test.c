// SPDX-License-Identifier: GPL-2.0-or-later
/* ReEncrypt: opened as Decrypt would, sealed as Encrypt would, with a permission for each half. */
#include "service_test.h"

#define CONTEXT "{\"cache\":\"a\"}"
#define OTHER "{\"cache\":\"b\"}"

struct pair {
	char from[ARN_SIZE], to[ARN_SIZE], blob[1024];
};

static void pair_of_keys(struct kit *k, struct pair *p)
{
	kit_key(k, p->from);
	kit_key(k, p->to);
	kit_encrypt(k, p->from, CONTEXT, p->blob, sizeof(p->blob));
}

/* re_encrypt - from CONTEXT to OTHER, with @rest. */
static const char *re_encrypt(struct kit *k, const char *who, const struct pair *p, const char *rest)
{
	return kit_fails(k, who, "ReEncrypt", "{\"CiphertextBlob\":\"%s\",\"DestinationKeyId\":\"%s\","
			 "\"SourceEncryptionContext\":" CONTEXT ",\"DestinationEncryptionContext\":" OTHER "%s}",
			 p->blob, p->to, rest);
}

static void the_plaintext_goes_from_key_to_key(void **state)
{
	char body[4096], blob[1024];
	struct kit *k = *state;
	struct kit_answer a;
	struct pair p;

	pair_of_keys(k, &p);
	snprintf(body, sizeof(body), "{\"CiphertextBlob\":\"%s\",\"DestinationKeyId\":\"%s\","
		 "\"SourceEncryptionContext\":" CONTEXT ",\"DestinationEncryptionContext\":" OTHER "}", p.blob, p.to);
	kit_call(k, &a, "admin", "ReEncrypt", body);
	assert_int_equal(a.status, 200);
	assert_string_equal(kit_string(&a, "SourceKeyId"), p.from);
	assert_string_equal(kit_string(&a, "KeyId"), p.to);
	assert_string_equal(kit_string(&a, "SourceEncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
	assert_string_equal(kit_string(&a, "DestinationEncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
	assert_string_not_equal(kit_string(&a, "SourceKeyMaterialId"), kit_string(&a, "DestinationKeyMaterialId"));
	assert_string_equal(kit_string(&a, "Plaintext"), "");
	snprintf(blob, sizeof(blob), "%s", kit_string(&a, "CiphertextBlob"));
	kit_answer_free(&a);
	snprintf(body, sizeof(body), "{\"CiphertextBlob\":\"%s\",\"EncryptionContext\":" OTHER "}", blob);
	kit_call(k, &a, "admin", "Decrypt", body);
	assert_string_equal(kit_string(&a, "Plaintext"), "c2VjcmV0");
	assert_string_equal(kit_string(&a, "KeyId"), p.to);
	kit_answer_free(&a);
	assert_string_equal(kit_fails(k, "admin", "Decrypt", "{\"CiphertextBlob\":\"%s\","
				      "\"EncryptionContext\":" CONTEXT "}", blob), "InvalidCiphertextException");
}

static void a_rotated_key_takes_it_to_the_new_material(void **state)
{
	char body[4096];
	struct kit *k = *state;
	struct kit_answer a;
	struct pair p;

	pair_of_keys(k, &p);
	assert_string_equal(kit_fails(k, "admin", "RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", p.from), "");
	snprintf(body, sizeof(body), "{\"CiphertextBlob\":\"%s\",\"DestinationKeyId\":\"%s\",\"SourceKeyId\":\"%s\","
		 "\"SourceEncryptionContext\":" CONTEXT "}", p.blob, p.from, p.from);
	kit_call(k, &a, "admin", "ReEncrypt", body);
	assert_int_equal(a.status, 200);
	assert_string_not_equal(kit_string(&a, "SourceKeyMaterialId"), kit_string(&a, "DestinationKeyMaterialId"));
	kit_answer_free(&a);
}

static void each_half_has_its_errors(void **state)
{
	static const struct {
		const char *rest;
		const char *fails;
	} cases[] = {
		{ ",\"SourceEncryptionContext\":" OTHER, "InvalidCiphertextException" },
		{ ",\"SourceEncryptionContext\":{}", "InvalidCiphertextException" },
		{ ",\"SourceEncryptionContext\":[]", "SerializationException" },
		{ ",\"DestinationEncryptionContext\":{\"a\":7}", "ValidationException" },
		{ ",\"DestinationKeyId\":\"alias/none\"", "NotFoundException" },
		{ ",\"DestinationKeyId\":null", "ValidationException" },
		{ ",\"SourceKeyId\":\"alias/none\"", "NotFoundException" },
		{ ",\"CiphertextBlob\":\"bm9uc2Vuc2U=\"", "InvalidCiphertextException" },
		{ ",\"CiphertextBlob\":null", "ValidationException" },
		{ ",\"SourceEncryptionAlgorithm\":\"RSAES_OAEP_SHA_1\"", "InvalidKeyUsageException" },
		{ ",\"DestinationEncryptionAlgorithm\":\"SM2PKE\"", "InvalidKeyUsageException" },
		{ ",\"DestinationEncryptionAlgorithm\":\"ROT13\"", "ValidationException" },
		{ ",\"GrantTokens\":[\"x\"]", "InvalidGrantTokenException" },
		{ ",\"DryRun\":true", "DryRunOperationException" },
		{ ",\"DryRun\":true,\"SourceEncryptionContext\":{}", "InvalidCiphertextException" },
		{ ",\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]", "ValidationException" },
		/* without a ciphertext the source must be named */
		{ ",\"DryRun\":true,\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]", "ValidationException" },
	};
	struct kit *k = *state;
	struct pair p, swapped;
	char rest[1024];

	pair_of_keys(k, &p);
	assert_string_equal(re_encrypt(k, "admin", &p, ""), "");
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = re_encrypt(k, "admin", &p, cases[i].rest);

		if (strcmp(got, cases[i].fails))
			fail_msg("%s: %s, not %s", cases[i].rest, got, cases[i].fails);
	}
	snprintf(rest, sizeof(rest), ",\"SourceKeyId\":\"%s\"", p.to);
	assert_string_equal(re_encrypt(k, "admin", &p, rest), "IncorrectKeyException");
	snprintf(rest, sizeof(rest), ",\"SourceKeyId\":\"%s\",\"CiphertextBlob\":null,\"DryRun\":true,"
		 "\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]", p.from);
	assert_string_equal(re_encrypt(k, "admin", &p, rest), "DryRunOperationException");
	/* the state of either key */
	swapped = p;
	memcpy(swapped.to, p.from, sizeof(swapped.to));
	assert_string_equal(kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"%s\"}", p.to), "");
	assert_string_equal(re_encrypt(k, "admin", &p, ""), "DisabledException");
	assert_string_equal(re_encrypt(k, "admin", &swapped, ""), "");
	assert_string_equal(kit_fails(k, "admin", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\"}", p.from), "");
	assert_string_equal(kit_fails(k, "admin", "EnableKey", "{\"KeyId\":\"%s\"}", p.to), "");
	assert_string_equal(re_encrypt(k, "admin", &p, ""), "KMSInvalidStateException");
}

/* A grant for each half; its constraint is held against that half's context. */
static void grants_of_both_halves(void **state)
{
	static const struct {
		const char *from, *to;	/* operations and constraints of the two grants */
		const char *fails;
	} cases[] = {
		{ "[\"ReEncryptFrom\"]", "[\"ReEncryptTo\"]", "" },
		{ "[\"ReEncryptTo\"]", "[\"ReEncryptFrom\"]", "AccessDeniedException" },
		{ "[\"ReEncryptFrom\"]", "[\"Encrypt\"]", "AccessDeniedException" },
		{ "[\"Decrypt\"]", "[\"ReEncryptTo\"]", "AccessDeniedException" },
		{ "[\"ReEncryptFrom\"],\"Constraints\":{\"EncryptionContextEquals\":" CONTEXT "}",
		  "[\"ReEncryptTo\"],\"Constraints\":{\"EncryptionContextSubset\":" OTHER "}", "" },
		{ "[\"ReEncryptFrom\"],\"Constraints\":{\"EncryptionContextEquals\":" OTHER "}", "[\"ReEncryptTo\"]",
		  "AccessDeniedException" },
		{ "[\"ReEncryptFrom\"]", "[\"ReEncryptTo\"],\"Constraints\":{\"EncryptionContextEquals\":" CONTEXT "}",
		  "AccessDeniedException" },
	};
	struct kit *k = *state;

	kit_principal(k, "role/host", NULL);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char id[HEX_ID_SIZE];
		struct pair p;

		pair_of_keys(k, &p);
		kit_grant(k, p.from, KIT_ROLE("host"), cases[i].from, "", id, NULL);
		kit_grant(k, p.to, KIT_ROLE("host"), cases[i].to, "", id, NULL);
		if (strcmp(re_encrypt(k, "host", &p, ""), cases[i].fails))
			fail_msg("%s, %s", cases[i].from, cases[i].to);
	}
}

static void policies_of_both_halves(void **state)
{
	static const struct {
		const char *condition;
		const char *to_other, *to_same;
	} cases[] = {
		{ "\"Bool\":{\"kms:ReEncryptOnSameKey\":true}", "AccessDeniedException", "" },
		{ "\"Bool\":{\"kms:ReEncryptOnSameKey\":false}", "", "AccessDeniedException" },
		{ "\"StringEquals\":{\"kms:EncryptionContext:cache\":[\"a\",\"b\"]}", "", "" },
		{ "\"StringEquals\":{\"kms:EncryptionContext:cache\":\"a\"}", "AccessDeniedException",
		  "AccessDeniedException" },
		{ "\"StringEquals\":{\"kms:EncryptionContext:cache\":\"b\"}", "AccessDeniedException",
		  "AccessDeniedException" },
		{ "\"StringEquals\":{\"kms:EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"}", "", "" },
	};
	struct kit *k = *state;
	struct pair p, same;
	char policy[600], name[16];

	pair_of_keys(k, &p);
	same = p;
	memcpy(same.to, p.from, sizeof(same.to));
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(name, sizeof(name), "u%u", i);
		snprintf(policy, sizeof(policy), "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:ReEncrypt*\","
			 "\"Resource\":\"*\",\"Condition\":{%s}}}", cases[i].condition);
		kit_principal(k, name, policy);
		if (strcmp(re_encrypt(k, name, &p, ""), cases[i].to_other) ||
		    strcmp(re_encrypt(k, name, &same, ""), cases[i].to_same))
			fail_msg("%s", cases[i].condition);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_plaintext_goes_from_key_to_key, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_rotated_key_takes_it_to_the_new_material, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(each_half_has_its_errors, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(grants_of_both_halves, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(policies_of_both_halves, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
