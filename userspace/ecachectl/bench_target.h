/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_TARGET_H
#define ECACHECTL_BENCH_TARGET_H

#include <stddef.h>

#include "../common/err.h"
#include "../volume/device.h"
#include "../volume/keyring.h"
#include "bench.h"

/*
 * The ways to the disk, all over the same area of it and under one key, so that each reads what another wrote. The
 * key is random, lives in the kernel only, and ends with the mappings.
 */
struct bench_table {
	dev_t dev;
	uint64_t sectors;
	unsigned int sector_size;
	const char *key;	/* description of a logon key */
	const char *accel;	/* crypto driver of the accelerator */
};

/*
 * bench_table - what follows "0 LEN TARGET " of a kind's table; returns the target's name. NULL: the kind has none
 * (raw).
 */
const char *bench_table(enum bench_kind kind, const struct bench_table *t, char *out, size_t size);

const char *bench_kind_name(enum bench_kind kind);

/*
 * bench_find_accel - in the text of /proc/crypto: an asynchronous driver of xts(aes) that is not the CPU's own
 * behind a wrapper, with the highest priority. false: there is none.
 */
bool bench_find_accel(const char *text, char *driver, size_t size);

/* The mappings of one device, and a descriptor for each of the bench's targets. */
struct bench_targets {
	int fd[BENCH_TARGETS_MAX];
	bool mapped[BENCH_TARGETS_MAX];
	struct keyring_key key;
};

/*
 * bench_targets_open - all that this kernel can, into @b->targets (with their drivers), the others into
 * @b->left_out. Proves that those that encrypt are the same cipher. bench_targets_close() in any case, which tells
 * of a mapping that stays.
 */
int bench_targets_open(struct bench_targets *t, struct bench *b, struct device *d, const char *accel, struct err *e);
int bench_targets_close(struct bench_targets *t, const struct bench *b, struct err *e);

#endif
