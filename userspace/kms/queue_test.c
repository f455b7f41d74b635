// SPDX-License-Identifier: GPL-2.0-or-later
/* A queue of SQS, by its JSON protocol: where it is, what is asked, what is read, and what goes wrong. */
#include <errno.h>

#include "../common/test.h"
#include "client_fixture.h"
#include "queue.h"

#define URL "https://sqs.eu-west-1.amazonaws.com/111122223333/events"

static struct queue queue;
static struct queue_batch batch;
static unsigned int left;

static void open_queue(void)
{
	queue.url = URL;
	assert_int_equal(queue_place(URL, fake.endpoint, REGION, &queue.place, NULL), 0);
}

#define BEGIN_QUEUE(...) do { \
	BEGIN(__VA_ARGS__); \
	open_queue(); \
} while (0)

static int receive(void)
{
	return queue_receive(kms, &queue, QUEUE_WAIT_S, QUEUE_BATCH, &batch, &answer, &error);
}

static void a_queue_has_a_place(void **state)
{
	static const struct {
		const char *url, *host, *region;	/* host NULL: refused */
	} cases[] = {
		{ "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "sqs.eu-west-1.amazonaws.com", "eu-west-1" },
		{ "https://sqs.cn-north-1.amazonaws.com.cn/1/q", "sqs.cn-north-1.amazonaws.com.cn", "cn-north-1" },
		{ "https://sqs-fips.us-east-1.amazonaws.com/1/q", "sqs-fips.us-east-1.amazonaws.com", "us-east-1" },
		{ "https://mq.example.com:9324/queue/q", "mq.example.com:9324", "local-1" },
		{ "https://sqs.example.com/1/q", "sqs.example.com", "local-1" },
		{ "http://127.0.0.1:9324/1/q", "127.0.0.1:9324", "local-1" },
		{ "http://mq.example.com/1/q", NULL, NULL },
		{ "https://mq.example.com", NULL, NULL },
		{ "https://mq.example.com/", NULL, NULL },
		{ "https://mq.example.com/q?x", NULL, NULL },
		{ "https://mq.example.com/q.fifo", NULL, NULL },
		{ "mq.example.com/q", NULL, NULL },
	};
	struct queue_place place;
	struct err e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		e = (struct err)ERR_INIT;
		rc = queue_place(cases[i].url, NULL, "local-1", &place, &e);
		if (!cases[i].host) {
			assert_int_equal(rc, -EINVAL);
			continue;
		}
		if (rc)
			fail_msg("%s: %s", cases[i].url, e.what);
		assert_string_equal(place.endpoint.host, cases[i].host);
		assert_string_equal(place.region, cases[i].region);
	}
}

/* A VPC endpoint: requests go there, but the region and the name are the queue's. */
static void an_endpoint_of_its_own(void **state)
{
	struct queue_place place;

	(void)state;
	assert_int_equal(queue_place(URL, "https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com", "local-1", &place, NULL),
			 0);
	assert_string_equal(place.endpoint.host, "vpce-1.sqs.eu-west-1.vpce.amazonaws.com");
	assert_string_equal(place.region, "eu-west-1");
	assert_int_equal(queue_place(URL, "http://example.com", "local-1", &place, NULL), -EINVAL);
}

static void messages_are_asked_for_with_a_long_wait(void **state)
{
	struct json_object *o;

	(void)state;
	BEGIN_QUEUE(OK("{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"r1\",\"MD5OfBody\":\"x\","
		       "\"Body\":\"{\\\"a\\\":1}\"},{\"ReceiptHandle\":\"r2\",\"Body\":\"two\",\"New\":[{}]}]}"));
	assert_int_equal(receive(), 0);
	assert_non_null(strstr(fake.head, "\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\n"));
	assert_non_null(strstr(fake.head, "\r\nContent-Type: application/x-amz-json-1.0\r\n"));
	assert_non_null(strstr(fake.head, "/eu-west-1/sqs/aws4_request"));
	o = sent();
	assert_string_equal(string_of(o, "QueueUrl"), URL);
	assert_string_equal(string_of(o, "WaitTimeSeconds"), "20");
	assert_string_equal(string_of(o, "MaxNumberOfMessages"), "10");
	json_object_put(o);
	assert_int_equal(batch.nr, 2);
	assert_string_equal(batch.message[0].body, "{\"a\":1}");
	assert_int_equal(batch.message[0].len, 7);
	assert_string_equal(batch.message[0].receipt, "r1");
	assert_string_equal(batch.message[1].body, "two");
	queue_batch_free(&batch);
	queue_batch_free(&batch);
}

static void what_there_is_none_of(void **state)
{
	size_t i;

	(void)state;
	BEGIN_QUEUE(OK("{}"), OK("{\"Messages\":[]}"), OK("{\"Messages\":null}"));
	for (i = 0; i < 3; i++) {
		assert_int_equal(receive(), 0);
		assert_int_equal(batch.nr, 0);
		queue_batch_free(&batch);
	}
}

/* Whoever may write to the queue says what is in a body; only the service says what has a receipt. */
static void a_body_may_be_anything(void **state)
{
	static const char *const bodies[] = { "", "", "a" };
	size_t i;

	(void)state;
	BEGIN_QUEUE(OK("{\"Messages\":[{\"ReceiptHandle\":\"r\"}]}"),
		    OK("{\"Messages\":[{\"ReceiptHandle\":\"r\",\"Body\":{}}]}"),
		    OK("{\"Messages\":[{\"ReceiptHandle\":\"r\",\"Body\":\"a\\u0000b\"}]}"));
	for (i = 0; i < COUNT(bodies); i++) {
		assert_int_equal(receive(), 0);
		assert_int_equal(batch.nr, 1);
		assert_string_equal(batch.message[0].body, bodies[i]);
		assert_int_equal(batch.message[0].len, strlen(bodies[i]));
		queue_batch_free(&batch);
	}
}

static void an_answer_that_is_none(void **state)
{
	size_t i;

	(void)state;
	BEGIN_QUEUE(OK("no"), OK("{\"Messages\":{}}"), OK("{\"Messages\":[1]}"),
		    OK("{\"Messages\":[{\"Body\":\"x\"}]}"), OK("{\"Messages\":[{\"ReceiptHandle\":\"\"}]}"));
	for (i = 0; i < 5; i++) {
		error = (struct err)ERR_INIT;
		assert_int_equal(receive(), -EBADMSG);
		assert_int_equal(answer.transport, KMS_BAD_ANSWER);
		assert_int_equal(batch.nr, 0);
		assert_null(batch.obj);
		assert_non_null(strstr(error.what, "ReceiveMessage"));
	}
}

/* The client was not opened for a queue's answers: what ten messages have is too large here. */
static void what_is_too_large_says_so(void **state)
{
	static char big[RESPONSE_MAX + 2];
	static const struct fake_reply script[] = { OK(big), OK("{}") };

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	begin(script, COUNT(script), 1000, 1);
	open_queue();
	assert_int_equal(receive(), -EMSGSIZE);
	assert_int_equal(queue_receive(kms, &queue, 0, 1, &batch, &answer, &error), 0);
	assert_non_null(strstr(fake.body, "\"MaxNumberOfMessages\":1"));
	assert_non_null(strstr(fake.body, "\"WaitTimeSeconds\":0"));
	queue_batch_free(&batch);
}

static void refusals_say_what_to_do(void **state)
{
	static const struct {
		const char *hint;
		int rc;
	} cases[] = {
		{ "sqs:ReceiveMessage and sqs:DeleteMessage", -EPERM },
		{ "correct events-queue", -EPERM },
		{ "check the credentials", -EKEYREJECTED },
	};
	size_t i;

	(void)state;
	BEGIN_QUEUE(NO("com.amazon.coral.service#AccessDeniedException"), NO("com.amazonaws.sqs#QueueDoesNotExist"),
		    NO("ExpiredToken"));
	for (i = 0; i < COUNT(cases); i++) {
		error = (struct err)ERR_INIT;
		assert_int_equal(receive(), cases[i].rc);
		assert_non_null(strstr(error.hint, cases[i].hint));
		assert_non_null(strstr(error.what, "ReceiveMessage of " URL));
	}
}

static void all_of_a_batch_is_deleted(void **state)
{
	(void)state;
	BEGIN_QUEUE(OK("{\"Messages\":[{\"ReceiptHandle\":\"r/1\"},{\"ReceiptHandle\":\"r2\"}]}"),
		    OK("{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"}],\"Failed\":[]}"),
		    OK("{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":[{\"Id\":\"1\",\"Code\":\"InternalError\","
		       "\"SenderFault\":false}]}"), NO("AccessDenied"), OK("{\"Failed\":{}}"));
	assert_int_equal(receive(), 0);
	assert_int_equal(queue_delete(kms, &queue, &batch, &left, &answer, &error), 0);
	assert_int_equal(left, 0);
	assert_non_null(strstr(fake.head, "\r\nX-Amz-Target: AmazonSQS.DeleteMessageBatch\r\n"));
	assert_non_null(strstr(fake.body, "\"Entries\":[{\"Id\":\"0\",\"ReceiptHandle\":\"r/1\"},"
			       "{\"Id\":\"1\",\"ReceiptHandle\":\"r2\"}]"));
	assert_non_null(strstr(fake.body, "\"QueueUrl\":\"" URL "\""));
	assert_int_equal(queue_delete(kms, &queue, &batch, &left, &answer, &error), 0);
	assert_int_equal(left, 1);
	assert_non_null(strstr(error.what, "InternalError"));
	assert_int_equal(queue_delete(kms, &queue, &batch, &left, &answer, &error), -EPERM);
	assert_int_equal(left, 2);
	assert_int_equal(queue_delete(kms, &queue, &batch, &left, &answer, &error), -EBADMSG);
	queue_batch_free(&batch);
}

/* A queue in trouble takes nothing from the retries that KMS may need. */
static void trouble_of_its_own(void **state)
{
	struct memo memo = { 0 };
	struct kms_config cfg = {
		.region = REGION, .creds.file = creds_path, .timeout_ms = 1000, .attempts = 1, .memo = &memo,
	};
	struct kms *k;

	(void)state;
	BEGIN_QUEUE(OK("{}"));
	cfg.endpoint = fake.endpoint;
	assert_int_equal(kms_open(&k, &cfg, NULL), 0);
	memo.kms.used = 100;
	memo.sqs.used = 7;
	assert_int_equal(queue_receive(k, &queue, 0, 1, &batch, &answer, &error), 0);
	assert_int_equal(memo.kms.used, 100);
	assert_int_equal(memo.sqs.used, 6);
	queue_batch_free(&batch);
	kms_close(k);
}

#define T(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_has_a_place),
		cmocka_unit_test(an_endpoint_of_its_own),
		T(messages_are_asked_for_with_a_long_wait),
		T(what_there_is_none_of),
		T(a_body_may_be_anything),
		T(an_answer_that_is_none),
		T(what_is_too_large_says_so),
		T(refusals_say_what_to_do),
		T(all_of_a_batch_is_deleted),
		T(trouble_of_its_own),
	};

	snprintf(creds_path, sizeof(creds_path), "/tmp/queue_test.%d", getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
