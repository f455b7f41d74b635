// SPDX-License-Identifier: GPL-2.0
/*
 * What a volume shows of itself: the status line, and the answer to `stats`.
 */
#include <linux/string.h>

#include "ecache_kunit.h"

/* @driver NULL: the cpu's of the volume. @lease: as printed. */
struct shown {
	const char *state, *engine, *driver, *key_id, *lease, *reason;
};

static void expect_status(struct kunit *test, struct ecache_target *et, struct shown s)
{
	char want[256], line[256];
	unsigned int len;

	snprintf(want, sizeof(want), "%s %s %s %s %s 0 0 0 0 0 0 0 %s", s.state, s.engine ?: "cpu",
		 s.driver ?: ecache_cpu_driver(et->vol->unkeyed), s.key_id, s.lease ?: "-", s.reason);
	len = ecache_emit_info(et->vol, line, sizeof(line));
	KUNIT_EXPECT_STREQ(test, want, line);
	KUNIT_EXPECT_EQ(test, strlen(want), len);
}

static void id_of(struct ecache_target *et, u8 seed, char *hex)
{
	u8 key[ECACHE_MAX_KEY_SIZE], id[ECACHE_KEY_ID_SIZE];

	ecache_kunit_key(key, et->key_size, seed);
	ecache_key_id(key, et->key_size, id);
	snprintf(hex, 2 * ECACHE_KEY_ID_SIZE + 1, "%*phN", ECACHE_KEY_ID_SIZE, id);
}

/* One line per state, with each reason. A key's id stays when the key is gone. */
static void test_status_line(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	char id[2 * ECACHE_KEY_ID_SIZE + 1];

	id_of(et, 1, id);
	expect_status(test, et, (struct shown){ "LOCKED", .key_id = "-", .reason = "new" });
	ecache_kunit_set(et, 1);
	expect_status(test, et, (struct shown){ "ACTIVE", .key_id = id, .reason = "key-set" });
	ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE);
	expect_status(test, et, (struct shown){ "LOCKED", .key_id = id, .reason = "key-wipe" });
	et->lease = 600;
	ecache_kunit_set(et, 1);
	expect_status(test, et, (struct shown){ "ACTIVE", .key_id = id, .lease = "600", .reason = "key-set" });
	ecache_volume_end_key(et->vol, ECACHE_WHY_HIBERNATION);
	expect_status(test, et, (struct shown){ "LOCKED", .key_id = id, .reason = "hibernation" });
	ecache_kunit_set(et, 1);
	spin_lock_irq(&et->vol->state_lock);
	ecache_volume_unpublish(et->vol, ECACHE_LOCKED, ECACHE_WHY_LEASE);
	spin_unlock_irq(&et->vol->state_lock);
	expect_status(test, et, (struct shown){ "LOCKED", .key_id = id, .reason = "lease-expired" });
	ecache_volume_revoke(et->vol);
	expect_status(test, et, (struct shown){ "REVOKED", .key_id = id, .reason = "key-revoke" });
}

/* The lease is over and the timer did not come yet: no second is left, and no I/O begins. */
static void test_status_of_a_lease_that_is_over(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	char id[2 * ECACHE_KEY_ID_SIZE + 1];

	id_of(et, 1, id);
	et->lease = 600;
	ecache_kunit_set(et, 1);
	spin_lock_irq(&et->vol->state_lock);
	WRITE_ONCE(et->vol->lease_end, ktime_get_boottime());
	spin_unlock_irq(&et->vol->state_lock);
	expect_status(test, et, (struct shown){ "ACTIVE", .key_id = id, .lease = "0", .reason = "key-set" });
}

/* Who works now: the engine and its driver, after a demotion cpu and its own. */
static void test_status_names_who_works(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_counted(test);
	struct ecache_key *user;
	char id[2 * ECACHE_KEY_ID_SIZE + 1];

	id_of(et, 1, id);
	expect_status(test, et, (struct shown){ "LOCKED", "counted", "kunit-driver", "-", .reason = "new" });
	KUNIT_ASSERT_EQ(test, 1, ecache_kunit_set(et, 1));
	expect_status(test, et, (struct shown){ "ACTIVE", "counted", "kunit-driver", id, .reason = "key-set" });
	WRITE_ONCE(et->vol->demoted, true);
	expect_status(test, et, (struct shown){ "ACTIVE", .key_id = id, .reason = "key-set" });
	user = ecache_key_hold(et->vol, ecache_volume_epoch(et->vol));
	KUNIT_ASSERT_NOT_NULL(test, user);
	ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE);
	expect_status(test, et, (struct shown){ "REVOKING", .key_id = id, .reason = "key-wipe" });
	percpu_ref_put(&user->users);
	wait_for_completion(&et->vol->key_gone);
}

static void test_key_id_of_the_table_is_shown(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	char id[2 * ECACHE_KEY_ID_SIZE + 1];

	memset(et->vol->key_id, 0xab, ECACHE_KEY_ID_SIZE);
	et->vol->key_id_known = true;
	memset(id, 0, sizeof(id));
	snprintf(id, sizeof(id), "%*phN", ECACHE_KEY_ID_SIZE, et->vol->key_id);
	expect_status(test, et, (struct shown){ "LOCKED", .key_id = id, .reason = "new" });
}

/* dm's buffer may be too small: the line is cut, nothing behind it is written. */
static void test_status_stays_in_its_buffer(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	char whole[256], cut[256];
	unsigned int size, len;

	len = ecache_emit_info(et->vol, whole, sizeof(whole));
	for (size = 1; size <= len; size++) {
		memset(cut, 'x', sizeof(cut));
		ecache_emit_info(et->vol, cut, size);
		KUNIT_ASSERT_EQ(test, size - 1, strlen(cut));
		KUNIT_ASSERT_EQ(test, 0, memcmp(cut, whole, size - 1));
		KUNIT_ASSERT_EQ(test, 'x', cut[size]);
	}
}

/* Every counter another value on every CPU, in the order of the structure. Of reads 12: 1 of the disk and 5 + 6. */
static unsigned int fill_counters(struct ecache_volume *vol)
{
	unsigned int cpu, n = 0;

	for_each_possible_cpu(cpu) {
		struct ecache_stats *s = per_cpu_ptr(vol->stats, cpu);

		*s = (struct ecache_stats){
			.reads = 1, .writes = 2, .read_sectors = 3, .write_sectors = 4,
			.inline_reads = 5, .deferred_reads = 6, .errors = 7, .parallel = 8, .reserve = 9,
			.wouldblock = 10, .held = 11, .accel = 12, .backlog = 13, .redone = 14,
			.latency[READ][0] = 15, .latency[READ][3] = 16,
			.latency[WRITE][ECACHE_LATENCY_BUCKETS - 1] = 17,
		};
		n++;
	}
	return n;
}

static void test_status_sums_all_cpus(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	char want[256], line[256];
	unsigned int n = fill_counters(et->vol);

	snprintf(want, sizeof(want), "LOCKED cpu %s - - %u %u %u %u %u %u %u new",
		 ecache_cpu_driver(et->vol->unkeyed), 12 * n, 2 * n, 3 * n, 4 * n, 5 * n, 6 * n, 7 * n);
	ecache_emit_info(et->vol, line, sizeof(line));
	KUNIT_EXPECT_STREQ(test, want, line);
}

/* The whole answer, line by line: scripts parse it. */
static void test_stats_line_by_line(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	struct ecache_volume *vol = et->vol;
	char *want = kunit_kzalloc(test, 1024, GFP_KERNEL), *answer = kunit_kzalloc(test, 1024, GFP_KERNEL);
	unsigned int n = fill_counters(vol);

	KUNIT_ASSERT_NOT_NULL(test, want);
	KUNIT_ASSERT_NOT_NULL(test, answer);
	atomic_set(&vol->demotions, 1);
	atomic_set(&vol->quarantined, 2);
	vol->events[ECACHE_WHY_KEY_SET] = 3;
	vol->events[ECACHE_WHY_KEY_WIPE] = 4;
	vol->events[ECACHE_WHY_KEY_REVOKE] = 5;
	vol->events[ECACHE_WHY_LEASE] = 6;
	vol->events[ECACHE_WHY_HIBERNATION] = 7;
	snprintf(want, 1024,
		 "reads %u\nwrites %u\nread_sectors %u\nwrite_sectors %u\ninline_reads %u\ndeferred_reads %u\n"
		 "errors %u\nparallel %u\nreserve %u\nwouldblock %u\nheld %u\naccel %u\nbacklog %u\nredone %u\n"
		 "demotions 1\nquarantined 2\n"
		 "key-set 3\nkey-wipe 4\nkey-revoke 5\nlease-expired 6\nhibernation 7\n"
		 "read_latency 1:%u 8:%u\nwrite_latency 0:%u\n",
		 12 * n, 2 * n, 3 * n, 4 * n, 5 * n, 6 * n, 7 * n, 8 * n, 9 * n, 10 * n, 11 * n, 12 * n, 13 * n, 14 * n,
		 15 * n, 16 * n, 17 * n);
	KUNIT_EXPECT_EQ(test, strlen(want), ecache_emit_stats(vol, answer, 1024));
	KUNIT_EXPECT_STREQ(test, want, answer);
}

static u64 total(const u64 *buckets)
{
	unsigned int b;
	u64 n = 0;

	for (b = 0; b < ECACHE_LATENCY_BUCKETS; b++)
		n += buckets[b];
	return n;
}

struct duration {
	u64 us;
	unsigned int bucket;
};

/* The bucket's name is the bound that the duration is below. */
static const struct duration durations[] = {
	{ 1, 1 }, { 2, 2 }, { 3, 2 }, { 4, 3 }, { 1000, 10 }, { 1024, 11 },
	{ 2097152, 22 }, { 6000000, 23 }, { 8388608, 24 }, { 1000000000, 24 },
};

/* The clock runs on between the test and the code: a short duration may land higher. */
static void test_latency_lands_in_its_bucket(struct kunit *test)
{
	struct ecache_stats sum;
	unsigned int i, b;

	for (i = 0; i < ARRAY_SIZE(durations); i++) {
		struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);

		ecache_stats_latency(et->vol, true, ktime_get_ns() - durations[i].us * NSEC_PER_USEC);
		ecache_stats_sum(et->vol, &sum);
		KUNIT_EXPECT_EQ(test, 1, total(sum.latency[WRITE]));
		KUNIT_EXPECT_EQ(test, 0, total(sum.latency[READ]));
		for (b = 0; b < durations[i].bucket; b++)
			KUNIT_EXPECT_EQ_MSG(test, 0, sum.latency[WRITE][b], "%llu us", durations[i].us);
		/* Longer durations are looked at sharply: a test's pause is short beside them. */
		if (durations[i].us > USEC_PER_SEC)
			KUNIT_EXPECT_EQ(test, 1, sum.latency[WRITE][durations[i].bucket]);
	}
}

static struct kunit_case status_cases[] = {
	KUNIT_CASE(test_status_line),
	KUNIT_CASE(test_status_of_a_lease_that_is_over),
	KUNIT_CASE(test_status_names_who_works),
	KUNIT_CASE(test_key_id_of_the_table_is_shown),
	KUNIT_CASE(test_status_stays_in_its_buffer),
	KUNIT_CASE(test_status_sums_all_cpus),
	KUNIT_CASE(test_stats_line_by_line),
	KUNIT_CASE(test_latency_lands_in_its_bucket),
	{}
};

struct kunit_suite ecache_status_suite = {
	.name = "ecache_status",
	.test_cases = status_cases,
};
