// SPDX-License-Identifier: GPL-2.0-or-later
/* Records of what the loop learns: one process at a time, whatever there is to write. */
#include "../common/test.h"
#include "../common/clock.h"
#include "life.h"
#include "note.h"
#include "watching.h"
#include "worker.h"

/* The worker that was asked for, to be run by the test. */
static struct worker_spec asked;
static unsigned int workers;
static int refuses;

int __wrap_worker_start(struct daemon *d, const struct worker_spec *spec, struct err *e);

int __wrap_worker_start(struct daemon *d, const struct worker_spec *spec, struct err *e)
{
	(void)d;
	if (refuses) {
		free(spec->arg);
		return err_sys(e, refuses, "cannot start a worker");
	}
	assert_int_equal(spec->kind, WORKER_NOTE);
	asked = *spec;
	workers++;
	return 0;
}

struct fixture {
	struct place *p;
	struct daemon d;
	struct watch_volume v;
	struct watched more;
};

static struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct state *s;

	assert_non_null(f);
	f->p = place_with_volume();
	f->d.env = f->p->env;
	strcpy(f->v.name, "c1");
	f->v.verdict = VERDICT_REVOKED;
	s = state_of(f->p);
	strcpy(f->more.luks_uuid, s->luks_uuid);
	strcpy(f->v.grant_id, s->grant_id);
	free(s);
	f->v.data = &f->more;
	workers = 0;
	refuses = 0;
	return f;
}

/* work - what the worker does, and its end. */
static void work(struct fixture *f)
{
	const struct worker_spec w = asked;

	assert_int_equal(w.run(&f->d, w.arg, -1), WORKER_OK);
	w.done(&f->d, "", w.arg, WORKER_OK);
	free(w.arg);
}

static void fixture_free(struct fixture *f)
{
	notes_forget(&f->d);
	assert_int_equal(f->d.nr_notes, 0);
	place_drop(f->p);
	free(f);
}

static unsigned int count(const struct place *p, const char *event)
{
	char line[4096], what[64];
	FILE *f = fopen(p->audit, "re");
	unsigned int n = 0;

	assert_non_null(f);
	snprintf(what, sizeof(what), "\"event\":\"%s\"", event);
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, what);
	fclose(f);
	return n;
}

static void a_hundred_verdicts_are_one_process(void **state)
{
	struct fixture *f = fixture_new();
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		assert_int_equal(notes_verdict(&f->d, &f->v, true), 0);
		notes_pump(&f->d);
	}
	assert_int_equal(workers, 1);
	work(f);
	assert_int_equal(workers, 2);	/* the first took what there was then, the second all the rest */
	work(f);
	assert_int_equal(workers, 2);
	assert_int_equal(count(f->p, "verdict"), 100);
	assert_int_equal(audit_verify(f->p->audit, NULL, NULL), 0);
	fixture_free(f);
}

static void nothing_is_lost_when_no_process_can_be_made(void **state)
{
	struct fixture *f = fixture_new();

	(void)state;
	refuses = -EAGAIN;
	assert_int_equal(notes_verdict(&f->d, &f->v, true), 0);
	notes_pump(&f->d);
	assert_false(f->d.noting);
	refuses = 0;
	notes_pump(&f->d);
	work(f);
	assert_int_equal(count(f->p, "verdict"), 1);
	fixture_free(f);
}

/* What ecached would not find again after a kill -9: the mark goes before all that waits with it. */
static void a_teardown_that_waits_is_marked_first(void **state)
{
	struct fixture *f = fixture_new();
	struct tear_order o = {
		.name = "c1", .policy = POLICY_TEARDOWN, .verdict_ms = now_ms(), .deadline_ms = 20000, .verdict = "revoked",
		.reason = "key state Disabled", .request_id = "request-1",
	};
	struct state *s;

	(void)state;
	assert_int_equal(notes_verdict(&f->d, &f->v, true), 0);
	assert_int_equal(notes_mark(&f->d, &o), 0);
	notes_pump(&f->d);
	world->fault = (struct fault){ .mode = FAULT_FAIL_AFTER, .at = 1 };	/* the first thing that is written */
	work(f);
	assert_string_equal(world->fault.name, "state_store");
	s = state_of(f->p);
	assert_true(s->is_revoked);
	assert_string_equal(s->revoked.reason, "key state Disabled");
	assert_in_range(s->revoked.at, time(NULL) - 10, time(NULL));
	free(s);
	assert_int_equal(count(f->p, "verdict"), 1);
	fixture_free(f);
}

static void the_last_ok_is_one_record_however_often(void **state)
{
	struct fixture *f = fixture_new();
	struct state *s;

	(void)state;
	f->v.verdict = VERDICT_OK;
	f->d.noting = true;		/* a disk that hangs */
	for (f->v.ok_ms = now_ms() - 20; f->v.ok_ms < now_ms(); f->v.ok_ms++)
		assert_int_equal(notes_verdict(&f->d, &f->v, false), 0);
	assert_int_equal(f->d.nr_notes, 1);
	f->d.noting = false;
	notes_pump(&f->d);
	work(f);
	s = state_of(f->p);
	assert_true(state_ok_this_boot(s) >= f->v.ok_ms - 1);
	free(s);
	fixture_free(f);
}

/* A grant that is young may yet be denied: only an OK of its own says that it has spread. */
static void an_ok_of_the_grant_before_is_none_of_the_new_one(void **state)
{
	struct fixture *f = fixture_new();
	struct state *s = state_of(f->p);

	(void)state;
	f->v.verdict = VERDICT_OK;
	f->v.ok_ms = now_ms() + 1;
	assert_int_equal(notes_verdict(&f->d, &f->v, false), 0);
	strcpy(s->grant_id, "another");
	s->ok_without_token = false;
	assert_int_equal(state_store(f->p->state, "c1", s, NULL), 0);
	free(s);
	notes_pump(&f->d);
	work(f);
	s = state_of(f->p);
	assert_false(s->ok_without_token);
	free(s);
	fixture_free(f);
}

static void a_disk_that_hangs_does_not_cost_all_memory(void **state)
{
	struct fixture *f = fixture_new();
	int i;

	(void)state;
	f->d.noting = true;
	for (i = 0; i < NOTES_MAX; i++)
		assert_int_equal(notes_verdict(&f->d, &f->v, true), 0);
	assert_int_equal(notes_verdict(&f->d, &f->v, true), -EAGAIN);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_verdicts_are_one_process),
		cmocka_unit_test(nothing_is_lost_when_no_process_can_be_made),
		cmocka_unit_test(a_teardown_that_waits_is_marked_first),
		cmocka_unit_test(the_last_ok_is_one_record_however_often),
		cmocka_unit_test(an_ok_of_the_grant_before_is_none_of_the_new_one),
		cmocka_unit_test(a_disk_that_hangs_does_not_cost_all_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
