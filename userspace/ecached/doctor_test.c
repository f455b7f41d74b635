// SPDX-License-Identifier: GPL-2.0-or-later
/* The questions of `ecachectl doctor`: none that changes anything, and none to a KMS that does not answer. */
#include "../common/test.h"
#include "life.h"

/* examine - what ecachectl would get: the result, and one object a volume. Both are put by the caller. */
static struct json_object *examine(struct place *p, struct json_object **volume)
{
	struct request rq = { .verb = REQUEST_DOCTOR };
	struct json_object *msg, *type;
	struct err e = ERR_INIT;
	struct talk t;
	struct job j = { .env = &p->env, .talk = &t, .rq = &rq, .result = json_object_new_object() };
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	t = (struct talk){ .sock = pair[0] };
	assert_int_equal(job_doctor(&j, &e), 0);
	*volume = NULL;
	close(pair[0]);
	while (!ipc_recv(pair[1], &msg, NULL, 1000)) {
		type = json_object_object_get(msg, PROTO_TYPE);
		if (!strcmp(json_object_get_string(type), PROTO_VOLUME))
			*volume = msg;
		else
			json_object_put(msg);
	}
	close(pair[1]);
	return j.result;
}

static const char *code_of(struct json_object *volume, const char *question)
{
	struct json_object *o = json_object_object_get(json_object_object_get(volume, "answers"), question);

	return o ? json_object_get_string(json_object_object_get(o, "code")) : NULL;
}

static void every_question_is_asked_and_nothing_happens(void **state)
{
	struct place *p = place_with_volume();
	struct json_object *volume, *result = examine(p, &volume);

	(void)state;
	assert_string_equal(code_of(volume, "grant"), "DryRunOperationException");
	assert_string_equal(code_of(volume, "Decrypt"), "DryRunOperationException");
	assert_string_equal(code_of(volume, "CreateGrant"), "DryRunOperationException");
	assert_string_equal(code_of(volume, "Encrypt"), "DryRunOperationException");
	assert_string_equal(code_of(volume, "GenerateDataKeyWithoutPlaintext"), "DryRunOperationException");
	assert_non_null(json_object_object_get(result, "caller"));
	assert_null(json_object_object_get(result, "canary"));
	assert_int_equal(world_alive(), 1);
	assert_int_equal(world->grants_made, 1);
	assert_int_equal(world->unwraps, 1);		/* create's */
	json_object_put(volume);
	json_object_put(result);
	place_drop(p);
}

/* Its key is no KMS's: there is nothing to ask. */
static void a_boot_swap_is_left_out(void **state)
{
	struct place *p = place_make();
	struct json_object *volume, *result;
	struct request rq = ask(REQUEST_CREATE);

	(void)state;
	rq.kind = VOLUME_BOOT_SWAP;
	rq.no_open = true;
	strcpy(rq.device, p->disk);
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_OK);
	result = examine(p, &volume);
	assert_null(volume);
	assert_int_equal(world->probes + world->mays, 0);
	json_object_put(result);
	place_drop(p);
}

static void the_canary_is_asked_where_there_is_one(void **state)
{
	struct place *p = place_with_volume();
	struct json_object *volume, *result;

	(void)state;
	p->conf.canary_key = p->key;
	result = examine(p, &volume);
	assert_non_null(json_object_object_get(result, "canary"));
	assert_int_equal(world->probes, 3);
	json_object_put(volume);
	json_object_put(result);
	place_drop(p);
}

/* CreateGrant with DryRun, to a KMS that does not know it, is a grant. */
static void no_grant_is_asked_for_where_dry_runs_are_unknown(void **state)
{
	struct place *p = place_with_volume();
	struct json_object *volume, *result;

	(void)state;
	world->no_dry_run = true;
	result = examine(p, &volume);
	assert_false(world->may_grant);
	assert_null(code_of(volume, "CreateGrant"));
	assert_int_equal(world->mays, 2);
	json_object_put(volume);
	json_object_put(result);
	place_drop(p);
}

static void a_kms_that_is_silent_is_asked_once(void **state)
{
	struct place *p = place_with_volume();
	struct json_object *volume, *result;

	(void)state;
	world->kms_down = true;
	result = examine(p, &volume);
	assert_int_equal(world->probes, 0);		/* the caller's identity was the first question */
	assert_string_equal(code_of(volume, "Decrypt"), "");
	json_object_put(volume);
	json_object_put(result);
	place_drop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_question_is_asked_and_nothing_happens),
		cmocka_unit_test(a_boot_swap_is_left_out),
		cmocka_unit_test(the_canary_is_asked_where_there_is_one),
		cmocka_unit_test(no_grant_is_asked_for_where_dry_runs_are_unknown),
		cmocka_unit_test(a_kms_that_is_silent_is_asked_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
