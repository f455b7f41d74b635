// SPDX-License-Identifier: GPL-2.0-or-later
/* Events as AWS and ecache-kmsd write them, and what is none: where to look, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/test.h"
#include "event.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEY "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define GRANT "1ea8e6c7d4d49ecf7e4461c792f6a27651d7ce0ee0e0b0dd6c3a56ed9c6bff0c"

/* Of AWS: version, id and account are always there; the top's resources are empty for calls. */
#define HEAD "{\"version\":\"0\",\"id\":\"6f1c\",\"detail-type\":\"AWS API Call via CloudTrail\",\"source\":\"aws.kms\"," \
	"\"account\":\"111122223333\",\"time\":\"2026-11-26T20:00:00Z\",\"region\":\"eu-west-1\",\"resources\":[],"
#define IDENTITY "\"eventVersion\":\"1.08\",\"userIdentity\":{\"type\":\"AssumedRole\",\"sessionContext\":" \
	"{\"sessionIssuer\":{\"type\":\"Role\"},\"attributes\":{\"mfaAuthenticated\":\"false\"}}},"
#define RESOURCES "\"resources\":[{\"accountId\":\"111122223333\",\"type\":\"AWS::KMS::Key\",\"ARN\":\"" KEY "\"}]"
#define CALL(name, rest) HEAD "\"detail\":{" IDENTITY "\"eventSource\":\"kms.amazonaws.com\"," \
	"\"eventName\":\"" name "\"," rest "}}"
#define ITSELF(type, resources) "{\"source\":\"aws.kms\",\"detail-type\":\"" type "\",\"resources\":[" resources "]}"
#define PARAMETERS(text) "\"requestParameters\":" text ",\"responseElements\":null,\"readOnly\":false," RESOURCES

static void calls(void **state)
{
	static const struct {
		const char *text, *name, *grant;
	} cases[] = {
		{ CALL("RevokeGrant", PARAMETERS("{\"keyId\":\"1234abcd\",\"grantId\":\"" GRANT "\"}")), "RevokeGrant",
		  GRANT },
		{ CALL("RetireGrant", PARAMETERS("null") ",\"additionalEventData\":{\"grantId\":\"" GRANT "\"}"),
		  "RetireGrant", GRANT },
		{ CALL("RetireGrant", PARAMETERS("null")), "RetireGrant", "" },
		{ CALL("DisableKey", PARAMETERS("{\"keyId\":\"" KEY "\"}")), "DisableKey", "" },
		{ CALL("EnableKey", PARAMETERS("{\"keyId\":\"1234abcd\"}")), "EnableKey", "" },
		{ CALL("ScheduleKeyDeletion", PARAMETERS("{\"keyId\":\"k\",\"pendingWindowInDays\":7}")),
		  "ScheduleKeyDeletion", "" },
		{ CALL("CancelKeyDeletion", PARAMETERS("{\"keyId\":\"k\"}")), "CancelKeyDeletion", "" },
		{ CALL("PutKeyPolicy", PARAMETERS("{\"policy\":\"{\\\"Version\\\":\\\"2012-10-17\\\"}\"}")),
		  "PutKeyPolicy", "" },
		{ CALL("DeleteImportedKeyMaterial", PARAMETERS("{\"keyId\":\"k\"}")), "DeleteImportedKeyMaterial", "" },
		/* a grant of another operation's is no reason to look at one volume alone */
		{ CALL("DisableKey", PARAMETERS("{\"keyId\":\"k\",\"grantId\":\"" GRANT "\"}")), "DisableKey", "" },
		{ CALL("RevokeGrant", PARAMETERS("{\"grantId\":\"../../x\"}")), "RevokeGrant", "" },
		{ CALL("RevokeGrant", PARAMETERS("{\"grantId\":[]}")), "RevokeGrant", "" },
		/* without resources the parameter counts, if it is an ARN */
		{ CALL("DisableKey", "\"requestParameters\":{\"keyId\":\"" KEY "\"}"), "DisableKey", "" },
		{ CALL("DisableKey", "\"errorCode\":null," PARAMETERS("{}")), "DisableKey", "" },
	};
	struct event ev;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (event_parse(cases[i].text, strlen(cases[i].text), &ev) != EVENT_LOOK)
			fail_msg("%s", cases[i].text);
		assert_string_equal(ev.name, cases[i].name);
		assert_string_equal(ev.key_arn, KEY);
		assert_string_equal(ev.grant_id, cases[i].grant);
	}
}

static void kms_itself(void **state)
{
	static const char *const types[] = { "KMS CMK Deletion", "KMS Imported Key Material Expiration" };
	struct event ev;
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(types); i++) {
		snprintf(text, sizeof(text), "{\"version\":\"0\",\"detail-type\":\"%s\",\"source\":\"aws.kms\","
			 "\"resources\":[\"" KEY "\"],\"detail\":{\"key-id\":\"1234abcd\"}}", types[i]);
		assert_int_equal(event_parse(text, strlen(text), &ev), EVENT_LOOK);
		assert_string_equal(ev.name, types[i]);
		assert_string_equal(ev.key_arn, KEY);
		assert_string_equal(ev.grant_id, "");
	}
}

/* What ecache-kmsd writes (kmsd/events_test.c has the rest). */
static void kmsd(void **state)
{
	static const char text[] =
		"{\"version\":\"0\",\"id\":\"80e8a3b7-5b3d-4bd9-8d51-7e4ac4f6d2b4\",\"detail-type\":\"AWS API Call via CloudTrail\","
		"\"source\":\"aws.kms\",\"account\":\"123456789012\",\"time\":\"2026-11-26T20:00:00Z\",\"region\":\"local-1\","
		"\"resources\":[],\"detail\":{\"eventVersion\":\"1.08\",\"userIdentity\":{\"type\":\"IAMUser\"},"
		"\"eventSource\":\"kms.amazonaws.com\",\"eventName\":\"RevokeGrant\",\"requestParameters\":{\"grantId\":\"ab12\","
		"\"keyId\":\"arn:aws:kms:local-1:123456789012:key/0\"},\"responseElements\":null,\"readOnly\":false,"
		"\"resources\":[{\"accountId\":\"123456789012\",\"type\":\"AWS::KMS::Key\","
		"\"ARN\":\"arn:aws:kms:local-1:123456789012:key/0\"}]}}";
	struct event ev;

	(void)state;
	assert_int_equal(event_parse(text, strlen(text), &ev), EVENT_LOOK);
	assert_string_equal(ev.key_arn, "arn:aws:kms:local-1:123456789012:key/0");
	assert_string_equal(ev.grant_id, "ab12");
}

static void sns_in_between(void **state)
{
	static const char text[] = "{\"Type\":\"Notification\",\"MessageId\":\"1\",\"TopicArn\":\"arn:aws:sns:eu-west-1:1:t\","
		"\"Message\":\"{\\\"detail-type\\\":\\\"KMS CMK Deletion\\\",\\\"source\\\":\\\"aws.kms\\\","
		"\\\"resources\\\":[\\\"" KEY "\\\"]}\",\"Signature\":\"x\"}";
	static const char none[] = "{\"Type\":\"Notification\",\"Message\":\"hello\"}";
	static const char confirm[] = "{\"Type\":\"SubscriptionConfirmation\",\"Message\":\"x\",\"SubscribeURL\":\"https://x\"}";
	struct event ev;

	(void)state;
	assert_int_equal(event_parse(text, strlen(text), &ev), EVENT_LOOK);
	assert_string_equal(ev.key_arn, KEY);
	assert_int_equal(event_parse(none, strlen(none), &ev), EVENT_UNREAD);
	assert_int_equal(event_parse(confirm, strlen(confirm), &ev), EVENT_UNREAD);
}

static void nothing_to_look_at(void **state)
{
	static const struct {
		const char *text;
		enum event_kind kind;
	} cases[] = {
		/* failed calls are told, too */
		{ CALL("RevokeGrant", "\"errorCode\":\"AccessDenied\"," PARAMETERS("{}")), EVENT_OTHER },
		{ CALL("Decrypt", PARAMETERS("{}")), EVENT_OTHER },
		{ CALL("CreateGrant", PARAMETERS("{}")), EVENT_OTHER },
		{ CALL("RevokeGrantX", PARAMETERS("{}")), EVENT_OTHER },
		{ HEAD "\"detail\":{\"eventSource\":\"sts.amazonaws.com\",\"eventName\":\"DisableKey\"," RESOURCES "}}",
		  EVENT_OTHER },
		{ "{\"source\":\"aws.s3\",\"detail-type\":\"AWS API Call via CloudTrail\"}", EVENT_OTHER },
		{ ITSELF("KMS CMK Rotation", "\"" KEY "\""), EVENT_OTHER },
		{ ITSELF("KMS CMK Deletion", "\"" KEY "/x\""), EVENT_UNREAD },
		{ ITSELF("KMS CMK Deletion", ""), EVENT_UNREAD },
		{ ITSELF("KMS CMK Deletion", "{}"), EVENT_UNREAD },
		{ CALL("DisableKey", "\"requestParameters\":{\"keyId\":\"1234abcd\"}"), EVENT_UNREAD },
		{ CALL("DisableKey", "\"resources\":[7]"), EVENT_UNREAD },
		{ HEAD "\"detail\":[]}", EVENT_UNREAD },
		{ HEAD "\"x\":1}", EVENT_UNREAD },
		{ "{\"source\":[],\"detail-type\":{}}", EVENT_UNREAD },
		{ "{}", EVENT_UNREAD },
		{ "[]", EVENT_UNREAD },
		{ "", EVENT_UNREAD },
		{ "RevokeGrant " KEY, EVENT_UNREAD },
	};
	static const struct event none;
	struct event ev;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		memset(&ev, 'x', sizeof(ev));
		if (event_parse(cases[i].text, strlen(cases[i].text), &ev) != cases[i].kind)
			fail_msg("%s", cases[i].text);
		assert_memory_equal(&ev, &none, sizeof(ev));
	}
}

static void bounds(void **state)
{
	static const char deep[] = CALL("DisableKey", RESOURCES ",\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]");
	size_t size = EVENT_MAX + 2, at;
	char *text = malloc(size);
	struct event ev;

	(void)state;
	assert_non_null(text);
	assert_int_equal(event_parse(deep, strlen(deep), &ev), EVENT_LOOK);
	memset(text, '[', size);
	assert_int_equal(event_parse(text, 100, &ev), EVENT_UNREAD);
	at = snprintf(text, size, "%s", CALL("DisableKey", RESOURCES));
	memset(text + at, ' ', size - at);
	assert_int_equal(event_parse(text, EVENT_MAX, &ev), EVENT_LOOK);
	assert_int_equal(event_parse(text, EVENT_MAX + 1, &ev), EVENT_UNREAD);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls),
		cmocka_unit_test(kms_itself),
		cmocka_unit_test(kmsd),
		cmocka_unit_test(sns_in_between),
		cmocka_unit_test(nothing_to_look_at),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
