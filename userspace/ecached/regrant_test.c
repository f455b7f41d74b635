// SPDX-License-Identifier: GPL-2.0-or-later
/* A grant for a volume whose grant was taken back, or for the next one before that. */
#include "../common/test.h"
#include "life.h"

static void regrant_brings_a_revoked_volume_back(void **state)
{
	struct place *p = place_with_volume();
	struct state *s;
	char old[KMS_GRANT_ID_MAX + 1];

	(void)state;
	s = state_of(p);
	strcpy(old, s->grant_id);
	free(s);
	revoke_grant(p);
	assert_int_equal(do_verb(p, REQUEST_REGRANT, NULL), RAN_OK);
	s = state_of(p);
	assert_false(s->is_revoked);
	assert_string_not_equal(s->grant_id, old);
	assert_int_equal(world_alive(), 1);
	free(s);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	place_drop(p);
}

static void regrant_takes_the_owners_grant_and_retires_the_old_one(void **state)
{
	struct place *p = place_with_volume();
	struct request rq = ask(REQUEST_REGRANT);
	struct state *s;

	(void)state;
	strcpy(rq.grant_id, world_grant("the owner's", true)->id);
	assert_int_equal(world_alive(), 2);
	assert_int_equal(run_job(p, job_regrant, &rq, NULL), RAN_OK);
	s = state_of(p);
	assert_string_equal(s->grant_id, rq.grant_id);
	free(s);
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

static void regrant_by_the_name_of_a_grant_that_stands_keeps_it(void **state)
{
	struct place *p = place_with_volume();
	struct state *s = state_of(p);

	(void)state;
	s->is_revoked = true;		/* by `ecachectl revoke`: the grant stands */
	strcpy(s->revoked.reason, "ecachectl revoke on this host");
	strcpy(s->revoked.verdict, "revoked");
	assert_int_equal(state_store(p->state, "c1", s, NULL), 0);
	free(s);
	world->key_disabled = true;	/* and even a failure does not retire it */
	assert_int_equal(do_verb(p, REQUEST_REGRANT, NULL), RAN_FAILED);
	assert_int_equal(world_alive(), 1);
	world->key_disabled = false;
	assert_int_equal(do_verb(p, REQUEST_REGRANT, NULL), RAN_OK);
	assert_int_equal(world_alive(), 1);
	assert_int_equal(world->grants_made, 1);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	place_drop(p);
}

#define OTHER_HOST "arn:aws:iam::123456789012:role/host2"

/* regrant_to - `regrant c1 --host @host`. */
static enum ran regrant_to(struct place *p, const char *host, struct err *e)
{
	struct request rq = ask(REQUEST_REGRANT);

	strcpy(rq.host, host);
	return run_job(p, job_regrant, &rq, e);
}

static void regrant_for_another_host_takes_the_volume_from_this_one(void **state)
{
	struct place *p = place_with_volume();
	unsigned int unwraps = world->unwraps;
	struct err e = ERR_INIT;
	struct state *s;

	(void)state;
	assert_int_equal(regrant_to(p, OTHER_HOST, NULL), RAN_OK);
	assert_int_equal(world->unwraps, unwraps);	/* only the other host could try it */
	assert_int_equal(world_alive(), 1);
	s = state_of(p);
	assert_true(s->is_revoked);
	assert_non_null(strstr(world_find_grant(s->grant_id)->name, OTHER_HOST));
	free(s);
	assert_int_equal(do_verb(p, REQUEST_OPEN, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "its grant was given to " OTHER_HOST));
	assert_int_equal(do_verb(p, REQUEST_REGRANT, NULL), RAN_OK);	/* and back */
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

static void regrant_for_another_host_wants_the_volume_closed(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(regrant_to(p, OTHER_HOST, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "open here"));
	assert_int_equal(world->grants_made, 1);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	place_drop(p);
}

static void regrant_for_this_host_by_its_arn_is_the_usual_one(void **state)
{
	struct place *p = place_with_volume();

	(void)state;
	revoke_grant(p);
	assert_int_equal(regrant_to(p, p->principal, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	place_drop(p);
}

/*
 * old_or_new - revoked as before with no grant, or openable under one new grant; nothing
 * between.
 */
static void old_or_new(struct place *p, enum ran how)
{
	struct state *s = state_of(p);
	bool back = !s->is_revoked;
	struct err e = ERR_INIT;

	assert_false(exists(p->intents, "c1", ".json"));
	if (how == RAN_OK)
		assert_true(back);
	if (back != (world_alive() == 1))
		fail_msg("%s but %u grants after %s", back ? "granted" : "revoked", world_alive(), world->fault.name);
	if (back)
		assert_non_null(world_find_grant(s->grant_id));
	free(s);
	assert_int_equal(do_verb(p, REQUEST_OPEN, &e), back ? RAN_OK : RAN_FAILED);
	if (back)
		return;
	assert_non_null(strstr(e.what, "was revoked"));
	assert_int_equal(do_verb(p, REQUEST_REGRANT, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(world_alive(), 1);
}

static void a_strike_at_regrant_leaves_the_old_or_the_new(void **state)
{
	(void)state;
	assert_true(strike_every_call(REQUEST_REGRANT, revoke_grant, old_or_new) > 20);
}

static void the_creator_of_a_regrant_may_die(void **state)
{
	enum creator_mode mode;
	unsigned int at;

	(void)state;
	for (mode = CREATOR_DIES_BEFORE; mode <= CREATOR_FAILS; mode++) {
		for (at = 1; at <= 2; at++) {
			struct place *p = place_with_volume();
			enum ran how;

			revoke_grant(p);
			world->creator = mode;
			world->creator_at = at;
			how = do_verb(p, REQUEST_REGRANT, NULL);
			world->creator = CREATOR_GOOD;
			old_or_new(p, how);
			place_drop(p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regrant_brings_a_revoked_volume_back),
		cmocka_unit_test(regrant_takes_the_owners_grant_and_retires_the_old_one),
		cmocka_unit_test(regrant_by_the_name_of_a_grant_that_stands_keeps_it),
		cmocka_unit_test(regrant_for_another_host_takes_the_volume_from_this_one),
		cmocka_unit_test(regrant_for_another_host_wants_the_volume_closed),
		cmocka_unit_test(regrant_for_this_host_by_its_arn_is_the_usual_one),
		cmocka_unit_test(a_strike_at_regrant_leaves_the_old_or_the_new),
		cmocka_unit_test(the_creator_of_a_regrant_may_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
