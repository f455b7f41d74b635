// SPDX-License-Identifier: GPL-2.0-or-later
/* The audit log: a record for each authenticated call, shaped like CloudTrail's, without secrets. */
#include "service_test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "call.h"
#include "principal.h"
#include "trail.h"

static char path[128];

static int setup(void **state)
{
	struct err e = ERR_INIT;
	struct kit *k;

	kit_setup(state);
	k = *state;
	snprintf(path, sizeof(path), "%s/" STATE_TRAIL, k->dir);
	assert_int_equal(lines_open(path, &k->svc.trail, &e), 0);
	return 0;
}

static int teardown(void **state)
{
	struct kit *k = *state;

	lines_close(k->svc.trail);
	return kit_teardown(state);
}

/* read_log - the lines so far; the last one parsed into *last. */
static unsigned int read_log(char *text, size_t size, struct json_object **last)
{
	FILE *file = fopen(path, "r");
	char line[8192];
	unsigned int nr = 0;

	*text = '\0';
	*last = NULL;
	while (fgets(line, sizeof(line), file)) {
		struct json_object *o = json_tokener_parse(line);

		assert_non_null(o);
		json_object_put(*last);
		*last = o;
		strncat(text, line, size - strlen(text) - 1);
		nr++;
	}
	fclose(file);
	return nr;
}

static const char *get(struct json_object *o, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, name, &value))
		return "(absent)";
	return value ? json_object_get_string(value) : "(null)";
}

static void a_call_is_recorded_with_its_request_id(void **state)
{
	struct json_object *record, *who, *parameters, *resource;
	char key[ARN_SIZE], blob[512], text[65536];
	struct kit *k = *state;

	kit_key(k, key);
	kit_encrypt(k, key, "{\"cache\":\"a\"}", blob, sizeof(blob));
	assert_int_equal(read_log(text, sizeof(text), &record), 2);
	assert_string_equal(get(record, "eventName"), "Encrypt");
	assert_string_equal(get(record, "eventSource"), "kms.amazonaws.com");
	assert_string_equal(get(record, "eventTime"), "2020-09-13T12:26:40Z");
	assert_string_equal(get(record, "awsRegion"), KIT_REGION);
	assert_string_equal(get(record, "readOnly"), "true");
	assert_string_equal(get(record, "errorCode"), "(absent)");
	assert_true(ident_key_id_ok(get(record, "requestID")));
	who = json_object_object_get(record, "userIdentity");
	assert_string_equal(get(who, "arn"), KIT_USER("admin"));
	assert_string_equal(get(who, "type"), "IAMUser");
	parameters = json_object_object_get(record, "requestParameters");
	assert_string_equal(get(parameters, "keyId"), key);
	assert_string_equal(get(json_object_object_get(parameters, "encryptionContext"), "cache"), "a");
	assert_string_equal(get(parameters, "plaintext"), "(absent)");
	resource = json_object_array_get_idx(json_object_object_get(record, "resources"), 0);
	assert_string_equal(get(resource, "ARN"), key);
	json_object_put(record);
}

static void failed_calls_are_recorded_and_unsigned_ones_not(void **state)
{
	struct json_object *record;
	char key[ARN_SIZE], text[65536];
	struct http_reply reply;
	struct kit_request r;
	struct kit *k = *state;

	kit_principal(k, "role/host", NULL);
	kit_key(k, key);
	kit_fails(k, "host", "DescribeKey", "{\"KeyId\":\"%s\"}", key);
	assert_int_equal(read_log(text, sizeof(text), &record), 2);
	assert_string_equal(get(record, "errorCode"), "AccessDenied");
	assert_non_null(strstr(get(record, "errorMessage"), "kms:DescribeKey"));
	assert_string_equal(get(json_object_object_get(record, "userIdentity"), "type"), "AssumedRole");
	json_object_put(record);
	kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"alias/none\"}");
	assert_int_equal(read_log(text, sizeof(text), &record), 3);
	assert_string_equal(get(record, "errorCode"), "NotFoundException");
	json_object_put(record);
	kit_prepare(k, &r, "admin", "TrentService.ListKeys", "{}", 2);
	r.rq.body = "{ ";
	service_handle(&k->svc, &r.rq, &reply);
	buf_wipe(&reply.body);
	assert_int_equal(read_log(text, sizeof(text), &record), 3);
	json_object_put(record);
}

static void grants_are_recorded_as_cloudtrail_does(void **state)
{
	char key[ARN_SIZE], id[HEX_ID_SIZE], text[65536];
	struct json_object *record;
	struct kit *k = *state;

	kit_key(k, key);
	kit_grant(k, key, KIT_USER("admin"), "[\"Decrypt\"]", "", id, NULL);
	read_log(text, sizeof(text), &record);
	assert_string_equal(get(json_object_object_get(record, "responseElements"), "grantId"), id);
	assert_string_equal(get(record, "readOnly"), "false");
	json_object_put(record);
	kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id);
	read_log(text, sizeof(text), &record);
	assert_string_equal(get(json_object_object_get(record, "requestParameters"), "grantId"), id);
	json_object_put(record);
	kit_grant(k, key, KIT_USER("admin"), "[\"Decrypt\"]", "", id, NULL);
	kit_fails(k, "admin", "RetireGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id);
	read_log(text, sizeof(text), &record);
	assert_string_equal(get(record, "eventName"), "RetireGrant");
	assert_string_equal(get(record, "requestParameters"), "(null)");
	assert_string_equal(get(json_object_object_get(record, "additionalEventData"), "grantId"), id);
	json_object_put(record);
}

/* The ARNs of @record's resources, with a blank behind each. */
static const char *arns(struct json_object *record)
{
	static char text[4 * ARN_SIZE];
	struct json_object *list = json_object_object_get(record, "resources");

	*text = '\0';
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		strcat(text, get(json_object_array_get_idx(list, i), "ARN"));
		strcat(text, " ");
	}
	return text;
}

/* Whoever looks for a key finds it, whichever half it was for; one that has no part in it is not there. */
static void both_keys_of_a_reencryption_are_recorded(void **state)
{
	char from[ARN_SIZE], to[ARN_SIZE], blob[512], text[65536], want[2 * ARN_SIZE + 3];
	struct json_object *record;
	struct kit *k = *state;

	kit_principal(k, "u", NULL);
	kit_key(k, from);
	kit_key(k, to);
	kit_encrypt(k, from, "{}", blob, sizeof(blob));
	snprintf(want, sizeof(want), "%s %s ", from, to);
	assert_string_equal(kit_fails(k, "admin", "ReEncrypt", "{\"CiphertextBlob\":\"%s\",\"DestinationKeyId\":\"%s\"}",
				      blob, to), "");
	read_log(text, sizeof(text), &record);
	assert_string_equal(arns(record), want);
	json_object_put(record);
	/* refused for the source's sake, too */
	assert_string_equal(kit_fails(k, "u", "ReEncrypt", "{\"CiphertextBlob\":\"%s\",\"DestinationKeyId\":\"%s\"}",
				      blob, to), "AccessDeniedException");
	read_log(text, sizeof(text), &record);
	assert_string_equal(arns(record), want);
	json_object_put(record);
	snprintf(want, sizeof(want), "%s ", from);
	kit_fails(k, "admin", "ReEncrypt", "{\"CiphertextBlob\":\"%s\",\"DestinationKeyId\":\"%s\"}", blob, from);
	read_log(text, sizeof(text), &record);
	assert_string_equal(arns(record), want);
	json_object_put(record);
	kit_fails(k, "admin", "ReEncrypt", "{\"CiphertextBlob\":\"%s\",\"DestinationKeyId\":\"alias/none\"}", blob);
	read_log(text, sizeof(text), &record);
	assert_string_equal(arns(record), want);
	json_object_put(record);
}

/* Names begin small, and dates are in a form that no standard knows. */
static void answers_are_recorded_as_cloudtrail_does(void **state)
{
	struct json_object *record, *o;
	char key[ARN_SIZE], text[65536];
	struct kit *k = *state;

	kit_key(k, key);
	read_log(text, sizeof(text), &record);
	o = json_object_object_get(json_object_object_get(record, "responseElements"), "keyMetadata");
	assert_string_equal(get(o, "arn"), key);
	assert_string_equal(get(o, "aWSAccountId"), KIT_ACCOUNT);
	assert_string_equal(get(o, "creationDate"), "Sep 13, 2020 12:26:40 PM");
	json_object_put(record);
	kit_now += 6 * 3600 * 1000;
	kit_fails(k, "admin", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", key);
	kit_now -= 6 * 3600 * 1000;
	read_log(text, sizeof(text), &record);
	o = json_object_object_get(record, "responseElements");
	assert_string_equal(get(o, "keyId"), key);
	assert_string_equal(get(o, "keyState"), "PendingDeletion");
	assert_string_equal(get(o, "deletionDate"), "Sep 20, 2020 18:26:40 PM");
	assert_string_equal(get(json_object_object_get(record, "requestParameters"), "pendingWindowInDays"), "7");
	json_object_put(record);
	kit_fails(k, "admin", "CancelKeyDeletion", "{\"KeyId\":\"%s\"}", key);
	kit_fails(k, "admin", "EnableKey", "{\"KeyId\":\"%s\"}", key);
	read_log(text, sizeof(text), &record);
	assert_string_equal(get(record, "responseElements"), "(null)");
	json_object_put(record);
}

static void no_secret_is_in_it(void **state)
{
	char key[ARN_SIZE], blob[512], text[65536], id[HEX_ID_SIZE], token[GRANT_TOKEN_SIZE], body[2048], plain[256];
	char access_key[ACCESS_KEY_SIZE], secret[SECRET_KEY_SIZE];
	struct json_object *record;
	struct kit *k = *state;
	struct kit_answer a;

	kit_key(k, key);
	kit_encrypt(k, key, "{}", blob, sizeof(blob));
	kit_grant(k, key, KIT_USER("admin"), "[\"Decrypt\"]", "", id, token);
	kit_fails(k, "admin", "Decrypt", "{\"CiphertextBlob\":\"%s\",\"GrantTokens\":[\"%s\"]}", blob, token);
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"KeySpec\":\"AES_256\"}", key);
	kit_call(k, &a, "admin", "GenerateDataKey", body);
	snprintf(plain, sizeof(plain), "%s", kit_string(&a, "Plaintext"));
	kit_answer_free(&a);
	kit_fails(k, "admin", "RetireGrant", "{\"GrantToken\":\"%s\"}", token);
	kit_secret(k, "admin", access_key, secret);
	assert_int_equal(read_log(text, sizeof(text), &record), 6);
	json_object_put(record);
	assert_null(strstr(text, "c2VjcmV0"));
	assert_null(strstr(text, blob));
	assert_null(strstr(text, token));
	assert_null(strstr(text, plain));
	assert_null(strstr(text, secret));
	assert_non_null(strstr(text, access_key));
}

static void a_renamed_log_is_let_go(void **state)
{
	struct json_object *record;
	char text[65536], old[160];
	struct err e = ERR_INIT;
	struct kit *k = *state;

	kit_fails(k, "admin", "ListKeys", "{}");
	snprintf(old, sizeof(old), "%s.1", path);
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(lines_reopen(k->svc.trail, &e), 0);
	kit_fails(k, "admin", "ListAliases", "{}");
	assert_int_equal(read_log(text, sizeof(text), &record), 1);
	assert_string_equal(get(record, "eventName"), "ListAliases");
	json_object_put(record);
}

static void a_full_disk_tears_no_record(void **state)
{
	struct rlimit limit = { 0, RLIM_INFINITY };
	struct json_object *record;
	char text[65536];
	struct kit *k = *state;
	struct stat st;

	kit_fails(k, "admin", "ListKeys", "{}");
	assert_int_equal(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	limit.rlim_cur = (rlim_t)st.st_size + 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	/* answered all the same */
	assert_string_equal(kit_fails(k, "admin", "ListAliases", "{}"), "");
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	kit_fails(k, "admin", "ListKeys", "{}");
	assert_int_equal(read_log(text, sizeof(text), &record), 2);
	json_object_put(record);
}

static void a_torn_record_stands_alone(void **state)
{
	struct kit *k = *state;
	struct err e = ERR_INIT;
	char line[4096];
	FILE *file;

	lines_close(k->svc.trail);
	file = fopen(path, "w");
	fputs("{\"eventVersion\":\"1.0", file);
	fclose(file);
	assert_int_equal(lines_open(path, &k->svc.trail, &e), 0);
	kit_fails(k, "admin", "ListKeys", "{}");
	file = fopen(path, "r");
	assert_non_null(fgets(line, sizeof(line), file));
	assert_string_equal(line, "{\"eventVersion\":\"1.0\n");
	assert_non_null(fgets(line, sizeof(line), file));
	assert_int_equal(line[0], '{');
	assert_null(fgets(line, sizeof(line), file));
	fclose(file);
}

/* The client's own words in it: cut where they get long, and never bytes that would spoil a line or a terminal. */
static void a_record_says_what_client_it_was_and_for_which_service(void **state)
{
	struct json_object *record, *who;
	struct kit *k = *state;
	struct kit_request r;
	struct http_reply reply;
	struct err e = ERR_INIT;
	struct principal p;
	char text[16384], agent[400];

	kit_principal(k, "u", NULL);
	assert_int_equal(store_principal_get(k->svc.store, "u", &p), 0);
	assert_int_equal(principal_set_via(&k->svc, &p, "elasticache", &e), 0);
	assert_int_equal(store_principal_update(k->svc.store, &p), 0);
	principal_free(&p);
	memset(agent, 'x', sizeof(agent));
	memcpy(agent, "aws-cli/2.9 \033[2J\xc3\xa9\"", 19);
	agent[sizeof(agent) - 1] = '\0';
	kit_prepare(k, &r, "u", "TrentService.ListKeys", "{}", 2);
	kit_header(&r, "User-Agent", agent);
	service_handle(&k->svc, &r.rq, &reply);
	buf_wipe(&reply.body);
	assert_int_equal(read_log(text, sizeof(text), &record), 1);
	assert_int_equal(strlen(get(record, "userAgent")), 255);
	assert_int_equal(strncmp(get(record, "userAgent"), "aws-cli/2.9 ?[2J??\"xxx", 22), 0);
	assert_string_equal(get(record, "sourceIPAddress"), "test");
	assert_true(json_object_object_get_ex(record, "userIdentity", &who));
	assert_string_equal(get(who, "invokedBy"), "elasticache.local-1.amazonaws.com");
	assert_string_equal(get(who, "userName"), "u");
	json_object_put(record);
	/* one without says nothing of it */
	kit_fails(k, "admin", "ListKeys", "{}");
	assert_int_equal(read_log(text, sizeof(text), &record), 2);
	assert_false(json_object_object_get_ex(record, "userAgent", NULL));
	assert_true(json_object_object_get_ex(record, "userIdentity", &who));
	assert_false(json_object_object_get_ex(who, "invokedBy", NULL));
	json_object_put(record);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_call_is_recorded_with_its_request_id),
		T(failed_calls_are_recorded_and_unsigned_ones_not),
		T(a_record_says_what_client_it_was_and_for_which_service),
		T(grants_are_recorded_as_cloudtrail_does),
		T(both_keys_of_a_reencryption_are_recorded),
		T(answers_are_recorded_as_cloudtrail_does),
		T(no_secret_is_in_it),
		T(a_renamed_log_is_let_go),
		T(a_full_disk_tears_no_record),
		T(a_torn_record_stands_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
