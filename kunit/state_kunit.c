// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a volume, and who may join it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/string.h>

#include "ecache_kunit.h"

struct rule {
	enum { NEW, WIPED, ACTIVE, LEASED, WIPING, REVOKING, REVOKED } from;
	enum { SET, SET_OTHER, WIPE, HIBERNATE, REVOKE, RENEW } event;
	int result;
	enum ecache_state state;	/* at once */
	enum ecache_state final;	/* when no user is left */
	enum ecache_reason reason;
};

/* WIPING and REVOKING: REVOKING, because of a user, after a wipe or a revoke. */
static const struct rule rules[] = {
	{ NEW, SET, 1, ECACHE_ACTIVE, ECACHE_ACTIVE, ECACHE_WHY_KEY_SET },
	{ NEW, SET_OTHER, 1, ECACHE_ACTIVE, ECACHE_ACTIVE, ECACHE_WHY_KEY_SET },
	{ NEW, WIPE, 0, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_NEW },
	{ NEW, HIBERNATE, 0, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_NEW },
	{ NEW, REVOKE, 1, ECACHE_REVOKED, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ NEW, RENEW, -ENOKEY, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_NEW },

	/* The first key pinned the id. */
	{ WIPED, SET, 1, ECACHE_ACTIVE, ECACHE_ACTIVE, ECACHE_WHY_KEY_SET },
	{ WIPED, SET_OTHER, -EKEYREJECTED, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },
	{ WIPED, WIPE, 0, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },
	{ WIPED, HIBERNATE, 0, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },
	{ WIPED, REVOKE, 1, ECACHE_REVOKED, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ WIPED, RENEW, -ENOKEY, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },

	{ ACTIVE, SET, 0, ECACHE_ACTIVE, ECACHE_ACTIVE, ECACHE_WHY_KEY_SET },
	{ ACTIVE, SET_OTHER, -EKEYREJECTED, ECACHE_ACTIVE, ECACHE_ACTIVE, ECACHE_WHY_KEY_SET },
	{ ACTIVE, WIPE, 1, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },
	{ ACTIVE, HIBERNATE, 1, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_HIBERNATION },
	{ ACTIVE, REVOKE, 1, ECACHE_REVOKED, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ ACTIVE, RENEW, -EINVAL, ECACHE_ACTIVE, ECACHE_ACTIVE, ECACHE_WHY_KEY_SET },

	{ LEASED, SET, 0, ECACHE_ACTIVE, ECACHE_ACTIVE, ECACHE_WHY_KEY_SET },
	{ LEASED, SET_OTHER, -EKEYREJECTED, ECACHE_ACTIVE, ECACHE_ACTIVE, ECACHE_WHY_KEY_SET },
	{ LEASED, WIPE, 1, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },
	{ LEASED, HIBERNATE, 1, ECACHE_LOCKED, ECACHE_LOCKED, ECACHE_WHY_HIBERNATION },
	{ LEASED, REVOKE, 1, ECACHE_REVOKED, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ LEASED, RENEW, 0, ECACHE_ACTIVE, ECACHE_ACTIVE, ECACHE_WHY_KEY_SET },

	{ WIPING, SET, -EBUSY, ECACHE_REVOKING, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },
	{ WIPING, SET_OTHER, -EKEYREJECTED, ECACHE_REVOKING, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },
	{ WIPING, WIPE, 0, ECACHE_REVOKING, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },
	{ WIPING, HIBERNATE, 0, ECACHE_REVOKING, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },
	{ WIPING, REVOKE, 1, ECACHE_REVOKING, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ WIPING, RENEW, -ENOKEY, ECACHE_REVOKING, ECACHE_LOCKED, ECACHE_WHY_KEY_WIPE },

	{ REVOKING, SET, -EKEYREVOKED, ECACHE_REVOKING, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ REVOKING, SET_OTHER, -EKEYREVOKED, ECACHE_REVOKING, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ REVOKING, WIPE, 0, ECACHE_REVOKING, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ REVOKING, HIBERNATE, 0, ECACHE_REVOKING, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ REVOKING, REVOKE, 0, ECACHE_REVOKING, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ REVOKING, RENEW, -ENOKEY, ECACHE_REVOKING, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },

	{ REVOKED, SET, -EKEYREVOKED, ECACHE_REVOKED, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ REVOKED, SET_OTHER, -EKEYREVOKED, ECACHE_REVOKED, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ REVOKED, WIPE, 0, ECACHE_REVOKED, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ REVOKED, HIBERNATE, 0, ECACHE_REVOKED, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ REVOKED, REVOKE, 0, ECACHE_REVOKED, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
	{ REVOKED, RENEW, -ENOKEY, ECACHE_REVOKED, ECACHE_REVOKED, ECACHE_WHY_KEY_REVOKE },
};

static void rule_to_desc(const struct rule *r, char *desc)
{
	static const char * const from[] = { "new", "wiped", "active", "leased", "wiping", "revoking", "revoked" };
	static const char * const event[] = { "set", "set another", "wipe", "hibernate", "revoke", "renew" };

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s: %s", from[r->from], event[r->event]);
}

KUNIT_ARRAY_PARAM(rule, rules, rule_to_desc);

static struct ecache_key *hold(struct ecache_volume *vol)
{
	return ecache_key_hold(vol, ecache_volume_epoch(vol));
}

/* Takes a new volume into the state; with a user if it is one of those with users. */
static struct ecache_key *prepare(struct kunit *test, struct ecache_target *et, const struct rule *r)
{
	struct ecache_key *user = NULL;

	et->lease = r->from == LEASED ? 600 : 0;
	if (r->from != NEW)
		KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	if (r->from == WIPING || r->from == REVOKING) {
		user = hold(et->vol);
		KUNIT_ASSERT_NOT_NULL(test, user);
	}
	if (r->from == WIPED || r->from == WIPING)
		KUNIT_ASSERT_EQ(test, 1, ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE));
	if (r->from == REVOKED || r->from == REVOKING)
		KUNIT_ASSERT_EQ(test, 1, ecache_volume_revoke(et->vol));
	return user;
}

static int run_event(struct ecache_target *et, const struct rule *r)
{
	const char *why;

	switch (r->event) {
	case SET:
		return ecache_kunit_set(et, 1);
	case SET_OTHER:
		return ecache_kunit_set(et, 2);
	case WIPE:
		return ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE);
	case HIBERNATE:
		return ecache_volume_end_key(et->vol, ECACHE_WHY_HIBERNATION);
	case REVOKE:
		return ecache_volume_revoke(et->vol);
	case RENEW:
		return ecache_lease_renew(et->vol, 700, &why);
	}
	return -ENOTTY;
}

/* Every state, every event: what it answers, where it leads at once and in the end. */
static void test_state_and_event(struct kunit *test)
{
	const struct rule *r = test->param_value;
	struct ecache_target *et;
	struct ecache_key *user;

	if (r->from == WIPING || r->from == REVOKING)
		et = ecache_kunit_counted(test);
	else
		et = ecache_kunit_volume(test, 64, 4096);
	user = prepare(test, et, r);

	KUNIT_EXPECT_EQ(test, r->result, run_event(et, r));
	KUNIT_EXPECT_EQ(test, r->state, et->vol->state);
	KUNIT_EXPECT_EQ(test, r->reason, et->vol->reason);
	KUNIT_EXPECT_EQ_MSG(test, r->state == ECACHE_ACTIVE, ecache_volume_epoch(et->vol) != 0,
			    "I/O finds a key when, and only when, it is ACTIVE");
	if (user)
		percpu_ref_put(&user->users);
	wait_for_completion(&et->vol->key_gone);
	KUNIT_EXPECT_EQ(test, r->final, et->vol->state);
	KUNIT_EXPECT_EQ(test, r->reason, et->vol->reason);
}

static void test_a_key_set_anew_is_another_epoch(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	u64 first;

	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	first = ecache_volume_epoch(et->vol);
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_set(et, 1));
	KUNIT_EXPECT_EQ_MSG(test, first, ecache_volume_epoch(et->vol), "it was there: nothing changes");
	ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE);
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	KUNIT_EXPECT_GT(test, ecache_volume_epoch(et->vol), first);
}

/*
 * An engine whose requests outlive a call: wipe answers at once, nobody new gets the key, who
 * has it keeps it, and the engine sees its end once, after the last of them.
 */
static void test_key_dies_with_its_last_user(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_counted(test);
	struct ecache_volume *vol = et->vol;
	struct ecache_key *first, *second;
	u64 epoch;

	KUNIT_EXPECT_NULL_MSG(test, hold(vol), "LOCKED");
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	epoch = ecache_volume_epoch(vol);
	KUNIT_EXPECT_NULL_MSG(test, ecache_key_hold(vol, epoch + 1), "began with another key");
	first = ecache_key_hold(vol, epoch);
	second = ecache_key_hold(vol, epoch);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_ASSERT_PTR_EQ(test, first, second);

	KUNIT_EXPECT_EQ(test, 1, ecache_volume_end_key(vol, ECACHE_WHY_KEY_WIPE));
	KUNIT_EXPECT_NULL(test, ecache_key_hold(vol, epoch));
	percpu_ref_put(&first->users);
	flush_workqueue(ecache_key_wq);
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_engine_log.key_exits);
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKING, vol->state);
	KUNIT_EXPECT_FALSE(test, completion_done(&vol->key_gone));

	percpu_ref_put(&second->users);
	wait_for_completion(&vol->key_gone);
	KUNIT_EXPECT_EQ(test, 1, ecache_kunit_engine_log.key_exits);
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, vol->state);

	KUNIT_EXPECT_EQ_MSG(test, 1, ecache_kunit_set(et, 1), "and it may come again");
	KUNIT_EXPECT_GT(test, ecache_volume_epoch(vol), epoch);
}

/* REVOKING leads to where the last of wipe and revoke said, and never back from REVOKED. */
static void test_revoke_outlasts_a_wipe_under_way(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_counted(test);
	struct ecache_key *user;

	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	user = hold(et->vol);
	KUNIT_ASSERT_NOT_NULL(test, user);
	KUNIT_EXPECT_EQ(test, 1, ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE));
	KUNIT_EXPECT_EQ(test, 1, ecache_volume_revoke(et->vol));
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_revoke(et->vol));
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE));
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKED, et->vol->next);
	percpu_ref_put(&user->users);
	wait_for_completion(&et->vol->key_gone);
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKED, et->vol->state);
	KUNIT_EXPECT_EQ(test, -EKEYREVOKED, ecache_kunit_set(et, 1));
}

struct late_put {
	struct work_struct work;
	struct ecache_key *key;
	bool returned;		/* ecache_volume_put() */
	bool too_early;
};

static void put_late(struct work_struct *work)
{
	struct late_put *late = container_of(work, struct late_put, work);

	msleep(50);
	late->too_early = READ_ONCE(late->returned);
	percpu_ref_put(&late->key->users);
}

/* A table's end is the key's end: an engine may need the device for it, which is closed next. */
static void test_last_table_waits_for_the_key(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_target(test, 64, 4096);
	struct late_put late = {};
	char *error;

	ecache_kunit_use_engine(et);
	et->vol = ecache_volume_get((struct mapped_device *)et, et, &error);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, et->vol);
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	late.key = hold(et->vol);
	KUNIT_ASSERT_NOT_NULL(test, late.key);
	INIT_WORK_ONSTACK(&late.work, put_late);
	schedule_work(&late.work);
	ecache_volume_put(et->vol);
	WRITE_ONCE(late.returned, true);
	KUNIT_EXPECT_EQ(test, 1, ecache_kunit_engine_log.key_exits);
	flush_work(&late.work);
	destroy_work_on_stack(&late.work);
	KUNIT_EXPECT_FALSE(test, late.too_early);
	/* The key's own reference may be the last. */
	flush_workqueue(ecache_key_wq);
	KUNIT_EXPECT_EQ(test, 1, ecache_kunit_engine_log.volume_exits);
}

/* A device that never answers must not hang the removal; key and volume wait for it. */
static void test_device_that_hangs_keeps_the_memory_only(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_target(test, 64, 4096);
	struct ecache_key *user;
	unsigned int tries;
	char *error;

	ecache_kunit_use_engine(et);
	et->vol = ecache_volume_get((struct mapped_device *)et, et, &error);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, et->vol);
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	user = hold(et->vol);
	KUNIT_ASSERT_NOT_NULL(test, user);
	atomic_set(&et->vol->quarantined, 1);
	ecache_volume_put(et->vol);
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_engine_log.key_exits);
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_engine_log.volume_exits);
	percpu_ref_put(&user->users);
	/* The count may be per CPU for a grace period more. */
	for (tries = 0; tries < 500 && !READ_ONCE(ecache_kunit_engine_log.volume_exits); tries++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, 1, ecache_kunit_engine_log.key_exits);
	KUNIT_EXPECT_EQ(test, 1, ecache_kunit_engine_log.volume_exits);
}

/* A key that the engine refuses was never there. */
static void test_refused_key_leaves_nothing(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_counted(test);
	struct ecache_volume *vol = et->vol;

	ecache_kunit_engine_log.refuse = -EPROTO;
	KUNIT_EXPECT_EQ(test, -EPROTO, ecache_kunit_set(et, 1));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, vol->state);
	KUNIT_EXPECT_EQ(test, ECACHE_WHY_NEW, vol->reason);
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_epoch(vol));
	KUNIT_EXPECT_FALSE(test, vol->key_id_known);
	KUNIT_EXPECT_EQ_MSG(test, 1, kref_read(&vol->memory), "no reference of a key");
	KUNIT_EXPECT_EQ_MSG(test, 0, ecache_kunit_engine_log.key_exits, "what was not made needs no end");
	ecache_kunit_engine_log.refuse = 0;
	KUNIT_EXPECT_EQ_MSG(test, 1, ecache_kunit_set(et, 2), "another one may come");
}

static unsigned int visited;
static struct ecache_volume *wanted;

static void visit(struct ecache_volume *vol)
{
	visited++;
	if (vol == wanted)
		wanted = NULL;
}

static void test_all_volumes_are_visited(struct kunit *test)
{
	struct ecache_target *one = ecache_kunit_volume(test, 64, 4096);
	struct ecache_target *other = ecache_kunit_volume(test, 64, 4096);

	visited = 0;
	wanted = one->vol;
	ecache_volume_for_each(visit);
	KUNIT_EXPECT_NULL(test, wanted);
	KUNIT_EXPECT_GE(test, visited, 2);
	wanted = other->vol;
	ecache_volume_for_each(visit);
	KUNIT_EXPECT_NULL(test, wanted);
}

static void test_refuses_weak_and_wrong_size(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	u8 key[ECACHE_MAX_KEY_SIZE];
	const char *why;

	memset(key, 0x5a, sizeof(key));
	KUNIT_EXPECT_EQ_MSG(test, -EINVAL, ecache_volume_set_key(et, key, 64, &why), "equal halves");
	ecache_kunit_key(key, 64, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, ecache_volume_set_key(et, key, 32, &why));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, et->vol->state);
	KUNIT_EXPECT_FALSE_MSG(test, et->vol->key_id_known, "a refused key must not pin the volume");
}

static void test_key_id_of_the_table(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_target(test, 32, 512);
	u8 key[ECACHE_MAX_KEY_SIZE];
	char *error;

	ecache_kunit_key(key, 32, 9);
	ecache_key_id(key, 32, et->key_id);
	et->key_id_given = true;
	et->vol = ecache_volume_get((struct mapped_device *)et, et, &error);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, et->vol);
	KUNIT_EXPECT_EQ(test, -EKEYREJECTED, ecache_kunit_set(et, 8));
	KUNIT_EXPECT_EQ(test, 1, ecache_kunit_set(et, 9));
	ecache_volume_put(et->vol);
}

/* A reload: the new table joins the volume, the old one leaves; key, state and epoch stay. */
static void test_reload_keeps_key_and_revocation(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_target(test, 64, 4096);
	struct mapped_device *md = (struct mapped_device *)et;
	struct ecache_volume *vol;
	char *error;
	u64 epoch;

	et->vol = ecache_volume_get(md, et, &error);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, et->vol);
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	epoch = ecache_volume_epoch(et->vol);

	vol = ecache_volume_get(md, et, &error);
	KUNIT_EXPECT_PTR_EQ(test, et->vol, vol);
	ecache_volume_put(vol);
	KUNIT_EXPECT_EQ(test, epoch, ecache_volume_epoch(et->vol));

	ecache_volume_revoke(et->vol);
	vol = ecache_volume_get(md, et, &error);
	KUNIT_EXPECT_PTR_EQ(test, et->vol, vol);
	ecache_volume_put(vol);
	KUNIT_EXPECT_EQ(test, -EKEYREVOKED, ecache_kunit_set(et, 1));
	ecache_volume_put(et->vol);

	vol = ecache_volume_get(md, et, &error);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vol);
	KUNIT_EXPECT_EQ_MSG(test, ECACHE_LOCKED, vol->state, "the state ends with the last table");
	ecache_volume_put(vol);
}

static void test_tables_that_may_not_join(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	struct mapped_device *md = (struct mapped_device *)et;
	struct ecache_target other = *et;
	char *error = NULL;

	other.start = 8;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	KUNIT_EXPECT_NOT_NULL(test, error);
	other = *et;
	other.iv_offset = 8;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	other = *et;
	other.key_size = 32;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	other = *et;
	other.sector_size = 512;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	other = *et;
	other.iv_large_sectors = true;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	other = *et;
	other.key_id_given = true;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	other = *et;
	other.engine = &ecache_engine_accel;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	KUNIT_EXPECT_NOT_NULL(test, strstr(error, "Engine"));
	other = *et;
	strscpy(other.driver, "xts-aes-other", sizeof(other.driver));
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	KUNIT_EXPECT_NOT_NULL(test, strstr(error, "driver"));
	other = *et;
	other.dun_bytes = 8;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(ecache_volume_get(md, &other, &error)));
	KUNIT_EXPECT_EQ_MSG(test, 1, et->vol->tables, "a refused table holds no reference");
}

static struct kunit_case volume_cases[] = {
	KUNIT_CASE_PARAM(test_state_and_event, rule_gen_params),
	KUNIT_CASE(test_a_key_set_anew_is_another_epoch),
	KUNIT_CASE(test_key_dies_with_its_last_user),
	KUNIT_CASE(test_revoke_outlasts_a_wipe_under_way),
	KUNIT_CASE(test_last_table_waits_for_the_key),
	KUNIT_CASE(test_device_that_hangs_keeps_the_memory_only),
	KUNIT_CASE(test_refused_key_leaves_nothing),
	KUNIT_CASE(test_all_volumes_are_visited),
	KUNIT_CASE(test_refuses_weak_and_wrong_size),
	KUNIT_CASE(test_key_id_of_the_table),
	KUNIT_CASE(test_reload_keeps_key_and_revocation),
	KUNIT_CASE(test_tables_that_may_not_join),
	{}
};

struct kunit_suite ecache_volume_suite = {
	.name = "ecache_volume",
	.test_cases = volume_cases,
};
