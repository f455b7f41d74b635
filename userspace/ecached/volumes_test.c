// SPDX-License-Identifier: GPL-2.0-or-later
/* A scan of volumes in a device-mapper that is a table. */
#include "../common/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../volume/dm_fake.h"
#include "../volume/sample.h"
#include "../volume/scratch.h"
#include "../volume/state.h"
#include "watching.h"

#define VOLUMES 5
#define PIN "format=1\ncache-id=cache-1\nluks-uuid=" SAMPLE_UUID "\nkey-arn=" SAMPLE_ARN "\ndevice=/dev/vdb\n"

struct fixture {
	struct scratch *scratch;
	struct daemon d;
	struct dm_fake dm;
	struct dm_ops ops;
	char pins[96], state[96], intents[96], reports[96];
};

static unsigned int looks;

static int counted_info(void *ctx, const char *name, struct dm_device *dev, struct err *e)
{
	looks++;
	return dm_fake_info(ctx, name, dev, e);
}

static void make_dir(struct fixture *f, char path[96], const char *name)
{
	snprintf(path, 96, "%s/%s", f->scratch->dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void make_volume(struct fixture *f, const char *name)
{
	char uuid[DM_UUID_MAX + 1], pin[64];
	struct header h;
	struct state s = { 0 };

	dm_uuid_make(SAMPLE_UUID, name, uuid);
	assert_int_equal(dm_fake_create(&f->dm, name, uuid, 8, "", NULL), 0);
	f->dm.dev[f->dm.nr - 1].state = DM_STATE_ACTIVE;
	sample_header(&h);
	state_adopt_header(&s, &h);
	state_note_ok(&s);
	assert_int_equal(state_store(f->state, name, &s, NULL), 0);
	snprintf(pin, sizeof(pin), "pins/%s", name);
	scratch_write(f->scratch, pin, PIN);
	assert_int_equal(chmod(f->scratch->path, 0600), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct daemon *d = &f->d;
	struct err e = ERR_INIT;
	void *scratch;
	char name[16];
	int i;

	scratch_make(&scratch);
	f->scratch = scratch;
	f->ops = dm_fake_ops;
	f->ops.info = counted_info;
	make_dir(f, f->pins, "pins");
	make_dir(f, f->state, "state");
	make_dir(f, f->intents, "intents");
	make_dir(f, f->reports, "reports");
	scratch_write(f->scratch, "ecached.conf", "region=eu-central-1\n");
	assert_int_equal(agentconf_load(f->scratch->path, &d->conf, &e), 0);
	for (i = 0; i < VOLUMES; i++) {
		snprintf(name, sizeof(name), "v%d", i);
		make_volume(f, name);
	}
	d->listen_fd = -1;
	d->env = (struct env){
		.pin_dir = f->pins, .state_dir = f->state, .intent_dir = f->intents, .report_dir = f->reports,
		.lock_dir = f->reports, .net_socket = "/nonexistent", .watchdog_s = 30, .conf = &d->conf,
		.dm = { .ops = &f->ops, .ctx = &f->dm },
	};
	assert_true(sd_event_new(&d->event) >= 0);
	assert_int_equal(watching_start(d, &e), 0);
	assert_int_equal(volumes_scan(d, &e), 0);
	looks = 0;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *scratch = f->scratch;

	watching_stop(&f->d);
	volumes_forget(&f->d);
	sd_event_unref(f->d.event);
	agentconf_free(&f->d.conf);
	scratch_drop(&scratch);
	free(f);
	return 0;
}

static void a_scan_finds_what_is_open(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(watch_count(&f->d.watch), VOLUMES);
}

static void a_scan_looks_at_each_volume_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(volumes_scan(&f->d, NULL), 0);
	assert_int_equal(watch_count(&f->d.watch), VOLUMES);
	assert_int_equal(looks, VOLUMES);
}

static void what_went_behind_our_back_is_no_longer_watched(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dm_fake_ops.remove(&f->dm, "v1", false, NULL), 0);
	assert_int_equal(volumes_scan(&f->d, NULL), 0);
	assert_int_equal(watch_count(&f->d.watch), VOLUMES - 1);
	assert_null(watch_find(&f->d.watch, "v1"));
}

/* dmsetup rename: the uuid says another name. Nor may a name that is none lead out of a directory. */
static void a_name_that_is_not_the_uuid_s_is_nobody_s(void **state)
{
	struct fixture *f = *state;

	strcpy(dm_fake_find(&f->dm, "v2")->name, "../v0");
	assert_int_equal(volumes_scan(&f->d, NULL), 0);
	assert_int_equal(watch_count(&f->d.watch), VOLUMES - 1);
	assert_null(watch_find(&f->d.watch, "../v0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_scan_finds_what_is_open, setup, teardown),
		cmocka_unit_test_setup_teardown(a_scan_looks_at_each_volume_once, setup, teardown),
		cmocka_unit_test_setup_teardown(what_went_behind_our_back_is_no_longer_watched, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_that_is_not_the_uuid_s_is_nobody_s, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
