/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_KEYID_H
#define ECACHE_KEYID_H

#include "../common/secret.h"

#define KEYID_LEN 32

/*
 * keyid_of - the key id, 32 hex characters: the first 16 bytes of SHA-256("dm-ecache key id v1" ||
 * key). Not secret, and the same as the target computes. -EINVAL for an empty key, -EIO when
 * libcrypto fails.
 */
int keyid_of(const struct secret *key, char id[KEYID_LEN + 1]);

/* keyid_check - 32 lowercase hex digits: 0 or -EINVAL. */
int keyid_check(const char *id);

/*
 * key_halves_differ - an XTS key of two equal halves is refused (the kernel does it in FIPS mode
 * only): 0 or -EKEYREJECTED. In constant time.
 */
int key_halves_differ(const struct secret *key);

#endif
