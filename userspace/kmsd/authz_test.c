// SPDX-License-Identifier: GPL-2.0-or-later
/* Who may do what: key policies, principals' policies and grants against each other, asked in requests. */
#include "service_test.h"

#define STATEMENT(effect, action, rest) \
	"{\"Effect\":\"" effect "\",\"Action\":" action ",\"Resource\":\"*\"" rest "}"
#define OWN(statements) "{\"Statement\":[" statements "]}"
#define Q "\\\""
#define KEY_STATEMENT(effect, principal, action)                                                               \
	"{" Q "Effect" Q ":" Q effect Q "," Q "Principal" Q ":{" Q "AWS" Q ":" Q principal Q "}," Q "Action" Q \
	":" Q action Q "," Q "Resource" Q ":" Q "*" Q "}"
#define DELEGATES KEY_STATEMENT("Allow", KIT_ROOT, "kms:*")
#define MANAGED KEY_STATEMENT("Allow", KIT_USER("admin"), "kms:*")

static const char *const verdict[] = { "AccessDeniedException", "" };

/* A user "u" asks for Encrypt with a key of policy key_policy; own is his policy, grant: he has a grant for it. */
static void one_allow_suffices_and_one_deny_ends_it(void **state)
{
	static const struct {
		const char *key_policy;
		const char *own;
		bool grant;
		bool allowed;
	} cases[] = {
		{ DELEGATES, NULL, false, false },
		{ DELEGATES, OWN(STATEMENT("Allow", "\"kms:Encrypt\"", "")), false, true },
		{ DELEGATES, OWN(STATEMENT("Allow", "\"kms:Decrypt\"", "")), false, false },
		{ DELEGATES, NULL, true, true },
		{ DELEGATES, OWN(STATEMENT("Deny", "\"kms:Encrypt\"", "")), true, false },
		{ DELEGATES, OWN(STATEMENT("Allow", "\"kms:*\"", "") "," STATEMENT("Deny", "\"kms:Enc*\"", "")), true,
		  false },
		{ MANAGED, OWN(STATEMENT("Allow", "\"kms:*\"", "")), false, false },
		{ MANAGED, NULL, true, true },
		{ MANAGED "," KEY_STATEMENT("Allow", KIT_USER("u"), "kms:Encrypt"), NULL, false, true },
		{ MANAGED "," KEY_STATEMENT("Allow", KIT_USER("u"), "kms:Decrypt"), NULL, false, false },
		{ MANAGED "," KEY_STATEMENT("Allow", KIT_USER("v"), "kms:Encrypt"), NULL, false, false },
		{ DELEGATES "," KEY_STATEMENT("Deny", KIT_USER("u"), "kms:Encrypt"),
		  OWN(STATEMENT("Allow", "\"kms:*\"", "")), true, false },
		{ DELEGATES "," KEY_STATEMENT("Deny", KIT_USER("v"), "kms:Encrypt"),
		  OWN(STATEMENT("Allow", "\"kms:*\"", "")), false, true },
	};
	char body[2048], key[ARN_SIZE], id[HEX_ID_SIZE];
	struct json_object *meta;
	struct kit *k = *state;
	struct principal p;
	struct kit_answer a;

	kit_principal(k, "u", NULL);
	kit_principal(k, "v", NULL);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got;

		snprintf(body, sizeof(body), "{\"Policy\":\"{" Q "Statement" Q ":[%s]}\"}", cases[i].key_policy);
		kit_call(k, &a, "admin", "CreateKey", body);
		assert_int_equal(a.status, 200);
		json_object_object_get_ex(a.json, "KeyMetadata", &meta);
		strcpy(key, json_object_get_string(json_object_object_get(meta, "Arn")));
		kit_answer_free(&a);
		if (cases[i].grant)
			kit_grant(k, key, KIT_USER("u"), "[\"Encrypt\"]", "", id, NULL);
		assert_int_equal(store_principal_get(k->svc.store, "u", &p), 0);
		free(p.policy);
		p.policy = NULL;
		if (cases[i].own)
			p.policy = strdup(cases[i].own);
		assert_int_equal(store_principal_update(k->svc.store, &p), 0);
		principal_free(&p);
		got = kit_fails(k, "u", "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key);
		if (strcmp(got, verdict[cases[i].allowed]))
			fail_msg("case %u: %s", i, got);
	}
}

/* The owner, the creator and the host of a cache, with the policies that the documentation gives them. */
static void example(const char *name, char text[16384])
{
	char path[128];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "../Documentation/examples/%s", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s: run this test in userspace/, as \"make test\" does", path);
	n = fread(text, 1, 16383, file);
	text[n] = '\0';
	fclose(file);
}

#define TO_HOST ",\"GranteePrincipal\":\"" KIT_ROLE("host") "\""
#define CONSTRAINED ",\"Constraints\":{\"EncryptionContextEquals\":{\"cache\":\"a\"}}"

static void the_three_identities_of_the_examples(void **state)
{
	static const struct {
		const char *who;
		const char *op;
		const char *rest;
		bool allowed;
	} cases[] = {
		/* the host first, while it has no grant */
		{ "host", "DescribeKey", "", false },
		{ "host", "CreateGrant", TO_HOST ",\"Operations\":[\"Decrypt\"]" CONSTRAINED, false },
		{ "host", "ListGrants", "", false },
		{ "host", "RevokeGrant",
		  ",\"GrantId\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"", false },
		{ "host", "GenerateDataKeyWithoutPlaintext", ",\"NumberOfBytes\":64", false },
		{ "owner", "DescribeKey", "", true },
		{ "owner", "ListGrants", "", true },
		{ "owner", "CreateGrant", TO_HOST ",\"Operations\":[\"Decrypt\"]", true },
		{ "owner", "DisableKey", "", true },
		{ "owner", "EnableKey", "", true },
		{ "owner", "Encrypt", ",\"Plaintext\":\"YQ==\"", false },
		{ "owner", "GenerateDataKey", ",\"KeySpec\":\"AES_256\"", false },
		{ "creator", "DescribeKey", "", true },
		{ "creator", "GenerateDataKeyWithoutPlaintext", ",\"NumberOfBytes\":64", true },
		{ "creator", "GenerateDataKey", ",\"NumberOfBytes\":64", false },
		{ "creator", "CreateGrant",
		  TO_HOST ",\"Operations\":[\"Decrypt\",\"DescribeKey\",\"RetireGrant\"]" CONSTRAINED, true },
		{ "creator", "CreateGrant", TO_HOST ",\"Operations\":[\"Decrypt\"]" CONSTRAINED, true },
		{ "creator", "CreateGrant", TO_HOST ",\"Operations\":[\"Decrypt\"]", false },
		{ "creator", "CreateGrant", TO_HOST ",\"Operations\":[\"Decrypt\",\"Encrypt\"]" CONSTRAINED, false },
		{ "creator", "CreateGrant",
		  ",\"GranteePrincipal\":\"" KIT_USER("creator") "\",\"Operations\":[\"Decrypt\"]" CONSTRAINED,
		  false },
		{ "creator", "ListGrants", "", false },
		{ "creator", "DisableKey", "", false },
	};
	char key[ARN_SIZE], id[HEX_ID_SIZE], blob[512], policy[16384];
	struct kit *k = *state;

	example("owner-policy.json", policy);
	kit_principal(k, "owner", policy);
	example("creator-policy.json", policy);
	kit_principal(k, "creator", policy);
	kit_principal(k, "role/host", NULL);
	kit_key(k, key);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = kit_fails(k, cases[i].who, cases[i].op, "{\"KeyId\":\"%s\"%s}", key, cases[i].rest);

		if (strcmp(got, verdict[cases[i].allowed]))
			fail_msg("%s %s %s: %s", cases[i].who, cases[i].op, cases[i].rest, got);
	}
	kit_key(k, key);
	kit_encrypt(k, key, "{\"cache\":\"a\"}", blob, sizeof(blob));
	kit_grant(k, key, KIT_ROLE("host"), "[\"Decrypt\",\"DescribeKey\",\"RetireGrant\"]", CONSTRAINED, id, NULL);
	assert_string_equal(kit_fails(k, "host", "Decrypt", "{\"KeyId\":\"%s\",\"CiphertextBlob\":\"%s\","
				      "\"EncryptionContext\":{\"cache\":\"a\"}}", key, blob), "");
	assert_string_equal(kit_fails(k, "owner", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id), "");
	assert_string_equal(kit_fails(k, "host", "Decrypt", "{\"KeyId\":\"%s\",\"CiphertextBlob\":\"%s\","
				      "\"EncryptionContext\":{\"cache\":\"a\"}}", key, blob), "AccessDeniedException");
}

static void via_a_service(void **state)
{
	struct kit *k = *state;
	struct err e = ERR_INIT;
	struct principal p;
	char key[ARN_SIZE];

	kit_key(k, key);
	kit_principal(k, "u", OWN(STATEMENT("Allow", "\"kms:Encrypt\"",
					    ",\"Condition\":{\"StringEquals\":{\"kms:ViaService\":"
					    "\"elasticache.local-1.amazonaws.com\"}}")));
	assert_string_equal(kit_fails(k, "u", "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key),
			    "AccessDeniedException");
	assert_int_equal(store_principal_get(k->svc.store, "u", &p), 0);
	assert_int_equal(principal_set_via(&k->svc, &p, "dax", &e), 0);
	assert_int_equal(store_principal_update(k->svc.store, &p), 0);
	assert_string_equal(kit_fails(k, "u", "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key),
			    "AccessDeniedException");
	assert_int_equal(principal_set_via(&k->svc, &p, "elasticache", &e), 0);
	assert_int_equal(store_principal_update(k->svc.store, &p), 0);
	assert_string_equal(kit_fails(k, "u", "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key), "");
	/* the service's default key is for such callers */
	assert_string_equal(kit_fails(k, "u", "Decrypt", "{\"KeyId\":\"alias/aws/elasticache\",\"DryRun\":true,"
				      "\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]}"), "DryRunOperationException");
	principal_free(&p);
}

static void what_is_about_no_key_needs_ones_own_policy(void **state)
{
	struct kit *k = *state;

	kit_principal(k, "none", NULL);
	kit_principal(k, "some", OWN(STATEMENT("Allow", "[\"kms:ListKeys\",\"kms:CreateKey\"]", "")));
	kit_principal(k, "keys", "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"arn:aws:kms:*:*:key/*\"}}");
	assert_string_equal(kit_fails(k, "none", "ListKeys", "{}"), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "none", "CreateKey", "{}"), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "some", "ListKeys", "{}"), "");
	assert_string_equal(kit_fails(k, "some", "ListAliases", "{}"), "AccessDeniedException");
	/* a policy for keys is none for what knows no resource */
	assert_string_equal(kit_fails(k, "keys", "ListKeys", "{}"), "AccessDeniedException");
}

static void an_alias_needs_leave_for_itself_and_its_key(void **state)
{
	struct kit *k = *state;
	char key[ARN_SIZE];

	kit_principal(k, "key", "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"arn:aws:kms:*:*:key/*\"}}");
	kit_principal(k, "alias", "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*:alias/*\"}}");
	kit_principal(k, "both", OWN(STATEMENT("Allow", "\"kms:CreateAlias\"", "")));
	kit_key(k, key);
	assert_string_equal(kit_fails(k, "key", "CreateAlias", "{\"AliasName\":\"alias/a\",\"TargetKeyId\":\"%s\"}",
				      key),
			    "AccessDeniedException");
	assert_string_equal(kit_fails(k, "alias", "CreateAlias", "{\"AliasName\":\"alias/a\",\"TargetKeyId\":\"%s\"}",
				      key),
			    "AccessDeniedException");
	assert_string_equal(kit_fails(k, "both", "CreateAlias", "{\"AliasName\":\"alias/a\",\"TargetKeyId\":\"%s\"}",
				      key),
			    "");
}

static void a_denial_says_who_what_and_which(void **state)
{
	char key[ARN_SIZE], body[600];
	struct kit *k = *state;
	struct kit_answer a;

	kit_principal(k, "role/host", NULL);
	kit_key(k, key);
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\"}", key);
	kit_call(k, &a, "host", "DescribeKey", body);
	assert_int_equal(a.status, 400);
	assert_string_equal(a.type, "AccessDeniedException");
	assert_non_null(strstr(a.message, "arn:aws:sts::" KIT_ACCOUNT ":assumed-role/host/static"));
	assert_non_null(strstr(a.message, "kms:DescribeKey"));
	assert_non_null(strstr(a.message, key));
	kit_answer_free(&a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_allow_suffices_and_one_deny_ends_it),
		T(the_three_identities_of_the_examples),
		T(via_a_service),
		T(what_is_about_no_key_needs_ones_own_policy),
		T(an_alias_needs_leave_for_itself_and_its_key),
		T(a_denial_says_who_what_and_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
