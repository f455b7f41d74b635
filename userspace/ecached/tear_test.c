// SPDX-License-Identifier: GPL-2.0-or-later
/* ecachectl revoke: the end of access on this host, and with --grant of the grant, by who runs ecachectl. */
#include "../common/test.h"
#include "life.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_local_revoke_leaves_the_grant_alone),
		cmocka_unit_test(with_the_grant_both_are_gone_and_on_record),
		cmocka_unit_test(a_kms_that_refuses_is_told_and_the_volume_is_revoked_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
