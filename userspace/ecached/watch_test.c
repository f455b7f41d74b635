// SPDX-License-Identifier: GPL-2.0-or-later
/* The watcher on the virtual clock of watch_sim.h. */
#include "../common/test.h"
#include "watch_sim.h"

static void probes_keep_to_the_interval_without_a_herd(void **state)
{
	struct sim *s = sim_new(false, 7);
	unsigned int i;

	(void)state;
	for (i = 0; i < 200; i++)
		add(s, i, 1);
	run_for(s, 3000);	/* a twentieth of the interval */
	assert_in_range(s->probes, 1, 30);
	run_for(s, 20 * MINUTE - 3000);
	/* 200 volumes, 20 intervals of 0.8 to 1.2 */
	assert_in_range(s->probes, 200 * 20 / 1.2 - 200, 200 * 20 / 0.8 + 200);
	assert_in_range(s->describes, 20 / 1.2 - 1, 20 / 0.8 + 1);
	assert_true(s->max_flight <= WATCH_IN_FLIGHT_MAX);
	assert_int_equal(s->acts[WATCH_TEARDOWN] + s->acts[WATCH_LOCK] + s->acts[WATCH_REOPEN], 0);
	assert_int_equal(s->verdicts, 200);
	sim_free(s);
}

static void questions_on_their_way_are_bounded(void **state)
{
	struct sim *s = sim_new(false, 3);
	unsigned int i;

	(void)state;
	for (i = 0; i < 200; i++)
		add(s, i, 1)->due_ms = s->now;
	watch_run(&s->w, s->now);
	assert_int_equal(s->w.in_flight, WATCH_IN_FLIGHT_MAX);
	assert_true(watch_due(&s->w) == INT64_MAX);
	run_for(s, 1000);
	assert_in_range(s->probes, 200, 210);
	assert_int_equal(s->max_flight, WATCH_IN_FLIGHT_MAX);
	sim_free(s);
}

static void a_new_volume_is_first_asked_after_its_interval(void **state)
{
	struct watch_add just = usual;
	struct sim *s = sim_new(false, 1);

	(void)state;
	just.just_ok = true;
	add_as(s, 1, 1, &just);
	run_for(s, MINUTE * 79 / 100);
	assert_int_equal(s->probes, 0);
	run_for(s, MINUTE * 42 / 100);
	assert_int_equal(s->probes, 1);
	sim_free(s);
}

static void a_grant_taken_back_tears_down_after_sixty_seconds(void **state)
{
	struct sim *s = sim_new(false, 5);
	struct watch_volume *v = add(s, 1, 1);
	int64_t first;

	(void)state;
	run_for(s, 5 * MINUTE);
	assert_int_equal(v->verdict, VERDICT_OK);
	s->volume[1] = SAYS_DENIED;
	while (v->verdict == VERDICT_OK)
		run_for(s, 10);
	first = s->now;
	assert_int_equal(v->verdict, VERDICT_SUSPECT);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	run_for(s, 3 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 1);
	assert_in_range(s->last_act_ms - first, 60000 - 20, 60000 + 200);
	assert_int_equal(v->verdict, VERDICT_REVOKED);
	assert_int_equal(v->why, VERDICT_WHY_DENIED);
	assert_int_equal(s->fresh, 2);
	assert_string_equal(v->evidence.request_id, "rid-1");
	assert_true(v->ending);
	run_for(s, 10 * MINUTE);	/* what is ending is not asked about again */
	assert_int_equal(s->acts[WATCH_TEARDOWN], 1);
	sim_free(s);
}

static void one_ok_in_between_starts_the_count_anew(void **state)
{
	struct sim *s = sim_new(false, 5);
	struct watch_volume *v = add(s, 1, 1);
	unsigned int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		s->volume[1] = SAYS_DENIED;
		while (v->vcase.denials < 2)
			run_for(s, 10);
		s->volume[1] = SAYS_OK;
		while (v->vcase.denials)
			run_for(s, 10);
	}
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	sim_free(s);
}

static void policies_of_a_revocation(void **state)
{
	static const struct {
		enum policy policy;
		unsigned int teardowns, locks;
	} cases[] = { { POLICY_TEARDOWN, 1, 0 }, { POLICY_LOCK, 0, 1 }, { POLICY_HOLD, 0, 0 } };
	struct watch_add like = usual;
	struct sim *s;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		s = sim_new(false, 9);
		like.on_revoke = cases[i].policy;
		add_as(s, 1, 1, &like);
		s->volume[1] = SAYS_DENIED;
		run_for(s, 10 * MINUTE);
		assert_int_equal(s->acts[WATCH_TEARDOWN], cases[i].teardowns);
		assert_int_equal(s->acts[WATCH_LOCK], cases[i].locks);
		sim_free(s);
	}
}

static void a_disabled_key_locks_and_an_enabled_one_reopens(void **state)
{
	struct sim *s = sim_new(false, 11);
	struct watch_volume *v = add(s, 1, 1);

	(void)state;
	run_for(s, 2 * MINUTE);
	s->volume[1] = SAYS_DISABLED;
	run_for(s, MINUTE * 6 / 5 + 100);
	assert_int_equal(s->acts[WATCH_LOCK], 1);
	assert_true(v->locked);
	run_for(s, 10 * MINUTE);
	assert_int_equal(s->acts[WATCH_LOCK], 1);
	s->volume[1] = SAYS_OK;
	s->reopen_fails = true;
	run_for(s, 5 * MINUTE);
	assert_true(s->acts[WATCH_REOPEN] >= 3);
	assert_true(v->locked);
	s->reopen_fails = false;
	run_for(s, 2 * MINUTE);
	assert_false(v->locked);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	sim_free(s);
}

static void describe_key_speaks_for_every_volume_of_the_key(void **state)
{
	static const enum kms_key_state bad[] = {
		KMS_STATE_DISABLED, KMS_STATE_PENDING_DELETION, KMS_STATE_PENDING_REPLICA_DELETION,
		KMS_STATE_PENDING_IMPORT,
	};
	struct sim *s;
	unsigned int i;
	size_t b;

	(void)state;
	for (b = 0; b < sizeof(bad) / sizeof(bad[0]); b++) {
		s = sim_new(false, 13 + b);
		for (i = 0; i < 10; i++)
			add(s, i, i % 2);
		run_for(s, 2 * MINUTE);
		s->key[1] = bad[b];	/* while probes are still answered from an older view */
		run_for(s, 5 * MINUTE);
		assert_int_equal(s->acts[WATCH_LOCK], 5);
		assert_int_equal(s->acts[WATCH_REOPEN], 0);
		assert_int_equal(s->acts_of[0][WATCH_LOCK], 0);
		assert_int_equal(s->brakes, 0);
		s->key[1] = KMS_STATE_ENABLED;
		run_for(s, 2 * MINUTE);
		assert_int_equal(s->acts[WATCH_REOPEN], 5);
		assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
		sim_free(s);
	}
}

static void a_deleted_key_is_lost_whatever_the_policies(void **state)
{
	struct watch_add like = usual;
	struct sim *s = sim_new(false, 17);
	struct watch_volume *v;

	(void)state;
	like.on_revoke = POLICY_HOLD;
	like.on_disabled = POLICY_HOLD;
	v = add_as(s, 1, 1, &like);
	run_for(s, 2 * MINUTE);
	s->volume[1] = SAYS_NOT_FOUND;
	s->describe = SAYS_NOT_FOUND;
	run_for(s, 4 * MINUTE);
	assert_int_equal(v->verdict, VERDICT_LOST);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 1);
	sim_free(s);
}

static void nothing_but_the_kms_s_own_no_tears_down(void **state)
{
	static const enum says harmless[] = { SAYS_NO_ANSWER, SAYS_EXPIRED, SAYS_BAD_BLOB };
	struct sim *s;
	unsigned int i;
	size_t h;

	(void)state;
	for (h = 0; h < 3; h++) {
		s = sim_new(h % 2, 19);
		for (i = 0; i < 20; i++) {
			add(s, i, i);
			s->volume[i] = harmless[h];
		}
		s->describe = harmless[h];
		run_for(s, 24 * 60 * MINUTE);
		assert_int_equal(s->acts[WATCH_TEARDOWN] + s->acts[WATCH_LOCK], 0);
		sim_free(s);
	}
}

static void one_role_edit_over_twenty_keys_is_braked(void **state)
{
	struct sim *s = sim_new(false, 23);
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++)
		add(s, i, i);
	run_for(s, 5 * MINUTE);
	for (i = 0; i < 20; i++)
		s->volume[i] = SAYS_DENIED;
	s->describe = SAYS_DENIED;
	run_for(s, 60 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN] + s->acts[WATCH_LOCK], 0);
	assert_int_equal(s->brakes, 1);
	for (i = 0; i < 20; i++)
		s->volume[i] = SAYS_OK;
	s->describe = SAYS_OK;
	run_for(s, 5 * MINUTE);
	assert_int_equal(s->releases, 1);
	s->volume[3] = SAYS_DENIED;	/* and then a real one */
	run_for(s, 5 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 1);
	assert_int_equal(s->acts_of[3][WATCH_TEARDOWN], 1);
	sim_free(s);
}

/* A KMS that has lost its database, or another one in its place, says of every key that it is not there. */
static void an_emptied_kms_tears_nothing_down(void **state)
{
	struct sim *s;
	unsigned int i;

	(void)state;
	for (int canary = 0; canary < 2; canary++) {
		s = sim_new(canary, 29);
		for (i = 0; i < 20; i++)
			add(s, i, i);
		run_for(s, 5 * MINUTE);
		for (i = 0; i < 20; i++)
			s->volume[i] = SAYS_NOT_FOUND;
		s->describe = SAYS_NOT_FOUND;
		s->control = SAYS_NOT_FOUND;
		run_for(s, 24 * 60 * MINUTE);
		assert_int_equal(s->acts[WATCH_TEARDOWN] + s->acts[WATCH_LOCK], 0);
		assert_int_equal(s->brakes, canary ? 0 : 1);
		/* put back, all is as before */
		for (i = 0; i < 20; i++)
			s->volume[i] = SAYS_OK;
		s->describe = SAYS_OK;
		s->control = SAYS_OK;
		run_for(s, 10 * MINUTE);
		assert_int_equal(s->acts[WATCH_TEARDOWN] + s->acts[WATCH_LOCK], 0);
		assert_int_equal(s->releases, s->brakes);
		sim_free(s);
	}
}

static void many_volumes_of_one_key_are_not_braked(void **state)
{
	struct sim *s = sim_new(false, 29);
	unsigned int i;

	(void)state;
	for (i = 0; i < 40; i++)
		add(s, i, i < 30 ? 1 : 2);
	run_for(s, 5 * MINUTE);
	for (i = 0; i < 30; i++)
		s->volume[i] = SAYS_DENIED;
	run_for(s, 5 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 30);
	assert_int_equal(s->brakes, 0);
	sim_free(s);
}

static void the_canary_has_the_last_word(void **state)
{
	struct sim *s = sim_new(true, 31);
	struct watch_volume *v;
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		v = add(s, i, i);
		s->volume[i] = SAYS_DENIED;
	}
	s->control = SAYS_DENIED;
	run_for(s, 60 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	assert_int_equal(v->verdict, VERDICT_AGENT_FAULT);
	s->control = SAYS_NO_ANSWER;	/* no answer confirms nothing */
	run_for(s, 60 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	s->control = SAYS_OK;
	run_for(s, 5 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 20);
	assert_int_equal(s->brakes, 0);
	sim_free(s);
}

static void a_young_grant_is_given_time(void **state)
{
	struct watch_add young = usual;
	struct sim *s = sim_new(false, 37);

	(void)state;
	young.ok_without_token = false;
	young.grant_born_ms = s->now;
	add_as(s, 1, 1, &young);
	s->volume[1] = SAYS_DENIED;
	run_for(s, 9 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	run_for(s, 3 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 1);
	sim_free(s);
}

static void an_act_that_could_not_start_is_ordered_again(void **state)
{
	struct sim *s = sim_new(false, 41);

	(void)state;
	add(s, 1, 1);
	s->volume[1] = SAYS_DENIED;
	s->act_fails = true;
	run_for(s, 4 * MINUTE);
	assert_true(s->acts[WATCH_TEARDOWN] > 1);
	s->act_fails = false;
	run_for(s, MINUTE);
	assert_true(s->w.volumes->ending);
	sim_free(s);
}

static void a_late_answer_about_a_closed_volume_is_nothing(void **state)
{
	struct sim *s = sim_new(false, 43);
	struct watch_volume *v = add(s, 1, 1);

	(void)state;
	v->due_ms = s->now;
	watch_run(&s->w, s->now);
	assert_int_equal(s->probes, 1);
	watch_remove(&s->w, v);
	assert_int_equal(s->w.in_flight, 0);
	add(s, 1, 1);		/* open again: not asked yet */
	s->volume[1] = SAYS_DISABLED;
	s->now += LATENCY_MS;
	deliver(s, next_answer(s));
	assert_int_equal(s->acts[WATCH_LOCK], 0);
	assert_int_equal(s->verdicts, 0);
	sim_free(s);
}

static void a_volume_is_watched_once(void **state)
{
	struct watch_add twice = usual;
	struct sim *s = sim_new(false, 47);
	struct watch_volume *v;

	(void)state;
	add(s, 1, 1);
	twice.name = "v1";
	twice.key_arn = "arn:aws:kms:eu-test-1:111122223333:key/1";
	assert_int_equal(watch_add(&s->w, &twice, s->now, &v), -EEXIST);
	assert_int_equal(watch_count(&s->w), 1);
	sim_free(s);
}

/*
 * Property: whatever the KMS answers at random, as long as no three denials in a row come
 * without an OK or another word of its own between them, no volume is torn down on a
 * denial; and the counters always come back to rest.
 */
static void random_weather_never_tears_down(void **state)
{
	static const enum says weather[] = { SAYS_OK, SAYS_NO_ANSWER, SAYS_EXPIRED, SAYS_BAD_BLOB, SAYS_DENIED };
	uint64_t seed = 0x5eed, run;
	struct watch_volume *v;
	struct sim *s;
	unsigned int i;

	(void)state;
	for (run = 0; run < 40; run++) {
		s = sim_new(run % 2, test_random(&seed));
		for (i = 0; i < 8; i++)
			add(s, i, i % 3);
		for (i = 0; i < 2000; i++) {
			unsigned int n = test_random(&seed) % 8;

			for (v = s->w.volumes; v && number(v->name) != n; v = v->next)
				;
			s->volume[n] = weather[test_random(&seed) % 5];
			if (v->vcase.denials >= 2)
				s->volume[n] = SAYS_OK;
			for (v = s->w.volumes; v; v = v->next) {
				if (v->vcase.denials >= 2)
					s->volume[number(v->name)] = SAYS_OK;
			}
			run_for(s, 500);
		}
		assert_int_equal(s->acts[WATCH_TEARDOWN] + s->acts[WATCH_LOCK], 0);
		for (i = 0; i < MAX; i++) {
			while (s->q[i].pending)
				run_for(s, 1);
		}
		sim_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_keep_to_the_interval_without_a_herd),
		cmocka_unit_test(questions_on_their_way_are_bounded),
		cmocka_unit_test(a_new_volume_is_first_asked_after_its_interval),
		cmocka_unit_test(a_grant_taken_back_tears_down_after_sixty_seconds),
		cmocka_unit_test(one_ok_in_between_starts_the_count_anew),
		cmocka_unit_test(policies_of_a_revocation),
		cmocka_unit_test(a_disabled_key_locks_and_an_enabled_one_reopens),
		cmocka_unit_test(describe_key_speaks_for_every_volume_of_the_key),
		cmocka_unit_test(a_deleted_key_is_lost_whatever_the_policies),
		cmocka_unit_test(nothing_but_the_kms_s_own_no_tears_down),
		cmocka_unit_test(one_role_edit_over_twenty_keys_is_braked),
		cmocka_unit_test(an_emptied_kms_tears_nothing_down),
		cmocka_unit_test(many_volumes_of_one_key_are_not_braked),
		cmocka_unit_test(the_canary_has_the_last_word),
		cmocka_unit_test(a_young_grant_is_given_time),
		cmocka_unit_test(an_act_that_could_not_start_is_ordered_again),
		cmocka_unit_test(a_late_answer_about_a_closed_volume_is_nothing),
		cmocka_unit_test(a_volume_is_watched_once),
		cmocka_unit_test(random_weather_never_tears_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
