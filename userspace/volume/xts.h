/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_XTS_H
#define ECACHE_XTS_H

#include <stddef.h>
#include <stdint.h>
#include <openssl/evp.h>

#include "../common/err.h"
#include "../common/secret.h"

/*
 * aes-xts-plain64 in this process, byte for byte what dm-crypt and the target write: a data unit is a sector, its
 * tweak the sector's offset in units of 512 bytes. libcrypto keeps the expanded key on the heap and wipes it when it
 * is freed: only for processes whose memory is locked and not dumped.
 */
struct xts {
	EVP_CIPHER_CTX *enc;	/* NULL when empty */
	EVP_CIPHER_CTX *dec;
	unsigned int sector_size;	/* bytes */
};

#define XTS_INIT { 0 }

/* xts_init - the caller keeps the key (32 or 64 bytes). -EINVAL, also for a key with two equal halves; -ENOMEM. */
int xts_init(struct xts *x, const struct secret *key, unsigned int sector_size, struct err *e);

/* xts_encrypt, xts_decrypt - in place; @offset (of the data area) and @len are multiples of the sector. -EIO. */
int xts_encrypt(const struct xts *x, uint64_t offset, uint8_t *buf, size_t len);
int xts_decrypt(const struct xts *x, uint64_t offset, uint8_t *buf, size_t len);

void xts_wipe(struct xts *x);	/* safe on an empty one */

#endif
