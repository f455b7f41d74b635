// SPDX-License-Identifier: GPL-2.0-or-later
/* The queue of teardowns on a virtual clock: who begins when, and whose key goes ahead. */
#include "../common/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tear_queue.h"

#define MAX 512
#define DEADLINE 20000

/* One volume: what the queue did with it, and when. -1: nothing. */
struct volume {
	int64_t started, ends, asked, answer, gone;
	int turn;		/* the how many-th to begin */
	bool key_ahead;		/* as its order said when it began */
};

struct sim {
	struct tear_queue q;
	int64_t now, timer;
	unsigned int running, most, starts;
	int64_t takes_ms;		/* a teardown; 0: for ever */
	int64_t revoker_ms;		/* an answer of the revoker; -1: none */
	int64_t serial_ms;		/* it takes one key after the other, each so long; 0: all at once */
	int64_t idle;			/* and is free again then */
	int revoker_rc, ahead_rc, start_rc;
	struct volume v[MAX];
	uint32_t number[MAX];		/* of the question about it */
	unsigned int questions;
};

static struct volume *volume(struct sim *s, const char *name)
{
	return &s->v[atoi(name + 1)];
}

static unsigned int op_running(void *ctx)
{
	return ((struct sim *)ctx)->running;
}

static int op_start(void *ctx, const struct tear_order *o)
{
	struct sim *s = ctx;
	struct volume *v = volume(s, o->name);

	if (s->start_rc)
		return s->start_rc;
	assert_int_equal(v->started, -1);
	v->started = s->now;
	v->ends = s->takes_ms ? s->now + s->takes_ms : INT64_MAX;
	v->turn = s->starts++;
	v->key_ahead = o->gone_ms;
	if (v->key_ahead)
		assert_int_equal(o->gone_ms, v->gone);
	else
		v->gone = s->now;	/* the supervisor's affair: first, when it is late */
	s->running++;
	s->most = s->running > s->most ? s->running : s->most;
	return 0;
}

static int op_ahead(void *ctx, const struct tear_order *o, uint32_t number)
{
	struct sim *s = ctx;

	if (s->ahead_rc)
		return s->ahead_rc;
	assert_int_not_equal(number, 0);
	volume(s, o->name)->asked = s->now;
	s->idle = (s->idle > s->now ? s->idle : s->now) + s->serial_ms;
	volume(s, o->name)->answer = s->serial_ms ? s->idle : s->now + s->revoker_ms;
	s->number[atoi(o->name + 1)] = number;
	s->questions++;
	return 0;
}

static const struct tear_queue_ops ops = { .running = op_running, .start = op_start, .ahead = op_ahead };

static struct sim *sim_new(void)
{
	struct sim *s = calloc(1, sizeof(*s));
	int i;

	assert_non_null(s);
	s->q = (struct tear_queue){ .ops = &ops, .ctx = s };
	s->now = 1000000;
	s->revoker_ms = 5;
	for (i = 0; i < MAX; i++)
		s->v[i] = (struct volume){ .started = -1, .ends = INT64_MAX, .asked = -1, .gone = -1, .turn = -1 };
	return s;
}

static void sim_free(struct sim *s)
{
	tear_queue_free(&s->q);
	free(s);
}

static void run(struct sim *s)
{
	tear_queue_run(&s->q, s->now);
	s->timer = tear_queue_due(&s->q, s->now);
}

/* order - teardowns of the volumes @first to @last, all at once: one key was disabled. */
static void order(struct sim *s, int first, int last)
{
	struct tear_order o = { .policy = POLICY_TEARDOWN, .verdict_ms = s->now, .deadline_ms = DEADLINE };
	int i;

	for (i = first; i <= last; i++) {
		snprintf(o.name, sizeof(o.name), "v%d", i);
		assert_int_equal(tear_queue_add(&s->q, &o), 0);
		run(s);
	}
}

/* tick - what happens in this millisecond: teardowns that end, answers of the revoker, the timer. */
static void tick(struct sim *s)
{
	bool woken = s->timer <= s->now;
	int i;

	for (i = 0; i < MAX; i++) {
		if (s->v[i].ends <= s->now) {
			s->v[i].ends = INT64_MAX;
			s->running--;
			woken = true;
		}
		if (s->number[i] && s->revoker_ms >= 0 && s->v[i].answer <= s->now) {
			if (!s->revoker_rc)
				s->v[i].gone = s->now;
			tear_queue_answer(&s->q, s->number[i], s->revoker_rc, s->now);
			s->number[i] = 0;
			woken = true;
		}
	}
	if (woken)
		run(s);
}

static void run_for(struct sim *s, int64_t ms)
{
	int64_t end = s->now + ms;

	while (s->now < end) {
		s->now++;
		tick(s);
	}
}

static void sixteen_at_a_time_first_come_first_served(void **state)
{
	struct sim *s = sim_new();
	int i;

	(void)state;
	s->takes_ms = 900;
	order(s, 0, 99);
	assert_int_equal(s->running, TEARS_MAX);
	run_for(s, 7000);
	assert_null(s->q.first);
	assert_int_equal(s->most, TEARS_MAX);
	for (i = 0; i < 100; i++)
		assert_int_equal(s->v[i].turn, i);
	assert_int_equal(s->questions, 0);	/* all had their turn before half of the deadline */
	sim_free(s);
}

/* The promise for a queue that is too long: the turn is late, the key is not. */
static void whose_turn_is_late_loses_its_key_ahead_of_it(void **state)
{
	struct sim *s = sim_new();
	int64_t verdict = s->now;
	int i;

	(void)state;
	s->takes_ms = 9000;
	order(s, 0, 99);
	run_for(s, DEADLINE);
	for (i = 0; i < 100; i++)
		assert_true(s->v[i].gone >= verdict && s->v[i].gone <= verdict + DEADLINE * 6 / 10);
	run_for(s, 60000);
	assert_null(s->q.first);
	assert_int_equal(s->most, TEARS_MAX);
	assert_int_equal(s->questions, 100 - 2 * TEARS_MAX);
	for (i = 0; i < 100; i++) {
		assert_int_equal(s->v[i].turn, i);
		assert_int_equal(s->v[i].key_ahead, i >= 2 * TEARS_MAX);
	}
	sim_free(s);
}

/* Teardowns that never end hold their places, not the others' keys. */
static void children_that_never_return_hold_up_nobody_s_key(void **state)
{
	struct sim *s = sim_new();
	int64_t verdict = s->now;
	int i;

	(void)state;
	s->takes_ms = 0;
	order(s, 0, 99);
	run_for(s, 10 * DEADLINE);
	assert_int_equal(s->starts, TEARS_MAX);
	for (i = 0; i < 100; i++)
		assert_true(s->v[i].gone >= verdict && s->v[i].gone <= verdict + DEADLINE * 6 / 10);
	assert_int_equal(tear_queue_due(&s->q, s->now), INT64_MAX);
	sim_free(s);
}

static void without_an_answer_of_the_revoker_it_begins_beyond_the_limit(void **state)
{
	struct sim *s = sim_new();
	int64_t verdict = s->now;
	int i;

	(void)state;
	s->takes_ms = 0;
	s->revoker_ms = -1;
	order(s, 0, 29);
	run_for(s, DEADLINE);
	assert_int_equal(s->starts, 30);
	for (i = TEARS_MAX; i < 30; i++) {
		assert_int_equal(s->v[i].asked, verdict + DEADLINE / 2);
		assert_int_equal(s->v[i].started, verdict + DEADLINE * 6 / 10);
		assert_false(s->v[i].key_ahead);
	}
	sim_free(s);
}

static void a_revoker_that_refuses_is_not_waited_for(void **state)
{
	struct sim *s = sim_new();
	int64_t verdict = s->now;

	(void)state;
	s->takes_ms = 0;
	s->revoker_rc = -EIO;
	order(s, 0, TEARS_MAX);
	run_for(s, DEADLINE);
	assert_int_equal(s->v[TEARS_MAX].started, verdict + DEADLINE / 2 + s->revoker_ms);
	sim_free(s);
}

/* -EINPROGRESS: requests still use the key. It is asked again, not each millisecond, and in the end begun. */
static void a_key_that_goes_slowly_is_asked_about_again(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->takes_ms = 0;
	s->revoker_rc = -EINPROGRESS;
	order(s, 0, TEARS_MAX);
	run_for(s, DEADLINE / 2 + 500);
	assert_in_range(s->questions, 4, 600);
	assert_int_equal(s->v[TEARS_MAX].started, -1);
	s->revoker_rc = 0;
	run_for(s, 200);
	assert_true(tear_queue_find(&s->q, "v16")->gone_ms);
	sim_free(s);
}

static void a_revoker_that_was_lost_is_asked_again(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->takes_ms = 0;
	s->ahead_rc = -EPIPE;
	order(s, 0, TEARS_MAX);
	run_for(s, DEADLINE / 2 + 100);
	assert_int_equal(s->v[TEARS_MAX].gone, -1);
	s->ahead_rc = 0;
	s->revoker_ms = -1;
	run_for(s, 200);
	assert_int_equal(s->questions, 1);
	memset(s->number, 0, sizeof(s->number));
	tear_queue_unanswered(&s->q);
	run(s);
	s->revoker_ms = 5;
	run_for(s, 300);
	assert_int_equal(s->questions, 2);
	assert_true(s->v[TEARS_MAX].gone > 0);
	sim_free(s);
}

static void what_cannot_be_forked_is_tried_again_and_the_key_still_goes(void **state)
{
	struct sim *s = sim_new();
	int64_t verdict = s->now;

	(void)state;
	s->start_rc = -EAGAIN;
	order(s, 0, 3);
	assert_int_equal(tear_queue_due(&s->q, s->now), s->now + TEARS_AGAIN_MS);
	run_for(s, DEADLINE);
	assert_true(s->v[3].gone <= verdict + DEADLINE * 6 / 10);
	s->start_rc = 0;
	s->takes_ms = 10;
	run_for(s, TEARS_AGAIN_MS);
	assert_int_equal(s->starts, 4);
	assert_null(s->q.first);
	sim_free(s);
}

static void in_a_hurry_no_key_waits(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->takes_ms = 0;
	order(s, 0, 39);
	run_for(s, 10);
	assert_int_equal(s->questions, 0);
	s->q.hurry = true;
	tear_queue_run(&s->q, s->now);
	assert_int_equal(s->questions, 40 - TEARS_MAX);
	sim_free(s);
}

static void no_more_questions_at_a_time_than_answers_fit(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->takes_ms = 0;
	s->revoker_ms = 50;
	order(s, 0, 79);
	run_for(s, DEADLINE / 2 + 10);
	assert_int_equal(s->questions, TEARS_ASKED_MAX);
	run_for(s, 200);
	assert_int_equal(s->questions, 80 - TEARS_MAX);
	assert_true(s->v[79].gone > 0);
	sim_free(s);
}

/* Each key takes the revoker a grace period: so many of them do not fit between half of the deadline and 6/10. */
static void in_a_long_queue_the_last_go_ahead_earlier(void **state)
{
	struct sim *s = sim_new();
	int64_t verdict = s->now;
	int i;

	(void)state;
	s->takes_ms = 9000;
	s->serial_ms = TEARS_KEY_MS;
	order(s, 0, 399);
	run_for(s, DEADLINE / 5);
	assert_int_not_equal(s->v[399].gone, -1);
	assert_int_equal(s->v[TEARS_MAX].gone, -1);	/* its turn may come in time */
	run_for(s, DEADLINE - DEADLINE / 5);
	for (i = 0; i < 400; i++)
		assert_in_range(s->v[i].gone, verdict, verdict + DEADLINE * 6 / 10 + TEARS_KEY_MS);
	assert_int_equal(s->most, TEARS_MAX);
	sim_free(s);
}

static void a_slow_revoker_is_left_to_its_work(void **state)
{
	struct sim *s = sim_new();
	int64_t verdict = s->now;
	int i;

	(void)state;
	s->takes_ms = 0;
	s->serial_ms = 4 * TEARS_KEY_MS;
	order(s, 0, 199);
	run_for(s, 2 * DEADLINE);
	assert_int_equal(s->most, TEARS_MAX);
	for (i = TEARS_MAX; i < 200; i++)
		assert_in_range(s->v[i].gone, verdict, verdict + DEADLINE / 2 + 184 * s->serial_ms);
	sim_free(s);
}

static void a_revoker_that_falls_silent_is_not_waited_for(void **state)
{
	struct sim *s = sim_new();
	int64_t verdict = s->now;
	int i;

	(void)state;
	s->takes_ms = 0;
	order(s, 0, 199);
	run_for(s, DEADLINE * 4 / 10);
	s->revoker_ms = -1;
	run_for(s, DEADLINE * 6 / 10);
	for (i = 0; i < 200; i++)
		assert_in_range(s->v[i].gone, verdict, verdict + DEADLINE * 8 / 10);
	sim_free(s);
}

static void beyond_the_limit_a_few_begin_at_a_time(void **state)
{
	struct sim *s = sim_new();
	unsigned int before;

	(void)state;
	s->takes_ms = 0;
	s->revoker_ms = -1;
	order(s, 0, 399);
	while (s->now < 1000000 + DEADLINE) {
		before = s->starts;
		run_for(s, TEARS_AGAIN_MS);
		assert_in_range(s->starts - before, 0, 2 * TEARS_MAX);
	}
	assert_int_equal(s->starts, 400);
	sim_free(s);
}

static void a_late_answer_is_nobody_s(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	s->takes_ms = 0;
	order(s, 0, TEARS_MAX);
	assert_null(tear_queue_answer(&s->q, 0, 0, s->now));
	assert_null(tear_queue_answer(&s->q, 77, 0, s->now));
	assert_int_equal(tear_queue_find(&s->q, "v16")->gone_ms, 0);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixteen_at_a_time_first_come_first_served),
		cmocka_unit_test(whose_turn_is_late_loses_its_key_ahead_of_it),
		cmocka_unit_test(children_that_never_return_hold_up_nobody_s_key),
		cmocka_unit_test(without_an_answer_of_the_revoker_it_begins_beyond_the_limit),
		cmocka_unit_test(a_revoker_that_refuses_is_not_waited_for),
		cmocka_unit_test(a_key_that_goes_slowly_is_asked_about_again),
		cmocka_unit_test(a_revoker_that_was_lost_is_asked_again),
		cmocka_unit_test(what_cannot_be_forked_is_tried_again_and_the_key_still_goes),
		cmocka_unit_test(in_a_hurry_no_key_waits),
		cmocka_unit_test(no_more_questions_at_a_time_than_answers_fit),
		cmocka_unit_test(in_a_long_queue_the_last_go_ahead_earlier),
		cmocka_unit_test(a_slow_revoker_is_left_to_its_work),
		cmocka_unit_test(a_revoker_that_falls_silent_is_not_waited_for),
		cmocka_unit_test(beyond_the_limit_a_few_begin_at_a_time),
		cmocka_unit_test(a_late_answer_is_nobody_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
