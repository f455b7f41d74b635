// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <stdio.h>

#include "bench_words.h"

const struct bench_measure_words bench_measures[BENCH_MEASURES] = {
	[BENCH_IOPS] = { "iops", "I/Os per second", "", true },
	[BENCH_MIB] = { "mib_per_second", "MiB per second", "", true },
	[BENCH_READ_P50] = { "read_p50_us", "read latency, median", "us", false },
	[BENCH_READ_P99] = { "read_p99_us", "read latency, p99", "us", false },
	[BENCH_READ_P999] = { "read_p999_us", "read latency, p99.9", "us", false },
	[BENCH_WRITE_P50] = { "write_p50_us", "write latency, median", "us", false },
	[BENCH_WRITE_P99] = { "write_p99_us", "write latency, p99", "us", false },
	[BENCH_WRITE_P999] = { "write_p999_us", "write latency, p99.9", "us", false },
	[BENCH_CPU] = { "cpu_us_per_io", "CPU time per I/O", "us", false },
	[BENCH_INSNS] = { "instructions_per_io", "instructions per I/O", "", false },
};

/* digits - behind the point, so that three count. */
static int digits(double v)
{
	return v < 9.995 ? 2 : v < 99.95 ? 1 : 0;
}

void bench_number(double v, char *out, size_t size)
{
	double shown = v;
	const char *unit = "";

	if (!isfinite(v)) {
		snprintf(out, size, "-");
		return;
	}
	/* Limits are where the smaller unit would round up to five digits. */
	if (v >= 999500) {
		shown = v / 1e6;
		unit = "M";
	} else if (v >= 9999.5) {
		shown = v / 1e3;
		unit = "k";
	}
	snprintf(out, size, "%.*f%s", digits(shown), shown, unit);
}

enum bench_measure bench_effort(const struct bench *b)
{
	return b->counted ? BENCH_INSNS : BENCH_CPU;
}

void bench_method(const struct bench *b, char *out, size_t size)
{
	char each[64];

	if (b->seconds)
		snprintf(each, sizeof(each), "%u s each", b->seconds);
	else
		snprintf(each, sizeof(each), "%u I/Os each (fewer of the large ones)", b->ios);
	snprintf(out, size, "%u rounds, %s, targets in a new random order in every round of every cell, on the first %llu MiB, "
		 "filled with random bytes before; direct I/O, crypto sectors of %u bytes.", b->rounds, each,
		 (unsigned long long)(b->disk.area / 1048576), b->sector_size);
}
