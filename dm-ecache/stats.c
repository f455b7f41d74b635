// SPDX-License-Identifier: GPL-2.0
/*
 * Counters: per CPU, added up when somebody asks.
 */
#include <linux/kernel.h>
#include <linux/log2.h>

#include "dm-ecache.h"

/* In the order of struct ecache_stats. */
static const char * const ecache_stat_names[] = {
	"reads", "writes", "read_sectors", "write_sectors", "inline_reads", "deferred_reads", "errors",
	"parallel", "reserve", "wouldblock", "held", "accel", "backlog", "redone",
};

static_assert(ARRAY_SIZE(ecache_stat_names) == ECACHE_NR_COUNTERS);

/**
 * ecache_stats_sum - all CPUs' counters
 * @vol: the volume
 * @sum: result
 */
void ecache_stats_sum(const struct ecache_volume *vol, struct ecache_stats *sum)
{
	const unsigned int words = ECACHE_NR_COUNTERS + 2 * ECACHE_LATENCY_BUCKETS;
	unsigned int i;
	int cpu;

	/* The counters, and the latencies behind them, are u64 throughout. */
	static_assert(offsetof(struct ecache_stats, turn) == words * sizeof(u64));
	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const u64 *one = (const u64 *)per_cpu_ptr(vol->stats, cpu);

		for (i = 0; i < words; i++)
			((u64 *)sum)[i] += READ_ONCE(one[i]);
	}
	/* A read is counted once. The difference would not do: a counter must never go back. */
	sum->reads += sum->inline_reads + sum->deferred_reads;
}

/**
 * ecache_stats_latency - a timed bio ended
 * @vol: the volume
 * @write: or a read
 * @start_ns: CLOCK_MONOTONIC when it came
 */
void ecache_stats_latency(struct ecache_volume *vol, bool write, u64 start_ns)
{
	u64 us = div_u64(ktime_get_ns() - start_ns, NSEC_PER_USEC);
	unsigned int bucket = us ? min_t(unsigned int, ilog2(us) + 1, ECACHE_LATENCY_BUCKETS - 1) : 0;

	this_cpu_inc(vol->stats->latency[write][bucket]);
}

static unsigned int emit_latency(const char *name, const u64 *buckets, char *result, unsigned int maxlen,
				 unsigned int sz)
{
	unsigned int i;

	DMEMIT("%s", name);
	for (i = 0; i < ECACHE_LATENCY_BUCKETS; i++)
		if (buckets[i])
			DMEMIT(" %lu:%llu", i < ECACHE_LATENCY_BUCKETS - 1 ? BIT(i) : 0, buckets[i]);
	DMEMIT("\n");
	return sz;
}

/**
 * ecache_emit_stats - the answer to the message `stats`
 * @vol: the volume
 * @result: where to
 * @maxlen: its size
 *
 * One line each: a name and a number; a reason and how often it came; a latency and its
 * buckets, each the microseconds that its bios stayed below (0: the last, without bound) and
 * their number, empty ones left out.
 *
 * Return: characters printed.
 */
unsigned int ecache_emit_stats(struct ecache_volume *vol, char *result, unsigned int maxlen)
{
	u64 events[ECACHE_NR_REASONS];
	unsigned int sz = 0, i;
	struct ecache_stats s;

	spin_lock_irq(&vol->state_lock);
	memcpy(events, vol->events, sizeof(events));
	spin_unlock_irq(&vol->state_lock);
	ecache_stats_sum(vol, &s);

	for (i = 0; i < ECACHE_NR_COUNTERS; i++)
		DMEMIT("%s %llu\n", ecache_stat_names[i], ((u64 *)&s)[i]);
	DMEMIT("demotions %u\nquarantined %u\n", atomic_read(&vol->demotions), atomic_read(&vol->quarantined));
	for (i = ECACHE_WHY_KEY_SET; i < ECACHE_NR_REASONS; i++)
		DMEMIT("%s %llu\n", ecache_reason_name(i), events[i]);
	sz = emit_latency("read_latency", s.latency[READ], result, maxlen, sz);
	return emit_latency("write_latency", s.latency[WRITE], result, maxlen, sz);
}
