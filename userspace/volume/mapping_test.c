// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "dm_fake.h"
#include "keyid.h"
#include "mapping.h"
#include "sample.h"

struct fixture {
	struct dm_fake fake;
	struct dm dm;
	struct device device;
	struct header header;
	struct secret key;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->dm.ops = &dm_fake_ops;
	f->dm.ctx = &f->fake;
	f->device = (struct device)DEVICE_INIT;
	f->device.rdev = makedev(254, 16);
	f->device.bytes = 4 * 1024 * 1024 + 512;
	sample_header(&f->header);
	assert_int_equal(secret_alloc(&f->key, 64), 0);
	f->key.len = 64;
	memset(f->key.data, 0x17, 32);
	assert_int_equal(keyid_of(&f->key, f->header.token.key_id), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	secret_wipe(&f->key);
	free(f);
	return 0;
}

static void open_volume(struct fixture *f)
{
	assert_int_equal(mapping_open(&f->dm, "v1", &f->device, &f->header, false, 0, NULL), 0);
}

static void open_active(struct fixture *f)
{
	open_volume(f);
	assert_int_equal(mapping_key_set(&f->dm, "v1", SAMPLE_UUID, &f->key, NULL), 0);
}

static struct mapping get(struct fixture *f)
{
	struct mapping m;

	assert_int_equal(mapping_get(&f->dm, "v1", &m, NULL), 0);
	return m;
}

static void opens_locked(void **state)
{
	struct fixture *f = *state;
	struct mapping m = get(f);
	char want[256];

	assert_false(m.exists);
	open_volume(f);
	m = get(f);
	assert_true(m.exists && m.is_ecache);
	assert_int_equal(m.status.state, DM_STATE_LOCKED);
	assert_string_equal(m.luks_uuid, SAMPLE_UUID);
	assert_string_equal(f->fake.dev[0].uuid, "ECACHE-" SAMPLE_UUID "-v1");
	assert_int_equal(f->fake.dev[0].sectors, 3 * 1024 * 2);
	snprintf(want, sizeof(want), "aes-xts-plain64 64 0 254:16 2048 3 sector_size:4096 key_id:%s cache_id:cache-1",
		 f->header.token.key_id);
	assert_string_equal(f->fake.dev[0].params, want);
	assert_int_equal(mapping_open(&f->dm, "v1", &f->device, &f->header, false, 0, NULL), -EEXIST);
}

static void key_goes_through_the_keyring(void **state)
{
	struct fixture *f = *state;

	open_active(f);
	assert_int_equal(get(f).status.state, DM_STATE_ACTIVE);
	assert_string_equal(f->fake.last_message, "key set :64:logon:ecache:" SAMPLE_UUID);
	assert_int_equal(keyctl_search(KEY_SPEC_THREAD_KEYRING, "logon", "ecache:" SAMPLE_UUID, 0), -1);
	/* Idempotent. */
	assert_int_equal(mapping_key_set(&f->dm, "v1", SAMPLE_UUID, &f->key, NULL), 0);
}

static void a_lease_is_renewed_and_looked_at(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	assert_int_equal(mapping_renew(&f->dm, "v1", 60, NULL), -ENOKEY);	/* no mapping */
	assert_int_equal(mapping_open(&f->dm, "v1", &f->device, &f->header, false, 900, NULL), 0);
	assert_int_equal(mapping_renew(&f->dm, "v1", 60, NULL), -ENOKEY);
	assert_int_equal(mapping_key_set(&f->dm, "v1", SAMPLE_UUID, &f->key, NULL), 0);
	assert_int_equal(get(f).status.lease, 900);
	assert_int_equal(mapping_renew(&f->dm, "v1", 60, NULL), 0);
	assert_string_equal(f->fake.last_message, "key renew 60");
	assert_int_equal(get(f).status.lease, 60);
	f->fake.deaf = true;
	assert_int_equal(mapping_renew(&f->dm, "v1", 900, NULL), -EIO);
	f->fake.deaf = false;
	dm_fake_lock(&f->fake.dev[0], "lease-expired");
	assert_int_equal(mapping_renew(&f->dm, "v1", 900, &e), -ENOKEY);
	assert_non_null(strstr(e.what, "lease-expired"));
	assert_int_equal(get(f).status.state, DM_STATE_LOCKED);
}

static void a_key_without_lease_cannot_be_renewed(void **state)
{
	struct fixture *f = *state;

	open_active(f);
	assert_int_equal(mapping_renew(&f->dm, "v1", 900, NULL), -EINVAL);
	assert_int_equal(get(f).status.state, DM_STATE_ACTIVE);
}

static void a_message_is_not_believed(void **state)
{
	struct fixture *f = *state;

	open_volume(f);
	f->fake.deaf = true;
	assert_int_equal(mapping_key_set(&f->dm, "v1", SAMPLE_UUID, &f->key, NULL), -EIO);
	assert_int_equal(get(f).status.state, DM_STATE_LOCKED);
}

static void a_deaf_target_keeps_its_key_and_we_say_so(void **state)
{
	struct fixture *f = *state;

	open_active(f);
	f->fake.deaf = true;
	assert_int_equal(mapping_wipe(&f->dm, "v1", NULL), -EIO);
	assert_int_equal(mapping_revoke(&f->dm, "v1", NULL), -EIO);
	f->fake.deaf = false;
	f->fake.message_rc = -ENOMEM;
	assert_int_equal(mapping_revoke(&f->dm, "v1", NULL), -ENOMEM);
}

static void another_key_is_rejected(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	open_volume(f);
	f->fake.other_key_id = "ffffffffffffffffffffffffffffffff";
	assert_int_equal(mapping_key_set(&f->dm, "v1", SAMPLE_UUID, &f->key, &e), -EKEYREJECTED);
	assert_int_equal(get(f).status.state, DM_STATE_LOCKED);
}

/* ACTIVE under another key must not pass for success: the id in the status is compared. */
static void active_under_another_id_is_not_success(void **state)
{
	struct fixture *f = *state;

	open_active(f);
	memset(f->fake.dev[0].key_id, 'e', KEYID_LEN);
	f->fake.deaf = true;
	assert_int_equal(mapping_key_set(&f->dm, "v1", SAMPLE_UUID, &f->key, NULL), -EKEYREJECTED);
}

static void wipe_locks_and_revoke_is_final(void **state)
{
	struct fixture *f = *state;

	open_active(f);
	assert_int_equal(mapping_wipe(&f->dm, "v1", NULL), 0);
	assert_int_equal(get(f).status.state, DM_STATE_LOCKED);
	assert_int_equal(mapping_wipe(&f->dm, "v1", NULL), 0);
	assert_int_equal(mapping_key_set(&f->dm, "v1", SAMPLE_UUID, &f->key, NULL), 0);
	assert_int_equal(mapping_revoke(&f->dm, "v1", NULL), 0);
	assert_int_equal(get(f).status.state, DM_STATE_REVOKED);
	assert_int_equal(mapping_revoke(&f->dm, "v1", NULL), 0);
	assert_int_equal(mapping_wipe(&f->dm, "v1", NULL), 0);
	assert_int_equal(mapping_key_set(&f->dm, "v1", SAMPLE_UUID, &f->key, NULL), -EKEYREVOKED);
}

static void revoking_is_not_done(void **state)
{
	struct fixture *f = *state;

	open_active(f);
	f->fake.slow_revoke = true;
	assert_int_equal(mapping_revoke(&f->dm, "v1", NULL), -EINPROGRESS);
}

/* LOCKED holds no key, but would take one: a revoke that leaves it so has failed. */
static void locked_is_not_revoked(void **state)
{
	struct fixture *f = *state;

	open_volume(f);
	f->fake.deaf = true;
	assert_int_equal(mapping_wipe(&f->dm, "v1", NULL), 0);
	assert_int_equal(mapping_revoke(&f->dm, "v1", NULL), -EIO);
}

static void an_unreadable_status_does_not_save_a_key(void **state)
{
	struct fixture *f = *state;

	open_active(f);
	f->fake.bad_status = "what is this";
	assert_true(mapping_revoke(&f->dm, "v1", NULL) < 0);
	assert_int_equal(f->fake.dev[0].state, DM_STATE_REVOKED);
}

static void nothing_there_has_no_key(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mapping_revoke(&f->dm, "v1", NULL), 0);
	assert_int_equal(mapping_wipe(&f->dm, "v1", NULL), 0);
	assert_int_equal(mapping_close(&f->dm, "v1", NULL), 0);
	open_active(f);
	assert_int_equal(dm_fake_error_table(&f->fake, "v1", NULL), 0);
	assert_int_equal(mapping_revoke(&f->dm, "v1", NULL), 0);
	assert_false(get(f).is_ecache);
}

static void close_refuses_a_used_volume_and_keeps_its_key(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	open_active(f);
	f->fake.dev[0].open_count = 1;
	assert_int_equal(mapping_close(&f->dm, "v1", &e), -EBUSY);
	assert_int_equal(get(f).status.state, DM_STATE_ACTIVE);
	assert_non_null(strstr(e.what, "in use"));
	f->fake.dev[0].open_count = 0;
	assert_int_equal(mapping_close(&f->dm, "v1", NULL), 0);
	assert_false(get(f).exists);
}

static void strangers_are_left_alone(void **state)
{
	struct fixture *f = *state;
	struct mapping m;

	assert_int_equal(dm_fake_create(&f->fake, "v1", "CRYPT-LUKS2-x-v1", 8, "", NULL), 0);
	assert_int_equal(mapping_get(&f->dm, "v1", &m, NULL), -EEXIST);
	assert_int_equal(mapping_revoke(&f->dm, "v1", NULL), -EEXIST);
	assert_int_equal(mapping_close(&f->dm, "v1", NULL), -EEXIST);
	assert_int_equal(mapping_open(&f->dm, "v1", &f->device, &f->header, false, 0, NULL), -EEXIST);
	assert_int_equal(f->fake.messages, 0);
	/* Our uuid under another name: renamed by somebody. */
	assert_int_equal(dm_fake_create(&f->fake, "v2", "ECACHE-" SAMPLE_UUID "-v1", 8, "", NULL), 0);
	assert_int_equal(mapping_get(&f->dm, "v2", &m, NULL), -EEXIST);
}

static int count(void *ctx, const struct mapping *m)
{
	assert_true(m->exists);
	return ++*(int *)ctx == 2 ? 5 : 0;
}

static void each_of_ours(void **state)
{
	struct fixture *f = *state;
	int nr = 0;

	open_volume(f);
	assert_int_equal(dm_fake_create(&f->fake, "other", "LVM-x", 8, "", NULL), 0);
	assert_int_equal(mapping_each(&f->dm, count, &nr, NULL), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(mapping_open(&f->dm, "v3", &f->device, &f->header, true, 0, NULL), 0);
	nr = 0;
	assert_int_equal(mapping_each(&f->dm, count, &nr, NULL), 5);
}

static void create_failures_are_passed_on(void **state)
{
	struct fixture *f = *state;

	f->fake.create_rc = -ENODEV;
	assert_int_equal(mapping_open(&f->dm, "v1", &f->device, &f->header, false, 0, NULL), -ENODEV);
	f->fake.create_rc = 0;
	f->device.bytes = HEADER_BYTES + 512;
	assert_int_equal(mapping_open(&f->dm, "v1", &f->device, &f->header, false, 0, NULL), -EINVAL);
	assert_int_equal(mapping_announce(&f->dm, "v1", NULL), 0);
	assert_int_equal(f->fake.changes, 1);
}

/* The target keeps key and lease for a table of the same volume; so it has to be one. */
static void another_length_changes_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	uint64_t sectors;

	assert_int_equal(mapping_open(&f->dm, "v1", &f->device, &f->header, true, 900, NULL), 0);
	assert_int_equal(mapping_key_set(&f->dm, "v1", SAMPLE_UUID, &f->key, NULL), 0);
	assert_int_equal(mapping_sectors(&f->dm, "v1", &sectors, NULL), 0);
	assert_int_equal(sectors, 3 * 1024 * 2);
	assert_int_equal(mapping_resize(&f->dm, "v1", &f->device, &f->header, 2048, NULL), 0);
	assert_int_equal(mapping_sectors(&f->dm, "v1", &sectors, NULL), 0);
	assert_int_equal(sectors, 2048);
	assert_int_equal(get(f).status.state, DM_STATE_ACTIVE);
	assert_int_equal(get(f).status.lease, 900);
	f->device.rdev = makedev(254, 32);
	assert_int_equal(mapping_resize(&f->dm, "v1", &f->device, &f->header, 4096, &e), -ESTALE);
	assert_non_null(strstr(e.what, "over device 254:16"));
	f->device.rdev = makedev(254, 16);
	f->fake.reload_rc = -EIO;
	assert_int_equal(mapping_resize(&f->dm, "v1", &f->device, &f->header, 4096, NULL), -EIO);
	assert_int_equal(f->fake.dev[0].sectors, 2048);
	assert_int_equal(mapping_resize(&f->dm, "v2", &f->device, &f->header, 4096, NULL), -ENXIO);
	f->fake.dev[0].error_table = true;
	assert_int_equal(mapping_resize(&f->dm, "v1", &f->device, &f->header, 4096, NULL), -ENODATA);
}

#define mapping_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		mapping_test(opens_locked),
		mapping_test(key_goes_through_the_keyring),
		mapping_test(a_lease_is_renewed_and_looked_at),
		mapping_test(a_key_without_lease_cannot_be_renewed),
		mapping_test(a_message_is_not_believed),
		mapping_test(a_deaf_target_keeps_its_key_and_we_say_so),
		mapping_test(another_key_is_rejected),
		mapping_test(active_under_another_id_is_not_success),
		mapping_test(wipe_locks_and_revoke_is_final),
		mapping_test(revoking_is_not_done),
		mapping_test(locked_is_not_revoked),
		mapping_test(an_unreadable_status_does_not_save_a_key),
		mapping_test(nothing_there_has_no_key),
		mapping_test(close_refuses_a_used_volume_and_keeps_its_key),
		mapping_test(strangers_are_left_alone),
		mapping_test(another_length_changes_nothing_else),
		mapping_test(each_of_ours),
		mapping_test(create_failures_are_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
