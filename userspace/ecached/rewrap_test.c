// SPDX-License-Identifier: GPL-2.0-or-later
/* A volume's key under another KMS key: new grant first, header and pin together, old grant last. */
#include "../common/test.h"
#include "life.h"
#include "rewrapping.h"

/* key_of - what pin, header and state agree on, which they must. */
static const char *key_of(const struct place *p)
{
	struct header *h = calloc(1, sizeof(*h));
	struct state *s = state_of(p);
	struct pin pin;
	bool second;

	assert_non_null(h);
	assert_int_equal(pin_load(p->pins, "c1", &pin, NULL), 0);
	assert_int_equal(header_load(p->disk, h, NULL), 0);
	assert_int_equal(pin_match(&pin, h, NULL), 0);
	assert_int_equal(state_check_header(s, h, NULL), 0);
	assert_string_equal(s->grant_id, h->token.grant_id);
	second = !strcmp(pin.key_arn, WORLD_ARN2);
	free(s);
	free(h);
	return second ? WORLD_ARN2 : WORLD_ARN;
}

static void open_it(struct place *p)
{
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
}

static bool unfinished(const struct place *p, const char *step)
{
	struct intent *i = calloc(1, sizeof(*i));
	bool yes = !intent_load(p->intents, "c1", i, NULL) && !strcmp(i->step, step);

	free(i);
	return yes;
}

static void the_old_grant_stands_until_the_rest_is_done(void **state)
{
	struct place *p = place_with_volume();

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_REWRAP, NULL), RAN_OK);
	assert_string_equal(key_of(p), WORLD_ARN2);
	assert_true(unfinished(p, REWRAP_RETIRE_OLD));
	assert_int_equal(world_alive_on(WORLD_ARN), 1);
	assert_int_equal(world_alive_on(WORLD_ARN2), 1);
	assert_true(recorded(p, "\"event\":\"rewrap\""));
	assert_true(recorded(p, "\"ReEncrypt\":"));
	open_it(p);				/* nobody has to wait for the KMS to retire a grant */
	assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
	recover_all(p, "c1");
	assert_int_equal(world_alive_on(WORLD_ARN), 0);
	assert_int_equal(world_alive_on(WORLD_ARN2), 1);
	assert_true(recorded(p, "\"event\":\"rewrap-finished\""));
	open_it(p);
	place_drop(p);
}

static void an_open_volume_stays_open(void **state)
{
	struct place *p = place_with_volume();
	unsigned int unwraps;

	(void)state;
	open_it(p);
	unwraps = world->unwraps;
	assert_int_equal(do_verb(p, REQUEST_REWRAP, NULL), RAN_OK);
	assert_int_equal(world->unwraps, unwraps + 1);	/* the proof */
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	recover_all(p, "c1");
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
	open_it(p);
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

static void and_back_again(void **state)
{
	struct place *p = place_with_volume();
	struct request rq = ask(REQUEST_REWRAP);

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_REWRAP, NULL), RAN_OK);
	recover_all(p, "c1");
	strcpy(rq.kms_key, WORLD_ARN);
	assert_int_equal(run_job(p, job_rewrap, &rq, NULL), RAN_OK);
	recover_all(p, "c1");
	assert_string_equal(key_of(p), WORLD_ARN);
	assert_int_equal(world_alive(), 1);
	open_it(p);
	place_drop(p);
}

static void the_owners_grant_on_the_new_key_will_do(void **state)
{
	struct place *p = place_with_volume();
	struct request rq = ask(REQUEST_REWRAP);
	struct state *s;

	(void)state;
	strcpy(rq.grant_id, world_grant_on(WORLD_ARN2, "the owner's", true)->id);
	assert_int_equal(run_job(p, job_rewrap, &rq, NULL), RAN_OK);
	recover_all(p, "c1");
	s = state_of(p);
	assert_string_equal(s->grant_id, rq.grant_id);
	free(s);
	assert_int_equal(world_alive(), 1);
	open_it(p);
	place_drop(p);
}

static void its_own_key_is_no_other_one(void **state)
{
	struct place *p = place_with_volume();
	struct request rq = ask(REQUEST_REWRAP);
	struct err e = ERR_INIT;

	(void)state;
	strcpy(rq.kms_key, WORLD_ARN);
	assert_int_equal(run_job(p, job_rewrap, &rq, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "c1 is under " WORLD_ARN " already"));
	assert_false(exists(p->intents, "c1", ".json"));
	assert_int_equal(world->grants_made, 1);
	assert_int_equal(world_alive(), 1);
	open_it(p);
	place_drop(p);
}

static void a_revoked_volume_is_granted_again_first(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	revoke_grant(p);
	assert_int_equal(do_verb(p, REQUEST_REWRAP, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "was revoked"));
	assert_non_null(strstr(e.hint, "regrant"));
	assert_int_equal(world->grants_made, 1);
	place_drop(p);
}

static void what_the_new_key_does_not_open_is_not_taken(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	world->wrong_key = true;
	assert_int_equal(do_verb(p, REQUEST_REWRAP, &e), RAN_FAILED);
	world->wrong_key = false;
	assert_non_null(strstr(e.what, "not this volume's"));
	assert_false(exists(p->intents, "c1", ".json"));
	assert_string_equal(key_of(p), WORLD_ARN);
	assert_int_equal(world_alive_on(WORLD_ARN), 1);
	assert_int_equal(world_alive_on(WORLD_ARN2), 0);
	open_it(p);
	place_drop(p);
}

/* killed_after - a place whose rewrap was killed right after it called @call. */
static struct place *killed_after(const char *call)
{
	unsigned int at;

	for (at = 1; ; at++) {
		struct place *p = place_with_volume();

		world->fault = (struct fault){ .mode = FAULT_KILL_AFTER, .at = at };
		assert_int_equal(do_verb(p, REQUEST_REWRAP, NULL), RAN_KILLED);
		world->fault.mode = FAULT_NONE;
		if (!strcmp(world->fault.name, call))
			return p;
		place_drop(p);
	}
}

static int recover_once(struct place *p, bool last)
{
	struct err e = ERR_INIT;

	return recover_intent(&p->env, "c1", last, &e);
}

/* A pin on a file system that is full or read-only is no reason to have a header that it does not go with. */
static void a_pin_that_cannot_be_written_comes_up_before_the_header(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;
	unsigned int at = 0;

	(void)state;
	do {
		world->fault = (struct fault){ .mode = FAULT_FAIL_BEFORE, .at = ++at };
		assert_int_equal(do_verb(p, REQUEST_REWRAP, &e), RAN_FAILED);
	} while (strcmp(world->fault.name, "pin_set_key"));
	assert_string_equal(key_of(p), WORLD_ARN);
	assert_false(exists(p->intents, "c1", ".json"));
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

/* What the disks know is finished without the KMS; with it, the volume opens before anything is retired. */
static void a_kms_that_is_away_keeps_nothing_half_done(void **state)
{
	struct place *p = killed_after("header_write_token");
	int tries;

	(void)state;
	world->kms_down = true;
	for (tries = 0; tries < 3; tries++)
		assert_int_equal(recover_once(p, true), -EAGAIN);
	assert_string_equal(key_of(p), WORLD_ARN2);
	assert_int_equal(world_alive(), 2);
	world->kms_down = false;
	open_it(p);
	recover_all(p, "c1");
	assert_int_equal(world_alive_on(WORLD_ARN), 0);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	place_drop(p);
}

static void the_old_key_opens_while_the_new_grant_cannot_be_retired(void **state)
{
	struct place *p = killed_after("header_verify_key");

	(void)state;
	world->kms_down = true;
	assert_int_equal(recover_once(p, true), -EAGAIN);
	assert_true(unfinished(p, REWRAP_RETIRE));
	world->kms_down = false;
	open_it(p);
	assert_string_equal(key_of(p), WORLD_ARN);
	recover_all(p, "c1");
	assert_int_equal(world_alive_on(WORLD_ARN2), 0);
	place_drop(p);
}

/* The watcher has to ask under the new key before the old grant ends. */
static void a_recovery_does_not_retire_in_one_go(void **state)
{
	struct place *p = killed_after("header_write_token");

	(void)state;
	assert_int_equal(recover_once(p, false), -EAGAIN);
	assert_true(unfinished(p, REWRAP_RETIRE_OLD));
	assert_int_equal(world_alive_on(WORLD_ARN), 1);
	assert_int_equal(recover_once(p, false), 0);
	assert_int_equal(world_alive_on(WORLD_ARN), 0);
	place_drop(p);
}

static void a_teardowns_mark_outlives_it(void **state)
{
	struct place *p = killed_after("header_write_token");
	struct state *s = state_of(p);

	(void)state;
	s->is_revoked = true;
	strcpy(s->revoked.verdict, "revoked");
	assert_int_equal(state_store(p->state, "c1", s, NULL), 0);
	free(s);
	recover_all(p, "c1");
	assert_string_equal(key_of(p), WORLD_ARN2);
	s = state_of(p);
	assert_true(s->is_revoked);
	free(s);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_FAILED);
	place_drop(p);
}

/* Nothing is undone for a disk that was not seen: it may well be under the new key. */
static void a_disk_that_is_not_there_is_waited_for(void **state)
{
	struct place *p = killed_after("header_write_token");
	char away[112];

	(void)state;
	snprintf(away, sizeof(away), "%s.away", p->disk);
	assert_int_equal(rename(p->disk, away), 0);
	assert_true(recover_once(p, true) < 0);
	place_blank_disk(p);
	assert_true(recover_once(p, true) < 0);
	assert_int_equal(world_alive(), 2);
	assert_int_equal(rename(away, p->disk), 0);
	recover_all(p, "c1");
	assert_string_equal(key_of(p), WORLD_ARN2);
	open_it(p);
	place_drop(p);
}

static void an_old_grant_that_cannot_be_retired_is_given_up_at_last(void **state)
{
	struct place *p = place_with_volume();

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_REWRAP, NULL), RAN_OK);
	world->retire_refused = true;
	assert_int_equal(recover_once(p, false), -EAGAIN);
	assert_true(unfinished(p, REWRAP_RETIRE_OLD));
	assert_int_equal(recover_once(p, true), 0);
	assert_false(exists(p->intents, "c1", ".json"));
	open_it(p);
	place_drop(p);
}

/* old_or_new - under one of both keys, with one grant, and that opens it. */
static void old_or_new(struct place *p, enum ran how)
{
	const char *key = key_of(p);
	struct mapping m;

	assert_false(exists(p->intents, "c1", ".json"));
	if (how == RAN_OK)
		assert_string_equal(key, WORLD_ARN2);
	if (world_alive() != 1 || world_alive_on(key) != 1)
		fail_msg("%u grants, %u on its key, after %s", world_alive(), world_alive_on(key), world->fault.name);
	assert_int_equal(mapping_get(&p->env.dm, "c1", &m, NULL), 0);
	if (m.exists) {
		assert_int_equal(m.status.state, DM_STATE_ACTIVE);
		assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
	}
	open_it(p);
}

static void a_strike_leaves_the_old_or_the_new(void **state)
{
	(void)state;
	assert_true(strike_every_call(REQUEST_REWRAP, NULL, old_or_new) > 30);
}

static void a_strike_at_an_open_volume_leaves_it_open(void **state)
{
	(void)state;
	assert_true(strike_every_call(REQUEST_REWRAP, open_it, old_or_new) > 30);
}

static void the_creator_may_die(void **state)
{
	enum creator_mode mode;
	unsigned int at;

	(void)state;
	for (mode = CREATOR_DIES_BEFORE; mode <= CREATOR_FAILS; mode++) {
		for (at = 1; at <= 3; at++) {
			struct place *p = place_with_volume();
			enum ran how;

			world->creator = mode;
			world->creator_at = at;
			how = do_verb(p, REQUEST_REWRAP, NULL);
			world->creator = CREATOR_GOOD;
			recover_all(p, "c1");
			old_or_new(p, how);
			place_drop(p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_old_grant_stands_until_the_rest_is_done),
		cmocka_unit_test(an_open_volume_stays_open),
		cmocka_unit_test(and_back_again),
		cmocka_unit_test(the_owners_grant_on_the_new_key_will_do),
		cmocka_unit_test(its_own_key_is_no_other_one),
		cmocka_unit_test(a_revoked_volume_is_granted_again_first),
		cmocka_unit_test(what_the_new_key_does_not_open_is_not_taken),
		cmocka_unit_test(a_pin_that_cannot_be_written_comes_up_before_the_header),
		cmocka_unit_test(a_kms_that_is_away_keeps_nothing_half_done),
		cmocka_unit_test(the_old_key_opens_while_the_new_grant_cannot_be_retired),
		cmocka_unit_test(a_recovery_does_not_retire_in_one_go),
		cmocka_unit_test(a_teardowns_mark_outlives_it),
		cmocka_unit_test(a_disk_that_is_not_there_is_waited_for),
		cmocka_unit_test(an_old_grant_that_cannot_be_retired_is_given_up_at_last),
		cmocka_unit_test(a_strike_leaves_the_old_or_the_new),
		cmocka_unit_test(a_strike_at_an_open_volume_leaves_it_open),
		cmocka_unit_test(the_creator_may_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
