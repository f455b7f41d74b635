// SPDX-License-Identifier: GPL-2.0-or-later
/* An operator says that what the brake holds is meant: for the volumes that he names, once their denials are proven. */
#include "../common/test.h"
#include "../common/json.h"
#include "../volume/scratch.h"
#include "confirm.h"
#include "job.h"
#include "watch_sim.h"

#define PROVEN (3 * MINUTE)

/*
 * braked - @nr volumes, each of a key of its own, denied for @ms; v9 answers OK, so that
 * the brake does not go by itself.
 */
static struct sim *braked(unsigned int nr, int64_t ms)
{
	struct sim *s = sim_new(false, 23);
	unsigned int i;

	add(s, 9, 9);
	for (i = 0; i < nr; i++)
		add(s, i, i);
	run_for(s, 5 * MINUTE);
	for (i = 0; i < nr; i++)
		s->volume[i] = SAYS_DENIED;
	run_for(s, ms);
	return s;
}

static struct watch_volume *volume(const struct sim *s, unsigned int n)
{
	char name[32];

	snprintf(name, sizeof(name), "v%u", n);
	return watch_find(&s->w, name);
}

/* confirm - job_confirm() for @name ("": all) with the list @names, against the watcher of @s. */
static int confirm(struct scratch *sc, const struct sim *s, const char *name, const char *names, struct err *e)
{
	static struct request rq;
	struct env env = { .audit_log = scratch_path(sc, "audit.log") };
	struct job j = { .env = &env, .rq = &rq, .watch = &s->w, .result = json_object_new_object() };
	int rc;

	*e = (struct err)ERR_INIT;
	rq = (struct request){ .verb = REQUEST_CONFIRM };
	snprintf(rq.name, sizeof(rq.name), "%s", name);
	snprintf(rq.volumes, sizeof(rq.volumes), "%s", names);
	rc = job_confirm(&j, e);
	json_object_put(j.result);
	return rc;
}

static bool recorded(struct scratch *sc, const char *what)
{
	char *log;
	bool found;

	if (access(scratch_path(sc, "audit.log"), F_OK))
		return false;
	log = scratch_read(sc, "audit.log");
	found = strstr(log, what);
	free(log);
	return found;
}

static void a_name_is_in_a_list_or_not(void **state)
{
	(void)state;
	assert_true(confirm_names("c1", "c1"));
	assert_true(confirm_names("a,c1", "c1"));
	assert_true(confirm_names("c1,b", "c1"));
	assert_false(confirm_names("", "c1"));
	assert_false(confirm_names("c11", "c1"));
	assert_false(confirm_names("c", "c1"));
	assert_false(confirm_names("b,xc1,d", "c1"));
}

static void the_brake_holds_what_is_proven(void **state)
{
	struct sim *s = braked(3, PROVEN);
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_true(watch_held(&s->w, volume(s, i)));
	assert_false(watch_held(&s->w, volume(s, 9)));
	run_for(s, 60 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	sim_free(s);
}

static void one_volume_by_its_name_and_the_others_stay_held(void **state)
{
	struct sim *s = braked(3, PROVEN);
	struct err e;

	assert_int_equal(confirm(*state, s, "v1", "v1", &e), 0);
	watch_confirm(&s->w, volume(s, 1), s->now);
	assert_int_equal(s->acts_of[1][WATCH_TEARDOWN], 1);
	assert_int_equal(volume(s, 1)->verdict, VERDICT_REVOKED);
	run_for(s, 60 * MINUTE);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 1);
	assert_true(watch_held(&s->w, volume(s, 0)));
	assert_int_equal(s->releases, 0);
	assert_true(recorded(*state, "\"event\":\"confirm\",\"volume\":\"v1\""));
	assert_false(recorded(*state, "\"volume\":\"v0\""));
	sim_free(s);
}

static void all_of_them_and_the_brake_is_released(void **state)
{
	struct sim *s = braked(3, PROVEN);
	struct err e;
	unsigned int i;

	assert_int_equal(confirm(*state, s, "", "v2,v0,v1", &e), 0);
	for (i = 0; i < 3; i++)
		watch_confirm(&s->w, volume(s, i), s->now);
	watch_release(&s->w, s->now);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 3);
	assert_int_equal(s->releases, 1);
	assert_true(recorded(*state, "\"volume\":\"v0\""));
	assert_true(recorded(*state, "\"volume\":\"v1\""));
	assert_true(recorded(*state, "\"volume\":\"v2\""));
	assert_true(recorded(*state, "\"proven\":true"));
	/* what is denied after that goes its way, brake or no brake */
	s->volume[9] = SAYS_DENIED;
	run_for(s, 5 * MINUTE);
	assert_int_equal(s->acts_of[9][WATCH_TEARDOWN], 1);
	sim_free(s);
}

static void what_is_not_proven_yet_goes_when_it_is(void **state)
{
	struct sim *s = braked(3, PROVEN);
	struct watch_volume *late = add(s, 4, 4);
	struct err e;

	s->volume[4] = SAYS_DENIED;
	while (late->verdict != VERDICT_SUSPECT || !late->probed)
		run_for(s, 100);
	assert_int_equal(confirm(*state, s, "", "v0,v1,v2", &e), -ESTALE);
	assert_non_null(strstr(e.what, "v4"));
	assert_int_equal(confirm(*state, s, "", "v0,v1,v2,v4", &e), 0);
	assert_true(recorded(*state, "\"proven\":false"));
	watch_confirm(&s->w, late, s->now);
	assert_int_equal(s->acts_of[4][WATCH_TEARDOWN], 0);
	watch_release(&s->w, s->now);
	run_for(s, PROVEN);
	assert_int_equal(s->acts_of[4][WATCH_TEARDOWN], 1);
	sim_free(s);
}

static void without_evidence_nothing_is_confirmed(void **state)
{
	struct sim *s = braked(3, 0);
	struct err e;
	unsigned int i;

	while (!s->w.brake.engaged)
		run_for(s, 100);
	for (i = 0; i < 3; i++) {
		assert_false(watch_held(&s->w, volume(s, i)));
		watch_confirm(&s->w, volume(s, i), s->now);
		assert_int_equal(volume(s, i)->verdict, VERDICT_SUSPECT);
	}
	watch_confirm(&s->w, volume(s, 9), s->now);
	assert_int_equal(volume(s, 9)->verdict, VERDICT_OK);
	assert_int_equal(s->acts[WATCH_TEARDOWN], 0);
	assert_int_equal(confirm(*state, s, "v1", "v1", &e), -EINVAL);
	assert_non_null(strstr(e.what, "nothing proves"));
	assert_int_equal(confirm(*state, s, "v9", "v9", &e), -EINVAL);
	assert_int_equal(confirm(*state, s, "v7", "v7", &e), -ENOENT);
	assert_false(recorded(*state, "confirm"));
	sim_free(s);
}

static void the_names_must_be_those(void **state)
{
	static const char *const wrong[] = {
		"", "v0", "v0,v1", "v0,v1,v9", "v0,v1,v2,v9", "v0,v1,v2,v2", "v0,v1,v2,", ",v0,v1,v2", "v0 v1 v2",
		"all",
	};
	struct sim *s = braked(3, PROVEN);
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (confirm(*state, s, "", wrong[i], &e) != -ESTALE)
			fail_msg("taken: '%s'", wrong[i]);
		assert_non_null(strstr(e.hint, "Nothing was done"));
	}
	assert_int_equal(confirm(*state, s, "v1", "", &e), -ESTALE);
	assert_int_equal(confirm(*state, s, "v1", "v0", &e), -ESTALE);
	assert_int_equal(confirm(*state, s, "v1", "v1,v0", &e), -ESTALE);
	assert_false(recorded(*state, "confirm"));
	sim_free(s);
}

static void without_the_brake_there_is_nothing_to_confirm(void **state)
{
	struct sim *s = braked(2, PROVEN / 3);
	struct err e;

	assert_int_equal(s->brakes, 0);
	assert_int_equal(confirm(*state, s, "", "v0,v1", &e), -EINVAL);
	assert_int_equal(confirm(*state, s, "v0", "v0", &e), -EINVAL);
	watch_release(&s->w, s->now);
	assert_int_equal(s->releases, 0);
	sim_free(s);
}

static void what_cannot_be_recorded_is_refused(void **state)
{
	struct sim *s = braked(3, PROVEN);
	struct err e;

	assert_int_equal(mkdir(scratch_path(*state, "audit.log"), 0700), 0);
	assert_true(confirm(*state, s, "v1", "v1", &e) < 0);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_in_a_list_or_not),
		cmocka_unit_test(the_brake_holds_what_is_proven),
		scratch_test(one_volume_by_its_name_and_the_others_stay_held),
		scratch_test(all_of_them_and_the_brake_is_released),
		scratch_test(what_is_not_proven_yet_goes_when_it_is),
		scratch_test(without_evidence_nothing_is_confirmed),
		scratch_test(the_names_must_be_those),
		scratch_test(without_the_brake_there_is_nothing_to_confirm),
		scratch_test(what_cannot_be_recorded_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
