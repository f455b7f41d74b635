// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor --repair: what ecached would do in a minute; and what of a volume is there without the rest. */
#include "../common/test.h"
#include "life.h"
#include "rewrapping.h"
#include "strays.h"

static const char *text_of(struct json_object *o, const char *name)
{
	return json_object_get_string(json_object_object_get(o, name));
}

/* repair - the answer, to be put by the caller. */
static struct json_object *repair(struct place *p)
{
	struct request rq = ask(REQUEST_REPAIR);
	struct talk none = TALK_NONE;
	struct job j = { .env = &p->env, .talk = &none, .rq = &rq, .result = json_object_new_object() };
	struct err e = ERR_INIT;

	assert_int_equal(job_repair(&j, &e), 0);
	return j.result;
}

static void nothing_unfinished_is_told(void **state)
{
	struct request rq = ask(REQUEST_REPAIR);
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run_job(p, job_repair, &rq, &e), RAN_FAILED);
	assert_int_equal(e.rc, -ENOENT);
	place_drop(p);
}

static void what_was_killed_is_finished_and_what_it_waits_for_is_told(void **state)
{
	struct place *p = place_with_volume();
	struct json_object *o;

	(void)state;
	world->kms_down = true;
	assert_int_equal(do_verb(p, REQUEST_DESTROY, NULL), RAN_OK);
	o = repair(p);
	assert_string_equal(text_of(o, "verb"), "destroy");
	assert_string_equal(text_of(o, "step"), "retire");
	assert_non_null(strstr(text_of(o, "waits_for"), "ecache-net is not there"));
	json_object_put(o);
	world->kms_down = false;
	o = repair(p);
	assert_null(text_of(o, "waits_for"));
	json_object_put(o);
	assert_false(exists(p->intents, "c1", ".json"));
	assert_int_equal(world_alive(), 0);
	place_drop(p);
}

/* The watcher looks between two steps, so a repair must not take both. */
static void a_repair_is_one_step(void **state)
{
	struct place *p = place_with_volume();

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_REWRAP, NULL), RAN_OK);
	assert_int_equal(world_alive(), 2);
	json_object_put(repair(p));
	assert_int_equal(world_alive(), 1);
	assert_false(exists(p->intents, "c1", ".json"));
	place_drop(p);
}

/* list_disk - what the kernel would list: the world's disk, and one without a node. */
static void list_disk(struct place *p, char list[96])
{
	char entry[96];

	place_dir(p, list, "list");
	place_dir(p, entry, "list/disk");
	place_dir(p, entry, "list/gone");
}

/* strays - with the disks of @list (or NULL); to be put by the caller. */
static struct json_object *strays(struct place *p, const char *list, bool *all)
{
	const struct strays_place where = { .list = list, .nodes = p->scratch.dir };
	struct json_object *out = json_object_new_array();

	*all = strays_find(&p->env, &where, 20000, out);
	return out;
}

static const char *stray(struct json_object *list, const char *member)
{
	assert_int_equal(json_object_array_length(list), 1);
	return text_of(json_object_array_get_idx(list, 0), member);
}

static void a_whole_volume_is_no_stray(void **state)
{
	struct place *p = place_with_volume();
	struct json_object *o;
	char list[96];
	bool all;

	(void)state;
	list_disk(p, list);
	o = strays(p, list, &all);
	assert_true(all);
	assert_int_equal(json_object_array_length(o), 0);
	json_object_put(o);
	place_drop(p);
}

static void each_part_without_the_rest_is_one(void **state)
{
	struct place *p = place_with_volume();
	struct json_object *o;
	char list[96];
	bool all;

	(void)state;
	list_disk(p, list);
	assert_int_equal(pin_remove(p->pins, "c1", NULL), 0);
	o = strays(p, NULL, &all);
	assert_string_equal(stray(o, "what"), "state");
	assert_string_equal(stray(o, "name"), "c1");
	json_object_put(o);
	assert_int_equal(state_remove(p->state, "c1", NULL), 0);
	o = strays(p, list, &all);
	assert_true(all);
	assert_string_equal(stray(o, "what"), "header");
	assert_int_equal(strlen(stray(o, "luks_uuid")), LUKS_UUID_LEN);
	json_object_put(o);
	place_drop(p);
	p = place_with_volume();
	place_blank_disk(p);
	o = strays(p, NULL, &all);
	assert_string_equal(stray(o, "what"), "pin");
	assert_non_null(strstr(stray(o, "why"), "no LUKS2 header"));
	json_object_put(o);
	place_drop(p);
}

static void what_is_being_ended_is_no_stray(void **state)
{
	struct place *p = place_with_volume();
	struct json_object *o;
	unsigned int at;
	char list[96];
	bool all;

	(void)state;
	list_disk(p, list);
	world->fault = (struct fault){ .mode = FAULT_KILL_AFTER, .at = 1 };
	for (at = 1; !exists(p->intents, "c1", ".json"); at++) {
		world->fault = (struct fault){ .mode = FAULT_KILL_AFTER, .at = at };
		do_verb(p, REQUEST_DESTROY, NULL);
	}
	world->fault.mode = FAULT_NONE;
	o = strays(p, list, &all);
	assert_true(all);
	assert_int_equal(json_object_array_length(o), 0);
	json_object_put(o);
	place_drop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_unfinished_is_told),
		cmocka_unit_test(what_was_killed_is_finished_and_what_it_waits_for_is_told),
		cmocka_unit_test(a_repair_is_one_step),
		cmocka_unit_test(a_whole_volume_is_no_stray),
		cmocka_unit_test(each_part_without_the_rest_is_one),
		cmocka_unit_test(what_is_being_ended_is_no_stray),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
