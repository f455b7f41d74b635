// SPDX-License-Identifier: GPL-2.0-or-later
/* Tags: of a new key and an old one, their limits, and the policies that look at them. */
#include "service_test.h"

#define TAG(key, value) "{\"TagKey\":\"" key "\",\"TagValue\":\"" value "\"}"

static const char *tag(struct kit *k, const char *who, const char *arn, const char *tags)
{
	return kit_fails(k, who, "TagResource", "{\"KeyId\":\"%s\",\"Tags\":%s}", arn, tags);
}

static const char *untag(struct kit *k, const char *who, const char *arn, const char *names)
{
	return kit_fails(k, who, "UntagResource", "{\"KeyId\":\"%s\",\"TagKeys\":%s}", arn, names);
}

/* tags_of - "key=value key=value" in the order they are told, by pages of @limit. */
static void tags_of(struct kit *k, const char *arn, unsigned int limit, char *out, size_t size)
{
	char body[2048], marker[1024] = "";
	bool more = true;

	*out = '\0';
	while (more) {
		struct json_object *list;
		struct kit_answer a;

		snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"Limit\":%u%s}", arn, limit, marker);
		kit_call(k, &a, "admin", "ListResourceTags", body);
		if (a.status != 200)
			fail_msg("%s: %s", a.type, a.message);
		json_object_object_get_ex(a.json, "Tags", &list);
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			struct json_object *t = json_object_array_get_idx(list, i);
			size_t n = strlen(out);

			snprintf(out + n, size - n, "%s%s=%s", n ? " " : "",
				 json_object_get_string(json_object_object_get(t, "TagKey")),
				 json_object_get_string(json_object_object_get(t, "TagValue")));
		}
		more = json_object_get_boolean(json_object_object_get(a.json, "Truncated"));
		snprintf(marker, sizeof(marker), ",\"Marker\":\"%s\"", kit_string(&a, "NextMarker"));
		kit_answer_free(&a);
	}
}

static void tags_come_change_and_go(void **state)
{
	char arn[ARN_SIZE], seen[512];
	struct kit *k = *state;

	kit_key(k, arn);
	tags_of(k, arn, 50, seen, sizeof(seen));
	assert_string_equal(seen, "");
	assert_string_equal(tag(k, "admin", arn, "[" TAG("b", "2") "," TAG("a", "") "," TAG("B", "3") "]"), "");
	tags_of(k, arn, 1, seen, sizeof(seen));
	assert_string_equal(seen, "B=3 a= b=2");
	assert_string_equal(tag(k, "admin", arn, "[" TAG("b", "\\u2603") "," TAG("c", "x y") "]"), "");
	kit_reopen(k);
	tags_of(k, arn, 2, seen, sizeof(seen));
	assert_string_equal(seen, "B=3 a= b=\xe2\x98\x83 c=x y");
	/* one that is not there is no error */
	assert_string_equal(untag(k, "admin", arn, "[\"b\",\"nothing\",\"B\"]"), "");
	tags_of(k, arn, 50, seen, sizeof(seen));
	assert_string_equal(seen, "a= c=x y");
}

static void a_key_is_born_with_tags(void **state)
{
	struct json_object *meta;
	struct kit *k = *state;
	struct kit_answer a;
	char arn[ARN_SIZE], seen[64];

	kit_call(k, &a, "admin", "CreateKey", "{\"Tags\":[" TAG("tier", "gold") "]}");
	assert_int_equal(a.status, 200);
	json_object_object_get_ex(a.json, "KeyMetadata", &meta);
	snprintf(arn, sizeof(arn), "%s", json_object_get_string(json_object_object_get(meta, "Arn")));
	kit_answer_free(&a);
	tags_of(k, arn, 50, seen, sizeof(seen));
	assert_string_equal(seen, "tier=gold");
}

static void bounds(void **state)
{
	static const char x128[] =
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	char arn[ARN_SIZE], list[2048], snow[128 * 3 + 1] = "";
	struct kit *k = *state;
	static const struct {
		const char *tags;
		const char *fails;
	} cases[] = {
		{ "[" TAG("a", "1") "," TAG("a", "2") "]", "TagException" },
		{ "[" TAG("aws:x", "1") "]", "TagException" },
		{ "[" TAG("AWS:x", "1") "]", "TagException" },
		{ "[" TAG("a;b", "1") "]", "TagException" },
		{ "[" TAG("a", "\\n") "]", "TagException" },
		{ "[" TAG("+ -=._:/@", "+ -=._:/@") "]", "" },
		{ "[" TAG("", "1") "]", "ValidationException" },
		{ "[{\"TagKey\":\"a\"}]", "ValidationException" },
		{ "[{\"TagValue\":\"a\"}]", "ValidationException" },
		{ "[{\"TagKey\":\"a\",\"TagValue\":null}]", "ValidationException" },
		{ "[{\"TagKey\":7,\"TagValue\":\"a\"}]", "SerializationException" },
		{ "[\"a\"]", "SerializationException" },
		{ "{}", "SerializationException" },
		{ "null", "ValidationException" },
		{ "[]", "" },
	};

	kit_key(k, arn);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = tag(k, "admin", arn, cases[i].tags);

		if (strcmp(got, cases[i].fails))
			fail_msg("%s: %s, not %s", cases[i].tags, got, cases[i].fails);
	}
	/* characters are counted, not bytes */
	for (unsigned int i = 0; i < 128; i++)
		strcat(snow, "\xe2\x98\x83");
	snprintf(list, sizeof(list), "[{\"TagKey\":\"%s\",\"TagValue\":\"%s%s\"}]", snow, snow, snow);
	assert_string_equal(tag(k, "admin", arn, list), "");
	snprintf(list, sizeof(list), "[{\"TagKey\":\"%sx\",\"TagValue\":\"\"}]", x128);
	assert_string_equal(tag(k, "admin", arn, list), "ValidationException");
	snprintf(list, sizeof(list), "[{\"TagKey\":\"x\",\"TagValue\":\"%s%sx\"}]", x128, x128);
	assert_string_equal(tag(k, "admin", arn, list), "ValidationException");
	assert_string_equal(untag(k, "admin", arn, "[\"aws:x\"]"), "TagException");
	assert_string_equal(untag(k, "admin", arn, "\"x\""), "SerializationException");
	assert_string_equal(untag(k, "admin", arn, "[7]"), "SerializationException");
	assert_string_equal(kit_fails(k, "admin", "ListResourceTags", "{\"KeyId\":\"%s\",\"Limit\":51}", arn),
			    "ValidationException");
	assert_string_equal(kit_fails(k, "admin", "ListResourceTags", "{\"KeyId\":\"%s\",\"Marker\":\"x\"}", arn),
			    "InvalidMarkerException");
}

static void fifty_a_key(void **state)
{
	char arn[ARN_SIZE], list[8192] = "[", one[64];
	struct kit *k = *state;

	kit_key(k, arn);
	for (unsigned int i = 0; i < 50; i++) {
		snprintf(one, sizeof(one), "%s{\"TagKey\":\"%u\",\"TagValue\":\"\"}", i ? "," : "", i);
		strcat(list, one);
	}
	strcat(list, "]");
	assert_string_equal(tag(k, "admin", arn, list), "");
	assert_string_equal(tag(k, "admin", arn, "[" TAG("7", "other value") "]"), "");
	assert_string_equal(tag(k, "admin", arn, "[" TAG("7", "lost") "," TAG("more", "") "]"), "LimitExceededException");
	/* nothing of a request that failed is left */
	assert_string_equal(untag(k, "admin", arn, "[\"8\"]"), "");
	assert_string_equal(tag(k, "admin", arn, "[" TAG("more", "") "]"), "");
	strcpy(strrchr(list, ']'), ",{\"TagKey\":\"50\",\"TagValue\":\"\"}]");
	assert_string_equal(kit_fails(k, "admin", "CreateKey", "{\"Tags\":%s}", list), "LimitExceededException");
	assert_string_equal(untag(k, "admin", arn, "[\"0\",\"1\"]"), "");
}

/* A principal whose rights hang on tags: of the key, and of the request. */
static void policies_see_tags(void **state)
{
	char gold[ARN_SIZE], base[ARN_SIZE];
	struct kit *k = *state;

	kit_key(k, gold);
	kit_key(k, base);
	assert_string_equal(tag(k, "admin", gold, "[" TAG("Tier", "gold") "]"), "");
	assert_string_equal(tag(k, "admin", base, "[" TAG("Tier", "base") "]"), "");
	kit_principal(k, "golden", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\","
		      "\"Condition\":{\"StringEquals\":{\"aws:ResourceTag/Tier\":\"gold\"}}}]}");
	assert_string_equal(kit_fails(k, "golden", "DescribeKey", "{\"KeyId\":\"%s\"}", gold), "");
	assert_string_equal(kit_fails(k, "golden", "DescribeKey", "{\"KeyId\":\"%s\"}", base), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "golden", "DescribeKey", "{\"KeyId\":\"%s\"}", strstr(base, "key/") + 4),
			    "AccessDeniedException");

	kit_principal(k, "tagger", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"},"
		      "{\"Effect\":\"Deny\",\"Action\":[\"kms:TagResource\",\"kms:UntagResource\"],\"Resource\":\"*\","
		      "\"Condition\":{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":\"Tier\"}}},"
		      "{\"Effect\":\"Deny\",\"Action\":\"kms:CreateKey\",\"Resource\":\"*\","
		      "\"Condition\":{\"Null\":{\"aws:RequestTag/owner\":\"true\"}}}]}");
	assert_string_equal(tag(k, "tagger", base, "[" TAG("x", "gold") "]"), "");
	assert_string_equal(tag(k, "tagger", base, "[" TAG("x", "y") "," TAG("Tier", "gold") "]"), "AccessDeniedException");
	assert_string_equal(untag(k, "tagger", base, "[\"Tier\"]"), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "tagger", "CreateKey", "{}"), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "tagger", "CreateKey", "{\"Tags\":[" TAG("owner", "me") "]}"), "");
	assert_string_equal(kit_fails(k, "tagger", "CreateKey",
				      "{\"Tags\":[" TAG("owner", "me") "," TAG("Tier", "gold") "]}"),
			    "AccessDeniedException");
	/* tags need a permission of their own */
	kit_principal(k, "maker", "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:CreateKey\","
		      "\"Resource\":\"*\"}}");
	assert_string_equal(kit_fails(k, "maker", "CreateKey", "{}"), "");
	assert_string_equal(kit_fails(k, "maker", "CreateKey", "{\"Tags\":[" TAG("a", "b") "]}"), "AccessDeniedException");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tags_come_change_and_go, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_key_is_born_with_tags, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(bounds, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(fifty_a_key, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(policies_see_tags, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
