// SPDX-License-Identifier: GPL-2.0-or-later
/* A daemon without a KMS, with two volumes open in a device-mapper that is a table; its files are changed under it. */
#include "../common/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/clock.h"
#include "../volume/dm_fake.h"
#include "../volume/intent.h"
#include "../volume/sample.h"
#include "../volume/scratch.h"
#include "../volume/state.h"
#include "reload.h"
#include "tears.h"
#include "watching.h"
#include "worker.h"

#define PIN "format=1\ncache-id=cache-1\nluks-uuid=" SAMPLE_UUID "\nkey-arn=" SAMPLE_ARN "\ndevice=/dev/vdb\n"
#define CANARY "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000000"

/* No process here: what is unfinished stays so. */
int __wrap_worker_start(struct daemon *d, const struct worker_spec *spec, struct err *e);

int __wrap_worker_start(struct daemon *d, const struct worker_spec *spec, struct err *e)
{
	(void)d;
	free(spec->arg);
	return err_set(e, -EAGAIN, "no worker");
}

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
	tears_init(d);
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

/* Whoever sets a minute for a day, in the middle of it, does not mean tomorrow. */
static void a_shorter_interval_counts_at_once(void **state)
{
	struct watch_volume *v1, *v2;
	struct fixture *f = *state;
	int64_t now;

	put_conf(f, "probe-interval=1d\n");
	reload(&f->d);
	v1 = watch_find(&f->d.watch, "v1");
	v2 = watch_find(&f->d.watch, "v2");
	now = now_ms();
	v1->due_ms = now + 20 * 3600000LL;
	v2->due_ms = now + 30000;
	put_conf(f, "probe-interval=1m\n");
	reload(&f->d);
	assert_in_range(v1->due_ms, now + 49000, now_ms() + 51000);	/* five sixths of it, as before */
	assert_int_equal(v2->due_ms, now + 30000);
	put_conf(f, "probe-interval=1d\n");
	reload(&f->d);
	assert_in_range(v1->due_ms, now + 49000, now_ms() + 51000);
	assert_int_equal(v1->interval_ms, 86400000);
}

static void a_bad_main_file_changes_nothing_and_is_told(void **state)
{
	static const char *const bad[][2] = {
		{ "probe-interval=2m\nlease=soon\n", "ecached.conf:3: lease: not a duration" },
		{ "probe-interval=2m\nlease=1m\n", "ecached.conf:3: lease: 60s is under 105s" },
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

#define ARN2 "arn:aws:kms:eu-central-1:123456789012:key/99999999-12ab-34cd-56ef-1234567890ab"

/* regrant, rewrap: what a job has written of v1. */
static void write_key(struct fixture *f, const char *key_arn, const char *grant_id)
{
	struct state s;

	assert_int_equal(state_load(f->state, "v1", &s, NULL), 0);
	assert_int_equal(pin_set_key(f->pins, "v1", key_arn, NULL), 0);
	strcpy(s.token.key_arn, key_arn);
	strcpy(s.token.grant_id, grant_id);
	strcpy(s.grant_id, grant_id);
	memset(s.token.blob, 0xa5, s.token.blob_len);
	assert_int_equal(token_hash(&s.token, s.token_sha256, NULL), 0);
	s.epoch++;
	s.grant_created = time(NULL);
	assert_int_equal(state_store(f->state, "v1", &s, NULL), 0);
}

static void write_intent(struct fixture *f, const char *step)
{
	struct intent i = { .verb = INTENT_REWRAP };

	strcpy(i.step, step);
	strcpy(i.cache_id, "cache-1");
	strcpy(i.luks_uuid, SAMPLE_UUID);
	strcpy(i.device, "/dev/vdb");
	assert_int_equal(intent_step(f->intents, "v1", &i, NULL), 0);
}

/* A denial of the old grant, which is about to be retired, must not count against the new one. */
static void what_was_heard_of_another_grant_is_forgotten(void **state)
{
	static const char *const keys[] = { SAMPLE_ARN, ARN2 };
	struct fixture *f = *state;
	struct watch_volume *v;
	char grant[16];
	size_t i;

	for (i = 0; i < 2; i++) {
		v = watch_find(&f->d.watch, "v1");
		v->probed = true;
		v->verdict = VERDICT_SUSPECT;
		v->vcase.denials = 2;
		snprintf(grant, sizeof(grant), "grant%zu", i);
		write_key(f, keys[i], grant);
		write_intent(f, "retire-old");
		volumes_refresh(&f->d, "v1");
		v = watch_find(&f->d.watch, "v1");
		assert_non_null(v);
		assert_string_equal(watch_key_arn(v), keys[i]);
		assert_string_equal(v->grant_id, grant);
		assert_false(v->probed);
		assert_int_equal(v->vcase.denials, 0);
		assert_int_equal(((struct watched *)v->data)->blob[0], 0xa5);
	}
	assert_string_equal(watch_key_arn(volume(f, "v2")), SAMPLE_ARN);
}

static void a_grant_yet_to_be_retired_leaves_no_volume_unwatched(void **state)
{
	struct fixture *f = *state;

	write_intent(f, "token");
	stop(f);
	start(f);
	assert_null(watch_find(&f->d.watch, "v1"));	/* its recovery comes first */
	volume(f, "v2");
	write_intent(f, "retire");
	stop(f);
	start(f);
	volume(f, "v1");
}

#define reload_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		reload_test(policies_of_the_main_file_reach_running_volumes),
		reload_test(a_shorter_interval_counts_at_once),
		reload_test(a_bad_main_file_changes_nothing_and_is_told),
		reload_test(what_needs_a_restart_is_named_and_the_rest_counts),
		reload_test(a_mistake_in_one_volumes_file_is_its_own),
		reload_test(what_was_heard_of_another_grant_is_forgotten),
		reload_test(a_grant_yet_to_be_retired_leaves_no_volume_unwatched),
		reload_test(a_mistake_leaves_no_volume_unwatched_across_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
