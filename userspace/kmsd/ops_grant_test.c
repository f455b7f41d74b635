// SPDX-License-Identifier: GPL-2.0-or-later
/* Grants as clients see them: made, found again, listed, taken back and given back. */
#include "service_test.h"

#define HOST KIT_ROLE("host")
#define EQUALS ",\"Constraints\":{\"EncryptionContextEquals\":{\"cache\":\"a\"}}"

static int setup(void **state)
{
	struct kit *k;

	kit_setup(state);
	k = *state;
	kit_principal(k, "role/host", NULL);
	kit_principal(k, "creator", NULL);
	kit_principal(k, "stranger", NULL);
	return 0;
}

static const char *decrypts(struct kit *k, const char *who, const char *key, const char *blob, const char *context)
{
	return kit_fails(k, who, "Decrypt", "{\"KeyId\":\"%s\",\"CiphertextBlob\":\"%s\",\"EncryptionContext\":%s}",
			 key, blob, context);
}

static void a_grant_gives_what_it_says_until_it_is_revoked(void **state)
{
	char key[ARN_SIZE], other[ARN_SIZE], blob[512], id[HEX_ID_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	kit_key(k, other);
	kit_encrypt(k, key, "{\"cache\":\"a\"}", blob, sizeof(blob));
	assert_string_equal(decrypts(k, "host", key, blob, "{\"cache\":\"a\"}"), "AccessDeniedException");
	kit_grant(k, key, HOST, "[\"Decrypt\"]", EQUALS, id, NULL);
	assert_string_equal(decrypts(k, "host", key, blob, "{\"cache\":\"a\"}"), "");
	/* neither another context, nor another operation, key or principal */
	assert_string_equal(decrypts(k, "host", key, blob, "{\"cache\":\"b\"}"), "AccessDeniedException");
	assert_string_equal(decrypts(k, "host", key, blob, "{\"cache\":\"a\",\"x\":\"y\"}"), "AccessDeniedException");
	assert_string_equal(decrypts(k, "host", key, blob, "{}"), "AccessDeniedException");
	assert_string_equal(decrypts(k, "stranger", key, blob, "{\"cache\":\"a\"}"), "AccessDeniedException");
	assert_string_equal(decrypts(k, "host", other, blob, "{\"cache\":\"a\"}"), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "host", "DescribeKey", "{\"KeyId\":\"%s\"}", key), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "host", "ListGrants", "{\"KeyId\":\"%s\"}", key), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "host", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id),
			    "AccessDeniedException");
	assert_string_equal(kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", other, id),
			    "NotFoundException");
	assert_string_equal(kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id), "");
	assert_string_equal(decrypts(k, "host", key, blob, "{\"cache\":\"a\"}"), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id),
			    "NotFoundException");
	kit_reopen(k);
	assert_string_equal(decrypts(k, "host", key, blob, "{\"cache\":\"a\"}"), "AccessDeniedException");
}

static void a_subset_lets_more_pairs_pass_and_no_fewer(void **state)
{
	char key[ARN_SIZE], blob[512], id[HEX_ID_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	kit_encrypt(k, key, "{\"cache\":\"a\",\"x\":\"y\"}", blob, sizeof(blob));
	kit_grant(k, key, HOST, "[\"Decrypt\"]", ",\"Constraints\":{\"EncryptionContextSubset\":{\"cache\":\"a\"}}", id,
		  NULL);
	assert_string_equal(decrypts(k, "host", key, blob, "{\"x\":\"y\",\"cache\":\"a\"}"), "");
	assert_string_equal(decrypts(k, "host", key, blob, "{\"x\":\"y\"}"), "AccessDeniedException");
	assert_string_equal(decrypts(k, "host", key, blob, "{\"cache\":\"b\",\"x\":\"y\"}"), "AccessDeniedException");
	/* what passes the constraint still has to be the ciphertext's own context */
	assert_string_equal(decrypts(k, "host", key, blob, "{\"cache\":\"a\"}"), "InvalidCiphertextException");
}

static void constraints_do_not_bind_describe_key(void **state)
{
	char key[ARN_SIZE], id[HEX_ID_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	kit_grant(k, key, HOST, "[\"DescribeKey\",\"Decrypt\"]", EQUALS, id, NULL);
	assert_string_equal(kit_fails(k, "host", "DescribeKey", "{\"KeyId\":\"%s\"}", key), "");
}

static void a_session_or_the_account_can_be_the_grantee(void **state)
{
	static const char session[] = "arn:aws:sts::" KIT_ACCOUNT ":assumed-role/host/static";
	char key[ARN_SIZE], id[HEX_ID_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	kit_grant(k, key, session, "[\"DescribeKey\"]", "", id, NULL);
	assert_string_equal(kit_fails(k, "host", "DescribeKey", "{\"KeyId\":\"%s\"}", key), "");
	kit_key(k, key);
	/* The account's grant serves those of its principals whose own policy allows the same. */
	kit_grant(k, key, KIT_ROOT, "[\"Encrypt\"]", "", id, NULL);
	assert_string_equal(kit_fails(k, "host", "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key),
			    "AccessDeniedException");
}

static void the_same_request_with_a_name_makes_one_grant(void **state)
{
	char key[ARN_SIZE], a[HEX_ID_SIZE], b[HEX_ID_SIZE], ta[GRANT_TOKEN_SIZE], tb[GRANT_TOKEN_SIZE];
	struct kit *k = *state;
	static const char *const differences[] = {
		",\"Name\":\"m\"" EQUALS,
		",\"Name\":\"n\"",
		",\"Name\":\"n\",\"Constraints\":{\"EncryptionContextEquals\":{\"cache\":\"b\"}}",
		",\"Name\":\"n\",\"Constraints\":{\"EncryptionContextSubset\":{\"cache\":\"a\"}}",
		",\"Name\":\"n\",\"RetiringPrincipal\":\"" KIT_USER("creator") "\"" EQUALS,
	};

	kit_key(k, key);
	kit_grant(k, key, HOST, "[\"Decrypt\",\"DescribeKey\"]", ",\"Name\":\"n\"" EQUALS, a, ta);
	kit_grant(k, key, HOST, "[\"DescribeKey\",\"Decrypt\"]", ",\"Name\":\"n\"" EQUALS, b, tb);
	assert_string_equal(a, b);
	assert_string_not_equal(ta, tb);
	for (unsigned int i = 0; i < sizeof(differences) / sizeof(*differences); i++) {
		kit_grant(k, key, HOST, "[\"Decrypt\",\"DescribeKey\"]", differences[i], b, NULL);
		assert_string_not_equal(a, b);
	}
	kit_grant(k, key, HOST, "[\"Decrypt\"]", ",\"Name\":\"n\"" EQUALS, b, NULL);
	assert_string_not_equal(a, b);
	/* without a name every request makes another */
	kit_grant(k, key, HOST, "[\"Decrypt\"]", EQUALS, a, NULL);
	kit_grant(k, key, HOST, "[\"Decrypt\"]", EQUALS, b, NULL);
	assert_string_not_equal(a, b);
	/* and after a revoke the name is free */
	kit_grant(k, key, HOST, "[\"Encrypt\"]", ",\"Name\":\"r\"", a, NULL);
	kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, a);
	kit_grant(k, key, HOST, "[\"Encrypt\"]", ",\"Name\":\"r\"", b, NULL);
	assert_string_not_equal(a, b);
}

#define X384 \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define OPS ",\"Operations\":[\"Decrypt\"]"
#define TO ",\"GranteePrincipal\":\"" HOST "\""

static void a_request_is_checked(void **state)
{
	static const struct {
		const char *rest;
		const char *fails;
	} cases[] = {
		{ TO OPS, "" },
		{ TO, "ValidationException" },
		{ OPS, "ValidationException" },
		{ TO ",\"Operations\":[]", "ValidationException" },
		{ TO ",\"Operations\":[\"Sign\"]", "ValidationException" },
		{ TO ",\"Operations\":[\"RevokeGrant\"]", "ValidationException" },
		{ TO ",\"Operations\":\"Decrypt\"", "SerializationException" },
		{ TO ",\"Operations\":[7]", "SerializationException" },
		{ ",\"GranteePrincipal\":\"host\"" OPS, "InvalidArnException" },
		{ ",\"GranteePrincipal\":\"" KIT_USER("host") "\"" OPS, "InvalidArnException" },
		{ ",\"GranteePrincipal\":\"" KIT_ROLE("none") "\"" OPS, "InvalidArnException" },
		{ ",\"GranteePrincipal\":\"" KIT_ROLE("*") "\"" OPS, "InvalidArnException" },
		{ ",\"GranteePrincipal\":\"*\"" OPS, "InvalidArnException" },
		{ ",\"GranteePrincipal\":\"arn:aws:iam::210987654321:role/host\"" OPS, "InvalidArnException" },
		{ ",\"GranteePrincipal\":\"arn:aws-cn:iam::" KIT_ACCOUNT ":role/host\"" OPS, "InvalidArnException" },
		{ ",\"GranteeServicePrincipal\":\"x.amazonaws.com\"" OPS, "" },
		{ ",\"GranteeServicePrincipal\":\"x.example.com\"" OPS, "ValidationException" },
		{ ",\"GranteeServicePrincipal\":\".amazonaws.com\"" OPS, "ValidationException" },
		{ TO OPS ",\"GranteeServicePrincipal\":\"x.amazonaws.com\"", "ValidationException" },
		{ TO OPS ",\"RetiringPrincipal\":\"nobody\"", "InvalidArnException" },
		{ TO OPS ",\"RetiringServicePrincipal\":\"x\"", "ValidationException" },
		{ TO OPS ",\"RetiringServicePrincipal\":\"x.amazonaws.com\"", "" },
		{ TO OPS ",\"Name\":\"\"", "ValidationException" },
		{ TO OPS ",\"Name\":\"a b\"", "ValidationException" },
		{ TO OPS ",\"Constraints\":[]", "SerializationException" },
		{ TO OPS ",\"Constraints\":{}", "" },
		{ TO OPS ",\"Constraints\":{\"EncryptionContextEquals\":null}", "" },
		{ TO OPS ",\"Constraints\":{\"EncryptionContextEquals\":{}}", "ValidationException" },
		{ TO OPS ",\"Constraints\":{\"EncryptionContextEquals\":{\"a\":1}}", "ValidationException" },
		{ TO OPS
		  ",\"Constraints\":{\"EncryptionContextEquals\":{\"a\":\"1\"},\"EncryptionContextSubset\":{\"a\":\"1\"}}",
		  "ValidationException" },
		{ TO OPS ",\"Constraints\":{\"SourceArn\":\"x\"}", "ValidationException" },
		{ TO OPS ",\"Constraints\":{\"SourceArn\":7}", "SerializationException" },
		{ TO OPS ",\"Constraints\":{\"SourceIp\":\"10.0.0.1\"}", "UnsupportedOperationException" },
		{ TO OPS ",\"Constraints\":{\"EncryptionContextEquals\":{\"a\":\"" X384 "\"}}", "" },
		{ TO OPS ",\"Constraints\":{\"EncryptionContextEquals\":{\"a\":\"" X384 "x\"}}",
		  "ValidationException" },
		{ TO OPS
		  ",\"Constraints\":{\"EncryptionContextEquals\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":\"\","
		  "\"7\":\"\",\"8\":\"\"}}",
		  "" },
		{ TO OPS
		  ",\"Constraints\":{\"EncryptionContextEquals\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":\"\","
		  "\"7\":\"\",\"8\":\"\",\"9\":\"\"}}",
		  "ValidationException" },
		{ TO OPS ",\"GrantTokens\":[\"x\"]", "InvalidGrantTokenException" },
		{ TO OPS ",\"DryRun\":true", "DryRunOperationException" },
	};
	struct json_object *list;
	char key[ARN_SIZE], body[600];
	struct kit *k = *state;
	struct kit_answer a;
	size_t made = 0;

	kit_key(k, key);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = kit_fails(k, "admin", "CreateGrant", "{\"KeyId\":\"%s\"%s}", key, cases[i].rest);

		if (strcmp(got, cases[i].fails))
			fail_msg("%s: %s, not %s", cases[i].rest, got, cases[i].fails);
		made += !*cases[i].fails;
	}
	/* what was refused, or tried dry, has made nothing */
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"Limit\":1000}", key);
	kit_call(k, &a, "admin", "ListGrants", body);
	json_object_object_get_ex(a.json, "Grants", &list);
	assert_int_equal(json_object_array_length(list), made);
	kit_answer_free(&a);
}

/* collect - all pages of ListGrants; the number of grants. */
static unsigned int collect(struct kit *k, const char *key, const char *filter, unsigned int limit,
			    char ids[][HEX_ID_SIZE])
{
	char body[1400], marker[512] = "";
	unsigned int nr = 0;
	struct kit_answer a;
	bool more;

	do {
		struct json_object *list;

		snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"Limit\":%u%s%s}", key, limit, filter, marker);
		kit_call(k, &a, "admin", "ListGrants", body);
		assert_int_equal(a.status, 200);
		json_object_object_get_ex(a.json, "Grants", &list);
		more = json_object_get_boolean(json_object_object_get(a.json, "Truncated"));
		assert_true(json_object_array_length(list) <= limit);
		assert_true(!more || json_object_array_length(list) == limit);
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			struct json_object *o = json_object_array_get_idx(list, i);

			assert_string_equal(json_object_get_string(json_object_object_get(o, "KeyId")), key);
			strcpy(ids[nr++], json_object_get_string(json_object_object_get(o, "GrantId")));
		}
		snprintf(marker, sizeof(marker), ",\"Marker\":\"%s\"", kit_string(&a, "NextMarker"));
		kit_answer_free(&a);
	} while (more);
	return nr;
}

static void lists_are_complete_and_in_pages(void **state)
{
	char key[ARN_SIZE], filter[128], ids[16][HEX_ID_SIZE], made[9][HEX_ID_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	for (unsigned int i = 0; i < 9; i++)
		kit_grant(k, key, i % 3 ? HOST : KIT_USER("stranger"), "[\"Decrypt\"]", "", made[i], NULL);
	for (unsigned int limit = 1; limit < 12; limit++) {
		assert_int_equal(collect(k, key, "", limit, ids), 9);
		for (unsigned int i = 1; i < 9; i++)
			assert_true(strcmp(ids[i], ids[i - 1]) > 0);
		assert_int_equal(collect(k, key, ",\"GranteePrincipal\":\"" HOST "\"", limit, ids), 6);
	}
	snprintf(filter, sizeof(filter), ",\"GrantId\":\"%s\"", made[4]);
	assert_int_equal(collect(k, key, filter, 1, ids), 1);
	assert_string_equal(ids[0], made[4]);
	kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, made[4]);
	assert_int_equal(collect(k, key, filter, 1, ids), 0);
	assert_string_equal(kit_fails(k, "admin", "ListGrants", "{\"KeyId\":\"%s\",\"GrantId\":\"zz\"}", key),
			    "InvalidGrantIdException");
	assert_string_equal(kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"zz\"}", key),
			    "InvalidGrantIdException");
	assert_string_equal(kit_fails(k, "admin", "ListGrants", "{\"KeyId\":\"%s\",\"Marker\":\"zz\"}", key),
			    "InvalidMarkerException");
}

static void an_entry_shows_the_whole_grant(void **state)
{
	char key[ARN_SIZE], id[HEX_ID_SIZE], body[600];
	struct json_object *o;
	struct kit *k = *state;
	struct kit_answer a;

	kit_key(k, key);
	kit_grant(k, key, HOST, "[\"DescribeKey\",\"Decrypt\"]",
		  ",\"Name\":\"cache-1\",\"RetiringPrincipal\":\"" KIT_USER("creator") "\"" EQUALS, id, NULL);
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\"}", key);
	kit_call(k, &a, "admin", "ListGrants", body);
	o = json_object_array_get_idx(json_object_object_get(a.json, "Grants"), 0);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "Name")), "cache-1");
	assert_string_equal(json_object_get_string(json_object_object_get(o, "GranteePrincipal")), HOST);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "RetiringPrincipal")),
			    KIT_USER("creator"));
	assert_string_equal(json_object_get_string(json_object_object_get(o, "IssuingAccount")), KIT_ROOT);
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(o, "Operations"),
							   JSON_C_TO_STRING_PLAIN),
			    "[\"Decrypt\",\"DescribeKey\"]");
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(o, "Constraints"),
							   JSON_C_TO_STRING_PLAIN),
			    "{\"EncryptionContextEquals\":{\"cache\":\"a\"}}");
	assert_true(json_object_get_double(json_object_object_get(o, "CreationDate")) == (double)kit_now / 1000);
	kit_answer_free(&a);
}

#define RETIRING ",\"RetiringPrincipal\":\"" KIT_USER("creator") "\""

static void who_may_retire(void **state)
{
	static const struct {
		const char *operations;
		const char *rest;
		const char *who;
		const char *fails;
	} cases[] = {
		{ "[\"Decrypt\"]", RETIRING, "creator", "" },
		{ "[\"Decrypt\"]", RETIRING, "host", "AccessDeniedException" },
		{ "[\"Decrypt\"]", RETIRING, "stranger", "AccessDeniedException" },
		{ "[\"Decrypt\"]", "", "creator", "AccessDeniedException" },
		{ "[\"Decrypt\"]", "", "admin", "" },
		{ "[\"Decrypt\",\"RetireGrant\"]", "", "host", "" },
		{ "[\"Decrypt\",\"RetireGrant\"]", "", "stranger", "AccessDeniedException" },
		/* constraints do not bind it */
		{ "[\"Decrypt\",\"RetireGrant\"]", EQUALS, "host", "" },
	};
	char key[ARN_SIZE], id[HEX_ID_SIZE], token[GRANT_TOKEN_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	for (unsigned int i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		const char *got, *then = "NotFoundException";

		kit_grant(k, key, HOST, cases[i / 2].operations, cases[i / 2].rest, id, token);
		if (i % 2)
			got = kit_fails(k, cases[i / 2].who, "RetireGrant", "{\"GrantToken\":\"%s\"}", token);
		else
			got = kit_fails(k, cases[i / 2].who, "RetireGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}",
					key, id);
		if (strcmp(got, cases[i / 2].fails))
			fail_msg("case %u: %s", i / 2, got);
		if (*cases[i / 2].fails)
			then = "";
		assert_string_equal(kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key,
					      id),
				    then);
	}
}

static void a_policy_alone_cannot_retire_but_can_forbid_it(void **state)
{
	char key[ARN_SIZE], id[HEX_ID_SIZE];
	struct kit *k = *state;

	kit_principal(k, "may", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:RetireGrant\",\"Resource\":\"*\"}]}");
	kit_principal(k, "not", "{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"kms:RetireGrant\",\"Resource\":\"*\"}]}");
	kit_key(k, key);
	kit_grant(k, key, KIT_USER("not"), "[\"RetireGrant\"]", "", id, NULL);
	assert_string_equal(kit_fails(k, "may", "RetireGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id),
			    "AccessDeniedException");
	assert_string_equal(kit_fails(k, "not", "RetireGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id),
			    "AccessDeniedException");
}

static void a_retirement_names_its_grant_in_one_way(void **state)
{
	static const char id[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	char key[ARN_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	assert_string_equal(kit_fails(k, "admin", "RetireGrant", "{}"), "ValidationException");
	assert_string_equal(kit_fails(k, "admin", "RetireGrant", "{\"KeyId\":\"%s\"}", key), "ValidationException");
	assert_string_equal(kit_fails(k, "admin", "RetireGrant", "{\"GrantId\":\"%s\"}", id), "ValidationException");
	assert_string_equal(kit_fails(k, "admin", "RetireGrant", "{\"GrantToken\":\"x\",\"KeyId\":\"%s\"}", key),
			    "ValidationException");
	assert_string_equal(kit_fails(k, "admin", "RetireGrant", "{\"GrantToken\":\"eHh4\"}"), "InvalidGrantTokenException");
	assert_string_equal(kit_fails(k, "admin", "RetireGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id),
			    "NotFoundException");
}

static void dry_runs_change_nothing(void **state)
{
	char key[ARN_SIZE], id[HEX_ID_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	kit_grant(k, key, HOST, "[\"RetireGrant\"]", "", id, NULL);
	assert_string_equal(kit_fails(k, "host", "RetireGrant",
				      "{\"KeyId\":\"%s\",\"GrantId\":\"%s\",\"DryRun\":true}", key, id),
			    "DryRunOperationException");
	assert_string_equal(kit_fails(k, "admin", "RevokeGrant",
				      "{\"KeyId\":\"%s\",\"GrantId\":\"%s\",\"DryRun\":true}", key, id),
			    "DryRunOperationException");
	assert_string_equal(kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id), "");
}

static void tokens_are_good_while_their_grant_is(void **state)
{
	char key[ARN_SIZE], blob[512], id[HEX_ID_SIZE], token[GRANT_TOKEN_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	kit_encrypt(k, key, "{}", blob, sizeof(blob));
	kit_grant(k, key, HOST, "[\"Decrypt\"]", "", id, token);
	assert_string_equal(kit_fails(k, "host", "Decrypt", "{\"CiphertextBlob\":\"%s\",\"GrantTokens\":[\"%s\"]}",
				      blob, token),
			    "");
	/* a token gives nobody else anything */
	assert_string_equal(kit_fails(k, "stranger", "Decrypt",
				      "{\"CiphertextBlob\":\"%s\",\"GrantTokens\":[\"%s\"]}", blob, token),
			    "AccessDeniedException");
	assert_string_equal(kit_fails(k, "host", "Decrypt", "{\"CiphertextBlob\":\"%s\",\"GrantTokens\":[\"AAAA\"]}",
				      blob),
			    "InvalidGrantTokenException");
	kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id);
	assert_string_equal(kit_fails(k, "host", "Decrypt", "{\"CiphertextBlob\":\"%s\",\"GrantTokens\":[\"%s\"]}",
				      blob, token),
			    "InvalidGrantTokenException");
}

static void a_grantee_may_grant_no_more_than_he_has(void **state)
{
	char key[ARN_SIZE], id[HEX_ID_SIZE];
	struct kit *k = *state;
	static const struct {
		const char *rest;
		const char *fails;
	} cases[] = {
		{ ",\"Operations\":[\"Decrypt\"]" EQUALS, "" },
		{ ",\"Operations\":[\"Decrypt\",\"Encrypt\"]" EQUALS, "AccessDeniedException" },
		{ ",\"Operations\":[\"Decrypt\"]", "AccessDeniedException" },
		{ ",\"Operations\":[\"Decrypt\"],\"Constraints\":{\"EncryptionContextSubset\":{\"cache\":\"a\"}}",
		  "AccessDeniedException" },
		{ ",\"Operations\":[\"Decrypt\"],\"Constraints\":{\"EncryptionContextEquals\":{\"cache\":\"b\"}}",
		  "AccessDeniedException" },
	};

	kit_key(k, key);
	kit_grant(k, key, KIT_USER("creator"), "[\"Decrypt\",\"CreateGrant\"]", EQUALS, id, NULL);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(kit_fails(k, "creator", "CreateGrant", "{\"KeyId\":\"%s\"" TO "%s}", key,
					      cases[i].rest),
				    cases[i].fails);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_grant_gives_what_it_says_until_it_is_revoked),
		T(a_subset_lets_more_pairs_pass_and_no_fewer),
		T(constraints_do_not_bind_describe_key),
		T(a_session_or_the_account_can_be_the_grantee),
		T(the_same_request_with_a_name_makes_one_grant),
		T(a_request_is_checked),
		T(lists_are_complete_and_in_pages),
		T(an_entry_shows_the_whole_grant),
		T(who_may_retire),
		T(a_policy_alone_cannot_retire_but_can_forbid_it),
		T(a_retirement_names_its_grant_in_one_way),
		T(dry_runs_change_nothing),
		T(tokens_are_good_while_their_grant_is),
		T(a_grantee_may_grant_no_more_than_he_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
