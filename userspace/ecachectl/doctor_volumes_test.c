// SPDX-License-Identifier: GPL-2.0-or-later
/* What doctor says of volumes that are not whole; each with what to do. */
#include "../common/test.h"
#include "doctor_world.h"

static void work_that_was_interrupted_is_named(void **state)
{
	struct doctor d = world(*state);

	expect(&d, "unfinished", DOCTOR_UNKNOWN, "nobody answers");
	d.status = answer("{'volumes':[{'name':'c1','state':'open'}]}");
	expect(&d, "unfinished", DOCTOR_OK, "nothing");
	json_object_put(d.status);
	d.status = answer("{'volumes':[{'name':'c1','unfinished':{'verb':'rewrap','step':'retire-old'}},"
			  "{'name':'c2','unfinished':{'verb':'create','step':'retire'}}]}");
	expect(&d, "unfinished", DOCTOR_WARNING, "rewrap of c1 at step retire-old; create of c2 at step retire");
	json_object_put(d.status);
}

static void parts_without_the_rest_are_named(void **state)
{
	struct doctor d = world(*state);

	expect(&d, "strays", DOCTOR_UNKNOWN, "nobody answers");
	d.kms = answer("{'strays':[],'strays_complete':true}");
	expect(&d, "strays", DOCTOR_OK, "every pin");
	json_object_put(d.kms);
	d.kms = answer("{'strays':[],'strays_complete':false}");
	expect(&d, "strays", DOCTOR_UNKNOWN, "in time");
	json_object_put(d.kms);
	d.kms = answer("{'strays':[{'what':'pin','name':'c1','device':'/dev/sdx','why':'cannot open /dev/sdx'}],"
		       "'strays_complete':false}");
	expect(&d, "strays", DOCTOR_WARNING, "pin c1: no header that goes with it on /dev/sdx (cannot open");
	json_object_put(d.kms);
	d.kms = answer("{'strays':[{'what':'header','device':'/dev/sdy','luks_uuid':'u','cache_id':'c'},"
		       "{'what':'state','name':'c3','luks_uuid':'w','grant_id':'g'}],'strays_complete':true}");
	expect(&d, "strays", DOCTOR_WARNING, "/dev/sdy holds volume c (LUKS uuid u)");
	expect(&d, "strays", DOCTOR_WARNING, "state of c3 without a pin (LUKS uuid w, grant g)");
	json_object_put(d.kms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(work_that_was_interrupted_is_named),
		scratch_test(parts_without_the_rest_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
