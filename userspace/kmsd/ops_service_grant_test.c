// SPDX-License-Identifier: GPL-2.0-or-later
/* Grants to services and by services, the lists of those that somebody may retire, and what is asked of no key. */
#include "service_test.h"

#define VIA "elasticache.amazonaws.com"
#define SOURCE "arn:aws:elasticache:" KIT_REGION ":" KIT_ACCOUNT ":cluster:a"

static void via_principal(struct kit *k, const char *name, const char *via)
{
	struct principal p;

	kit_principal(k, name, NULL);
	assert_int_equal(store_principal_get(k->svc.store, name, &p), 0);
	assert_int_equal(principal_set_via(&k->svc, &p, via, NULL), 0);
	assert_int_equal(store_principal_update(k->svc.store, &p), 0);
	principal_free(&p);
}

/* call_for - as kit_fails(), with a signed X-Amz-Source-Arn unless @source is NULL. */
static const char *call_for(struct kit *k, const char *who, const char *source, const char *op, const char *body)
{
	static struct kit_answer a;
	char access_key[ACCESS_KEY_SIZE], secret[SECRET_KEY_SIZE], target[64];
	struct kit_request r = { .rq = { .method = "POST", .target = "/", .body = body, .body_len = strlen(body) } };
	struct http_reply reply;

	snprintf(target, sizeof(target), "TrentService.%s", op);
	kit_header(&r, "Host", "localhost");
	kit_header(&r, "X-Amz-Target", target);
	if (source)
		kit_header(&r, "X-Amz-Source-Arn", source);
	kit_secret(k, who, access_key, secret);
	kit_sign(&r, access_key, secret, "kms",
		 source ? "host;x-amz-date;x-amz-source-arn;x-amz-target" : "host;x-amz-date;x-amz-target");
	service_handle(&k->svc, &r.rq, &reply);
	kit_read_answer(&reply, &a);
	kit_answer_free(&a);
	return a.type;
}

static void grant_to_service(struct kit *k, const char *key, const char *rest, char id[HEX_ID_SIZE])
{
	struct kit_answer a;
	char body[2048];

	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"GranteeServicePrincipal\":\"" VIA "\",\"Operations\":"
		 "[\"DescribeKey\",\"RetireGrant\"]%s}", key, rest);
	kit_call(k, &a, "admin", "CreateGrant", body);
	if (a.status != 200)
		fail_msg("%s: %s", a.type, a.message);
	snprintf(id, HEX_ID_SIZE, "%s", kit_string(&a, "GrantId"));
	kit_answer_free(&a);
}

static void a_service_uses_its_grants_through_those_who_call_for_it(void **state)
{
	char key[ARN_SIZE], id[HEX_ID_SIZE], body[600], retire[700];
	struct kit *k = *state;

	via_principal(k, "cache", "elasticache");
	via_principal(k, "dax", "dax");
	kit_principal(k, "stranger", NULL);
	kit_key(k, key);
	grant_to_service(k, key, "", id);
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\"}", key);
	snprintf(retire, sizeof(retire), "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id);
	assert_string_equal(call_for(k, "cache", NULL, "DescribeKey", body), "");
	assert_string_equal(call_for(k, "dax", NULL, "DescribeKey", body), "AccessDeniedException");
	assert_string_equal(call_for(k, "stranger", NULL, "DescribeKey", body), "AccessDeniedException");
	assert_string_equal(call_for(k, "dax", NULL, "RetireGrant", retire), "AccessDeniedException");
	assert_string_equal(call_for(k, "cache", NULL, "RetireGrant", retire), "");
	assert_string_equal(call_for(k, "cache", NULL, "DescribeKey", body), "AccessDeniedException");
}

static void a_source_binds_the_grant_to_one_resource(void **state)
{
	char key[ARN_SIZE], id[HEX_ID_SIZE], body[600], retire[700];
	struct kit *k = *state;

	via_principal(k, "cache", "elasticache");
	kit_principal(k, "stranger", NULL);
	kit_key(k, key);
	grant_to_service(k, key, ",\"Constraints\":{\"SourceArn\":\"" SOURCE "\"}", id);
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\"}", key);
	snprintf(retire, sizeof(retire), "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id);
	assert_string_equal(call_for(k, "cache", NULL, "DescribeKey", body), "AccessDeniedException");
	assert_string_equal(call_for(k, "cache", SOURCE "b", "DescribeKey", body), "AccessDeniedException");
	assert_string_equal(call_for(k, "cache", SOURCE, "DescribeKey", body), "");
	/* only a service says for whom it calls */
	assert_string_equal(kit_fails(k, "admin", "CreateGrant", "{\"KeyId\":\"%s\",\"GranteePrincipal\":\"%s\","
				      "\"Operations\":[\"DescribeKey\"],"
				      "\"Constraints\":{\"SourceArn\":\"" SOURCE "\"}}", key, KIT_USER("stranger")), "");
	assert_string_equal(call_for(k, "stranger", SOURCE, "DescribeKey", body), "AccessDeniedException");
	assert_string_equal(call_for(k, "cache", SOURCE "b", "RetireGrant", retire), "AccessDeniedException");
	assert_string_equal(call_for(k, "cache", SOURCE, "RetireGrant", retire), "");
}

static void entries_say_service_and_source(void **state)
{
	char key[ARN_SIZE], id[HEX_ID_SIZE], body[700];
	struct json_object *list, *o;
	struct kit *k = *state;
	struct kit_answer a;

	kit_key(k, key);
	kit_grant(k, key, KIT_USER("admin"), "[\"Decrypt\"]", "", id, NULL);
	grant_to_service(k, key, ",\"RetiringServicePrincipal\":\"dax.amazonaws.com\",\"Constraints\":{\"SourceArn\":\""
			 SOURCE "\",\"EncryptionContextSubset\":{\"a\":\"b\"}}", id);
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"GranteeServicePrincipal\":\"" VIA "\"}", key);
	kit_call(k, &a, "admin", "ListGrants", body);
	json_object_object_get_ex(a.json, "Grants", &list);
	assert_int_equal(json_object_array_length(list), 1);
	o = json_object_array_get_idx(list, 0);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "GranteeServicePrincipal")), VIA);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "RetiringServicePrincipal")),
			    "dax.amazonaws.com");
	assert_null(json_object_object_get(o, "GranteePrincipal"));
	assert_null(json_object_object_get(o, "RetiringPrincipal"));
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(o, "Constraints"),
							   JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
			    "{\"EncryptionContextSubset\":{\"a\":\"b\"},\"SourceArn\":\"" SOURCE "\"}");
	kit_answer_free(&a);
	assert_string_equal(kit_fails(k, "admin", "ListGrants", "{\"KeyId\":\"%s\",\"GranteePrincipal\":\"%s\","
				      "\"GranteeServicePrincipal\":\"" VIA "\"}", key, KIT_USER("admin")), "ValidationException");
}

/* retirable - all pages, their keys among @keys; the number of grants. */
static unsigned int retirable(struct kit *k, const char *who, const char *principal, unsigned int limit)
{
	char body[1200], marker[512] = "";
	unsigned int nr = 0;
	bool more = true;

	while (more) {
		struct json_object *list;
		struct kit_answer a;

		snprintf(body, sizeof(body), "{\"RetiringPrincipal\":\"%s\",\"Limit\":%u%s}", principal, limit, marker);
		kit_call(k, &a, who, "ListRetirableGrants", body);
		if (a.status != 200)
			fail_msg("%s: %s", a.type, a.message);
		json_object_object_get_ex(a.json, "Grants", &list);
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			struct json_object *o = json_object_array_get_idx(list, i);

			assert_string_equal(json_object_get_string(json_object_object_get(o, "RetiringPrincipal")),
					    principal);
			nr++;
		}
		more = json_object_get_boolean(json_object_object_get(a.json, "Truncated"));
		assert_true(!more || json_object_array_length(list) == limit);
		snprintf(marker, sizeof(marker), ",\"Marker\":\"%s\"", kit_string(&a, "NextMarker"));
		kit_answer_free(&a);
	}
	return nr;
}

static void what_one_may_retire_is_listed_over_all_keys(void **state)
{
	char key[2][ARN_SIZE], id[HEX_ID_SIZE];
	struct kit *k = *state;

	kit_principal(k, "a", NULL);
	kit_principal(k, "b", "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:ListRetirableGrants\","
			      "\"Resource\":\"" KIT_USER("b") "\"}}");
	for (unsigned int i = 0; i < 2; i++)
		kit_key(k, key[i]);
	for (unsigned int i = 0; i < 7; i++)
		kit_grant(k, key[i % 2], KIT_USER("admin"), "[\"Decrypt\"]",
			  ",\"RetiringPrincipal\":\"" KIT_USER("a") "\"", id, NULL);
	kit_grant(k, key[0], KIT_USER("admin"), "[\"Decrypt\"]", ",\"RetiringPrincipal\":\"" KIT_USER("b") "\"", id,
		  NULL);
	kit_grant(k, key[0], KIT_USER("a"), "[\"Decrypt\"]", "", id, NULL);
	for (unsigned int limit = 1; limit < 9; limit++)
		assert_int_equal(retirable(k, "admin", KIT_USER("a"), limit), 7);
	/* the permission is about the principal that is asked about */
	assert_int_equal(retirable(k, "b", KIT_USER("b"), 50), 1);
	assert_string_equal(kit_fails(k, "b", "ListRetirableGrants", "{\"RetiringPrincipal\":\"%s\"}", KIT_USER("a")),
			    "AccessDeniedException");
	assert_string_equal(kit_fails(k, "admin", "ListRetirableGrants", "{\"RetiringPrincipal\":\"nobody\"}"),
			    "InvalidArnException");
	assert_string_equal(kit_fails(k, "admin", "ListRetirableGrants",
				      "{\"RetiringPrincipal\":\"arn:aws:iam::210987654321:user/a\"}"), "InvalidArnException");
	assert_string_equal(kit_fails(k, "admin", "ListRetirableGrants", "{\"RetiringPrincipal\":\"%s\",\"Marker\":\"x\"}",
				      KIT_USER("a")), "InvalidMarkerException");
	assert_string_equal(kit_fails(k, "admin", "ListRetirableGrants", "{}"), "ValidationException");
}

static void random_bytes_are_as_many_as_asked_for(void **state)
{
	static const unsigned int sizes[] = { 1, 16, 1024 };
	char body[64], first[2048];
	struct kit *k = *state;
	struct kit_answer a;

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		snprintf(body, sizeof(body), "{\"NumberOfBytes\":%u}", sizes[i]);
		kit_call(k, &a, "admin", "GenerateRandom", body);
		assert_int_equal(strlen(kit_string(&a, "Plaintext")), base64_size(sizes[i]) - 1);
		snprintf(first, sizeof(first), "%s", kit_string(&a, "Plaintext"));
		kit_answer_free(&a);
	}
	kit_call(k, &a, "admin", "GenerateRandom", "{\"NumberOfBytes\":1024}");
	assert_string_not_equal(kit_string(&a, "Plaintext"), first);
	kit_answer_free(&a);
	assert_string_equal(kit_fails(k, "admin", "GenerateRandom", "{}"), "ValidationException");
	assert_string_equal(kit_fails(k, "admin", "GenerateRandom", "{\"NumberOfBytes\":0}"), "ValidationException");
	assert_string_equal(kit_fails(k, "admin", "GenerateRandom", "{\"NumberOfBytes\":1025}"), "ValidationException");
	assert_string_equal(kit_fails(k, "admin", "GenerateRandom",
				      "{\"NumberOfBytes\":8,\"CustomKeyStoreId\":\"cks-1\"}"),
			    "CustomKeyStoreNotFoundException");
	assert_string_equal(kit_fails(k, "admin", "GenerateRandom", "{\"NumberOfBytes\":8,\"Recipient\":{}}"),
			    "UnsupportedOperationException");
	kit_principal(k, "stranger", NULL);
	assert_string_equal(kit_fails(k, "stranger", "GenerateRandom", "{\"NumberOfBytes\":8}"), "AccessDeniedException");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_service_uses_its_grants_through_those_who_call_for_it, kit_setup,
						kit_teardown),
		cmocka_unit_test_setup_teardown(a_source_binds_the_grant_to_one_resource, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(entries_say_service_and_source, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(what_one_may_retire_is_listed_over_all_keys, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(random_bytes_are_as_many_as_asked_for, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
