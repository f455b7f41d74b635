/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_CRYPTO_H
#define KMSD_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

/* The primitives, over OpenSSL. All return 0 or a negative errno (-EIO when the library fails). */

#define SHA256_SIZE 32
#define AES_KEY_SIZE 32
#define GCM_NONCE_SIZE 12
#define GCM_TAG_SIZE 16

int crypto_random(void *out, size_t len);
int crypto_sha256(const void *data, size_t len, uint8_t out[SHA256_SIZE]);
int crypto_hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_SIZE]);

/* crypto_hkdf - RFC 5869 with SHA-256; @salt may be NULL (no salt); @out_len at most 8160. */
int crypto_hkdf(const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len, const uint8_t *info,
		size_t info_len, uint8_t *out, size_t out_len);

struct crypto_aead {
	const uint8_t *key;	/* AES_KEY_SIZE */
	const uint8_t *nonce;	/* GCM_NONCE_SIZE */
	const uint8_t *aad;
	size_t aad_len;
};

/* crypto_seal - AES-256-GCM; @out holds len + GCM_TAG_SIZE bytes. */
int crypto_seal(const struct crypto_aead *a, const uint8_t *plain, size_t len, uint8_t *out);

/*
 * crypto_open - @len includes the tag; @out holds len - GCM_TAG_SIZE bytes. -EBADMSG when the tag is wrong: @out is
 * then wiped, no byte of unauthenticated plaintext leaves.
 */
int crypto_open(const struct crypto_aead *a, const uint8_t *sealed, size_t len, uint8_t *out);

#endif
