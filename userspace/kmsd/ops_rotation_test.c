// SPDX-License-Identifier: GPL-2.0-or-later
/* Rotation: new material for what is new, the old for what is old; on schedule, on demand, and not for ever. */
#include "service_test.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* call - of admin with one key; the answer is freed by the caller. */
static void call(struct kit *k, struct kit_answer *a, const char *op, const char *arn, const char *rest)
{
	char body[2048];

	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\"%s}", arn, rest);
	kit_call(k, a, "admin", op, body);
}

static const char *fails(struct kit *k, const char *op, const char *arn, const char *rest)
{
	return kit_fails(k, "admin", op, "{\"KeyId\":\"%s\"%s}", arn, rest);
}

/* opens - Decrypt's plaintext is what kit_encrypt() seals; the material that it was sealed under into @material. */
static void opens(struct kit *k, const char *blob, char material[HEX_ID_SIZE])
{
	struct kit_answer a;
	char body[1024];

	snprintf(body, sizeof(body), "{\"CiphertextBlob\":\"%s\"}", blob);
	kit_call(k, &a, "admin", "Decrypt", body);
	if (a.status != 200)
		fail_msg("Decrypt: %s: %s", a.type, a.message);
	assert_string_equal(kit_string(&a, "Plaintext"), "c2VjcmV0");
	snprintf(material, HEX_ID_SIZE, "%s", kit_string(&a, "KeyMaterialId"));
	kit_answer_free(&a);
}

static void current_material(struct kit *k, const char *arn, char out[HEX_ID_SIZE])
{
	struct json_object *meta;
	struct kit_answer a;

	call(k, &a, "DescribeKey", arn, "");
	assert_true(json_object_object_get_ex(a.json, "KeyMetadata", &meta));
	snprintf(out, HEX_ID_SIZE, "%s",
		 json_object_get_string(json_object_object_get(meta, "CurrentKeyMaterialId")));
	kit_answer_free(&a);
}

struct rotation_status {
	bool enabled;
	int days;
	double next;	/* 0 when it is not told */
};

static struct rotation_status status_of(struct kit *k, const char *arn)
{
	struct rotation_status s = { 0 };
	struct json_object *o;
	struct kit_answer a;

	call(k, &a, "GetKeyRotationStatus", arn, "");
	assert_int_equal(a.status, 200);
	assert_string_equal(kit_string(&a, "KeyId"), arn);
	s.enabled = json_object_get_boolean(json_object_object_get(a.json, "KeyRotationEnabled"));
	if (json_object_object_get_ex(a.json, "RotationPeriodInDays", &o))
		s.days = json_object_get_int(o);
	if (json_object_object_get_ex(a.json, "NextRotationDate", &o))
		s.next = json_object_get_double(o);
	kit_answer_free(&a);
	return s;
}

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

/* rotations - how many ListKeyRotations tells in all pages of three, the first of them of @type. */
static unsigned int rotations(struct kit *k, const char *arn, const char *include, const char *type)
{
	char rest[256];
	unsigned int nr = 0;
	bool more = true;

	snprintf(rest, sizeof(rest), ",\"Limit\":3%s", include);
	while (more) {
		struct json_object *list, *o;
		struct kit_answer a;

		call(k, &a, "ListKeyRotations", arn, rest);
		if (a.status != 200)
			fail_msg("%s: %s", a.type, a.message);
		json_object_object_get_ex(a.json, "Rotations", &list);
		o = json_object_array_length(list) ? json_object_array_get_idx(list, 0) : NULL;
		if (!nr && type)
			assert_string_equal(json_object_get_string(json_object_object_get(o, "RotationType")), type);
		nr += (unsigned int)json_object_array_length(list);
		more = json_object_get_boolean(json_object_object_get(a.json, "Truncated"));
		snprintf(rest, sizeof(rest), ",\"Limit\":3%s,\"Marker\":\"%s\"", include, kit_string(&a, "NextMarker"));
		kit_answer_free(&a);
	}
	return nr;
}

static void what_was_sealed_before_still_opens(void **state)
{
	char arn[ARN_SIZE], blob[30][512], sealed[30][HEX_ID_SIZE], opened[HEX_ID_SIZE];
	struct kit *k = *state;

	kit_key(k, arn);
	assert_string_equal(fails(k, "EnableKeyRotation", arn, ",\"RotationPeriodInDays\":90"), "");
	for (unsigned int i = 0; i < 30; i++) {
		current_material(k, arn, sealed[i]);
		kit_encrypt(k, arn, "{}", blob[i], sizeof(blob[i]));
		if (i % 2)
			kit_now += 90 * DAY_MS;
		else
			assert_string_equal(fails(k, "RotateKeyOnDemand", arn, ""), "");
	}
	kit_reopen(k);
	for (unsigned int i = 0; i < 30; i++) {
		opens(k, blob[i], opened);
		assert_string_equal(opened, sealed[i]);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(sealed[i], sealed[j]);
	}
	assert_int_equal(rotations(k, arn, "", "ON_DEMAND"), 30);
	assert_int_equal(rotations(k, arn, ",\"IncludeKeyMaterial\":\"ROTATIONS_ONLY\"", NULL), 30);
	assert_int_equal(rotations(k, arn, ",\"IncludeKeyMaterial\":\"ALL_KEY_MATERIAL\"", NULL), 31);
}

static void one_material_is_current(void **state)
{
	struct json_object *list, *o, *date;
	char arn[ARN_SIZE], current[HEX_ID_SIZE];
	struct kit *k = *state;
	struct kit_answer a;

	kit_key(k, arn);
	kit_now += DAY_MS;
	assert_string_equal(fails(k, "RotateKeyOnDemand", arn, ""), "");
	current_material(k, arn, current);
	call(k, &a, "ListKeyRotations", arn, ",\"IncludeKeyMaterial\":\"ALL_KEY_MATERIAL\"");
	json_object_object_get_ex(a.json, "Rotations", &list);
	assert_int_equal(json_object_array_length(list), 2);
	o = json_object_array_get_idx(list, 0);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "KeyMaterialState")), "NON_CURRENT");
	/* the first material is no rotation */
	assert_false(json_object_object_get_ex(o, "RotationDate", &date));
	assert_false(json_object_object_get_ex(o, "RotationType", &date));
	o = json_object_array_get_idx(list, 1);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "KeyMaterialState")), "CURRENT");
	assert_string_equal(json_object_get_string(json_object_object_get(o, "KeyMaterialId")), current);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "RotationType")), "ON_DEMAND");
	assert_true(json_object_get_double(json_object_object_get(o, "RotationDate")) == seconds(kit_now));
	kit_answer_free(&a);
}

static void the_schedule(void **state)
{
	int64_t begin = kit_now;
	char arn[ARN_SIZE];
	struct kit *k = *state;

	kit_key(k, arn);
	assert_false(status_of(k, arn).enabled);
	assert_true(status_of(k, arn).next == 0);
	assert_string_equal(fails(k, "EnableKeyRotation", arn, ""), "");
	assert_int_equal(status_of(k, arn).days, 365);
	assert_true(status_of(k, arn).next == seconds(begin + 365 * DAY_MS));
	assert_string_equal(fails(k, "EnableKeyRotation", arn, ",\"RotationPeriodInDays\":100"), "");
	assert_int_equal(status_of(k, arn).days, 100);
	kit_now += 99 * DAY_MS;
	/* asking for the same again does not put it off */
	assert_string_equal(fails(k, "EnableKeyRotation", arn, ",\"RotationPeriodInDays\":100"), "");
	assert_true(status_of(k, arn).next == seconds(begin + 100 * DAY_MS));
	/* nor does a rotation on demand */
	assert_string_equal(fails(k, "RotateKeyOnDemand", arn, ""), "");
	assert_true(status_of(k, arn).next == seconds(begin + 100 * DAY_MS));
	kit_now = begin + 100 * DAY_MS - 1;
	assert_int_equal(rotations(k, arn, "", "ON_DEMAND"), 1);
	kit_now++;
	assert_int_equal(rotations(k, arn, "", "ON_DEMAND"), 2);
	assert_true(status_of(k, arn).next == seconds(begin + 200 * DAY_MS));
	/* nobody asked on the day: the schedule stays */
	kit_now = begin + 203 * DAY_MS;
	assert_int_equal(rotations(k, arn, "", NULL), 3);
	assert_true(status_of(k, arn).next == seconds(begin + 300 * DAY_MS));
	/* nor for years: one rotation, and a new schedule */
	kit_now = begin + 2000 * DAY_MS;
	assert_int_equal(rotations(k, arn, "", NULL), 4);
	assert_true(status_of(k, arn).next == seconds(begin + 2100 * DAY_MS));
	assert_string_equal(fails(k, "DisableKeyRotation", arn, ""), "");
	assert_false(status_of(k, arn).enabled);
	kit_now += 5000 * DAY_MS;
	assert_int_equal(rotations(k, arn, "", NULL), 4);
}

static void a_key_that_cannot_be_used_does_not_rotate(void **state)
{
	int64_t begin = kit_now;
	char arn[ARN_SIZE];
	struct kit *k = *state;

	kit_key(k, arn);
	assert_string_equal(fails(k, "EnableKeyRotation", arn, ",\"RotationPeriodInDays\":90"), "");
	assert_string_equal(fails(k, "DisableKey", arn, ""), "");
	kit_now += 100 * DAY_MS;
	assert_true(status_of(k, arn).enabled);
	assert_int_equal(rotations(k, arn, "", NULL), 0);
	assert_string_equal(fails(k, "EnableKey", arn, ""), "");
	assert_int_equal(rotations(k, arn, "", "AUTOMATIC"), 1);
	assert_true(status_of(k, arn).next == seconds(begin + 180 * DAY_MS));
	/* pending deletion it says that it does not rotate; it does again when that is cancelled */
	assert_string_equal(fails(k, "ScheduleKeyDeletion", arn, ""), "");
	assert_false(status_of(k, arn).enabled);
	assert_string_equal(fails(k, "CancelKeyDeletion", arn, ""), "");
	assert_true(status_of(k, arn).enabled);
	assert_int_equal(status_of(k, arn).days, 90);
}

static void bounds(void **state)
{
	static const struct {
		const char *op;
		const char *rest;
		const char *fails;
	} cases[] = {
		{ "EnableKeyRotation", ",\"RotationPeriodInDays\":89", "ValidationException" },
		{ "EnableKeyRotation", ",\"RotationPeriodInDays\":2561", "ValidationException" },
		{ "EnableKeyRotation", ",\"RotationPeriodInDays\":\"90\"", "SerializationException" },
		{ "EnableKeyRotation", ",\"RotationPeriodInDays\":90", "" },
		{ "EnableKeyRotation", ",\"RotationPeriodInDays\":2560", "" },
		{ "ListKeyRotations", ",\"IncludeKeyMaterial\":\"SOME\"", "ValidationException" },
		{ "ListKeyRotations", ",\"Limit\":0", "ValidationException" },
		{ "ListKeyRotations", ",\"Limit\":1001", "ValidationException" },
		{ "ListKeyRotations", ",\"Marker\":\"x\"", "InvalidMarkerException" },
		/* a marker of another list */
		{ "ListKeyRotations", ",\"Marker\":\"MTphbGlhcy94\"", "InvalidMarkerException" },
	};
	char arn[ARN_SIZE];
	struct kit *k = *state;

	kit_key(k, arn);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = fails(k, cases[i].op, arn, cases[i].rest);

		if (strcmp(got, cases[i].fails))
			fail_msg("%s %s: %s", cases[i].op, cases[i].rest, got);
	}
}

static void twenty_five_on_demand_and_none_beside_an_automatic_one(void **state)
{
	char arn[ARN_SIZE], other[ARN_SIZE];
	struct kit *k = *state;

	kit_key(k, arn);
	for (unsigned int i = 0; i < 25; i++)
		assert_string_equal(fails(k, "RotateKeyOnDemand", arn, ""), "");
	assert_string_equal(fails(k, "RotateKeyOnDemand", arn, ""), "LimitExceededException");
	/* automatic ones are not counted */
	assert_string_equal(fails(k, "EnableKeyRotation", arn, ""), "");
	kit_now += 365 * DAY_MS;
	assert_int_equal(rotations(k, arn, "", NULL), 26);

	kit_key(k, other);
	assert_string_equal(fails(k, "EnableKeyRotation", other, ",\"RotationPeriodInDays\":90"), "");
	kit_now += 90 * DAY_MS - 20 * 60 * 1000;
	assert_string_equal(fails(k, "RotateKeyOnDemand", other, ""), "ConflictException");
	kit_now -= 1;
	assert_string_equal(fails(k, "RotateKeyOnDemand", other, ""), "");
}

static void the_services_own_key_rotates_yearly_and_only_so(void **state)
{
	char arn[ARN_SIZE], blob[1024], material[HEX_ID_SIZE];
	struct json_object *meta;
	struct kit *k = *state;
	struct kit_answer a;

	kit_call(k, &a, "admin", "DescribeKey", "{\"KeyId\":\"alias/aws/elasticache\"}");
	json_object_object_get_ex(a.json, "KeyMetadata", &meta);
	snprintf(arn, sizeof(arn), "%s", json_object_get_string(json_object_object_get(meta, "Arn")));
	kit_answer_free(&a);
	assert_true(status_of(k, arn).enabled);
	assert_int_equal(status_of(k, arn).days, 365);
	kit_call(k, &a, "admin", "GenerateDataKeyWithoutPlaintext",
		 "{\"KeyId\":\"alias/aws/elasticache\",\"NumberOfBytes\":64}");
	snprintf(blob, sizeof(blob), "%s", kit_string(&a, "CiphertextBlob"));
	snprintf(material, sizeof(material), "%s", kit_string(&a, "KeyMaterialId"));
	kit_answer_free(&a);
	kit_now += 365 * DAY_MS;
	kit_call(k, &a, "admin", "DescribeKey", "{\"KeyId\":\"alias/aws/elasticache\"}");
	json_object_object_get_ex(a.json, "KeyMetadata", &meta);
	assert_string_not_equal(json_object_get_string(json_object_object_get(meta, "CurrentKeyMaterialId")), material);
	kit_answer_free(&a);
	assert_string_equal(fails(k, "CreateGrant", arn, ",\"GranteePrincipal\":\"" KIT_USER("admin") "\","
				  "\"Operations\":[\"Decrypt\"]"), "");
	assert_string_equal(kit_fails(k, "admin", "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), "");
	for (unsigned int i = 0; i < 2; i++) {
		static const char *const ops[] = { "EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand" };
		static const char open_policy[] = "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\","
						  "\"Action\":\"kms:*\",\"Resource\":\"*\"}]}";

		for (unsigned int o = 0; o < sizeof(ops) / sizeof(*ops); o++)
			assert_string_equal(fails(k, ops[o], arn, ""),
					    i ? "UnsupportedOperationException" : "AccessDeniedException");
		/* not even if its policy in the database is another */
		assert_int_equal(store_key_set_policy(k->svc.store, strstr(arn, "key/") + 4, open_policy), 0);
	}
}

static void conditions_see_the_period(void **state)
{
	char arn[ARN_SIZE];
	struct kit *k = *state;

	kit_principal(k, "careful", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"},"
		      "{\"Effect\":\"Deny\",\"Action\":\"kms:EnableKeyRotation\",\"Resource\":\"*\",\"Condition\":"
		      "{\"NumericGreaterThan\":{\"kms:RotationPeriodInDays\":180}}},"
		      "{\"Effect\":\"Deny\",\"Action\":\"kms:ScheduleKeyDeletion\",\"Resource\":\"*\",\"Condition\":"
		      "{\"NumericLessThan\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":\"14\"}}}]}");
	kit_key(k, arn);
	assert_string_equal(kit_fails(k, "careful", "EnableKeyRotation", "{\"KeyId\":\"%s\"}", arn),
			    "AccessDeniedException");
	assert_string_equal(kit_fails(k, "careful", "EnableKeyRotation",
				      "{\"KeyId\":\"%s\",\"RotationPeriodInDays\":180}", arn), "");
	assert_string_equal(kit_fails(k, "careful", "ScheduleKeyDeletion",
				      "{\"KeyId\":\"%s\",\"PendingWindowInDays\":13}", arn), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "careful", "ScheduleKeyDeletion",
				      "{\"KeyId\":\"%s\",\"PendingWindowInDays\":14}", arn), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_sealed_before_still_opens, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(one_material_is_current, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(the_schedule, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_key_that_cannot_be_used_does_not_rotate, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(bounds, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(twenty_five_on_demand_and_none_beside_an_automatic_one, kit_setup,
						kit_teardown),
		cmocka_unit_test_setup_teardown(the_services_own_key_rotates_yearly_and_only_so, kit_setup,
						kit_teardown),
		cmocka_unit_test_setup_teardown(conditions_see_the_period, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
