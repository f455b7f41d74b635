// SPDX-License-Identifier: GPL-2.0-or-later
/* Events of EventBridge's form: of what changes something, and of what KMS does of its own accord. */
#include "service_test.h"

#include "common/fsio.h"
#include "events.h"
#include "keyref.h"
#include "kms/fake_http.h"
#include "lines.h"

#define CREDENTIALS "[default]\naws_access_key_id = AKIA\naws_secret_access_key = secret\n"
#define PLAIN (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

static char path[128];

static int setup(void **state)
{
	struct err e = ERR_INIT;
	struct kit *k;

	kit_setup(state);
	k = *state;
	snprintf(path, sizeof(path), "%s/events", k->dir);
	assert_int_equal(events_open(path, NULL, &k->svc.events, &e), 0);
	return 0;
}

static int teardown(void **state)
{
	struct kit *k = *state;

	events_close(k->svc.events);
	return kit_teardown(state);
}

/* last_event - and how many there are; NULL when there is none. */
static struct json_object *last_event(unsigned int *nr)
{
	struct json_object *last = NULL;
	FILE *file = fopen(path, "r");
	char line[16384];

	*nr = 0;
	while (fgets(line, sizeof(line), file)) {
		json_object_put(last);
		last = json_tokener_parse(line);
		assert_non_null(last);
		++*nr;
	}
	fclose(file);
	return last;
}

static const char *get(struct json_object *o, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(o, name, &value) ? json_object_get_string(value) : "(absent)";
}

static void what_changes_something_is_an_event(void **state)
{
	char key[ARN_SIZE], id[HEX_ID_SIZE], token[GRANT_TOKEN_SIZE];
	struct json_object *event, *detail;
	struct kit *k = *state;
	unsigned int nr;

	kit_key(k, key);
	kit_grant(k, key, KIT_USER("admin"), "[\"Decrypt\"]", "", id, token);
	kit_fails(k, "admin", "DescribeKey", "{\"KeyId\":\"%s\"}", key);
	kit_fails(k, "admin", "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", key, id);
	event = last_event(&nr);
	/* CreateKey, CreateGrant, RevokeGrant; a reader changes nothing */
	assert_int_equal(nr, 3);
	assert_string_equal(get(event, "version"), "0");
	assert_true(ident_key_id_ok(get(event, "id")));
	assert_string_equal(get(event, "source"), "aws.kms");
	assert_string_equal(get(event, "detail-type"), EVENT_CALL);
	assert_string_equal(get(event, "account"), KIT_ACCOUNT);
	assert_string_equal(get(event, "region"), KIT_REGION);
	assert_string_equal(get(event, "time"), "2020-09-13T12:26:40Z");
	assert_string_equal(get(event, "resources"), "[ ]");
	detail = json_object_object_get(event, "detail");
	assert_string_equal(get(detail, "eventSource"), "kms.amazonaws.com");
	assert_string_equal(get(detail, "eventName"), "RevokeGrant");
	assert_string_equal(get(detail, "errorCode"), "(absent)");
	assert_string_equal(get(json_object_object_get(detail, "requestParameters"), "grantId"), id);
	assert_string_equal(get(json_object_array_get_idx(json_object_object_get(detail, "resources"), 0), "ARN"), key);
	json_object_put(event);
}

/* With errorCode, so that whoever looks for revocations can leave them out. */
static void a_failed_change_is_an_event_too(void **state)
{
	struct json_object *event;
	char key[ARN_SIZE];
	struct kit *k = *state;
	unsigned int nr;

	kit_principal(k, "u", NULL);
	kit_key(k, key);
	kit_fails(k, "u", "DisableKey", "{\"KeyId\":\"%s\"}", key);
	event = last_event(&nr);
	assert_int_equal(nr, 2);
	assert_string_equal(get(json_object_object_get(event, "detail"), "errorCode"), "AccessDenied");
	json_object_put(event);
}

static void the_end_of_a_waiting_period_is_an_event(void **state)
{
	struct json_object *event, *list;
	char key[ARN_SIZE];
	struct kit *k = *state;
	unsigned int nr;

	kit_key(k, key);
	kit_fails(k, "admin", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", key);
	kit_now += 8 * DAY_MS;
	kit_fails(k, "admin", "ListKeys", "{}");
	kit_fails(k, "admin", "ListKeys", "{}");
	event = last_event(&nr);
	assert_int_equal(nr, 3);
	assert_string_equal(get(event, "detail-type"), EVENT_KEY_DELETION);
	assert_string_equal(get(event, "source"), "aws.kms");
	list = json_object_object_get(event, "resources");
	assert_string_equal(json_object_get_string(json_object_array_get_idx(list, 0)), key);
	assert_string_equal(get(json_object_object_get(event, "detail"), "key-id"), strchr(key, '/') + 1);
	json_object_put(event);
	kit_now -= 8 * DAY_MS;
}

/* Both kinds: what is due at its time, and what was asked for. */
static void new_key_material_is_an_event(void **state)
{
	char due[ARN_SIZE], asked[ARN_SIZE];
	struct json_object *event;
	struct kit *k = *state;
	unsigned int nr;

	kit_key(k, due);
	kit_key(k, asked);
	kit_fails(k, "admin", "EnableKeyRotation", "{\"KeyId\":\"%s\",\"RotationPeriodInDays\":90}", due);
	kit_now += 91 * DAY_MS;
	kit_fails(k, "admin", "ListKeys", "{}");
	kit_fails(k, "admin", "ListKeys", "{}");
	event = last_event(&nr);
	assert_int_equal(nr, 4);
	assert_string_equal(get(event, "detail-type"), EVENT_KEY_ROTATION);
	assert_string_equal(get(json_object_object_get(event, "detail"), "key-id"), strchr(due, '/') + 1);
	json_object_put(event);
	kit_fails(k, "admin", "RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", asked);
	event = last_event(&nr);
	assert_int_equal(nr, 6);
	assert_string_equal(get(event, "detail-type"), EVENT_KEY_ROTATION);
	assert_string_equal(get(json_object_object_get(event, "detail"), "key-id"), strchr(asked, '/') + 1);
	json_object_put(event);
	kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"%s\"}", asked);
	assert_string_equal(kit_fails(k, "admin", "RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", asked),
			    "DisabledException");
	event = last_event(&nr);
	assert_int_equal(nr, 8);
	assert_string_equal(get(event, "detail-type"), EVENT_CALL);
	json_object_put(event);
	kit_now -= 91 * DAY_MS;
}

/* More than are done in one transaction. */
static void many_at_once_are_an_event_each(void **state)
{
	struct kit *k = *state;
	unsigned int nr;
	char key[ARN_SIZE];

	for (unsigned int i = 0; i < 150; i++) {
		kit_key(k, key);
		kit_fails(k, "admin", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", key);
		kit_key(k, key);
		kit_fails(k, "admin", "EnableKeyRotation", "{\"KeyId\":\"%s\",\"RotationPeriodInDays\":90}", key);
	}
	json_object_put(last_event(&nr));
	assert_int_equal(nr, 600);
	kit_now += 91 * DAY_MS;
	kit_fails(k, "admin", "ListKeys", "{}");
	json_object_put(last_event(&nr));
	assert_int_equal(nr, 900);
	kit_now -= 91 * DAY_MS;
}

/* The same record with the same id: who reads both can tell. */
static void an_event_carries_the_record_of_the_audit_log(void **state)
{
	struct json_object *event, *record;
	struct err e = ERR_INIT;
	struct kit *k = *state;
	char log[128], key[ARN_SIZE];
	unsigned int nr;

	snprintf(log, sizeof(log), "%s/" STATE_TRAIL, k->dir);
	assert_int_equal(lines_open(log, &k->svc.trail, &e), 0);
	kit_key(k, key);
	event = last_event(&nr);
	record = json_object_from_file(log);
	assert_non_null(record);
	assert_true(json_object_equal(json_object_object_get(event, "detail"), record));
	json_object_put(record);
	json_object_put(event);
	lines_close(k->svc.trail);
	k->svc.trail = NULL;
}

/* The same text as in the file. */
static void a_queue_gets_them_too(void **state)
{
	static const struct fake_reply script[] = { { 200, NULL, "{}", 0, 0 } };
	char key[ARN_SIZE], url[160], credentials[128];
	struct json_object *event, *body;
	struct outbox_config queue = { .url = url, .credentials = credentials, .region = KIT_REGION,
				       .timeout_ms = 5000 };
	struct fake_http fake;
	struct err e = ERR_INIT;
	struct kit *k = *state;
	unsigned int nr;

	assert_true(fake_start_tcp(&fake, script, 1));
	snprintf(url, sizeof(url), "%s/" KIT_ACCOUNT "/events", fake.endpoint);
	snprintf(credentials, sizeof(credentials), "%s/aws", k->dir);
	assert_int_equal(fsio_create(credentials, CREDENTIALS, sizeof(CREDENTIALS) - 1, 0600, &e), 0);
	events_close(k->svc.events);
	k->svc.events = NULL;
	if (events_open(path, &queue, &k->svc.events, &e))
		fail_msg("%s", e.what);
	kit_key(k, key);
	events_close(k->svc.events);
	k->svc.events = NULL;
	fake_stop(&fake);
	assert_int_equal(fake.requests, 1);
	event = last_event(&nr);
	body = json_tokener_parse(fake.body);
	assert_string_equal(get(body, "QueueUrl"), url);
	assert_string_equal(get(body, "MessageBody"), json_object_to_json_string_ext(event, PLAIN));
	json_object_put(body);
	json_object_put(event);
}

static void an_event_that_cannot_be_written_fails_nothing(void **state)
{
	struct err e = ERR_INIT;
	struct kit *k = *state;
	char key[ARN_SIZE];

	events_close(k->svc.events);
	k->svc.events = NULL;
	assert_int_equal(events_open("/dev/full", NULL, &k->svc.events, &e), 0);
	kit_key(k, key);
	assert_string_equal(kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"%s\"}", key), "");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_changes_something_is_an_event),
		T(a_failed_change_is_an_event_too),
		T(the_end_of_a_waiting_period_is_an_event),
		T(new_key_material_is_an_event),
		T(many_at_once_are_an_event_each),
		T(an_event_carries_the_record_of_the_audit_log),
		T(a_queue_gets_them_too),
		T(an_event_that_cannot_be_written_fails_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
