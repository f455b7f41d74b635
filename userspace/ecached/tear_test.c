// SPDX-License-Identifier: GPL-2.0-or-later
/* ecachectl revoke: the end of access on this host, and with --grant of the grant, by who runs ecachectl. */
#include "../common/test.h"
#include "life.h"
#include "lock.h"
#include "report.h"

static enum ran revoke_volume(struct place *p, bool grant, struct err *e)
{
	struct request rq = ask(REQUEST_REVOKE);

	rq.revoke_grant = grant;
	return run_job(p, job_revoke, &rq, e);
}

static bool is_revoked(const struct place *p)
{
	struct state *s = state_of(p);
	bool is = s->is_revoked;

	free(s);
	return is;
}

static void a_local_revoke_leaves_the_grant_alone(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(revoke_volume(p, false, NULL), RAN_OK);
	assert_true(is_revoked(p));
	assert_int_equal(world_alive(), 1);
	assert_false(recorded(p, "revoke-grant"));
	assert_int_equal(do_verb(p, REQUEST_OPEN, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "was revoked"));
	place_drop(p);
}

static void with_the_grant_both_are_gone_and_on_record(void **state)
{
	struct place *p = place_with_volume();

	(void)state;
	assert_int_equal(revoke_volume(p, true, NULL), RAN_OK);
	assert_true(is_revoked(p));
	assert_int_equal(world_alive(), 0);
	assert_true(recorded(p, "\"event\":\"revoke-grant\""));
	assert_true(recorded(p, "request-end"));
	place_drop(p);
}

static void a_kms_that_refuses_is_told_and_the_volume_is_revoked_all_the_same(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	world->retire_refused = true;
	assert_int_equal(revoke_volume(p, true, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "c1 is revoked on this host, but its grant stands"));
	assert_non_null(strstr(e.what, "in the KMS's words"));
	assert_true(is_revoked(p));
	assert_int_equal(world_alive(), 1);
	assert_false(recorded(p, "revoke-grant"));
	world->retire_refused = false;		/* and once more, with the right */
	assert_int_equal(revoke_volume(p, true, NULL), RAN_OK);
	assert_int_equal(world_alive(), 0);
	place_drop(p);
}

/* new_host - the pin file came along, and the volume was never opened here. */
static void new_host(struct place *p)
{
	assert_int_equal(state_remove(p->state, "c1", NULL), 0);
}

static void a_host_that_never_opened_it_refuses_it_from_then_on(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	new_host(p);
	assert_int_equal(revoke_volume(p, false, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_OPEN, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "was revoked"));
	assert_int_equal(world_alive(), 1);
	assert_int_equal(do_verb(p, REQUEST_REGRANT, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	place_drop(p);
	p = place_with_volume();		/* the header knows the grant */
	new_host(p);
	assert_int_equal(revoke_volume(p, true, NULL), RAN_OK);
	assert_int_equal(world_alive(), 0);
	place_drop(p);
}

/* Success would say that open refuses. */
static void what_cannot_be_refused_later_is_no_success(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;
	char path[PATH_MAX];

	(void)state;
	new_host(p);
	assert_int_equal(unlink(p->disk), 0);
	assert_int_equal(revoke_volume(p, false, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "nothing keeps c1 from being opened again"));
	assert_non_null(strstr(e.hint, p->pins));
	place_drop(p);
	p = place_with_volume();
	snprintf(path, sizeof(path), "%s/c1.json", p->state);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(revoke_volume(p, false, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "nothing keeps c1 from being opened again"));
	place_drop(p);
}

static void of_an_open_volume_everything_is_remembered(void **state)
{
	struct place *p = place_with_volume();
	struct json_object *report;

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	assert_int_equal(revoke_volume(p, false, NULL), RAN_OK);
	assert_null(dm_fake_find(&world->dm, "c1"));
	assert_true(is_revoked(p));
	assert_true(recorded(p, "\"event\":\"revoke\""));
	report = report_load(&p->env, "c1");
	assert_non_null(report);
	assert_true(json_object_get_boolean(json_object_object_get(report, "key_gone")));
	assert_true(json_object_get_boolean(json_object_object_get(report, "in_time")));
	json_object_put(report);
	assert_false(tear_is_locked(&p->env, "c1"));
	place_drop(p);
}

/* A directory is in the report's place. */
static void a_report_that_cannot_be_kept_is_told(void **state)
{
	struct place *p = place_with_volume();
	FILE *logs = tmpfile();
	char path[PATH_MAX], text[4096];
	int saved = dup(STDERR_FILENO);
	size_t n;

	(void)state;
	assert_non_null(logs);
	assert_true(saved >= 0);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	snprintf(path, sizeof(path), "%s/c1.json", p->env.report_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(dup2(fileno(logs), STDERR_FILENO) >= 0);
	assert_int_equal(revoke_volume(p, false, NULL), RAN_OK);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(logs);
	n = fread(text, 1, sizeof(text) - 1, logs);
	text[n] = '\0';
	fclose(logs);
	assert_non_null(strstr(text, "c1: the teardown's report could not be kept: "));
	assert_int_equal(rmdir(path), 0);
	place_drop(p);
}

static void a_status_that_nobody_understands_does_not_save_the_key(void **state)
{
	struct place *p = place_with_volume();

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	world->dm.bad_status = "FLYING cpu";
	assert_int_equal(revoke_volume(p, false, NULL), RAN_OK);
	assert_null(dm_fake_find(&world->dm, "c1"));
	assert_true(is_revoked(p));
	place_drop(p);
}

/* The record's process is killed: the client is not kept waiting for it. Where that is seen, the mark is made. */
static void records_that_die_are_not_waited_for(void **state)
{
	struct place *p = place_with_volume();

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	world->fault = (struct fault){ .mode = FAULT_KILL_BEFORE, .at = 1 };
	assert_int_equal(revoke_volume(p, false, NULL), RAN_OK);
	assert_null(dm_fake_find(&world->dm, "c1"));
	assert_string_equal(world->fault.name, "state_store");
	place_drop(p);
}

static void one_teardown_at_a_time_has_the_lock(void **state)
{
	struct place *p = place_make();
	int fd;

	(void)state;
	assert_false(tear_is_locked(&p->env, "c1"));
	fd = tear_lock(&p->env, "c1");
	assert_true(fd >= 0);
	assert_true(tear_is_locked(&p->env, "c1"));
	assert_int_equal(tear_lock(&p->env, "c1"), -EBUSY);
	assert_false(tear_is_locked(&p->env, "c2"));
	close(fd);
	assert_false(tear_is_locked(&p->env, "c1"));
	place_drop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_local_revoke_leaves_the_grant_alone),
		cmocka_unit_test(with_the_grant_both_are_gone_and_on_record),
		cmocka_unit_test(a_kms_that_refuses_is_told_and_the_volume_is_revoked_all_the_same),
		cmocka_unit_test(a_host_that_never_opened_it_refuses_it_from_then_on),
		cmocka_unit_test(what_cannot_be_refused_later_is_no_success),
		cmocka_unit_test(of_an_open_volume_everything_is_remembered),
		cmocka_unit_test(a_report_that_cannot_be_kept_is_told),
		cmocka_unit_test(a_status_that_nobody_understands_does_not_save_the_key),
		cmocka_unit_test(records_that_die_are_not_waited_for),
		cmocka_unit_test(one_teardown_at_a_time_has_the_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
