// SPDX-License-Identifier: GPL-2.0-or-later
/* Destroy leaves nothing or everything, whatever it is interrupted by. */
#include "../common/test.h"
#include "destroying.h"
#include "life.h"

static bool destroyed(const struct place *p)
{
	struct device d = DEVICE_INIT;
	uint64_t epoch;
	bool gone;

	assert_int_equal(device_open(&d, p->disk, DEVICE_FILE, NULL), 0);
	gone = header_epoch(d.path, &epoch, NULL);
	device_close(&d);
	return gone && !exists(p->pins, "c1", "") && !exists(p->state, "c1", ".json") &&
	       !exists(p->intents, "c1", ".json") && !world_alive();
}

static void destroy_leaves_nothing(void **state)
{
	struct place *p = place_with_volume();

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(do_verb(p, REQUEST_DESTROY, NULL), RAN_OK);
	assert_int_equal(world->dm.nr, 0);
	assert_true(destroyed(p));
	place_drop(p);
}

static void nothing_or_everything(struct place *p, enum ran how)
{
	if (destroyed(p))
		return;
	assert_int_not_equal(how, RAN_OK);
	if (do_verb(p, REQUEST_OPEN, NULL) != RAN_OK)
		fail_msg("half destroyed after %s", world->fault.name);
}

static void a_strike_at_destroy_ends_in_nothing_or_everything(void **state)
{
	(void)state;
	assert_true(strike_every_call(REQUEST_DESTROY, NULL, nothing_or_everything) > 20);
}

static void destroy_without_the_kms_is_finished_later(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	world->kms_down = true;
	assert_int_equal(do_verb(p, REQUEST_DESTROY, NULL), RAN_OK);
	assert_false(exists(p->pins, "c1", ""));
	assert_int_equal(recover_intent(&p->env, "c1", true, &e), -EAGAIN);
	world->kms_down = false;
	assert_int_equal(recover_intent(&p->env, "c1", false, &e), 0);
	assert_true(destroyed(p));
	place_drop(p);
}

static void destroy_does_not_wipe_another_disk(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;

	(void)state;
	place_used_disk(p);
	assert_int_equal(do_verb(p, REQUEST_DESTROY, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "does not hold c1"));
	assert_true(exists(p->pins, "c1", ""));
	assert_int_equal(world_alive(), 1);
	place_drop(p);
}

#define MARK (HEADER_BYTES + 4096)

static void mark(const struct place *p)
{
	int fd = open(p->disk, O_RDWR | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "data", 4, MARK), 4);
	close(fd);
}

static bool marked(const struct place *p)
{
	int fd = open(p->disk, O_RDONLY | O_CLOEXEC);
	char found[4];

	assert_int_equal(pread(fd, found, 4, MARK), 4);
	close(fd);
	return !memcmp(found, "data", 4);
}

static void a_destroy_discards_when_it_is_told_to(void **state)
{
	struct place *p = place_with_volume();
	struct request rq = ask(REQUEST_DESTROY);

	(void)state;
	mark(p);
	rq.discard = true;
	assert_int_equal(run_job(p, job_destroy, &rq, NULL), RAN_OK);
	assert_true(destroyed(p));
	assert_false(marked(p));
	place_drop(p);
}

/* killed_before_discarding - a place whose destroy --discard was killed with nothing but the header gone. */
static struct place *killed_before_discarding(void)
{
	struct request rq = ask(REQUEST_DESTROY);
	struct intent *i = calloc(1, sizeof(*i));
	unsigned int at;

	rq.discard = true;
	for (at = 1; ; at++) {
		struct place *p = place_with_volume();

		mark(p);
		world->fault = (struct fault){ .mode = FAULT_KILL_AFTER, .at = at };
		assert_int_equal(run_job(p, job_destroy, &rq, NULL), RAN_KILLED);
		world->fault.mode = FAULT_NONE;
		if (!intent_load(p->intents, "c1", i, NULL) && !strcmp(i->step, DESTROY_DISCARD)) {
			assert_true(marked(p));
			free(i);
			return p;
		}
		place_drop(p);
	}
}

static void a_discard_that_was_interrupted_is_made_up_for(void **state)
{
	struct place *p = killed_before_discarding();

	(void)state;
	recover_all(p, "c1");
	assert_true(destroyed(p));
	assert_false(marked(p));
	place_drop(p);
}

/* Between the kill and the next start somebody took the disk, which looked empty to him. */
static void a_late_discard_spares_what_is_new_on_the_disk(void **state)
{
	struct place *p = killed_before_discarding();

	(void)state;
	place_used_disk(p);
	mark(p);
	recover_all(p, "c1");
	assert_true(destroyed(p));
	assert_true(marked(p));
	place_drop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destroy_leaves_nothing),
		cmocka_unit_test(a_strike_at_destroy_ends_in_nothing_or_everything),
		cmocka_unit_test(destroy_without_the_kms_is_finished_later),
		cmocka_unit_test(destroy_does_not_wipe_another_disk),
		cmocka_unit_test(a_destroy_discards_when_it_is_told_to),
		cmocka_unit_test(a_discard_that_was_interrupted_is_made_up_for),
		cmocka_unit_test(a_late_discard_spares_what_is_new_on_the_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
