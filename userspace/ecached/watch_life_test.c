// SPDX-License-Identifier: GPL-2.0-or-later
/* The policies together, over random lives of four volumes and their agent. */
#include "../common/test.h"
#include "watch_target.h"

/*
 * Property: volumes with all kinds of policies live through random answers, crashes, stops,
 * sleeps and failed orders. Whatever comes:
 *   - without a word of the KMS's that says so, nothing is torn down;
 *   - under fail-after no key is there longer than that after the last OK while the agent
 *     runs, and with a lease not even when it does not;
 *   - without an agent no key outlives its lease;
 *   - when the weather is fine for long enough, everything is open again.
 */
#define KINDS 4

static const struct watch_add kinds[KINDS] = {
	{ .on_disabled = POLICY_LOCK, .interval_ms = MINUTE, .ok_without_token = true },
	{ .on_disabled = POLICY_LOCK, .interval_ms = MINUTE, .ok_without_token = true, .lease_ms = 2 * MINUTE },
	{ .on_disabled = POLICY_LOCK, .interval_ms = MINUTE, .ok_without_token = true, .fail_after_ms = 5 * MINUTE },
	{ .on_disabled = POLICY_LOCK, .interval_ms = MINUTE, .ok_without_token = true, .fail_after_ms = 5 * MINUTE,
	  .lease_ms = 3 * MINUTE },
};

/* take_notes - the daemon's record of the last OK, which lags. */
static void take_notes(struct sim *s)
{
	struct target *t;
	struct watch_volume *v;

	for (v = s->w.volumes; v; v = v->next) {
		t = &target[number(v->name)];
		if (v->ok_ms - t->record_ms > MINUTE / 2)
			t->record_ms = v->ok_ms;
	}
}

static void check_invariants(struct sim *s, bool agent)
{
	unsigned int n;

	for (n = 0; n < KINDS; n++) {
		if (!target[n].key)
			continue;
		if (kinds[n].fail_after_ms && (agent || kinds[n].lease_ms) &&
		    s->now > s->ok_of[n] + kinds[n].fail_after_ms + (agent ? 1000 : 0))
			fail_msg("kind %u: readable %lld ms after the last OK", n, (long long)(s->now - s->ok_of[n]));
		if (kinds[n].lease_ms && s->now > target[n].lease_end_ms)
			fail_msg("kind %u: a key without lease", n);
	}
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
}

/* no_proof - three fresh denials over a minute are the KMS's word, and would end a volume: not in this test. */
static void no_proof(struct sim *s)
{
	struct watch_volume *v;

	for (v = s->w.volumes; v; v = v->next) {
		if (v->vcase.denials)
			s->volume[number(v->name)] = SAYS_OK;
	}
}

static void crash(struct sim *s, uint64_t *seed)
{
	bool was_locked[KINDS];
	struct watch_volume *v;
	unsigned int n;

	for (v = s->w.volumes; v; v = v->next)
		was_locked[number(v->name)] = v->locked;
	if (test_random(seed) % 2)
		watch_stopping(&s->w, s->now);
	die(s, (int64_t)(test_random(seed) % 600) * 1000);
	check_invariants(s, false);
	start_watch(s, test_random(seed));
	for (n = 0; n < KINDS; n++) {
		v = live(s, n, &kinds[n], was_locked[n]);
		v->lease_ms = kinds[n].lease_ms;
	}
	run_for(s, 0);
}

static void random_lives(void **state)
{
	static const enum says weather[] = { SAYS_OK, SAYS_OK, SAYS_NO_ANSWER, SAYS_EXPIRED, SAYS_BAD_BLOB, SAYS_DENIED,
					     SAYS_DISABLED };
	uint64_t seed = 0x1ea5e, life;
	struct sim *s;
	unsigned int i, n;

	(void)state;
	for (life = 0; life < 300; life++) {
		s = sim_with_targets(test_random(&seed));
		for (n = 0; n < KINDS; n++)
			open_as(s, n, &kinds[n]);
		for (i = 0; i < 400; i++) {
			n = test_random(&seed) % KINDS;
			s->volume[n] = weather[test_random(&seed) % 7];
			s->act_fails = test_random(&seed) % 16 == 0;
			no_proof(s);
			if (test_random(&seed) % 40 == 0)
				crash(s, &seed);
			if (test_random(&seed) % 40 == 0)
				s->now += (int64_t)(test_random(&seed) % 900) * 1000;	/* stopped, or asleep */
			expire(s);
			run_for(s, (int64_t)(test_random(&seed) % 10000));
			s->act_fails = false;
			run_for(s, 1000);
			expire(s);
			take_notes(s);
			check_invariants(s, true);
		}
		for (n = 0; n < KINDS; n++)
			s->volume[n] = SAYS_OK;
		for (i = 0; i < 50; i++)
			step(s, 6000);
		for (n = 0; n < KINDS; n++) {
			if (!target[n].key)
				fail_msg("life %llu: kind %u is still closed", (unsigned long long)life, n);
		}
		sim_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
