// SPDX-License-Identifier: GPL-2.0-or-later
/* Aliases: names that move from key to key, and the permissions that takes. */
#include "service_test.h"

static const char *make(struct kit *k, const char *name, const char *arn)
{
	return kit_fails(k, "admin", "CreateAlias", "{\"AliasName\":\"%s\",\"TargetKeyId\":\"%s\"}", name, arn);
}

static const char *update(struct kit *k, const char *who, const char *name, const char *arn)
{
	return kit_fails(k, who, "UpdateAlias", "{\"AliasName\":\"%s\",\"TargetKeyId\":\"%s\"}", name, arn);
}

static const char *delete(struct kit *k, const char *who, const char *name)
{
	return kit_fails(k, who, "DeleteAlias", "{\"AliasName\":\"%s\"}", name);
}

/* leads_to - the key behind a name by DescribeKey, "" when there is none. */
static void leads_to(struct kit *k, const char *name, char arn[ARN_SIZE])
{
	struct json_object *meta;
	struct kit_answer a;
	char body[400];

	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\"}", name);
	kit_call(k, &a, "admin", "DescribeKey", body);
	*arn = '\0';
	if (json_object_object_get_ex(a.json, "KeyMetadata", &meta))
		snprintf(arn, ARN_SIZE, "%s", json_object_get_string(json_object_object_get(meta, "Arn")));
	kit_answer_free(&a);
}

static void a_name_moves_and_goes(void **state)
{
	char one[ARN_SIZE], two[ARN_SIZE], now[ARN_SIZE];
	struct json_object *list, *o;
	struct kit *k = *state;
	struct kit_answer a;
	double created;

	kit_key(k, one);
	kit_key(k, two);
	assert_string_equal(make(k, "alias/x", one), "");
	created = (double)kit_now / 1000;
	kit_now += 5000;
	assert_string_equal(update(k, "admin", "alias/x", two), "");
	leads_to(k, "alias/x", now);
	assert_string_equal(now, two);
	kit_call(k, &a, "admin", "ListAliases", "{}");
	json_object_object_get_ex(a.json, "Aliases", &list);
	o = json_object_array_get_idx(list, 0);
	assert_true(json_object_get_double(json_object_object_get(o, "CreationDate")) == created);
	assert_true(json_object_get_double(json_object_object_get(o, "LastUpdatedDate")) == created + 5);
	kit_answer_free(&a);
	assert_string_equal(delete(k, "admin", "alias/x"), "");
	leads_to(k, "alias/x", now);
	assert_string_equal(now, "");
	assert_string_equal(delete(k, "admin", "alias/x"), "NotFoundException");
	assert_string_equal(update(k, "admin", "alias/x", one), "NotFoundException");
	assert_string_equal(make(k, "alias/x", one), "");
}

static void names_that_are_none(void **state)
{
	char arn[ARN_SIZE];
	struct kit *k = *state;

	kit_key(k, arn);
	assert_string_equal(make(k, "alias/x", arn), "");
	assert_string_equal(delete(k, "admin", "x"), "ValidationException");
	assert_string_equal(update(k, "admin", "alias/a b", arn), "ValidationException");
	assert_string_equal(delete(k, "admin", "alias/aws/none"), "NotFoundException");
	assert_string_equal(update(k, "admin", "alias/x", "alias/x"), "NotFoundException");
	assert_string_equal(update(k, "admin", "alias/x", "332306ac-4b7e-4114-9282-8ecf0d4e9a24"), "NotFoundException");
}

/* The key that loses the name may be in any state; the one that gets it must not be about to go. */
static void states(void **state)
{
	char one[ARN_SIZE], two[ARN_SIZE];
	struct kit *k = *state;

	kit_key(k, one);
	kit_key(k, two);
	assert_string_equal(make(k, "alias/x", one), "");
	assert_string_equal(kit_fails(k, "admin", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\"}", one), "");
	assert_string_equal(make(k, "alias/y", one), "KMSInvalidStateException");
	assert_string_equal(update(k, "admin", "alias/x", two), "");
	assert_string_equal(update(k, "admin", "alias/x", one), "KMSInvalidStateException");
	assert_string_equal(kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"%s\"}", two), "");
	assert_string_equal(make(k, "alias/y", two), "");
	assert_string_equal(delete(k, "admin", "alias/y"), "");
	assert_string_equal(kit_fails(k, "admin", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\"}", two), "");
	assert_string_equal(delete(k, "admin", "alias/x"), "");
}

static void fifty_names_a_key(void **state)
{
	char arn[ARN_SIZE], other[ARN_SIZE], name[64];
	struct kit *k = *state;

	kit_key(k, arn);
	kit_key(k, other);
	for (unsigned int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "alias/%u", i);
		assert_string_equal(make(k, name, arn), "");
	}
	assert_string_equal(make(k, "alias/more", arn), "LimitExceededException");
	assert_string_equal(make(k, "alias/more", other), "");
	assert_string_equal(update(k, "admin", "alias/more", arn), "LimitExceededException");
	/* to where it leads already */
	assert_string_equal(update(k, "admin", "alias/7", arn), "");
	assert_string_equal(delete(k, "admin", "alias/7"), "");
	assert_string_equal(update(k, "admin", "alias/more", arn), "");
}

#define ALLOW(action, resource) "{\"Effect\":\"Allow\",\"Action\":\"" action "\",\"Resource\":\"" resource "\"}"

/* For the alias, for the key it leaves and for the key it comes to; one of them is not enough. */
static void permissions(void **state)
{
	char one[ARN_SIZE], two[ARN_SIZE], policy[2048];
	struct kit *k = *state;

	kit_key(k, one);
	kit_key(k, two);
	assert_string_equal(make(k, "alias/x", one), "");
	kit_principal(k, "names", "{\"Statement\":[" ALLOW("kms:*", KIT_ARN("alias/*")) "]}");
	kit_principal(k, "keys", "{\"Statement\":[" ALLOW("kms:*", KIT_ARN("key/*")) "]}");
	snprintf(policy, sizeof(policy), "{\"Statement\":[" ALLOW("kms:*", KIT_ARN("alias/x")) "," ALLOW("kms:*", "%s") "]}",
		 one);
	kit_principal(k, "old", policy);
	snprintf(policy, sizeof(policy), "{\"Statement\":[" ALLOW("kms:*", KIT_ARN("alias/x")) "," ALLOW("kms:*", "%s") "]}",
		 two);
	kit_principal(k, "new", policy);
	assert_string_equal(update(k, "names", "alias/x", two), "AccessDeniedException");
	assert_string_equal(update(k, "keys", "alias/x", two), "AccessDeniedException");
	assert_string_equal(update(k, "old", "alias/x", two), "AccessDeniedException");
	assert_string_equal(update(k, "new", "alias/x", two), "AccessDeniedException");
	assert_string_equal(delete(k, "names", "alias/x"), "AccessDeniedException");
	assert_string_equal(delete(k, "keys", "alias/x"), "AccessDeniedException");
	assert_string_equal(delete(k, "new", "alias/x"), "AccessDeniedException");
	assert_string_equal(delete(k, "old", "alias/x"), "");
}

/* kms:RequestAlias sees the name that the request used, kms:ResourceAliases all that the key has. */
static void conditions(void **state)
{
	char arn[ARN_SIZE], blob[512];
	struct kit *k = *state;

	kit_key(k, arn);
	assert_string_equal(make(k, "alias/x", arn), "");
	kit_encrypt(k, arn, "{}", blob, sizeof(blob));
	kit_principal(k, "byname", "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\","
		      "\"Condition\":{\"StringEquals\":{\"kms:RequestAlias\":\"alias/x\"}}}}");
	kit_principal(k, "named", "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\","
		      "\"Condition\":{\"ForAnyValue:StringLike\":{\"kms:ResourceAliases\":\"alias/x*\"}}}}");
	assert_string_equal(kit_fails(k, "byname", "DescribeKey", "{\"KeyId\":\"%s\"}", arn), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "byname", "DescribeKey", "{\"KeyId\":\"alias/x\"}"), "");
	assert_string_equal(kit_fails(k, "named", "DescribeKey", "{\"KeyId\":\"%s\"}", arn), "");
	assert_string_equal(kit_fails(k, "named", "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), "");
	assert_string_equal(delete(k, "admin", "alias/x"), "");
	assert_string_equal(kit_fails(k, "named", "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob),
			    "AccessDeniedException");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_name_moves_and_goes, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(names_that_are_none, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(states, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(fifty_names_a_key, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(permissions, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(conditions, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
