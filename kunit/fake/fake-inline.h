/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ECACHE_FAKE_INLINE_H
#define ECACHE_FAKE_INLINE_H

#include <linux/blk-crypto-profile.h>
#include <linux/blk-mq.h>
#include <crypto/internal/skcipher.h>

#include "fake.h"

#define FAKE_MAX_BYTES		(256 * 1024)	/* of one request */

/*
 * struct fake_slot - a keyslot
 *
 * @tfm: keyed while @used; without a key in the slot, under a random one
 */
struct fake_slot {
	struct crypto_sync_skcipher *tfm;
	bool used;
};

/**
 * struct ecache_fake_inline - the switches and counters of the fake disk with inline encryption
 *
 * Each is a module parameter of the same name, the first four at load time only. Kernel tests
 * find the structure by symbol_get(ecache_fake_inline).
 *
 * @size_mb: of the disk, in MiB
 * @block_size: logical, in bytes
 * @keyslots: keys that the disk holds at a time; 0: it has no keyslots, each request brings its key;
 *	-1: it cannot encrypt, blk-crypto falls back to the CPU
 * @dun_bytes: the largest data unit number that the disk takes
 * @context: where requests complete, an enum fake_context
 * @hold: requests are taken, and wait until it is cleared
 * @program_fail_next: the next N attempts to program a keyslot fail with -EIO
 * @evict_fail_next: the next N evictions fail with -EIO; the key stays in its slot
 * @programmed: keys put into a keyslot, since the last reset as all counters; a key that lost its slot
 *	to another is programmed again
 * @evicted: keys removed on request; without keyslots, requests to forget a key
 * @program_errors: by @program_fail_next
 * @evict_errors: by @evict_fail_next
 * @encrypted: requests of data with a key
 * @plain: requests of data without one
 * @flushes: empty flushes
 * @discards: they leave zeroes
 * @slots_used: now: keyslots with a key
 * @queued: now: requests taken and not begun, as those that @hold keeps
 */
struct ecache_fake_inline {
	unsigned int size_mb;
	unsigned int block_size;
	int keyslots;
	unsigned int dun_bytes;
	unsigned int context;
	bool hold;
	unsigned int program_fail_next, evict_fail_next;

	struct {
		unsigned int programmed, evicted, program_errors, evict_errors;
		unsigned int encrypted, plain, flushes, discards;
	} count;
	unsigned int slots_used, queued;
};

extern struct ecache_fake_inline ecache_fake_inline;

int ecache_fake_inline_hold(bool hold);

/* Inside the module. fake-inline-keys.c */
int fake_keys_init(void);
void fake_keys_exit(void);
struct blk_crypto_profile *fake_keys_profile(void);
int fake_keys_crypt(struct request *rq, u8 *data, unsigned int bytes);

/* fake-inline-disk.c */
int fake_disk_init(struct blk_crypto_profile *profile);
void fake_disk_exit(void);

#endif
