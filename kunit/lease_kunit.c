// SPDX-License-Identifier: GPL-2.0
/*
 * Leases: a key ends in time with nobody's help, not before, and not one bio begins after it.
 */
#include <linux/delay.h>

#include "ecache_kunit.h"

static long long left(struct ecache_volume *vol)
{
	long long seconds;

	spin_lock_irq(&vol->state_lock);
	seconds = ecache_lease_left(vol);
	spin_unlock_irq(&vol->state_lock);
	return seconds;
}

/* The end of the lease is @ns from now, or was; the timer comes when it was told to. */
static void move_end(struct ecache_volume *vol, s64 ns)
{
	spin_lock_irq(&vol->state_lock);
	WRITE_ONCE(vol->lease_end, ktime_add_ns(ktime_get_boottime(), ns));
	spin_unlock_irq(&vol->state_lock);
}

static struct ecache_target *leased(struct kunit *test, unsigned int seconds)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);

	et->lease = seconds;
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	return et;
}

static int renew(struct ecache_volume *vol, unsigned int seconds)
{
	const char *why;

	return ecache_lease_renew(vol, seconds, &why);
}

/* Rounded up: 0 seconds are left when, and only when, the lease is over. */
static void test_seconds_left_are_rounded_up(struct kunit *test)
{
	struct ecache_target *et = leased(test, 600);

	KUNIT_EXPECT_EQ(test, 600, left(et->vol));
	move_end(et->vol, 10 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, 10, left(et->vol));
	move_end(et->vol, 9 * NSEC_PER_SEC + NSEC_PER_SEC / 2);
	KUNIT_EXPECT_EQ(test, 10, left(et->vol));
	move_end(et->vol, NSEC_PER_SEC / 2);
	KUNIT_EXPECT_EQ(test, 1, left(et->vol));
	move_end(et->vol, -1);
	KUNIT_EXPECT_EQ(test, 0, left(et->vol));
	move_end(et->vol, -5LL * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, 0, left(et->vol));
}

static void test_no_lease_no_end(struct kunit *test)
{
	struct ecache_target *et = leased(test, 0);

	KUNIT_EXPECT_EQ(test, -1, left(et->vol));
	KUNIT_EXPECT_EQ(test, KTIME_MAX, et->vol->lease_end);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&et->vol->lease_timer));
	KUNIT_EXPECT_EQ(test, -EINVAL, renew(et->vol, 60));
	KUNIT_EXPECT_EQ(test, -1, left(et->vol));
}

/* The lease is the key's: it ends with it, and the next key has a whole one. */
static void test_lease_ends_with_its_key(struct kunit *test)
{
	struct ecache_target *et = leased(test, 600);
	ktime_t end = et->vol->lease_end;

	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_set(et, 1));
	KUNIT_EXPECT_EQ_MSG(test, end, et->vol->lease_end, "the same key again prolongs nothing");
	move_end(et->vol, NSEC_PER_SEC);
	ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE);
	KUNIT_EXPECT_EQ(test, -1, left(et->vol));
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	KUNIT_EXPECT_EQ(test, 600, left(et->vol));
}

/* Not a moment before its second is over, and soon after. */
static void test_timer_takes_the_key_away(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	struct ecache_volume *vol = et->vol;
	ktime_t start = ktime_get_boottime();
	unsigned int tries;

	et->lease = 1;
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	KUNIT_EXPECT_NE(test, 0, ecache_volume_epoch(vol));
	for (tries = 0; tries < 1000 && READ_ONCE(vol->state) == ECACHE_ACTIVE; tries++)
		msleep(20);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get_boottime(), start), 1000);
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, vol->state);
	KUNIT_EXPECT_EQ(test, ECACHE_WHY_LEASE, vol->reason);
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_epoch(vol));
	KUNIT_EXPECT_EQ(test, 1, vol->events[ECACHE_WHY_LEASE]);
	KUNIT_EXPECT_EQ(test, -ENOKEY, renew(vol, 60));
	flush_work(&vol->dying_work);
	KUNIT_EXPECT_NULL_MSG(test, vol->dying, "the key is still there");
	KUNIT_EXPECT_EQ_MSG(test, 1, ecache_kunit_set(et, 1), "the same key may come again");
}

/* With users: REVOKING when the lease ends, LOCKED after the last of them. */
static void test_lease_of_a_key_in_use(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_counted(test);
	struct ecache_volume *vol = et->vol;
	struct ecache_key *user;
	unsigned int tries;

	et->lease = 1;
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	user = ecache_key_hold(vol, ecache_volume_epoch(vol));
	KUNIT_ASSERT_NOT_NULL(test, user);
	for (tries = 0; tries < 1000 && READ_ONCE(vol->state) == ECACHE_ACTIVE; tries++)
		msleep(20);
	flush_work(&vol->dying_work);
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKING, vol->state);
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_engine_log.key_exits);
	percpu_ref_put(&user->users);
	wait_for_completion(&vol->key_gone);
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, vol->state);
	KUNIT_EXPECT_EQ(test, ECACHE_WHY_LEASE, vol->reason);
	KUNIT_EXPECT_EQ(test, 1, ecache_kunit_engine_log.key_exits);
}

/* However late the timer is: nothing begins after the end, and the end is not taken back. */
static void test_nothing_begins_after_the_end(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_counted(test);
	struct ecache_volume *vol = et->vol;
	u64 epoch;

	et->lease = 600;
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	epoch = ecache_volume_epoch(vol);
	KUNIT_EXPECT_NE(test, 0, epoch);
	/* The coarse clock of a slow machine may be some ticks behind. */
	move_end(vol, -(s64)NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, ECACHE_ACTIVE, vol->state);
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_epoch(vol));
	KUNIT_EXPECT_NULL(test, ecache_key_hold(vol, epoch));
	KUNIT_EXPECT_EQ(test, -ENOKEY, renew(vol, 60));
	KUNIT_EXPECT_EQ(test, 0, ecache_volume_epoch(vol));
	KUNIT_EXPECT_EQ(test, 0, left(vol));
}

/* Renewed from now: longer than what is left prolongs, shorter shortens. */
static void test_renew_counts_from_now(struct kunit *test)
{
	struct ecache_target *et = leased(test, 1);
	struct ecache_volume *vol = et->vol;

	KUNIT_ASSERT_EQ(test, 0, renew(vol, 600));
	KUNIT_EXPECT_EQ(test, 600, left(vol));
	msleep(1100);
	KUNIT_EXPECT_EQ_MSG(test, ECACHE_ACTIVE, vol->state, "the first timer ended what was renewed");
	KUNIT_ASSERT_EQ(test, 0, renew(vol, ECACHE_LEASE_MAX));
	KUNIT_EXPECT_EQ(test, ECACHE_LEASE_MAX, left(vol));
	KUNIT_ASSERT_EQ(test, 0, renew(vol, 1));
	KUNIT_EXPECT_EQ(test, 1, left(vol));
	msleep(1100);
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, vol->state);
}

static void spin_for(unsigned int us)
{
	ktime_t end = ktime_add_us(ktime_get(), us);

	while (ktime_before(ktime_get(), end))
		cpu_relax();
}

/* The timer on its way while the lease is renewed: one of them wins, wholly. */
static void test_renew_against_expiry(struct kunit *test)
{
	struct ecache_target *et = leased(test, 600);
	struct ecache_volume *vol = et->vol;
	unsigned int i, renewed = 0;
	int r;

	for (i = 0; i < 60; i++) {
		spin_lock_irq(&vol->state_lock);
		WRITE_ONCE(vol->lease_end, ktime_add_us(ktime_get_boottime(), 50));
		hrtimer_start(&vol->lease_timer, vol->lease_end, HRTIMER_MODE_ABS);
		spin_unlock_irq(&vol->state_lock);
		spin_for(i % 20 * 5);
		r = renew(vol, 600);
		spin_for(100);
		if (!r) {
			renewed++;
			KUNIT_ASSERT_EQ(test, ECACHE_ACTIVE, vol->state);
			KUNIT_ASSERT_NE(test, 0, ecache_volume_epoch(vol));
			continue;
		}
		KUNIT_ASSERT_EQ(test, -ENOKEY, r);
		while (hrtimer_active(&vol->lease_timer))
			msleep(20);
		KUNIT_ASSERT_EQ(test, ECACHE_LOCKED, vol->state);
		KUNIT_ASSERT_EQ(test, ECACHE_WHY_LEASE, vol->reason);
		KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	}
	kunit_info(test, "%u of %u renewed in time", renewed, i);
}

/* As the timer leaves it: the key is taken away, not ended yet. */
static void run_out(struct ecache_volume *vol)
{
	spin_lock_irq(&vol->state_lock);
	ecache_volume_unpublish(vol, ECACHE_LOCKED, ECACHE_WHY_LEASE);
	spin_unlock_irq(&vol->state_lock);
}

/* Whoever comes between the timer and its work finds, when he returns, no key left. */
static void test_revoke_and_wipe_of_what_just_ran_out(struct kunit *test)
{
	struct ecache_target *et = leased(test, 600);
	struct ecache_volume *vol = et->vol;

	run_out(vol);
	KUNIT_EXPECT_NOT_NULL(test, vol->dying);
	KUNIT_EXPECT_EQ_MSG(test, 0, ecache_volume_end_key(vol, ECACHE_WHY_KEY_WIPE), "it was LOCKED already");
	KUNIT_EXPECT_NULL(test, vol->dying);
	KUNIT_EXPECT_EQ(test, ECACHE_WHY_LEASE, vol->reason);

	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	run_out(vol);
	KUNIT_EXPECT_EQ(test, 1, ecache_volume_revoke(vol));
	KUNIT_EXPECT_NULL(test, vol->dying);
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKED, vol->state);
}

static void test_revoke_of_a_counted_key_that_just_ran_out(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_counted(test);
	struct ecache_volume *vol = et->vol;
	struct ecache_key *user;

	et->lease = 600;
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	user = ecache_key_hold(vol, ecache_volume_epoch(vol));
	KUNIT_ASSERT_NOT_NULL(test, user);
	run_out(vol);
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKING, vol->state);
	KUNIT_EXPECT_EQ(test, 1, ecache_volume_revoke(vol));
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKING, vol->state);
	percpu_ref_put(&user->users);
	wait_for_completion(&vol->key_gone);
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKED, vol->state);
	KUNIT_EXPECT_EQ(test, 1, ecache_kunit_engine_log.key_exits);
}

/* The same key comes at the very moment: its predecessor is ended first. */
static void test_set_of_what_just_ran_out(struct kunit *test)
{
	struct ecache_target *et = leased(test, 600);
	struct ecache_volume *vol = et->vol;

	run_out(vol);
	queue_work(ecache_key_wq, &vol->dying_work);
	KUNIT_EXPECT_EQ(test, 1, ecache_kunit_set(et, 1));
	KUNIT_EXPECT_NULL(test, vol->dying);
	KUNIT_EXPECT_EQ(test, ECACHE_ACTIVE, vol->state);
	KUNIT_EXPECT_EQ(test, 600, left(vol));
}

static struct kunit_case lease_cases[] = {
	KUNIT_CASE(test_seconds_left_are_rounded_up),
	KUNIT_CASE(test_no_lease_no_end),
	KUNIT_CASE(test_lease_ends_with_its_key),
	KUNIT_CASE(test_timer_takes_the_key_away),
	KUNIT_CASE(test_lease_of_a_key_in_use),
	KUNIT_CASE(test_nothing_begins_after_the_end),
	KUNIT_CASE(test_renew_counts_from_now),
	KUNIT_CASE(test_renew_against_expiry),
	KUNIT_CASE(test_revoke_and_wipe_of_what_just_ran_out),
	KUNIT_CASE(test_revoke_of_a_counted_key_that_just_ran_out),
	KUNIT_CASE(test_set_of_what_just_ran_out),
	{}
};

struct kunit_suite ecache_lease_suite = {
	.name = "ecache_lease",
	.test_cases = lease_cases,
};
