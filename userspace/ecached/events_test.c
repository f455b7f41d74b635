// SPDX-License-Identifier: GPL-2.0-or-later
/* When the queue is asked, and what the log hears of it, on a clock of our own. */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "../common/test.h"
#include "events.h"

#define MINUTE 60000

static struct events ev;
static int64_t now;

static int setup(void **state)
{
	(void)state;
	now = 1000000;
	events_start(&ev, 7, now);
	return 0;
}

/* ask - wait until it is time, and ask; how long that was. */
static int64_t ask(void)
{
	int64_t from = now, due = events_due(&ev);

	assert_true(due != INT64_MAX);
	if (due > now)
		now = due;
	events_asked(&ev, now);
	assert_true(events_due(&ev) == INT64_MAX);	/* one at a time */
	return now - from;
}

static bool answer(enum kms_transport transport, int status, const char *message, struct net_events events,
		   int64_t after_ms)
{
	struct net_answer a = { .a = { .transport = transport, .http_status = status } };

	snprintf(a.a.message, sizeof(a.a.message), "%s", message);
	a.events = events;
	now += after_ms;
	return events_answered(&ev, &a, now);
}

static bool empty(int64_t after_ms)
{
	return answer(KMS_ANSWERED, 200, "", (struct net_events){ 0 }, after_ms);
}

static bool fails(void)
{
	return answer(KMS_NO_ANSWER, 0, "no way", (struct net_events){ 0 }, 10);
}

static bool full(void)
{
	return answer(KMS_ANSWERED, 200, "", (struct net_events){ .messages = 10 }, 20);
}

static void hosts_that_start_together_do_not_ask_together(void **state)
{
	static struct events other;
	int64_t least = INT64_MAX, most = 0, at;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed < 1000; seed++) {
		events_start(&other, seed * 0x9e3779b97f4a7c15ULL, 0);
		at = events_due(&other);
		least = at < least ? at : least;
		most = at > most ? at : most;
	}
	assert_in_range(least, 0, 100);
	assert_in_range(most, EVENTS_START_MS - 100, EVENTS_START_MS);
}

static void a_queue_that_waits_is_asked_again_at_once(void **state)
{
	unsigned int i;

	(void)state;
	ask();
	for (i = 0; i < 10; i++) {
		assert_true(empty(20000));
		assert_int_equal(ask(), 0);
	}
}

static void a_queue_that_does_not_wait_is_not_asked_all_the_time(void **state)
{
	unsigned int i;

	(void)state;
	ask();
	for (i = 0; i < 10; i++) {
		assert_true(empty(3));
		assert_int_equal(ask(), EVENTS_EMPTY_MS - 3);
	}
}

/* However full it is: two questions a second at most, twenty messages. */
static void a_flood_is_drained_at_a_bounded_rate(void **state)
{
	int64_t from;
	unsigned int i;

	(void)state;
	ask();
	from = now;
	for (i = 0; i < 100; i++) {
		assert_true(full());
		ask();
	}
	assert_int_equal(now - from, 100 * EVENTS_LEAST_MS);
	assert_int_equal(ev.count.messages, 1000);
}

static void failures_are_spread_and_rarer_and_rarer(void **state)
{
	static const int64_t most[] = { 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000 };
	int64_t paused[3];
	unsigned int i, n;

	(void)state;
	for (n = 0; n < 3; n++) {
		events_start(&ev, 7 + n, now);
		ask();
		for (i = 0; i < sizeof(most) / sizeof(*most); i++) {
			assert_false(fails());
			paused[n] = ask();
			assert_in_range(paused[n], most[i] / 2, most[i]);
		}
	}
	assert_true(paused[0] != paused[1] && paused[1] != paused[2]);
	/* one that succeeds ends it */
	assert_true(empty(20000));
	assert_int_equal(ev.failures, 0);
	assert_int_equal(ev.failing_ms, 0);
	assert_int_equal(ask(), 0);
	fails();
	assert_in_range(ask(), 500, 1000);
}

static void whatever_is_no_good_answer_is_a_failure(void **state)
{
	static const struct {
		enum kms_transport transport;
		int status;
	} cases[] = {
		{ KMS_ANSWERED, 400 }, { KMS_ANSWERED, 500 }, { KMS_NO_CREDENTIALS, 0 }, { KMS_NO_ANSWER, 0 },
		{ KMS_BAD_ANSWER, 200 }, { KMS_NOT_ASKED, 0 },
	};
	struct net_events some = { .messages = 1, .nr = 1 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ask();
		assert_false(answer(cases[i].transport, cases[i].status, "", some, 10));
		assert_int_equal(ev.count.messages, 0);
		assert_true(*ev.why);
	}
}

static char text[700];

static int told(void)
{
	text[0] = '\0';
	return events_tell(&ev, now, text, sizeof(text));
}

static void a_failure_is_told_once_an_hour_and_so_is_its_end(void **state)
{
	unsigned int lines = 0;
	int64_t from;

	(void)state;
	ask();
	fails();
	assert_int_equal(told(), -1);		/* one failure is none */
	ask();
	assert_true(empty(20000));
	assert_int_equal(told(), -1);
	from = now;
	while (now - from < 5 * 60 * MINUTE) {
		ask();
		fails();
		lines += told() == LOG_WARNING;
	}
	assert_in_range(lines, 5, 6);
	assert_non_null(strstr(ev.why, "no way"));
	ask();
	assert_true(empty(20000));
	assert_int_equal(told(), LOG_NOTICE);
	assert_non_null(strstr(text, "heard again"));
	assert_int_equal(told(), -1);
}

static void messages_that_cannot_be_deleted_are_told(void **state)
{
	struct net_events left = { .messages = 3, .left = 3 };

	(void)state;
	ask();
	assert_true(answer(KMS_ANSWERED, 200, "AccessDenied", left, 10));
	assert_int_equal(told(), LOG_WARNING);
	assert_non_null(strstr(text, "AccessDenied"));
	assert_int_equal(told(), -1);
	ask();
	assert_true(answer(KMS_ANSWERED, 200, "AccessDenied", left, 10));
	assert_int_equal(told(), -1);
	ask();
	assert_true(empty(20000));
	assert_int_equal(told(), LOG_NOTICE);
}

/* An hour of forty events a second: sixty lines, and none at all when they are about nobody here. */
static void a_flood_is_a_line_a_minute(void **state)
{
	unsigned int lines = 0, i;
	int64_t from = now;

	(void)state;
	while (now - from < 60 * MINUTE) {
		ask();
		full();
		for (i = 0; i < 10; i++)
			events_note(&ev, false);
		lines += told() >= 0;
	}
	assert_int_equal(lines, 0);
	from = now;
	while (now - from < 60 * MINUTE) {
		ask();
		full();
		for (i = 0; i < 10; i++)
			events_note(&ev, i % 2);
		lines += told() == LOG_INFO;
	}
	assert_in_range(lines, 59, 61);
	assert_int_equal(ev.count.ours + ev.count.others, ev.count.messages);
}

static void without_a_queue_nothing_is_asked(void **state)
{
	(void)state;
	memset(&ev, 0, sizeof(ev));
	assert_true(events_due(&ev) == INT64_MAX);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(hosts_that_start_together_do_not_ask_together),
		T(a_queue_that_waits_is_asked_again_at_once),
		T(a_queue_that_does_not_wait_is_not_asked_all_the_time),
		T(a_flood_is_drained_at_a_bounded_rate),
		T(failures_are_spread_and_rarer_and_rarer),
		T(whatever_is_no_good_answer_is_a_failure),
		T(a_failure_is_told_once_an_hour_and_so_is_its_end),
		T(messages_that_cannot_be_deleted_are_told),
		T(a_flood_is_a_line_a_minute),
		T(without_a_queue_nothing_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
