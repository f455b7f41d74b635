// SPDX-License-Identifier: GPL-2.0-or-later
/* What a test may ask the server for: which requests it strikes, what then was done and what not, and that it ends. */
#include "service_test.h"

#include "call.h"
#include "inject.h"
#include "rates.h"

static int setup(void **state)
{
	struct err e = ERR_INIT;
	struct kit *k;

	kit_setup(state);
	k = *state;
	if (rates_new("none", &k->svc.rates, &e))
		fail_msg("%s", e.what);
	assert_int_equal(inject_new(k->svc.rates, &k->svc.inject), 0);
	return 0;
}

static int teardown(void **state)
{
	struct kit *k = *state;

	inject_free(k->svc.inject);
	rates_free(k->svc.rates);
	return kit_teardown(state);
}

/* ask - of the admin socket's protocol; the answer, in static memory. */
static const char *ask(struct kit *k, const char *line)
{
	static char text[16384];
	struct json_object *o;
	struct buf out = BUF_INIT;

	inject_command(k->svc.inject, line, strlen(line), &out);
	assert_false(out.failed);
	snprintf(text, sizeof(text), "%s", out.data);
	o = json_tokener_parse(text);
	assert_true(json_object_is_type(o, json_type_object));
	json_object_put(o);
	buf_wipe(&out);
	return text;
}

static void ask_ok(struct kit *k, const char *line)
{
	const char *answer = ask(k, line);

	if (!strstr(answer, "\"ok\":true"))
		fail_msg("%s: %s", line, answer);
}

static void each_error_arrives_as_itself(void **state)
{
	static const struct {
		const char *kind, *error;
		int status;
	} errors[] = {
		{ "internal", "KMSInternalException", 500 },
		{ "dependency-timeout", "DependencyTimeoutException", 500 },
		{ "key-unavailable", "KeyUnavailableException", 500 },
		{ "throttling", "ThrottlingException", 400 },
	};
	struct kit *k = *state;
	struct kit_answer a;
	char line[128];

	for (unsigned int i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		snprintf(line, sizeof(line), "{\"do\":\"fault\",\"kind\":\"%s\",\"count\":1}", errors[i].kind);
		ask_ok(k, line);
		kit_call(k, &a, "admin", "ListKeys", "{}");
		assert_string_equal(a.type, errors[i].error);
		assert_int_equal(a.status, errors[i].status);
		assert_true(*a.message);
		kit_answer_free(&a);
		assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "");
	}
}

static void a_fault_strikes_what_it_names(void **state)
{
	struct kit *k = *state;
	char one[ARN_SIZE], two[ARN_SIZE], line[512];

	kit_principal(k, "u", "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}");
	kit_key(k, one);
	kit_key(k, two);
	snprintf(line, sizeof(line),
		 "{\"do\":\"fault\",\"kind\":\"key-unavailable\",\"operation\":\"DescribeKey\",\"principal\":\"u\",\"key\":\"%s\"}",
		 strchr(one, '/') + 1);
	ask_ok(k, line);
	assert_string_equal(kit_fails(k, "u", "DescribeKey", "{\"KeyId\":\"%s\"}", one), "KeyUnavailableException");
	assert_string_equal(kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"%s\"}", one), "");
	assert_string_equal(kit_fails(k, "u", "DescribeKey", "{\"KeyId\":\"%s\"}", two), "");
	assert_string_equal(kit_fails(k, "u", "GetKeyPolicy", "{\"KeyId\":\"%s\"}", one), "");
	assert_string_equal(kit_fails(k, "u", "DescribeKey", "{\"KeyId\":\"%s\"}", one), "KeyUnavailableException");
	assert_non_null(strstr(ask(k, "{\"do\":\"list\"}"), "\"hits\":2"));
}

/* struck - a CreateKey under @fault: whether it was answered, and how many keys there are then. */
static int64_t struck(struct kit *k, const char *fault, struct http_reply *reply)
{
	struct kit_request r;
	struct kit_answer a;
	struct json_object *keys;
	int64_t nr;
	char line[128];

	snprintf(line, sizeof(line), "{\"do\":\"fault\",\"operation\":\"CreateKey\",\"count\":1,%s}", fault);
	ask_ok(k, line);
	kit_prepare(k, &r, "admin", "TrentService.CreateKey", "{}", 2);
	service_handle(&k->svc, &r.rq, reply);
	buf_wipe(&reply->body);
	kit_call(k, &a, "admin", "ListKeys", "{\"Limit\":1000}");
	assert_true(json_object_object_get_ex(a.json, "Keys", &keys));
	nr = (int64_t)json_object_array_length(keys);
	kit_answer_free(&a);
	return nr;
}

static void what_was_struck_is_not_done_unless_it_shall_be(void **state)
{
	struct http_reply reply;
	struct kit *k = *state;

	assert_int_equal(struck(k, "\"kind\":\"internal\"", &reply), 0);
	assert_int_equal(reply.status, 500);
	assert_int_equal(struck(k, "\"kind\":\"hang\"", &reply), 0);
	assert_int_equal(reply.mishap, MISHAP_HANG);
	assert_int_equal(struck(k, "\"kind\":\"reset\"", &reply), 0);
	assert_int_equal(reply.mishap, MISHAP_RESET);
	assert_int_equal(struck(k, "\"kind\":\"internal\",\"done\":true", &reply), 1);
	assert_int_equal(reply.status, 500);
	assert_int_equal(struck(k, "\"kind\":\"reset\",\"done\":true", &reply), 2);
	assert_int_equal(reply.mishap, MISHAP_RESET);
	assert_int_equal(struck(k, "\"kind\":\"truncate\"", &reply), 3);
	assert_int_equal(reply.mishap, MISHAP_TRUNCATE);
	assert_int_equal(struck(k, "\"kind\":\"garbage\"", &reply), 4);
	assert_int_equal(reply.mishap, MISHAP_GARBAGE);
	assert_int_equal(struck(k, "\"kind\":\"slow\",\"delay-ms\":1500", &reply), 5);
	assert_int_equal(reply.mishap, MISHAP_NONE);
	assert_int_equal(reply.delay_ms, 1500);
	assert_int_equal(reply.status, 200);
}

static void a_chance_is_about_what_it_says(void **state)
{
	struct inject_verdict v;
	struct kit *k = *state;
	unsigned int hits = 0;

	ask_ok(k, "{\"do\":\"fault\",\"kind\":\"throttling\",\"percent\":30}");
	for (unsigned int i = 0; i < 10000; i++) {
		v = inject_pick(k->svc.inject, "Decrypt", "u", "");
		hits += v.fault == FAULT_THROTTLING;
	}
	assert_in_range(hits, 2700, 3300);
}

static void a_wrong_clock_refuses_signatures_and_shows_in_the_date(void **state)
{
	struct http_reply reply;
	struct kit_request r;
	struct kit *k = *state;

	ask_ok(k, "{\"do\":\"clock-offset\",\"ms\":299000}");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "");
	ask_ok(k, "{\"do\":\"clock-offset\",\"ms\":301000}");
	kit_prepare(k, &r, "admin", "TrentService.ListKeys", "{}", 2);
	service_handle(&k->svc, &r.rq, &reply);
	assert_non_null(strstr(reply.body.data, "InvalidSignatureException"));
	assert_non_null(strstr(reply.body.data, "expired"));
	assert_int_equal(reply.date_ms, kit_now + 301000);
	buf_wipe(&reply.body);
	/* a client that believes the Date header comes through */
	kit_now += 301000;
	kit_prepare(k, &r, "admin", "TrentService.ListKeys", "{}", 2);
	kit_now -= 301000;
	service_handle(&k->svc, &r.rq, &reply);
	assert_int_equal(reply.status, 200);
	buf_wipe(&reply.body);
	ask_ok(k, "{\"do\":\"clock-offset\",\"ms\":-301000}");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "InvalidSignatureException");
}

/* The clock of the keys is another one: a waiting period must not end because a test set the clock. */
static void a_wrong_clock_deletes_no_key(void **state)
{
	struct kit *k = *state;
	struct kit_request r;
	struct http_reply reply;
	char key[ARN_SIZE];

	kit_key(k, key);
	assert_string_equal(kit_fails(k, "admin", "ScheduleKeyDeletion",
				      "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", key), "");
	ask_ok(k, "{\"do\":\"clock-offset\",\"ms\":2592000000}");
	kit_now += 2592000000;
	kit_prepare(k, &r, "admin", "TrentService.ListKeys", "{}", 2);
	kit_now -= 2592000000;
	service_handle(&k->svc, &r.rq, &reply);
	assert_non_null(strstr(reply.body.data, key));
	buf_wipe(&reply.body);
}

static void throttling_is_by_class_and_ends(void **state)
{
	struct kit *k = *state;

	ask_ok(k, "{\"do\":\"throttle\",\"class\":\"ListKeys\",\"rate\":0}");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "ThrottlingException");
	assert_string_equal(kit_fails(k, "admin", "ListAliases", "{}"), "");
	assert_non_null(strstr(ask(k, "{\"do\":\"list\"}"), "{\"class\":\"ListKeys\",\"rate\":0,\"injected\":true}"));
	ask_ok(k, "{\"do\":\"clear\"}");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "");
}

/*
 * AWS answers the use of such a key with either of two exceptions, as it likes; here a test says which. What is about
 * the key, not with it, has one.
 */
static void a_key_pending_deletion_has_either_exception(void **state)
{
	static const struct {
		const char *op, *rest, *fails[2];
	} cases[] = {
		{ "Encrypt", ",\"Plaintext\":\"YQ==\"", { "KMSInvalidStateException", "DisabledException" } },
		{ "GenerateDataKeyWithoutPlaintext", ",\"NumberOfBytes\":64",
		  { "KMSInvalidStateException", "DisabledException" } },
		{ "Decrypt", ",\"DryRun\":true,\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]",
		  { "KMSInvalidStateException", "DisabledException" } },
		{ "CreateGrant", ",\"GranteePrincipal\":\"" KIT_USER("admin") "\",\"Operations\":[\"Decrypt\"]",
		  { "KMSInvalidStateException", "DisabledException" } },
		{ "Sign", "", { "KMSInvalidStateException", "DisabledException" } },
		{ "EnableKey", "", { "KMSInvalidStateException", "KMSInvalidStateException" } },
		{ "DisableKey", "", { "KMSInvalidStateException", "KMSInvalidStateException" } },
		{ "ScheduleKeyDeletion", "", { "KMSInvalidStateException", "KMSInvalidStateException" } },
		{ "EnableKeyRotation", "", { "KMSInvalidStateException", "KMSInvalidStateException" } },
		{ "RotateKeyOnDemand", "", { "KMSInvalidStateException", "KMSInvalidStateException" } },
		{ "UpdateKeyDescription", ",\"Description\":\"x\"",
		  { "KMSInvalidStateException", "KMSInvalidStateException" } },
		{ "DescribeKey", "", { "", "" } },
		{ "ListGrants", "", { "", "" } },
	};
	static const char *const asked[] = { "KMSInvalidStateException", "DisabledException" };
	struct kit *k = *state;
	struct kit_answer a;
	char key[ARN_SIZE], off[ARN_SIZE], line[600];

	kit_key(k, key);
	kit_key(k, off);
	assert_string_equal(kit_fails(k, "admin", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\"}", key), "");
	assert_string_equal(kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"%s\"}", off), "");
	/* the third round: after a clear */
	for (unsigned int round = 0; round < 3; round++) {
		snprintf(line, sizeof(line), "{\"do\":\"pending-deletion\",\"exception\":\"%s\"}", asked[round % 2]);
		ask_ok(k, round < 2 ? line : "{\"do\":\"clear\"}");
		snprintf(line, sizeof(line), "\"pending-deletion\":\"%s\"", asked[round % 2]);
		assert_non_null(strstr(ask(k, "{\"do\":\"list\"}"), line));
		for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			const char *got = kit_fails(k, "admin", cases[i].op, "{\"KeyId\":\"%s\"%s}", key,
						    cases[i].rest);

			if (strcmp(got, cases[i].fails[round % 2]))
				fail_msg("round %u, %s: %s", round, cases[i].op, got);
		}
		/* the text says which it is */
		snprintf(line, sizeof(line), "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key);
		kit_call(k, &a, "admin", "Encrypt", line);
		assert_int_equal(a.status, 400);
		assert_non_null(strstr(a.message, "is pending deletion"));
		kit_answer_free(&a);
		snprintf(line, sizeof(line), "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", off);
		kit_call(k, &a, "admin", "Encrypt", line);
		assert_string_equal(a.type, "DisabledException");
		assert_non_null(strstr(a.message, "is disabled"));
		kit_answer_free(&a);
	}
}

struct opened {
	struct kit *k;
	char key[ARN_SIZE];
	char blob[1024];
};

static const char *open_as_u(struct opened *o, const char *rest)
{
	return kit_fails(o->k, "u", "Decrypt",
			 "{\"CiphertextBlob\":\"%s\",\"EncryptionContext\":{\"A\":\"b\"}%s}", o->blob, rest);
}

static void grants_take_effect_late_but_for_their_token(void **state)
{
	struct opened o = { .k = *state };
	char id[HEX_ID_SIZE], token[GRANT_TOKEN_SIZE], with_token[GRANT_TOKEN_SIZE + 64];
	struct kit *k = *state;

	kit_principal(k, "u", NULL);
	kit_key(k, o.key);
	kit_encrypt(k, o.key, "{\"A\":\"b\"}", o.blob, sizeof(o.blob));
	ask_ok(k, "{\"do\":\"grant-delay\",\"ms\":60000}");
	kit_grant(k, o.key, KIT_USER("u"), "[\"Decrypt\"]",
		  ",\"Constraints\":{\"EncryptionContextEquals\":{\"a\":\"b\"}}", id, token);
	snprintf(with_token, sizeof(with_token), ",\"GrantTokens\":[\"%s\"]", token);
	assert_string_equal(open_as_u(&o, ""), "AccessDeniedException");
	assert_string_equal(open_as_u(&o, with_token), "");
	kit_now += 59999;
	assert_string_equal(open_as_u(&o, ""), "AccessDeniedException");
	kit_now += 1;
	assert_string_equal(open_as_u(&o, ""), "");
	/* and end late, with the same constraint */
	assert_string_equal(kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", o.key, id), "");
	assert_string_equal(open_as_u(&o, ""), "");
	assert_string_equal(kit_fails(k, "u", "Decrypt", "{\"CiphertextBlob\":\"%s\"}", o.blob), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "u", "DescribeKey", "{\"KeyId\":\"%s\"}", o.key), "AccessDeniedException");
	kit_now += 59999;
	assert_string_equal(open_as_u(&o, ""), "");
	kit_now += 1;
	assert_string_equal(open_as_u(&o, ""), "AccessDeniedException");
}

static void clearing_ends_the_delay_at_once(void **state)
{
	struct opened o = { .k = *state };
	char id[HEX_ID_SIZE], second[HEX_ID_SIZE];
	struct kit *k = *state;

	kit_principal(k, "u", NULL);
	kit_key(k, o.key);
	kit_encrypt(k, o.key, "{\"A\":\"b\"}", o.blob, sizeof(o.blob));
	kit_grant(k, o.key, KIT_USER("u"), "[\"Decrypt\"]", "", id, NULL);
	assert_string_equal(open_as_u(&o, ""), "");
	kit_now += 60000;
	ask_ok(k, "{\"do\":\"grant-delay\",\"ms\":60000}");
	assert_string_equal(kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", o.key, id), "");
	kit_now += 1;
	assert_string_equal(open_as_u(&o, ""), "");
	ask_ok(k, "{\"do\":\"clear\"}");
	assert_string_equal(open_as_u(&o, ""), "AccessDeniedException");
	ask_ok(k, "{\"do\":\"grant-delay\",\"ms\":60000}");
	kit_grant(k, o.key, KIT_USER("u"), "[\"Decrypt\"]", "", second, NULL);
	assert_string_equal(open_as_u(&o, ""), "AccessDeniedException");
	ask_ok(k, "{\"do\":\"clear\"}");
	assert_string_equal(open_as_u(&o, ""), "");
}

static void faults_can_be_cleared_one_by_one(void **state)
{
	struct kit *k = *state;

	assert_string_equal(ask(k, "{\"do\":\"fault\",\"kind\":\"internal\"}"), "{\"id\":1,\"ok\":true}");
	assert_string_equal(ask(k, "{\"do\":\"fault\",\"kind\":\"throttling\"}"), "{\"id\":2,\"ok\":true}");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "KMSInternalException");
	ask_ok(k, "{\"do\":\"clear\",\"id\":1}");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "ThrottlingException");
	assert_string_equal(ask(k, "{\"do\":\"clear\",\"id\":1}"), "{\"error\":\"there is no fault 1\",\"ok\":false}");
	ask_ok(k, "{\"do\":\"clear\"}");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "");
	assert_string_equal(ask(k, "{\"do\":\"list\"}"),
			    "{\"grant-delay-ms\":0,\"clock-offset-ms\":0,\"pending-deletion\":\"KMSInvalidStateException\","
			    "\"faults\":[],\"rates\":[],\"ok\":true}");
}

/* What was asked for can be read back, and what became of it. */
static void the_list_says_all_there_is_of_a_fault(void **state)
{
	struct kit *k = *state;

	ask_ok(k, "{\"do\":\"fault\",\"kind\":\"slow\",\"operation\":\"ListKeys\",\"principal\":\"admin\",\"key\":\"x\","
	       "\"count\":3,\"percent\":50,\"delay-ms\":1500,\"done\":true}");
	ask_ok(k, "{\"do\":\"fault\",\"kind\":\"internal\",\"operation\":\"ListKeys\",\"count\":2}");
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "KMSInternalException");
	assert_non_null(strstr(ask(k, "{\"do\":\"list\"}"),
			       "\"faults\":[{\"id\":1,\"kind\":\"slow\",\"operation\":\"ListKeys\",\"principal\":\"admin\","
			       "\"key\":\"x\",\"count\":3,\"percent\":50,\"delay-ms\":1500,\"done\":true,\"hits\":0},"
			       "{\"id\":2,\"kind\":\"internal\",\"operation\":\"ListKeys\",\"count\":1,\"hits\":1}]"));
}

static void what_is_no_request_is_refused_and_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"", "x", "[]", "{}", "{\"do\":1}", "{\"do\":\"frob\"}", "{\"do\":\"fault\"}",
		"{\"do\":\"fault\",\"kind\":\"frob\"}", "{\"do\":\"fault\",\"kind\":\"internal\",\"operation\":\"Frob\"}",
		"{\"do\":\"fault\",\"kind\":\"slow\"}", "{\"do\":\"fault\",\"kind\":\"hang\",\"delay-ms\":5}",
		"{\"do\":\"fault\",\"kind\":\"internal\",\"count\":0}",
		"{\"do\":\"fault\",\"kind\":\"internal\",\"percent\":101}",
		"{\"do\":\"fault\",\"kind\":\"internal\",\"frob\":1}", "{\"do\":\"grant-delay\"}",
		"{\"do\":\"grant-delay\",\"ms\":-1}", "{\"do\":\"clock-offset\",\"ms\":\"1\"}",
		"{\"do\":\"throttle\",\"class\":\"Frob\",\"rate\":1}", "{\"do\":\"throttle\",\"class\":\"ListKeys\"}",
		"{\"do\":\"list\",\"x\":1}", "{\"do\":\"\xff\"}", "{\"do\":\"pending-deletion\"}",
		"{\"do\":\"pending-deletion\",\"exception\":\"NotFoundException\"}",
	};
	struct kit *k = *state;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *answer = ask(k, bad[i]);

		if (!strstr(answer, "\"ok\":false") || !strstr(answer, "\"error\":\""))
			fail_msg("%s: %s", bad[i], answer);
	}
	for (unsigned int i = 0; i < 64; i++)
		ask_ok(k, "{\"do\":\"fault\",\"kind\":\"internal\",\"operation\":\"Decrypt\"}");
	assert_non_null(strstr(ask(k, "{\"do\":\"fault\",\"kind\":\"internal\"}"), "\"ok\":false"));
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_error_arrives_as_itself),
		T(a_fault_strikes_what_it_names),
		T(what_was_struck_is_not_done_unless_it_shall_be),
		T(a_chance_is_about_what_it_says),
		T(a_wrong_clock_refuses_signatures_and_shows_in_the_date),
		T(a_wrong_clock_deletes_no_key),
		T(throttling_is_by_class_and_ends),
		T(a_key_pending_deletion_has_either_exception),
		T(grants_take_effect_late_but_for_their_token),
		T(clearing_ends_the_delay_at_once),
		T(faults_can_be_cleared_one_by_one),
		T(the_list_says_all_there_is_of_a_fault),
		T(what_is_no_request_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
