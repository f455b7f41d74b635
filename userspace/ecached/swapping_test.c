// SPDX-License-Identifier: GPL-2.0-or-later
/* Volumes that the host swaps to: their life, what is refused, and what an interruption of it leaves. */
#include "../common/test.h"
#include "life.h"

static struct request create_of(const struct place *p, enum volume_kind kind)
{
	struct request rq = ask(REQUEST_CREATE);

	strcpy(rq.device, p->disk);
	rq.kind = kind;
	return rq;
}

/* place_with_swap - c1 exists, and is closed. */
static struct place *place_with_swap(enum volume_kind kind)
{
	struct place *p = place_make();
	struct request rq = create_of(p, kind);

	rq.no_open = true;
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_OK);
	assert_int_equal(world->dm.nr, 0);
	assert_false(world->swapped);
	return p;
}

static void open_is_swapped_to_and_close_is_not(void **state)
{
	static const enum volume_kind kinds[] = { VOLUME_SWAP, VOLUME_BOOT_SWAP };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct place *p = place_with_swap(kinds[i]);

		assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
		assert_int_equal(mapped(p), DM_STATE_ACTIVE);
		assert_true(world->swapped);
		assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);	/* already */
		world->swapped = false;						/* taken off by hand */
		world->dm.dev[0].open_count = 0;
		assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
		assert_true(world->swapped);
		assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
		assert_false(world->swapped);
		assert_int_equal(world->dm.nr, 0);
		assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);	/* already */
		assert_int_equal(audit_verify(p->audit, NULL, NULL), 0);
		place_drop(p);
	}
}

static void without_room_nothing_is_touched(void **state)
{
	static const enum volume_kind kinds[] = { VOLUME_SWAP, VOLUME_BOOT_SWAP };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct place *p = place_with_swap(kinds[i]);
		struct err e = ERR_INIT;

		assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
		world->no_room = true;
		assert_int_equal(do_verb(p, REQUEST_CLOSE, &e), RAN_FAILED);
		assert_int_equal(e.rc, -ENOMEM);
		assert_string_equal(e.what, "no room for c1");
		assert_int_equal(do_verb(p, REQUEST_DESTROY, &e), RAN_FAILED);
		assert_int_equal(e.rc, -ENOMEM);
		assert_int_equal(mapped(p), DM_STATE_ACTIVE);
		assert_true(world->swapped);
		assert_true(exists(p->pins, "c1", ""));
		world->no_room = false;
		assert_int_equal(do_verb(p, REQUEST_DESTROY, NULL), RAN_OK);
		assert_false(world->swapped);
		assert_int_equal(world->dm.nr, 0);
		assert_false(exists(p->pins, "c1", ""));
		assert_int_equal(world_alive(), 0);
		place_drop(p);
	}
}

/* Root may have swapped to a volume for data by hand; that is not ours to end. */
static void of_a_data_volume_swap_is_somebody_elses(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_false(world->swapped);
	assert_false(world->swap_made);
	world->swapped = true;
	world->dm.dev[0].open_count = 1;
	assert_int_equal(do_verb(p, REQUEST_CLOSE, &e), RAN_FAILED);
	assert_int_equal(e.rc, -EBUSY);
	assert_true(world->swapped);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	place_drop(p);
}

static void a_boot_swap_asks_no_kms_and_has_another_key_each_time(void **state)
{
	struct place *p = place_make();
	struct request rq = create_of(p, VOLUME_BOOT_SWAP);
	struct request grant = ask(REQUEST_REVOKE), key = ask(REQUEST_UNWRAP);
	int pair[2];
	char first[KEYID_LEN + 1];
	struct err e = ERR_INIT;

	(void)state;
	grant.revoke_grant = true;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	key.fd = pair[1];
	p->conf.host_principal = p->none;
	world->kms_down = true;
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_OK);
	assert_true(world->swapped);
	assert_int_equal(world->grants_made, 0);
	assert_false(exists(p->state, "c1", ".json"));
	strcpy(first, world->dm.dev[0].key_id);
	assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
	world->swap_made = false;		/* what is on the disk is noise under the next key */
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_string_not_equal(world->dm.dev[0].key_id, first);
	assert_true(world->swapped);
	assert_int_equal(do_verb(p, REQUEST_REGRANT, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "has no grant"));
	assert_int_equal(run_job(p, job_revoke, &grant, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "has no grant"));
	assert_true(world->swapped);		/* refused before anything is torn down */
	assert_int_equal(run_job(p, job_unwrap, &key, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "has no grant"));
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
	place_used_disk(p);
	assert_int_equal(do_verb(p, REQUEST_OPEN, &e), RAN_FAILED);
	assert_int_equal(e.rc, -EEXIST);
	assert_non_null(strstr(e.hint, "wipefs"));
	assert_int_equal(world->dm.nr, 0);
	place_drop(p);
}

/* Nothing, or a pin under which it opens; and never a swap area without an open volume. */
static void a_strike_leaves_a_boot_swap_that_opens_or_none(void **state)
{
	enum fault_mode mode;
	unsigned int at, struck = 0;

	(void)state;
	for (mode = FAULT_FAIL_BEFORE; mode < FAULT_MODES; mode++) {
		enum ran how = RAN_FAILED;

		for (at = 1; how != RAN_OK; at++) {
			struct place *p = place_make();
			struct request rq = create_of(p, VOLUME_BOOT_SWAP);
			bool opening;

			world->fault = (struct fault){ .mode = mode, .at = at };
			how = run_job(p, job_create, &rq, NULL);
			struck += how != RAN_OK;
			/* mapping_open() itself leaves nothing when it fails; struck after it, there is a mapping. */
			opening = !strcmp(world->fault.name, "mapping_open");
			world->fault = (struct fault){ 0 };
			if (how == RAN_FAILED) {
				assert_false(exists(p->pins, "c1", ""));
				assert_true(!world->dm.nr || opening);
				assert_false(world->swapped);
			} else if (exists(p->pins, "c1", "")) {
				assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
				assert_true(world->swapped);
			} else {
				assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_OK);
			}
			place_drop(p);
		}
	}
	assert_true(struck > 20);
}

/* key_and_swap - a swap area is never without its key but by a kill, and the next close or open puts that right. */
static void key_and_swap(struct place *p, enum ran how)
{
	(void)how;
	world->fault = (struct fault){ 0 };
	if (world->swapped)
		assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	assert_int_equal(do_verb(p, REQUEST_CLOSE, NULL), RAN_OK);
	assert_int_equal(world->dm.nr, 0);
	assert_false(world->swapped);
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_true(world->swapped);
}

static void strike_swap(enum request_verb verb, bool open_before)
{
	enum fault_mode mode;
	unsigned int at;
	bool hit;

	for (mode = FAULT_FAIL_BEFORE; mode < FAULT_MODES; mode++) {
		for (at = 1, hit = true; hit; at++) {
			struct place *p = place_with_swap(VOLUME_SWAP);
			enum ran how;

			if (open_before)
				assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
			world->fault = (struct fault){ .mode = mode, .at = at };
			how = do_verb(p, verb, NULL);
			hit = *world->fault.name;
			key_and_swap(p, how);
			place_drop(p);
		}
	}
}

static void open_and_close_may_be_struck_anywhere(void **state)
{
	(void)state;
	strike_swap(REQUEST_OPEN, false);
	strike_swap(REQUEST_CLOSE, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_is_swapped_to_and_close_is_not),
		cmocka_unit_test(without_room_nothing_is_touched),
		cmocka_unit_test(of_a_data_volume_swap_is_somebody_elses),
		cmocka_unit_test(a_boot_swap_asks_no_kms_and_has_another_key_each_time),
		cmocka_unit_test(a_strike_leaves_a_boot_swap_that_opens_or_none),
		cmocka_unit_test(open_and_close_may_be_struck_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
