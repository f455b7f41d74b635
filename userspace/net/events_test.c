// SPDX-License-Identifier: GPL-2.0-or-later
/* One look into a queue: what is told, what is deleted, and what of it when somebody has hung up. */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "../common/test.h"
#include "../kms/fake_http.h"
#include "events.h"

#define KEY "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OK(text) { .status = 200, .body = (text) }
#define NO(type) { .status = 400, .body = "{\"__type\":\"" type "\"}" }
#define MESSAGES(list) OK("{\"Messages\":[" list "]}")
#define MESSAGE(body) "{\"ReceiptHandle\":\"r\",\"Body\":\"" body "\"}"
#define DELETION MESSAGE("{\\\"source\\\":\\\"aws.kms\\\",\\\"detail-type\\\":\\\"KMS CMK Deletion\\\"," \
	"\\\"resources\\\":[\\\"" KEY "\\\"]}")
#define ROTATION MESSAGE("{\\\"source\\\":\\\"aws.kms\\\",\\\"detail-type\\\":\\\"KMS CMK Rotation\\\"}")
#define DELETED OK("{\"Successful\":[{\"Id\":\"0\"}]}")

static struct fake_http queue;
static char creds_path[64];
static struct agentconf conf;
static struct net_answer ans;
static struct err error;
static struct kms *kms;
static int pair[2];

static void begin(const struct fake_reply *script, size_t nr)
{
	static const char creds[] = "[default]\naws_access_key_id=A\naws_secret_access_key=B\n";
	struct kms_config cfg = {
		.region = "eu-west-1", .creds.file = creds_path, .timeout_ms = 1000, .attempts = 1,
		.answer_max = QUEUE_ANSWER_MAX, .endpoint = "unix:/nobody",
	};
	char text[256];

	assert_true(fake_start_tcp(&queue, script, nr));
	assert_int_equal(fsio_replace(creds_path, creds, strlen(creds), 0600, NULL), 0);
	snprintf(text, sizeof(text), "region=eu-west-1\nevents-queue=%s/1/q\n", queue.endpoint);
	assert_int_equal(agentconf_parse("conf", text, strlen(text), &conf, NULL), 0);
	assert_int_equal(kms_open(&kms, &cfg, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	memset(&ans, 0, sizeof(ans));
	error = (struct err)ERR_INIT;
}

#define BEGIN(...) do { \
	static const struct fake_reply replies[] = { __VA_ARGS__ }; \
	begin(replies, COUNT(replies)); \
} while (0)

static int end(void **state)
{
	(void)state;
	kms_close(kms);
	agentconf_free(&conf);
	fake_stop(&queue);
	unlink(creds_path);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void an_empty_queue(void **state)
{
	static const struct net_events none;

	(void)state;
	BEGIN(OK("{}"));
	events_wait(kms, &conf, pair[0], &ans, &error);
	assert_int_equal(ans.a.http_status, 200);
	assert_string_equal(ans.a.code, "");
	assert_memory_equal(&ans.events, &none, sizeof(none));
	assert_int_equal(queue.requests, 1);
}

static void what_came_is_told_once_and_deleted(void **state)
{
	(void)state;
	BEGIN(MESSAGES(DELETION "," ROTATION "," DELETION "," MESSAGE("rubbish")), DELETED);
	events_wait(kms, &conf, pair[0], &ans, &error);
	assert_int_equal(ans.a.http_status, 200);
	assert_int_equal(ans.events.messages, 4);
	assert_int_equal(ans.events.unread, 1);
	assert_int_equal(ans.events.left, 0);
	assert_int_equal(ans.events.nr, 1);
	assert_string_equal(ans.events.look[0].key_arn, KEY);
	assert_string_equal(ans.events.look[0].name, "KMS CMK Deletion");
	assert_string_equal(ans.events.look[1].name, "");
	/* rubbish and other people's events go, too, or they would come again and again */
	assert_non_null(strstr(queue.head, "DeleteMessageBatch"));
	assert_non_null(strstr(queue.body, "\"Id\":\"3\""));
}

static void nobody_waits_any_more(void **state)
{
	(void)state;
	BEGIN(MESSAGES(DELETION), DELETED);
	shutdown(pair[1], SHUT_RDWR);
	events_wait(kms, &conf, pair[0], &ans, &error);
	assert_int_equal(queue.requests, 1);
	assert_int_equal(ans.events.nr, 0);
}

static void what_cannot_be_deleted_is_told_all_the_same(void **state)
{
	(void)state;
	BEGIN(MESSAGES(DELETION), NO("AccessDenied"));
	events_wait(kms, &conf, pair[0], &ans, &error);
	assert_int_equal(ans.a.http_status, 200);
	assert_int_equal(ans.events.nr, 1);
	assert_int_equal(ans.events.left, 1);
	assert_non_null(strstr(ans.a.message, "DeleteMessageBatch"));
	assert_non_null(strstr(ans.a.message, "sqs:DeleteMessage"));
}

static void a_queue_that_refuses_is_named_with_the_remedy(void **state)
{
	(void)state;
	BEGIN(NO("AccessDenied"));
	events_wait(kms, &conf, pair[0], &ans, &error);
	assert_int_equal(ans.a.http_status, 400);
	assert_string_equal(ans.a.code, "AccessDenied");
	assert_non_null(strstr(ans.a.message, "ReceiveMessage of http://127.0.0.1:"));
	assert_non_null(strstr(ans.a.message, "sqs:ReceiveMessage"));
	assert_int_equal(queue.requests, 1);
}

static void ten_that_are_too_large_are_asked_for_one_by_one(void **state)
{
	static char big[QUEUE_ANSWER_MAX + 2];
	static const struct fake_reply script[] = { OK(big), MESSAGES(DELETION), DELETED };

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	begin(script, COUNT(script));
	events_wait(kms, &conf, pair[0], &ans, &error);
	assert_int_equal(ans.a.http_status, 200);
	assert_int_equal(ans.events.nr, 1);
	assert_int_equal(queue.requests, 3);
}

static void no_queue_is_no_question(void **state)
{
	(void)state;
	BEGIN(OK("{}"));
	conf.events_queue[0] = '\0';
	events_wait(kms, &conf, pair[0], &ans, &error);
	assert_int_equal(ans.a.transport, KMS_NOT_ASKED);
	assert_non_null(strstr(ans.a.message, "without events-queue"));
	assert_int_equal(queue.requests, 0);
}

/* It may be ended while it waits, not when it has taken something. */
static void a_signal_after_the_wait_ends_nothing(void **state)
{
	(void)state;
	BEGIN(MESSAGES(DELETION), DELETED);
	events_wait(kms, &conf, pair[0], &ans, &error);
	raise(SIGTERM);
	assert_int_equal(ans.events.nr, 1);
}

#define T(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_empty_queue),
		T(what_came_is_told_once_and_deleted),
		T(nobody_waits_any_more),
		T(what_cannot_be_deleted_is_told_all_the_same),
		T(a_queue_that_refuses_is_named_with_the_remedy),
		T(ten_that_are_too_large_are_asked_for_one_by_one),
		T(no_queue_is_no_question),
		T(a_signal_after_the_wait_ends_nothing),
	};

	snprintf(creds_path, sizeof(creds_path), "/tmp/events_test.%d", getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
