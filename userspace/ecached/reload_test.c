// SPDX-License-Identifier: GPL-2.0-or-later
/* A daemon without a KMS, with two volumes open in a device-mapper that is a table; its files are changed under it. */
#include "../common/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../volume/dm_fake.h"
#include "../volume/sample.h"
#include "../volume/scratch.h"
#include "../volume/state.h"
#include "reload.h"
#include "watching.h"

#define PIN "format=1\ncache-id=cache-1\nluks-uuid=" SAMPLE_UUID "\nkey-arn=" SAMPLE_ARN "\ndevice=/dev/vdb\n"
#define CANARY "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000000"

struct fixture {
	struct scratch *scratch;
	struct daemon d;
	struct dm_fake dm;
	char conf[600], pins[96], state[96], intents[96], reports[96];
};

static void put(struct fixture *f, const char *name, const char *text)
{
	scratch_write(f->scratch, name, text);
	assert_int_equal(chmod(f->scratch->path, 0600), 0);
}

static void put_conf(struct fixture *f, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text), "region=eu-west-1\n%s", more);
	put(f, "ecached.conf", text);
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
	put(f, pin, PIN);
}

static void start(struct fixture *f)
{
	struct daemon *d = &f->d;
	struct err e = ERR_INIT;

	memset(d, 0, sizeof(*d));
	d->config = f->conf;
	d->listen_fd = -1;
	d->env = (struct env){
		.pin_dir = f->pins, .state_dir = f->state, .intent_dir = f->intents, .report_dir = f->reports,
		.net_socket = "/nonexistent", .watchdog_s = 30, .conf = &d->conf,
		.dm = { .ops = &dm_fake_ops, .ctx = &f->dm },
	};
	assert_int_equal(agentconf_load(d->config, &d->conf, &e), 0);
	assert_true(sd_event_new(&d->event) >= 0);
	assert_int_equal(watching_start(d, &e), 0);
	assert_int_equal(volumes_scan(d, &e), 0);
}

static void stop(struct fixture *f)
{
	watching_stop(&f->d);
	volumes_forget(&f->d);
	sd_event_unref(f->d.event);
	agentconf_free(&f->d.conf);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *scratch;

	scratch_make(&scratch);
	f->scratch = scratch;
	snprintf(f->conf, sizeof(f->conf), "%s", scratch_path(f->scratch, "ecached.conf"));
	make_dir(f, f->pins, "pins");
	make_dir(f, f->state, "state");
	make_dir(f, f->intents, "intents");
	make_dir(f, f->reports, "reports");
	put_conf(f, "");
	make_volume(f, "v1");
	make_volume(f, "v2");
	start(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *scratch = f->scratch;

	stop(f);
	scratch_drop(&scratch);
	free(f);
	return 0;
}

static const struct watch_volume *volume(struct fixture *f, const char *name)
{
	const struct watch_volume *v = watch_find(&f->d.watch, name);

	assert_non_null(v);
	return v;
}

static void policies_of_the_main_file_reach_running_volumes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(volume(f, "v1")->interval_ms, 300000);
	put_conf(f, "probe-interval=2m\nunreachable=fail-after=1h\nteardown-deadline=1m\non-disabled=hold\n"
		 "canary-key=" CANARY "\ndefault-key=alias/x\n");
	put(f, "pins/v2", PIN "on-disabled=teardown\nafter-lock=stay\n");
	reload(&f->d);
	assert_string_equal(f->d.problem, "");
	assert_int_equal(volume(f, "v1")->interval_ms, 120000);
	assert_int_equal(volume(f, "v1")->fail_after_ms, 3600000);
	assert_int_equal(volume(f, "v1")->on_disabled, POLICY_HOLD);
	assert_int_equal(volume(f, "v2")->on_disabled, POLICY_TEARDOWN);
	assert_false(volume(f, "v1")->stays_locked);
	assert_true(volume(f, "v2")->stays_locked);
	assert_int_equal(((struct watched *)volume(f, "v1")->data)->deadline_ms, 60000);
	assert_true(f->d.watch.canary);
	assert_string_equal(f->d.conf.canary_key, CANARY);
	assert_string_equal(f->d.conf.default_key, "alias/x");
	assert_int_equal(f->dm.messages, 0);	/* nothing was sent to a volume */
}

static void a_bad_main_file_changes_nothing_and_is_told(void **state)
{
	static const char *const bad[][2] = {
		{ "probe-interval=2m\nlease=soon\n", "ecached.conf:3: lease: not a duration" },
		{ "probe-interval=2m\nlease=1m\n", "ecached.conf: lease: 60s is under 105s" },
		{ "probe-interval=2m\ncanary-key=alias/x\n", "ecached.conf:3: canary-key: " },
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put_conf(f, bad[i][0]);
		reload(&f->d);
		if (!strstr(f->d.problem, bad[i][1]) || !strstr(f->d.problem, "the settings from before stay"))
			fail_msg("\"%s\" where \"%s\" was expected", f->d.problem, bad[i][1]);
		assert_int_equal(volume(f, "v1")->interval_ms, 300000);
		assert_int_equal(f->d.conf.policy.probe_interval, 300);
	}
	put_conf(f, "probe-interval=2m\n");
	reload(&f->d);
	assert_string_equal(f->d.problem, "");
	assert_int_equal(volume(f, "v1")->interval_ms, 120000);
}

static void what_needs_a_restart_is_named_and_the_rest_counts(void **state)
{
	struct fixture *f = *state;

	put_conf(f, "probe-interval=2m\nstate-dir=/elsewhere\nkms-endpoint=unix:/k\n");
	reload(&f->d);
	assert_non_null(strstr(f->d.problem, "restart ecache-net ecached"));
	assert_non_null(strstr(f->d.problem, ": kms-endpoint, state-dir"));
	assert_string_equal(f->d.conf.state_dir, "/var/lib/ecache");
	assert_int_equal(volume(f, "v1")->interval_ms, 120000);
}

static void a_mistake_in_one_volumes_file_is_its_own(void **state)
{
	struct fixture *f = *state;

	put(f, "pins/v1", PIN "probe-interval=1m\non-revoke=hold\n");
	reload(&f->d);
	assert_int_equal(volume(f, "v1")->interval_ms, 60000);
	put(f, "pins/v1", PIN "probe-interval=30s\non-revoke=alarm\n");
	put(f, "pins/v2", PIN "probe-interval=30s\n");
	reload(&f->d);
	assert_int_equal(volume(f, "v1")->interval_ms, 60000);
	assert_int_equal(volume(f, "v1")->on_revoke, POLICY_HOLD);
	assert_int_equal(volume(f, "v2")->interval_ms, 30000);

	/* good by itself, but not with the other file */
	put(f, "pins/v1", PIN "probe-interval=30s\nlease=1m\n");
	reload(&f->d);
	assert_int_equal(volume(f, "v1")->interval_ms, 60000);
	put(f, "pins/v1", PIN "probe-interval=30s\n");
	reload(&f->d);
	assert_int_equal(volume(f, "v1")->interval_ms, 30000);
	assert_int_equal(volume(f, "v1")->on_revoke, POLICY_TEARDOWN);
}

static void a_mistake_leaves_no_volume_unwatched_across_a_restart(void **state)
{
	struct fixture *f = *state;

	put_conf(f, "probe-interval=2m\n");
	put(f, "pins/v1", "nonsense\n");
	assert_int_equal(unlink(scratch_path(f->scratch, "pins/v2")), 0);
	stop(f);
	start(f);
	assert_string_equal(watch_key_arn(volume(f, "v1")), SAMPLE_ARN);
	assert_int_equal(volume(f, "v1")->interval_ms, 120000);
	assert_int_equal(volume(f, "v1")->on_revoke, POLICY_TEARDOWN);
	assert_string_equal(watch_key_arn(volume(f, "v2")), SAMPLE_ARN);
	put(f, "pins/v1", PIN "probe-interval=1m\n");
	reload(&f->d);
	assert_int_equal(volume(f, "v1")->interval_ms, 60000);
}

#define reload_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		reload_test(policies_of_the_main_file_reach_running_volumes),
		reload_test(a_bad_main_file_changes_nothing_and_is_told),
		reload_test(what_needs_a_restart_is_named_and_the_rest_counts),
		reload_test(a_mistake_in_one_volumes_file_is_its_own),
		reload_test(a_mistake_leaves_no_volume_unwatched_across_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
