// SPDX-License-Identifier: GPL-2.0-or-later
#include "tally.h"

/* From a KMS on this host to the longest that ecache-net waits for one. */
const unsigned int tally_bound_ms[TALLY_BUCKETS] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000 };

void tally_probe(struct tally *t, enum verdict v, int64_t ms)
{
	unsigned int i;

	if ((unsigned int)v < TALLY_VERDICTS)
		t->verdict[v]++;
	if (ms < 0)
		return;
	t->count++;
	t->sum_ms += ms;
	for (i = 0; i < TALLY_BUCKETS; i++) {
		if (ms <= tally_bound_ms[i]) {
			t->bucket[i]++;
			return;
		}
	}
}
