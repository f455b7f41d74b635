// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages reach a queue, signed and in order; whoever puts them in does not wait, whatever the queue does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <json-c/json.h>

#include "kms/fake_http.h"
#include "outbox.h"

static const struct fake_reply taken = {
	200, "Content-Type: application/x-amz-json-1.0\r\n", "{\"MessageId\":\"1\"}", 0, 0
};

struct fixture {
	char credentials[64];
	char url[160];
	struct fake_http queue;
	struct outbox *o;
	struct outbox_config c;
};

static void write_credentials(const char *path, const char *access_key)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), 0600), 0);
	fprintf(file, "[default]\naws_access_key_id = %s\naws_secret_access_key = sssssssssssssssssssssssssssssssssssssss\n",
		access_key);
	fclose(file);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	strcpy(f->credentials, "/tmp/outbox_test.XXXXXX");
	fd = mkstemp(f->credentials);
	assert_true(fd >= 0);
	close(fd);
	write_credentials(f->credentials, "AKIAONE");
	*state = f;
	return 0;
}

/* begin - a queue that answers by the script, and an outbox that is patient for @timeout_ms. */
static void begin(struct fixture *f, const struct fake_reply *script, size_t nr, unsigned int timeout_ms)
{
	struct err e = ERR_INIT;

	assert_true(fake_start_tcp(&f->queue, script, nr));
	snprintf(f->url, sizeof(f->url), "%s/123456789012/events", f->queue.endpoint);
	f->c = (struct outbox_config){
		.url = f->url,
		.credentials = f->credentials,
		.region = "local-1",
		.timeout_ms = timeout_ms,
		.pause_ms = 1,
	};
	if (outbox_open(&f->c, &f->o, &e))
		fail_msg("%s", e.what);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	outbox_close(f->o);
	if (f->queue.listener > 0)
		fake_stop(&f->queue);
	unlink(f->credentials);
	free(f);
	return 0;
}

static void put(struct outbox *o, const char *text)
{
	struct buf b = BUF_INIT;

	buf_str(&b, text);
	outbox_put(o, &b);
	buf_wipe(&b);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* wait_for - so many delivered and lost, which is a matter of moments. */
static void wait_for(struct fixture *f, unsigned long sent, unsigned long lost)
{
	double until = seconds() + 60;
	unsigned long s, l;

	do {
		usleep(1000);
		outbox_count(f->o, &s, &l);
	} while ((s < sent || l < lost) && seconds() < until);
	assert_int_equal(s, sent);
	assert_int_equal(l, lost);
}

/* finish - all that waits is sent, and what the queue saw can be looked at. */
static void finish(struct fixture *f)
{
	outbox_close(f->o);
	f->o = NULL;
	fake_stop(&f->queue);
	f->queue.listener = 0;
}

static void a_message_is_signed_and_sent(void **state)
{
	static const char event[] = "{\"detail\":{\"name\":\"a \\\"b\\\" \xc3\xa4\"}}";
	struct fixture *f = *state;
	struct json_object *body;

	begin(f, &taken, 1, 5000);
	put(f->o, event);
	finish(f);
	assert_int_equal(f->queue.requests, 1);
	assert_non_null(strstr(f->queue.head, "POST / HTTP/1.1\r\n"));
	assert_non_null(strstr(f->queue.head, "X-Amz-Target: AmazonSQS.SendMessage\r\n"));
	assert_non_null(strstr(f->queue.head, "Content-Type: application/x-amz-json-1.0\r\n"));
	assert_non_null(strstr(f->queue.head, "AWS4-HMAC-SHA256 Credential=AKIAONE/"));
	assert_non_null(strstr(f->queue.head, "/local-1/sqs/aws4_request"));
	body = json_tokener_parse(f->queue.body);
	assert_non_null(body);
	assert_int_equal(json_object_object_length(body), 2);
	assert_string_equal(json_object_get_string(json_object_object_get(body, "QueueUrl")), f->url);
	assert_string_equal(json_object_get_string(json_object_object_get(body, "MessageBody")), event);
	json_object_put(body);
}

static void what_is_refused_is_tried_again_and_then_lost(void **state)
{
	static const struct fake_reply script[] = {
		{ .status = 500 }, { .how = FAKE_CLOSE }, { 200, NULL, "{}", 0, 0 },	/* the first is taken at last */
		{ .status = 403 }, { .status = 403 }, { .status = 403 },		/* the second is given up */
		{ 200, NULL, "{}", 0, 0 },
	};
	struct fixture *f = *state;

	begin(f, script, 7, 5000);
	put(f->o, "\"one\"");
	put(f->o, "\"two\"");
	put(f->o, "\"three\"");
	wait_for(f, 2, 1);
	finish(f);
	assert_int_equal(f->queue.requests, 7);
	assert_non_null(strstr(f->queue.body, "three"));
}

/* Each takes a way to the queue and back: when the last is put in, most wait. */
static void what_waits_at_the_end_is_sent(void **state)
{
	struct fixture *f = *state;

	begin(f, &taken, 1, 5000);
	for (unsigned int i = 0; i < 10; i++)
		put(f->o, "\"x\"");
	finish(f);
	assert_int_equal(f->queue.requests, 10);
}

/* New keys in the file are used without a restart. */
static void credentials_are_read_anew(void **state)
{
	struct fixture *f = *state;

	begin(f, &taken, 1, 5000);
	put(f->o, "\"one\"");
	wait_for(f, 1, 0);
	write_credentials(f->credentials, "AKIATWO");
	put(f->o, "\"two\"");
	finish(f);
	assert_int_equal(f->queue.requests, 2);
	assert_non_null(strstr(f->queue.history, "Credential=AKIAONE/"));
	assert_non_null(strstr(f->queue.history, "Credential=AKIATWO/"));
}

/* A queue that says nothing: nobody waits, memory has its bound, and the end is no later than promised. */
static void a_queue_that_hangs_holds_nobody_up(void **state)
{
	static const struct fake_reply hang = { .how = FAKE_HANG };
	struct fixture *f = *state;
	unsigned long sent, lost;
	double begun;

	begin(f, &hang, 1, 5000);
	begun = seconds();
	for (unsigned int i = 0; i < OUTBOX_MAX + 100; i++)
		put(f->o, "\"x\"");
	/* One more than wait may be on its way. */
	outbox_count(f->o, &sent, &lost);
	assert_int_equal(sent, 0);
	assert_in_range(lost, 99, 100);
	assert_true(seconds() - begun < 5);
	begun = seconds();
	finish(f);
	assert_true(seconds() - begun < 5 + OUTBOX_CLOSE_MS / 1000 + 10);
}

static void credentials_that_cannot_be_used_are_an_error_at_once(void **state)
{
	struct err e = ERR_INIT;
	struct fixture *f = *state;

	begin(f, &taken, 1, 5000);
	finish(f);
	assert_int_equal(chmod(f->credentials, 0644), 0);
	assert_true(outbox_open(&f->c, &f->o, &e) < 0);
	assert_non_null(strstr(e.what, f->credentials));
	assert_null(f->o);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_message_is_signed_and_sent),
		T(what_is_refused_is_tried_again_and_then_lost),
		T(what_waits_at_the_end_is_sent),
		T(credentials_are_read_anew),
		T(a_queue_that_hangs_holds_nobody_up),
		T(credentials_that_cannot_be_used_are_an_error_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
