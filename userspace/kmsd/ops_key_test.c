// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys: their life, and every operation in every state. */
#include "service_test.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static void a_new_key_describes_itself(void **state)
{
	struct json_object *meta;
	char arn[ARN_SIZE], body[600];
	struct kit *k = *state;
	struct kit_answer a;

	kit_key(k, arn);
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\"}", arn);
	kit_call(k, &a, "admin", "DescribeKey", body);
	assert_int_equal(a.status, 200);
	json_object_object_get_ex(a.json, "KeyMetadata", &meta);
	assert_string_equal(json_object_get_string(json_object_object_get(meta, "Arn")), arn);
	assert_string_equal(json_object_get_string(json_object_object_get(meta, "KeyState")), "Enabled");
	assert_true(json_object_get_boolean(json_object_object_get(meta, "Enabled")));
	assert_string_equal(json_object_get_string(json_object_object_get(meta, "AWSAccountId")), KIT_ACCOUNT);
	assert_string_equal(json_object_get_string(json_object_object_get(meta, "KeyManager")), "CUSTOMER");
	assert_true(json_object_get_double(json_object_object_get(meta, "CreationDate")) == (double)kit_now / 1000);
	assert_null(json_object_object_get(meta, "DeletionDate"));
	kit_answer_free(&a);
}

static void a_key_is_found_by_each_of_its_names(void **state)
{
	char arn[ARN_SIZE];
	struct kit *k = *state;
	static const char *const missing[] = {
		"alias/none", KIT_ARN("alias/none"), "332306ac-4b7e-4114-9282-8ecf0d4e9a24", "nonsense", "",
		KIT_ARN("key/332306ac-4b7e-4114-9282-8ecf0d4e9a24"), KIT_ARN("key/x"),
		"arn:aws:kms:local-2:" KIT_ACCOUNT ":key/332306ac-4b7e-4114-9282-8ecf0d4e9a24",
	};

	kit_key(k, arn);
	assert_string_equal(kit_fails(k, "admin", "CreateAlias",
				      "{\"AliasName\":\"alias/a/b\",\"TargetKeyId\":\"%s\"}", arn),
			    "");
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"%s\"}", arn), "");
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"%s\"}", strstr(arn, "key/") + 4), "");
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"alias/a/b\"}"), "");
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"%s\"}", KIT_ARN("alias/a/b")), "");
	for (unsigned int i = 0; i < sizeof(missing) / sizeof(*missing); i++) {
		const char *want = *missing[i] ? "NotFoundException" : "ValidationException";

		assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"%s\"}", missing[i]), want);
	}
	/* What can be no key of any KMS is another error, where the operation has it. */
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"%s\"}", KIT_ARN("store/x")),
			    "InvalidArnException");
	assert_string_equal(kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"arn:aws:iam::1:x\"}"), "InvalidArnException");
	assert_string_equal(kit_fails(k, "admin", "Encrypt", "{\"KeyId\":\"arn:aws:iam::1:x\",\"Plaintext\":\"YQ==\"}"),
			    "NotFoundException");
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"arn:aws:kms:local-1:210987654321:key/%s\"}",
				      strstr(arn, "key/") + 4), "AccessDeniedException");
	/* What manages a key wants its id or ARN, as at AWS. */
	assert_string_equal(kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"alias/a/b\"}"), "NotFoundException");
	assert_string_equal(kit_fails(k, "admin", "ListGrants", "{\"KeyId\":\"alias/a/b\"}"), "NotFoundException");
}

#define PROBE "{\"KeyId\":\"%s\",\"DryRun\":true,\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]}"

/* %s is the key; what would change it, or lead one of the customer's names to it. */
static void default_key_is_left_alone(struct kit *k, const char *arn, const char *fails)
{
	static const char *const calls[][2] = {
		{ "DisableKey", "" },
		{ "EnableKey", "" },
		{ "ScheduleKeyDeletion", "" },
		{ "CancelKeyDeletion", "" },
		{ "PutKeyPolicy", ",\"Policy\":\"{}\"" },
		{ "UpdateKeyDescription", ",\"Description\":\"mine\"" },
		{ "TagResource", ",\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"b\"}]" },
		{ "UntagResource", ",\"TagKeys\":[\"a\"]" },
	};

	for (unsigned int i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(kit_fails(k, "admin", calls[i][0], "{\"KeyId\":\"%s\"%s}", arn, calls[i][1]), fails))
			fail_msg("%s is not %s", calls[i][0], fails);
	assert_string_equal(kit_fails(k, "admin", "CreateAlias", "{\"AliasName\":\"alias/mine\",\"TargetKeyId\":\"%s\"}",
				      arn), fails);
	assert_string_equal(kit_fails(k, "admin", "DeleteAlias", "{\"AliasName\":\"alias/aws/elasticache\"}"), fails);
	assert_string_equal(kit_fails(k, "admin", "UpdateAlias", "{\"AliasName\":\"alias/aws/elasticache\","
				      "\"TargetKeyId\":\"%s\"}", arn), fails);
}

static void the_default_key_comes_at_its_first_use(void **state)
{
	struct json_object *meta;
	struct kit *k = *state;
	struct kit_answer a;
	char id[64], arn[ARN_SIZE];

	for (unsigned int i = 0; i < 2; i++) {
		kit_call(k, &a, "admin", "DescribeKey", "{\"KeyId\":\"alias/aws/elasticache\"}");
		assert_int_equal(a.status, 200);
		json_object_object_get_ex(a.json, "KeyMetadata", &meta);
		assert_string_equal(json_object_get_string(json_object_object_get(meta, "KeyManager")), "AWS");
		if (i)
			assert_string_equal(json_object_get_string(json_object_object_get(meta, "KeyId")), id);
		snprintf(id, sizeof(id), "%s", json_object_get_string(json_object_object_get(meta, "KeyId")));
		kit_answer_free(&a);
	}
	snprintf(arn, sizeof(arn), KIT_ARN("key/%s"), id);
	/* Not even the administrator may disable it, delete it or change who may use it; nor decrypt beside a grant. */
	default_key_is_left_alone(k, arn, "AccessDeniedException");
	assert_string_equal(kit_fails(k, "admin", "Decrypt", PROBE, arn), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "admin", "CreateGrant", "{\"KeyId\":\"%s\",\"GranteePrincipal\":\"%s\","
				      "\"Operations\":[\"Decrypt\"]}", arn, KIT_USER("admin")), "");
	assert_string_equal(kit_fails(k, "admin", "Decrypt", PROBE, arn), "DryRunOperationException");
	/* Not even a policy that somebody wrote into the database lets anybody change it. */
	assert_int_equal(store_key_set_policy(k->svc.store, id, "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\","
					      "\"Action\":\"kms:*\",\"Resource\":\"*\"}}"), 0);
	default_key_is_left_alone(k, arn, "UnsupportedOperationException");
}

enum { ENABLED, DISABLED, PENDING, NR_STATES };

static void key_in_state(struct kit *k, int key_state, char arn[ARN_SIZE])
{
	kit_key(k, arn);
	if (key_state == DISABLED)
		assert_string_equal(kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"%s\"}", arn), "");
	if (key_state == PENDING)
		assert_string_equal(kit_fails(k, "admin", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\"}", arn), "");
}

static const char *state_of(struct kit *k, const char *arn)
{
	static char name[32];
	struct json_object *meta;
	struct kit_answer a;
	char body[600];

	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\"}", arn);
	kit_call(k, &a, "admin", "DescribeKey", body);
	assert_int_equal(a.status, 200);
	json_object_object_get_ex(a.json, "KeyMetadata", &meta);
	snprintf(name, sizeof(name), "%s", json_object_get_string(json_object_object_get(meta, "KeyState")));
	kit_answer_free(&a);
	return name;
}

#define OFF "DisabledException"
#define BAD "KMSInvalidStateException"

/* %K the key, %B a ciphertext of it, %G a grant of it. */
static const struct {
	const char *op;
	const char *body;
	const char *fails[NR_STATES];
	const char *after[NR_STATES];	/* the state it leaves; NULL: as it was */
} table[] = {
	{ "Encrypt", "{\"KeyId\":\"%K\",\"Plaintext\":\"YQ==\"}", { "", OFF, BAD }, { 0 } },
	{ "Decrypt", "{\"CiphertextBlob\":\"%B\"}", { "", OFF, BAD }, { 0 } },
	{ "Decrypt", "{\"KeyId\":\"%K\",\"CiphertextBlob\":\"%B\"}", { "", OFF, BAD }, { 0 } },
	{ "Decrypt", "{\"KeyId\":\"%K\",\"CiphertextBlob\":\"%B\",\"DryRun\":true}",
	  { "DryRunOperationException", OFF, BAD }, { 0 } },
	{ "GenerateDataKey", "{\"KeyId\":\"%K\",\"NumberOfBytes\":64}", { "", OFF, BAD }, { 0 } },
	{ "GenerateDataKeyWithoutPlaintext", "{\"KeyId\":\"%K\",\"KeySpec\":\"AES_256\"}", { "", OFF, BAD }, { 0 } },
	{ "CreateGrant", "{\"KeyId\":\"%K\",\"GranteePrincipal\":\"" KIT_USER("admin") "\",\"Operations\":[\"Decrypt\"]}",
	  { "", OFF, BAD }, { 0 } },
	{ "CreateAlias", "{\"AliasName\":\"alias/%I\",\"TargetKeyId\":\"%K\"}", { "", "", BAD }, { 0 } },
	{ "ReEncrypt", "{\"CiphertextBlob\":\"%B\",\"DestinationKeyId\":\"%K\"}", { "", OFF, BAD }, { 0 } },
	{ "EnableKeyRotation", "{\"KeyId\":\"%K\"}", { "", OFF, BAD }, { 0 } },
	{ "DisableKeyRotation", "{\"KeyId\":\"%K\"}", { "", OFF, BAD }, { 0 } },
	{ "RotateKeyOnDemand", "{\"KeyId\":\"%K\"}", { "", OFF, BAD }, { 0 } },
	{ "GetKeyRotationStatus", "{\"KeyId\":\"%K\"}", { "", "", "" }, { 0 } },
	{ "ListKeyRotations", "{\"KeyId\":\"%K\"}", { "", "", "" }, { 0 } },
	{ "UpdateKeyDescription", "{\"KeyId\":\"%K\",\"Description\":\"x\"}", { "", "", BAD }, { 0 } },
	{ "TagResource", "{\"KeyId\":\"%K\",\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"b\"}]}", { "", "", BAD },
	  { 0 } },
	{ "UntagResource", "{\"KeyId\":\"%K\",\"TagKeys\":[\"a\"]}", { "", "", BAD }, { 0 } },
	{ "ListResourceTags", "{\"KeyId\":\"%K\"}", { "", "", "" }, { 0 } },
	{ "ListKeyPolicies", "{\"KeyId\":\"%K\"}", { "", "", "" }, { 0 } },
	{ "PutKeyPolicy", "{\"KeyId\":\"%K\",\"Policy\":\"{\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\","
	  "\\\"Principal\\\":\\\"*\\\",\\\"Action\\\":\\\"kms:*\\\",\\\"Resource\\\":\\\"*\\\"}}\"}",
	  { "", "", "" }, { 0 } },
	{ "Sign", "{\"KeyId\":\"%K\"}", { "InvalidKeyUsageException", OFF, BAD }, { 0 } },
	{ "GetPublicKey", "{\"KeyId\":\"%K\"}", { "UnsupportedOperationException", OFF, BAD }, { 0 } },
	{ "DescribeKey", "{\"KeyId\":\"%K\"}", { "", "", "" }, { 0 } },
	{ "GetKeyPolicy", "{\"KeyId\":\"%K\"}", { "", "", "" }, { 0 } },
	{ "ListGrants", "{\"KeyId\":\"%K\"}", { "", "", "" }, { 0 } },
	{ "RevokeGrant", "{\"KeyId\":\"%K\",\"GrantId\":\"%G\"}", { "", "", "" }, { 0 } },
	{ "RetireGrant", "{\"KeyId\":\"%K\",\"GrantId\":\"%G\"}", { "", "", "" }, { 0 } },
	{ "EnableKey", "{\"KeyId\":\"%K\"}", { "", "", BAD }, { "Enabled", "Enabled", NULL } },
	{ "DisableKey", "{\"KeyId\":\"%K\"}", { "", "", BAD }, { "Disabled", "Disabled", NULL } },
	{ "ScheduleKeyDeletion", "{\"KeyId\":\"%K\",\"PendingWindowInDays\":7}", { "", "", BAD },
	  { "PendingDeletion", "PendingDeletion", NULL } },
	{ "CancelKeyDeletion", "{\"KeyId\":\"%K\"}", { BAD, BAD, "" }, { NULL, NULL, "Disabled" } },
};

static void fill_in(const char *body, const char *arn, const char *blob, const char *grant, char *out)
{
	for (; *body; body++) {
		const char *word = NULL;

		if (*body == '%') {
			body++;
			word = *body == 'K' ? arn :
			       *body == 'B' ? blob :
			       *body == 'G' ? grant :
					      strstr(arn, "key/") + 4;
			out = stpcpy(out, word);
		} else {
			*out++ = *body;
		}
	}
	*out = '\0';
}

static void every_operation_in_every_state(void **state)
{
	struct kit *k = *state;

	for (unsigned int i = 0; i < sizeof(table) / sizeof(*table); i++) {
		for (int s = 0; s < NR_STATES; s++) {
			char arn[ARN_SIZE], blob[512], grant[HEX_ID_SIZE], body[2048], before[32];
			const char *got;

			key_in_state(k, ENABLED, arn);
			kit_encrypt(k, arn, "{}", blob, sizeof(blob));
			kit_grant(k, arn, KIT_USER("admin"), "[\"RetireGrant\"]", "", grant, NULL);
			if (s == DISABLED)
				kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"%s\"}", arn);
			if (s == PENDING)
				kit_fails(k, "admin", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\"}", arn);
			strcpy(before, state_of(k, arn));
			fill_in(table[i].body, arn, blob, grant, body);
			got = kit_fails(k, "admin", table[i].op, "%s", body);
			if (strcmp(got, table[i].fails[s]))
				fail_msg("%s on %s: %s, not %s", table[i].op, before, got, table[i].fails[s]);
			assert_string_equal(state_of(k, arn), table[i].after[s] ? table[i].after[s] : before);
		}
	}
}

static void a_key_goes_when_its_time_has_come(void **state)
{
	char arn[ARN_SIZE], blob[512], body[600];
	struct kit *k = *state;
	struct kit_answer a;
	double date;

	kit_key(k, arn);
	kit_encrypt(k, arn, "{}", blob, sizeof(blob));
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", arn);
	kit_call(k, &a, "admin", "ScheduleKeyDeletion", body);
	date = json_object_get_double(json_object_object_get(a.json, "DeletionDate"));
	assert_true(date == (double)(kit_now + 7 * DAY_MS) / 1000);
	assert_string_equal(kit_string(&a, "KeyState"), "PendingDeletion");
	assert_string_equal(kit_string(&a, "KeyId"), arn);
	assert_string_equal(kit_string(&a, "PendingWindowInDays"), "7");
	kit_answer_free(&a);
	kit_now += 7 * DAY_MS - 1;
	assert_string_equal(state_of(k, arn), "PendingDeletion");
	kit_now++;
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"%s\"}", arn), "NotFoundException");
	assert_string_equal(kit_fails(k, "admin", "CancelKeyDeletion", "{\"KeyId\":\"%s\"}", arn), "NotFoundException");
	/* A ciphertext whose key is gone looks like one that the caller may not open. */
	assert_string_equal(kit_fails(k, "admin", "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), "AccessDeniedException");
	kit_reopen(k);
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"%s\"}", arn), "NotFoundException");
}

static void a_cancelled_deletion_brings_back_what_was(void **state)
{
	char arn[ARN_SIZE], blob[512];
	struct kit *k = *state;

	kit_key(k, arn);
	kit_encrypt(k, arn, "{}", blob, sizeof(blob));
	assert_string_equal(kit_fails(k, "admin", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\"}", arn), "");
	assert_string_equal(kit_fails(k, "admin", "CancelKeyDeletion", "{\"KeyId\":\"%s\"}", arn), "");
	assert_string_equal(kit_fails(k, "admin", "EnableKey", "{\"KeyId\":\"%s\"}", arn), "");
	kit_now += 60 * DAY_MS;
	assert_string_equal(kit_fails(k, "admin", "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), "");
}

static void windows_are_seven_to_thirty_days(void **state)
{
	static const int bad[] = { -1, 0, 1, 6, 31, 365 };
	char arn[ARN_SIZE];
	struct kit *k = *state;

	kit_key(k, arn);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_string_equal(kit_fails(k, "admin", "ScheduleKeyDeletion",
					      "{\"KeyId\":\"%s\",\"PendingWindowInDays\":%d}", arn, bad[i]), "ValidationException");
	assert_string_equal(state_of(k, arn), "Enabled");
}

static void keys_and_aliases_come_in_pages(void **state)
{
	char arn[ARN_SIZE], body[1024], seen[5][KEY_ID_SIZE], last[KEY_ID_SIZE] = "";
	struct kit *k = *state;
	struct kit_answer a;
	unsigned int nr = 0;
	bool more = true;

	for (unsigned int i = 0; i < 5; i++) {
		kit_key(k, arn);
		assert_string_equal(kit_fails(k, "admin", "CreateAlias",
					      "{\"AliasName\":\"alias/n%u\",\"TargetKeyId\":\"%s\"}", i, arn), "");
	}
	strcpy(body, "{\"Limit\":2}");
	while (more) {
		struct json_object *list;

		kit_call(k, &a, "admin", "ListKeys", body);
		json_object_object_get_ex(a.json, "Keys", &list);
		more = json_object_get_boolean(json_object_object_get(a.json, "Truncated"));
		assert_int_equal(json_object_array_length(list), more ? 2 : 1);
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			struct json_object *id;

			json_object_object_get_ex(json_object_array_get_idx(list, i), "KeyId", &id);
			assert_true(strcmp(json_object_get_string(id), last) > 0);
			strcpy(last, json_object_get_string(id));
			strcpy(seen[nr++], last);
		}
		snprintf(body, sizeof(body), "{\"Limit\":2,\"Marker\":\"%s\"}", kit_string(&a, "NextMarker"));
		kit_answer_free(&a);
	}
	assert_int_equal(nr, 5);
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{\"Marker\":\"bm90IG91cnM=\"}"), "InvalidMarkerException");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{\"Marker\":\"?\"}"), "InvalidMarkerException");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{\"Limit\":0}"), "ValidationException");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{\"Limit\":1001}"), "ValidationException");
	kit_call(k, &a, "admin", "ListAliases", "{\"Limit\":3}");
	assert_int_equal(json_object_array_length(json_object_object_get(a.json, "Aliases")), 3);
	assert_true(json_object_get_boolean(json_object_object_get(a.json, "Truncated")));
	kit_answer_free(&a);
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\"}", arn);
	kit_call(k, &a, "admin", "ListAliases", body);
	assert_int_equal(json_object_array_length(json_object_object_get(a.json, "Aliases")), 1);
	kit_answer_free(&a);
}

static void alias_names_are_unique_and_not_reserved(void **state)
{
	char arn[ARN_SIZE];
	struct kit *k = *state;
	static const struct {
		const char *name;
		const char *fails;
	} cases[] = {
		{ "alias/ok-1_2/3", "" },
		{ "alias/ok-1_2/3", "AlreadyExistsException" },
		{ "alias/aws/elasticache", "InvalidAliasNameException" },
		{ "alias/aws/mine", "InvalidAliasNameException" },
		{ "alias/", "InvalidAliasNameException" },
		{ "ok", "InvalidAliasNameException" },
		{ "alias/a b", "InvalidAliasNameException" },
		{ "alias/a:b", "InvalidAliasNameException" },
		{ "", "ValidationException" },
	};

	kit_key(k, arn);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(kit_fails(k, "admin", "CreateAlias", "{\"AliasName\":\"%s\",\"TargetKeyId\":\"%s\"}",
					      cases[i].name, arn), cases[i].fails);
}

static void only_what_is_supported_is_made(void **state)
{
	static const struct {
		const char *body;
		const char *fails;
	} cases[] = {
		{ "{\"KeyUsage\":\"ENCRYPT_DECRYPT\",\"KeySpec\":\"SYMMETRIC_DEFAULT\",\"Origin\":\"AWS_KMS\"}", "" },
		{ "{\"Description\":\"caf\\u00e9 \\\"x\\\"\",\"MultiRegion\":false}", "" },
		{ "{\"KeySpec\":\"RSA_2048\"}", "UnsupportedOperationException" },
		{ "{\"CustomerMasterKeySpec\":\"RSA_2048\"}", "UnsupportedOperationException" },
		{ "{\"KeyUsage\":\"SIGN_VERIFY\"}", "UnsupportedOperationException" },
		{ "{\"Origin\":\"EXTERNAL\"}", "UnsupportedOperationException" },
		{ "{\"MultiRegion\":true}", "UnsupportedOperationException" },
		{ "{\"KeySpec\":\"RSA_2047\"}", "ValidationException" },
		{ "{\"KeyUsage\":\"\"}", "ValidationException" },
		{ "{\"CustomKeyStoreId\":\"cks-1234567890abcdef0\"}", "CustomKeyStoreNotFoundException" },
		{ "{\"XksKeyId\":\"x\"}", "UnsupportedOperationException" },
		{ "{\"Description\":7}", "SerializationException" },
		{ "{\"MultiRegion\":\"yes\"}", "SerializationException" },
		{ "{\"Policy\":\"nonsense\"}", "MalformedPolicyDocumentException" },
	};
	struct kit *k = *state;

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(kit_fails(k, "admin", "CreateKey", "%s", cases[i].body), cases[i].fails);
}

#define POLICY(principal, action) \
	"{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":{\\\"AWS\\\":\\\"" principal "\\\"}," \
	"\\\"Action\\\":\\\"" action "\\\",\\\"Resource\\\":\\\"*\\\"}]}"

static void a_key_policy_must_be_sound(void **state)
{
	struct kit *k = *state;
	char arn[ARN_SIZE];
	static const struct {
		const char *policy;
		const char *fails;
	} cases[] = {
		{ POLICY(KIT_ROOT, "kms:*"), "" },
		{ POLICY(KIT_USER("admin"), "kms:*"), "" },
		{ POLICY(KIT_USER("nobody"), "kms:*"), "MalformedPolicyDocumentException" },
		{ POLICY(KIT_ROLE("admin"), "kms:*"), "MalformedPolicyDocumentException" },
		/* would lock its author out */
		{ POLICY(KIT_ROOT, "kms:Decrypt"), "MalformedPolicyDocumentException" },
		{ POLICY(KIT_USER("other"), "kms:*"), "MalformedPolicyDocumentException" },
	};

	kit_principal(k, "other", NULL);
	kit_key(k, arn);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_string_equal(kit_fails(k, "admin", "CreateKey", "{\"Policy\":\"%s\"}", cases[i].policy),
				    cases[i].fails);
		assert_string_equal(kit_fails(k, "admin", "PutKeyPolicy", "{\"KeyId\":\"%s\",\"PolicyName\":\"default\","
					      "\"Policy\":\"%s\"}", arn, cases[i].policy), cases[i].fails);
	}
	assert_string_equal(kit_fails(k, "admin", "CreateKey",
				      "{\"BypassPolicyLockoutSafetyCheck\":true,\"Policy\":\"%s\"}",
				      POLICY(KIT_USER("other"), "kms:*")), "");
	assert_string_equal(kit_fails(k, "admin", "GetKeyPolicy", "{\"KeyId\":\"%s\",\"PolicyName\":\"x\"}", arn),
			    "NotFoundException");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_key_describes_itself, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_key_is_found_by_each_of_its_names, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(the_default_key_comes_at_its_first_use, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(every_operation_in_every_state, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_key_goes_when_its_time_has_come, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_cancelled_deletion_brings_back_what_was, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(windows_are_seven_to_thirty_days, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(keys_and_aliases_come_in_pages, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(alias_names_are_unique_and_not_reserved, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(only_what_is_supported_is_made, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_key_policy_must_be_sound, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
