// SPDX-License-Identifier: GPL-2.0-or-later
/* Open, close and dump; what they refuse, and what an interruption of them leaves. */
#include "../common/test.h"
#include "life.h"

static void open_and_close(void **state)
{
	struct place *p = place_with_volume();
	struct state *s;

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	s = state_of(p);
	assert_true(s->ok_without_token);
	assert_true(s->has_last_ok);
	free(s);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);	/* open already */
	assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
	assert_int_equal(world->dm.nr, 0);
	assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);	/* closed already */
	assert_int_equal(audit_verify(p->audit, NULL, NULL), 0);
	place_drop(p);
}

/* refused - open fails, says @what, asks the KMS only if it may, and leaves no mapping. */
static void refused(struct place *p, const char *what, bool before_kms)
{
	unsigned int unwraps = world->unwraps;
	struct err e = ERR_INIT;

	if (do_verb(p, REQUEST_OPEN, &e) != RAN_FAILED)
		fail_msg("opened, though %s", what);
	if (!strstr(e.what, what))
		fail_msg("'%s' does not say '%s'", e.what, what);
	assert_int_equal(world->dm.nr, 0);
	if (before_kms)
		assert_int_equal(world->unwraps, unwraps);
}

static void open_says_what_the_kms_said(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);	/* from now on a denial is no young grant's */
	assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
	world->key_disabled = true;
	refused(p, "DisabledException: in the KMS's words (request request-", false);
	world->key_disabled = false;
	world->kms_down = true;
	refused(p, "no answer from the KMS", false);
	world->kms_down = false;
	world->grant[0].alive = false;
	refused(p, "AccessDeniedException", false);
	world->grant[0].alive = true;
	world->wrong_key = true;
	refused(p, "is not its key", false);
	world->wrong_key = false;
	revoke_grant(p);
	assert_int_equal(do_verb(p, REQUEST_OPEN, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "2023-11-14"));
	assert_non_null(strstr(e.what, "request-77"));
	assert_non_null(strstr(e.hint, "ecachectl regrant c1"));
	place_drop(p);
}

static void open_wants_pin_header_and_state_of_one_mind(void **state)
{
	struct place *p = place_with_volume();
	struct pin pin, changed;
	struct state *s;

	(void)state;
	assert_int_equal(pin_load(p->pins, "c1", &pin, NULL), 0);
	changed = pin;
	strcpy(changed.cache_id, "another");
	assert_int_equal(pin_replace(p->pins, "c1", &changed, NULL), 0);
	refused(p, "cache", true);
	changed = pin;
	changed.key_arn[strlen(changed.key_arn) - 1] = 'c';
	assert_int_equal(pin_replace(p->pins, "c1", &changed, NULL), 0);
	refused(p, "key", true);
	changed = pin;
	luks_uuid_make(changed.luks_uuid);
	assert_int_equal(pin_replace(p->pins, "c1", &changed, NULL), 0);
	refused(p, "uuid", true);
	changed = pin;
	strcpy(changed.device, "/nowhere/at/all");
	assert_int_equal(pin_replace(p->pins, "c1", &changed, NULL), 0);
	refused(p, "/nowhere/at/all", true);
	assert_int_equal(pin_replace(p->pins, "c1", &pin, NULL), 0);

	s = state_of(p);
	s->epoch++;			/* a newer header was seen here */
	assert_int_equal(state_store(p->state, "c1", s, NULL), 0);
	free(s);
	refused(p, "older", true);
	place_drop(p);
}

static void an_older_header_can_be_accepted_on_purpose(void **state)
{
	struct request rq = ask(REQUEST_OPEN);
	struct place *p = place_with_volume();
	struct state *s = state_of(p);
	char *log;

	(void)state;
	s->epoch += 5;
	strcpy(s->grant_id, "newest");
	assert_int_equal(state_store(p->state, "c1", s, NULL), 0);
	free(s);
	rq.accept_older_header = true;
	assert_int_equal(run_job(p, job_open, &rq, NULL), RAN_OK);
	log = scratch_read(&p->scratch, "audit.log");
	assert_non_null(strstr(log, "\"accepted_older_header\":true"));
	free(log);
	assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	s = state_of(p);
	assert_string_equal(s->grant_id, "newest");	/* not the old header's */
	free(s);
	place_drop(p);
}

static void a_host_that_never_saw_the_volume_opens_it_by_its_pin(void **state)
{
	struct place *p = place_with_volume();
	struct state *s;

	(void)state;
	assert_int_equal(state_remove(p->state, "c1", NULL), 0);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	s = state_of(p);
	assert_true(s->epoch > 0);
	free(s);
	place_drop(p);
}

/*
 * mapping_open() itself leaves nothing when it fails; struck after it, the next open finds
 * it.
 */
static void no_key_is_left(struct place *p, enum ran how)
{
	if (how == RAN_FAILED && world->dm.nr && strcmp(world->fault.name, "mapping_open"))
		fail_msg("a mapping is left by a failure of %s", world->fault.name);
	if (how == RAN_KILLED && world->dm.nr && mapped(p) != DM_STATE_LOCKED &&
	    !strstr("mapping_key_set mapping_announce state_store", world->fault.name))
		fail_msg("a key is left by a kill at %s", world->fault.name);
	if (how != RAN_OK)
		assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
}

/*
 * Struck at any call, open leaves no mapping when it fails, and after a kill at most a
 * LOCKED one, which the daemon removes.
 */
static void a_strike_at_open_leaves_no_key(void **state)
{
	(void)state;
	assert_true(strike_every_call(REQUEST_OPEN, NULL, no_key_is_left) > 20);
}

static void the_key_is_handed_out_only_with_the_record_on_disk(void **state)
{
	struct place *p = place_with_volume();
	unsigned int at;

	(void)state;
	for (at = 1; strcmp(world->fault.name, "audit_append"); at++) {
		assert_true(at < 20);
		world->fault = (struct fault){ .mode = FAULT_FAIL_BEFORE, .at = at };
		assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_FAILED);
	}
	assert_int_equal(world->dm.messages, 0);
	assert_int_equal(world->dm.nr, 0);
	place_drop(p);
}

static void a_volume_in_use_is_not_closed(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	world->dm.dev[0].open_count = 1;
	assert_int_equal(do_verb(p, REQUEST_CLOSE, &e), RAN_FAILED);
	assert_int_equal(e.rc, -EBUSY);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	assert_int_equal(do_verb(p, REQUEST_DESTROY, &e), RAN_FAILED);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	assert_false(exists(p->intents, "c1", ".json"));
	place_drop(p);
}

static void unknown_names_are_told(void **state)
{
	static const enum request_verb verbs[] = { REQUEST_OPEN, REQUEST_CLOSE, REQUEST_REGRANT, REQUEST_REWRAP,
						   REQUEST_RESIZE, REQUEST_DESTROY, REQUEST_DUMP };
	struct place *p = place_make();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(do_verb(p, verbs[i], &e), RAN_FAILED);
		assert_non_null(strstr(e.what, "no volume c1"));
	}
	place_drop(p);
}

static void dump_shows_everything_and_no_key(void **state)
{
	struct place *p = place_with_volume();
	struct request rq = ask(REQUEST_DUMP);
	struct talk none = TALK_NONE;
	struct job j = { .env = &p->env, .talk = &none, .rq = &rq, .result = json_object_new_object() };
	struct err e = ERR_INIT;
	const char *text;
	size_t len;

	(void)state;
	assert_int_equal(job_dump(&j, &e), 0);
	text = js_text(j.result, &len);
	assert_non_null(strstr(text, "\"header\":{"));
	assert_non_null(strstr(text, "\"ciphertext_blob\":"));
	assert_non_null(strstr(text, "\"pin\":{"));
	assert_non_null(strstr(text, "\"state\":{"));
	assert_null(strstr(text, "00070e151c232a31"));	/* the key's beginning in hex */
	json_object_put(j.result);
	place_drop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_and_close),
		cmocka_unit_test(open_says_what_the_kms_said),
		cmocka_unit_test(open_wants_pin_header_and_state_of_one_mind),
		cmocka_unit_test(an_older_header_can_be_accepted_on_purpose),
		cmocka_unit_test(a_host_that_never_saw_the_volume_opens_it_by_its_pin),
		cmocka_unit_test(a_strike_at_open_leaves_no_key),
		cmocka_unit_test(the_key_is_handed_out_only_with_the_record_on_disk),
		cmocka_unit_test(a_volume_in_use_is_not_closed),
		cmocka_unit_test(unknown_names_are_told),
		cmocka_unit_test(dump_shows_everything_and_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
