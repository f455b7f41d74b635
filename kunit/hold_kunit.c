// SPDX-License-Identifier: GPL-2.0
/*
 * queue_if_locked: which bios wait for a key, in which order they end without one, and when
 * nothing is held any more. The bios have nothing below them; how they go on when a key comes
 * is target_kunit.c's, on a real device.
 */
#include <linux/bio.h>
#include <linux/delay.h>

#include "ecache_kunit.h"

#define NR_BIOS	5

struct hold_test {
	struct ecache_target *et;
	struct bio bio[NR_BIOS];
};

static struct bio *ended[NR_BIOS];
static unsigned int nr_ended;

static void log_end(struct bio *bio)
{
	ended[nr_ended++] = bio;
}

static struct hold_test *make(struct kunit *test, struct ecache_target *et)
{
	struct hold_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->et = et;
	et->queue_if_locked = true;
	ecache_hold_start(et);
	for (i = 0; i < NR_BIOS; i++) {
		bio_init(&t->bio[i], NULL, NULL, 0, i & 1 ? REQ_OP_WRITE : REQ_OP_READ);
		t->bio[i].bi_end_io = log_end;
	}
	nr_ended = 0;
	return t;
}

static struct hold_test *make_locked(struct kunit *test)
{
	return make(test, ecache_kunit_volume(test, 64, 4096));
}

static void hold_all(struct kunit *test, struct hold_test *t)
{
	unsigned int i;

	for (i = 0; i < NR_BIOS; i++)
		KUNIT_ASSERT_TRUE(test, ecache_hold(t->et, &t->bio[i]));
}

/* All ended with @status, in the order in which they came; nothing waits. */
static void expect_ended(struct kunit *test, struct hold_test *t, blk_status_t status)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, NR_BIOS, nr_ended);
	for (i = 0; i < NR_BIOS; i++) {
		KUNIT_EXPECT_PTR_EQ(test, &t->bio[i], ended[i]);
		KUNIT_EXPECT_EQ(test, (__force int)status, (__force int)t->bio[i].bi_status);
	}
	KUNIT_EXPECT_TRUE(test, bio_list_empty(&t->et->held));
	ecache_hold_exit(t->et);
}

static void test_holds_while_locked(struct kunit *test)
{
	struct hold_test *t = make_locked(test);
	struct ecache_stats sum;

	hold_all(test, t);
	KUNIT_EXPECT_EQ(test, 0, nr_ended);
	KUNIT_EXPECT_EQ(test, NR_BIOS, bio_list_size(&t->et->held));
	KUNIT_EXPECT_FALSE_MSG(test, delayed_work_pending(&t->et->hold_timeout), "no time was given: for ever");
	ecache_stats_sum(t->et->vol, &sum);
	KUNIT_EXPECT_EQ(test, NR_BIOS, sum.held);
	ecache_hold_fail(t->et);
	expect_ended(test, t, BLK_STS_IOERR);
}

/* Whose submitter would not wait, or does not care. */
static void test_never_holds_nowait_and_readahead(struct kunit *test)
{
	struct hold_test *t = make_locked(test);

	t->bio[0].bi_opf |= REQ_NOWAIT;
	t->bio[1].bi_opf |= REQ_RAHEAD;
	KUNIT_EXPECT_FALSE(test, ecache_hold(t->et, &t->bio[0]));
	KUNIT_EXPECT_FALSE(test, ecache_hold(t->et, &t->bio[1]));
	KUNIT_EXPECT_TRUE(test, ecache_hold(t->et, &t->bio[2]));
	ecache_hold_fail(t->et);
	KUNIT_EXPECT_EQ(test, 1, nr_ended);
	KUNIT_EXPECT_PTR_EQ(test, &t->bio[2], ended[0]);
}

static void test_holds_only_when_the_table_says_so(struct kunit *test)
{
	struct hold_test *t = make_locked(test);

	t->et->queue_if_locked = false;
	KUNIT_EXPECT_FALSE(test, ecache_hold(t->et, &t->bio[0]));
	ecache_hold_start(t->et);
	KUNIT_EXPECT_FALSE(test, t->et->holding);
	ecache_hold_resubmit(t->et);
	KUNIT_EXPECT_FALSE(test, t->et->holding);
}

/* Before the first resume, and from suspend to resume. */
static void test_holds_only_between_resume_and_suspend(struct kunit *test)
{
	struct hold_test *t = make_locked(test);

	t->et->holding = false;
	KUNIT_EXPECT_FALSE(test, ecache_hold(t->et, &t->bio[0]));
	ecache_hold_start(t->et);
	hold_all(test, t);
	ecache_hold_fail(t->et);
	expect_ended(test, t, BLK_STS_IOERR);
}

/* A key that came after the bio looked: not held, the caller looks again. */
static void test_does_not_hold_when_there_is_a_key(struct kunit *test)
{
	struct hold_test *t = make_locked(test);

	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(t->et, 1));
	KUNIT_EXPECT_FALSE(test, ecache_hold(t->et, &t->bio[0]));
	ecache_volume_end_key(t->et->vol, ECACHE_WHY_KEY_WIPE);
	KUNIT_EXPECT_TRUE(test, ecache_hold(t->et, &t->bio[0]));
	ecache_hold_fail(t->et);
	KUNIT_EXPECT_EQ(test, 1, nr_ended);
}

/* Each is counted and kept once, however late the work of a key comes that is gone again. */
static void test_resubmission_without_a_key(struct kunit *test)
{
	struct hold_test *t = make_locked(test);
	struct ecache_stats stats;

	hold_all(test, t);
	ecache_hold_resubmit(t->et);
	flush_work(&t->et->resubmit_work);
	ecache_stats_sum(t->et->vol, &stats);
	KUNIT_EXPECT_EQ(test, NR_BIOS, stats.held);
	KUNIT_EXPECT_EQ(test, 0, nr_ended);
	ecache_hold_fail(t->et);
	expect_ended(test, t, BLK_STS_IOERR);
}

static void test_never_holds_when_revoked(struct kunit *test)
{
	struct hold_test *t = make_locked(test);

	ecache_volume_revoke(t->et->vol);
	KUNIT_EXPECT_FALSE(test, ecache_hold(t->et, &t->bio[0]));
}

/* A key may come after REVOKING that leads to LOCKED, and never after the other. */
static void test_holds_while_a_wipe_is_under_way(struct kunit *test)
{
	struct hold_test *t = make(test, ecache_kunit_counted(test));
	struct ecache_volume *vol = t->et->vol;
	struct ecache_key *user;

	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(t->et, 1));
	user = ecache_key_hold(vol, ecache_volume_epoch(vol));
	KUNIT_ASSERT_NOT_NULL(test, user);
	ecache_volume_end_key(vol, ECACHE_WHY_KEY_WIPE);
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKING, vol->state);
	KUNIT_EXPECT_TRUE(test, ecache_hold(t->et, &t->bio[0]));
	ecache_volume_revoke(vol);
	KUNIT_EXPECT_EQ(test, ECACHE_REVOKING, vol->state);
	KUNIT_EXPECT_FALSE(test, ecache_hold(t->et, &t->bio[1]));
	ecache_hold_fail(t->et);
	KUNIT_EXPECT_EQ(test, 1, nr_ended);
	percpu_ref_put(&user->users);
	wait_for_completion(&vol->key_gone);
}

/* The time runs from the first bio that waits; then nothing is held until the next key. */
static void test_holds_for_the_time_of_the_table(struct kunit *test)
{
	struct hold_test *t = make_locked(test);
	unsigned long start = jiffies, expires;
	unsigned int tries;

	t->et->hold_seconds = 1;
	KUNIT_ASSERT_TRUE(test, ecache_hold(t->et, &t->bio[0]));
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&t->et->hold_timeout));
	expires = t->et->hold_timeout.timer.expires;
	msleep(100);
	for (tries = 1; tries < NR_BIOS; tries++)
		KUNIT_ASSERT_TRUE(test, ecache_hold(t->et, &t->bio[tries]));
	KUNIT_EXPECT_EQ_MSG(test, expires, t->et->hold_timeout.timer.expires, "counted from a later bio");
	for (tries = 0; tries < 500 && READ_ONCE(nr_ended) < NR_BIOS; tries++)
		msleep(20);
	KUNIT_EXPECT_GE(test, jiffies_to_msecs(jiffies - start), 1000);
	flush_delayed_work(&t->et->hold_timeout);
	KUNIT_EXPECT_FALSE(test, ecache_hold(t->et, &t->bio[0]));
	expect_ended(test, t, BLK_STS_IOERR);

	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(t->et, 1));
	ecache_hold_resubmit(t->et);
	KUNIT_EXPECT_TRUE(test, t->et->holding);
	ecache_hold_exit(t->et);
}

/* A key or a revocation in time: the timeout of those that waited is not the next ones'. */
static void test_timeout_ends_with_the_wait(struct kunit *test)
{
	struct hold_test *t = make_locked(test);

	t->et->hold_seconds = 3600;
	hold_all(test, t);
	ecache_hold_fail(t->et);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&t->et->hold_timeout));
	expect_ended(test, t, BLK_STS_IOERR);
}

static struct kunit_case hold_cases[] = {
	KUNIT_CASE(test_holds_while_locked),
	KUNIT_CASE(test_never_holds_nowait_and_readahead),
	KUNIT_CASE(test_holds_only_when_the_table_says_so),
	KUNIT_CASE(test_holds_only_between_resume_and_suspend),
	KUNIT_CASE(test_does_not_hold_when_there_is_a_key),
	KUNIT_CASE(test_resubmission_without_a_key),
	KUNIT_CASE(test_never_holds_when_revoked),
	KUNIT_CASE(test_holds_while_a_wipe_is_under_way),
	KUNIT_CASE(test_holds_for_the_time_of_the_table),
	KUNIT_CASE(test_timeout_ends_with_the_wait),
	{}
};

struct kunit_suite ecache_hold_suite = {
	.name = "ecache_hold",
	.test_cases = hold_cases,
};
