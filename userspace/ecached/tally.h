/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_TALLY_H
#define ECACHED_TALLY_H

#include <stdint.h>

#include "../kms/verdict.h"

/*
 * What became of a volume's probes since it is watched, for metrics: how often which verdict, and
 * how long the KMS took. No verdict depends on it.
 */
#define TALLY_VERDICTS (VERDICT_HEADER_FAULT + 1)
#define TALLY_BUCKETS 11

struct tally {
	uint64_t verdict[TALLY_VERDICTS];
	uint64_t bucket[TALLY_BUCKETS];	/* not cumulative; slower ones are in count only */
	uint64_t count;			/* answers */
	int64_t sum_ms;
};

extern const unsigned int tally_bound_ms[TALLY_BUCKETS];

/* tally_probe - one more, which left the volume at @v. @ms: until the KMS's answer, -1 when there was none. */
void tally_probe(struct tally *t, enum verdict v, int64_t ms);

#endif
