// SPDX-License-Identifier: GPL-2.0-or-later
/* Hints on the virtual clock: they bring questions forward, at a bounded price, and never decide anything. */
#include "../common/test.h"
#include "watch_key.h"
#include "watch_sim.h"

#define DAY (24 * 60 * MINUTE)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Left alone, these would not be asked about for a day. */
static const struct watch_add patient = {
	.on_revoke = POLICY_TEARDOWN, .on_disabled = POLICY_LOCK, .interval_ms = DAY, .ok_without_token = true,
	.just_ok = true,
};

static struct watch_volume *add_patient(struct sim *s, unsigned int n, unsigned int key)
{
	struct watch_volume *v = add_as(s, n, key, &patient);

	snprintf(v->grant_id, sizeof(v->grant_id), "grant%u", n);
	return v;
}

static struct watch_key *key_of(struct sim *s, unsigned int key)
{
	char arn[80];

	snprintf(arn, sizeof(arn), ARN, key);
	return watch_find_key(&s->w, arn);
}

/* sim_quiet - nothing would be asked for most of a day. */
static struct sim *sim_quiet(bool canary, unsigned int volumes, unsigned int keys)
{
	struct sim *s = sim_new(canary, 11);
	unsigned int i;

	for (i = 0; i < volumes; i++)
		add_patient(s, i, i % keys);
	/* DescribeKey at a time of its own within the first interval: out of the way */
	for (i = 0; i < keys; i++)
		key_of(s, i)->due_ms = s->now + DAY;
	return s;
}

/* hint - about a key of the table; @grant < 0: about all of it. */
static unsigned int hint(struct sim *s, unsigned int key, int grant)
{
	char arn[80], id[32] = "";

	snprintf(arn, sizeof(arn), ARN, key);
	if (grant >= 0)
		snprintf(id, sizeof(id), "grant%d", grant);
	return watch_hint(&s->w, arn, id, s->now);
}

static void no_teardown(struct sim *s)
{
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	assert_int_equal(s->acts[WATCH_LOCK], 0);
}

static void a_grant_is_one_question(void **state)
{
	struct sim *s = sim_quiet(false, 3, 1);

	(void)state;
	assert_int_equal(s->probes, 0);
	assert_int_equal(hint(s, 0, 1), 1);
	assert_int_equal(s->probes, 0);		/* nothing is asked from inside */
	run_for(s, HINT_SOON_MS + 100);
	assert_int_equal(s->probes, 1);
	assert_true(watch_find(&s->w, "v1")->probed);
	assert_false(watch_find(&s->w, "v0")->probed);
	no_teardown(s);
	sim_free(s);
}

static void a_key_is_asked_about_over_some_seconds(void **state)
{
	struct sim *s = sim_quiet(false, 200, 1);
	unsigned int i, before, most = 0;

	(void)state;
	s->w.hint_full_ms = 0;
	assert_int_equal(hint(s, 0, -1), 200);
	for (i = 0; i < 10; i++) {
		before = s->probes;
		run_for(s, 1000);
		if (s->probes - before > most)
			most = s->probes - before;
	}
	assert_true(s->describes >= 1);
	assert_in_range(most, 5, 40);
	assert_true(s->max_flight <= WATCH_IN_FLIGHT_MAX);
	run_for(s, 3 * MINUTE);
	for (i = 0; i < 200; i++) {
		char name[16];

		snprintf(name, sizeof(name), "v%u", i);
		assert_true(watch_find(&s->w, name)->probed);
	}
	no_teardown(s);
	sim_free(s);
}

static void what_is_nobodys_costs_nothing(void **state)
{
	struct sim *s = sim_quiet(false, 3, 1);
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		assert_int_equal(hint(s, 1 + i, -1), 0);
		assert_int_equal(hint(s, 1 + i, 0), 0);
		assert_int_equal(hint(s, 0, 3 + i), 0);
		run_for(s, 100);
	}
	assert_int_equal(s->probes + s->describes, 0);
	sim_free(s);
}

/* A volume made before grants were noted down: it may be the one. */
static void a_volume_whose_grant_is_not_known_is_meant(void **state)
{
	struct sim *s = sim_quiet(false, 2, 1);

	(void)state;
	watch_find(&s->w, "v1")->grant_id[0] = '\0';
	assert_int_equal(hint(s, 0, 17), 1);
	run_for(s, HINT_SOON_MS + 100);
	assert_int_equal(s->probes, 1);
	sim_free(s);
}

static void a_revoked_grant_is_torn_down_a_minute_after_the_hint(void **state)
{
	struct sim *s = sim_quiet(false, 3, 1);
	int64_t from = s->now;

	(void)state;
	s->volume[1] = SAYS_DENIED;
	hint(s, 0, 1);
	run_for(s, 2 * MINUTE);
	assert_int_equal(s->acts_of[1][WATCH_TEARDOWN], 1);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 1);
	assert_in_range(s->last_act_ms - from, 60000, 63000);
	sim_free(s);
}

/* However often it is said: the three denials need their minute, and the canary's word. */
static void hints_do_not_hurry_the_proof(void **state)
{
	static const bool canaries[] = { false, true };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(canaries); i++) {
		struct sim *s = sim_quiet(canaries[i], 1, 1);
		int64_t from = s->now;

		s->volume[0] = SAYS_DENIED;
		s->control = canaries[i] ? SAYS_DENIED : SAYS_OK;
		while (s->now < from + 59 * 1000) {
			hint(s, 0, 0);
			hint(s, 0, -1);
			run_for(s, 100);
		}
		no_teardown(s);
		assert_true(s->probes >= 3);
		run_for(s, MINUTE);
		assert_int_equal(s->acts[WATCH_TEARDOWN], canaries[i] ? 0 : 1);
		sim_free(s);
	}
}

static void a_disabled_key_locks_and_an_enabled_one_reopens(void **state)
{
	struct sim *s = sim_quiet(false, 5, 1);

	(void)state;
	s->key[0] = KMS_STATE_DISABLED;
	hint(s, 0, -1);
	run_for(s, 2 * HINT_SOON_MS);
	assert_int_equal(s->acts[WATCH_LOCK], 5);
	run_for(s, 5 * MINUTE);
	s->key[0] = KMS_STATE_ENABLED;
	hint(s, 0, -1);
	run_for(s, HINT_GAP_MS + HINT_SPREAD_MS + HINT_SOON_MS);
	assert_int_equal(s->acts[WATCH_REOPEN], 5);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	sim_free(s);
}

/* The KMS goes on saying yes for a while: the question is repeated, whatever the interval. */
static void a_kms_that_is_late_is_asked_again(void **state)
{
	struct sim *s = sim_quiet(false, 1, 1);

	(void)state;
	hint(s, 0, 0);
	run_for(s, 4 * MINUTE);
	assert_int_equal(s->probes, 3);
	s->volume[0] = SAYS_DENIED;
	run_for(s, 6 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 1);
	sim_free(s);
}

static void repetitions_end(void **state)
{
	struct sim *s = sim_quiet(false, 1, 1);

	(void)state;
	hint(s, 0, 0);
	run_for(s, 60 * MINUTE);
	assert_int_equal(s->probes, 4);
	sim_free(s);
}

static void a_flood_about_one_volume_is_heard_less_and_less(void **state)
{
	struct sim *s = sim_quiet(false, 1, 1);
	unsigned int i;

	(void)state;
	for (i = 0; i < 10 * 60 * 60; i++) {	/* an hour of ten a second */
		hint(s, 0, 0);
		run_for(s, 100);
	}
	/* 10, 20, 40, 80, 160 s, then five minutes */
	assert_in_range(s->probes, 12, 22);
	no_teardown(s);
	/* after a quiet hour it is news again, and repeated */
	run_for(s, HINT_GAP_MAX_MS + HINT_QUIET_MS);
	s->probes = 0;
	hint(s, 0, 0);
	run_for(s, HINT_SOON_MS + 100);
	assert_int_equal(s->probes, 1);
	run_for(s, 10 * MINUTE);
	assert_int_equal(s->probes, 4);
	sim_free(s);
}

static void all_hints_together_cost_a_question_a_second(void **state)
{
	struct sim *s = sim_quiet(false, 200, 50);
	unsigned int i, n;

	(void)state;
	for (n = 0; n < 10 * 60; n++) {
		for (i = 0; i < 50; i++)
			hint(s, i, -1);
		for (i = 0; i < 200; i++)
			hint(s, i % 50, i);
		run_for(s, 1000);
	}
	assert_true(s->probes + s->describes <= HINT_BURST + 600 + 1);
	assert_true(s->probes + s->describes >= 250);	/* each was asked about */
	no_teardown(s);
	sim_free(s);
}

/* A true hint in the middle of a flood about all the others comes to its turn. */
static void a_flood_drowns_nobody(void **state)
{
	struct sim *s = sim_quiet(false, 200, 200);
	unsigned int i, n;
	int64_t from = 0;

	(void)state;
	for (n = 0; n < 10 * 60; n++) {
		for (i = 0; i < 199; i++)
			hint(s, i, -1);
		if (n == 60) {
			s->volume[199] = SAYS_DENIED;
			hint(s, 199, 199);
			from = s->now;
		}
		run_for(s, 1000);
	}
	assert_int_equal(s->acts_of[199][WATCH_TEARDOWN], 1);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 1);
	/* at most the others' questions, two each, come first */
	assert_in_range(s->last_act_ms - from, 60000, 60000 + 400 * HINT_EVERY_MS);
	sim_free(s);
}

static void news_make_the_next_hint_count(void **state)
{
	struct sim *s = sim_quiet(false, 1, 1);
	unsigned int i;

	(void)state;
	for (i = 0; i < 20 * 60; i++) {
		hint(s, 0, -1);
		run_for(s, 1000);
	}
	s->key[0] = KMS_STATE_DISABLED;
	hint(s, 0, -1);
	run_for(s, HINT_GAP_MAX_MS + HINT_SPREAD_MS);
	assert_int_equal(s->acts[WATCH_LOCK], 1);
	s->key[0] = KMS_STATE_ENABLED;
	hint(s, 0, -1);
	run_for(s, HINT_GAP_MS + HINT_SPREAD_MS + HINT_SOON_MS);
	assert_int_equal(s->acts[WATCH_REOPEN], 1);
	sim_free(s);
}

static void bad_weather(struct sim *s, enum says of_volumes, enum says describe)
{
	unsigned int i;

	for (i = 0; i < MAX; i++)
		s->volume[i] = of_volumes;
	s->describe = describe;
}

/* What tears nothing down without hints does not with all the hints that there can be. */
static void hints_are_never_proof(void **state)
{
	static const struct {
		const char *what;
		enum says volume, describe, control;
		bool canary;
	} cases[] = {
		{ "grants alive", SAYS_OK, SAYS_OK, SAYS_OK, false },
		{ "blocked KMS", SAYS_NO_ANSWER, SAYS_NO_ANSWER, SAYS_OK, false },
		{ "expired credentials", SAYS_EXPIRED, SAYS_EXPIRED, SAYS_OK, false },
		{ "throttling", SAYS_THROTTLED, SAYS_THROTTLED, SAYS_OK, false },
		{ "one role edit over twenty keys", SAYS_DENIED, SAYS_DENIED, SAYS_OK, false },
		{ "the same with a canary", SAYS_DENIED, SAYS_DENIED, SAYS_DENIED, true },
		{ "an emptied KMS", SAYS_NOT_FOUND, SAYS_NOT_FOUND, SAYS_OK, false },
		{ "an emptied KMS with a canary", SAYS_NOT_FOUND, SAYS_NOT_FOUND, SAYS_NOT_FOUND, true },
		{ "damaged headers", SAYS_BAD_BLOB, SAYS_OK, SAYS_OK, false },
	};
	unsigned int i, n;
	size_t c;

	(void)state;
	for (c = 0; c < COUNT(cases); c++) {
		struct sim *s = sim_quiet(cases[c].canary, 20, 20);

		bad_weather(s, cases[c].volume, cases[c].describe);
		s->control = cases[c].control;
		for (n = 0; n < 30 * 60; n++) {
			for (i = 0; i < 20; i++)
				hint(s, i, n % 2 ? (int)i : -1);
			run_for(s, 1000);
		}
		if (s->acts[WATCH_TEARDOWN] || s->acts[WATCH_LOCK])
			fail_msg("%s: %u teardowns, %u locks", cases[c].what, s->acts[WATCH_TEARDOWN],
				 s->acts[WATCH_LOCK]);
		sim_free(s);
	}
}

/* A policy that denies one volume, the canary alive: a hint about the key is enough. */
static void a_policy_edit_is_noticed(void **state)
{
	struct sim *s = sim_quiet(true, 4, 2);

	(void)state;
	s->volume[0] = SAYS_DENIED;
	s->volume[2] = SAYS_DENIED;
	hint(s, 0, -1);
	run_for(s, 2 * MINUTE);
	assert_int_equal(s->acts_of[0][WATCH_TEARDOWN], 1);
	assert_int_equal(s->acts_of[2][WATCH_TEARDOWN], 1);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 2);
	sim_free(s);
}

/* A host that slept, or was stopped: CLOCK_BOOTTIME goes on, what is late is asked once. */
static void a_leap_of_the_clock(void **state)
{
	struct sim *s = sim_quiet(false, 20, 20);
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++)
		hint(s, i, -1);
	s->now += DAY / 4;
	run_for(s, 5000);
	assert_in_range(s->probes, 20, 20);
	assert_in_range(s->describes, 20, 40);
	no_teardown(s);
	sim_free(s);
}

/* The hint came while an older question was on its way, whose answer says nothing about it. */
static void a_question_on_its_way_is_no_answer_to_it(void **state)
{
	struct sim *s = sim_quiet(false, 1, 1);
	struct watch_volume *v = watch_find(&s->w, "v0");

	(void)state;
	v->due_ms = s->now;
	watch_run(&s->w, s->now);
	assert_true(v->in_flight);
	assert_int_equal(hint(s, 0, 0), 1);
	run_for(s, HINT_SOON_MS + 2 * LATENCY_MS);
	assert_int_equal(s->probes, 2);
	sim_free(s);
}

/* One that comes before the hint's turn is. */
static void an_ordinary_question_answers_it_too(void **state)
{
	struct sim *s = sim_quiet(false, 1, 1);
	struct watch_volume *v = watch_find(&s->w, "v0");

	(void)state;
	hint(s, 0, 0);
	v->due_ms = s->now;
	run_for(s, HINT_GAP_MS);
	assert_int_equal(s->probes, 1);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_is_one_question),
		cmocka_unit_test(a_key_is_asked_about_over_some_seconds),
		cmocka_unit_test(what_is_nobodys_costs_nothing),
		cmocka_unit_test(a_volume_whose_grant_is_not_known_is_meant),
		cmocka_unit_test(a_revoked_grant_is_torn_down_a_minute_after_the_hint),
		cmocka_unit_test(hints_do_not_hurry_the_proof),
		cmocka_unit_test(a_disabled_key_locks_and_an_enabled_one_reopens),
		cmocka_unit_test(a_kms_that_is_late_is_asked_again),
		cmocka_unit_test(repetitions_end),
		cmocka_unit_test(a_flood_about_one_volume_is_heard_less_and_less),
		cmocka_unit_test(all_hints_together_cost_a_question_a_second),
		cmocka_unit_test(a_flood_drowns_nobody),
		cmocka_unit_test(news_make_the_next_hint_count),
		cmocka_unit_test(hints_are_never_proof),
		cmocka_unit_test(a_policy_edit_is_noticed),
		cmocka_unit_test(a_leap_of_the_clock),
		cmocka_unit_test(a_question_on_its_way_is_no_answer_to_it),
		cmocka_unit_test(an_ordinary_question_answers_it_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
