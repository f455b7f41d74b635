// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <endian.h>

#include "keyid.h"
#include "xts.h"

#define UNIT 512	/* of the tweak, whatever the sector's size: LUKS2 has no iv_large_sectors */

static EVP_CIPHER_CTX *context(const struct secret *key, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t iv[16] = { 0 };

	if (ctx && EVP_CipherInit_ex(ctx, key->len == 64 ? EVP_aes_256_xts() : EVP_aes_128_xts(), NULL, key->data, iv,
				     encrypt) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

int xts_init(struct xts *x, const struct secret *key, unsigned int sector_size, struct err *e)
{
	*x = (struct xts){ .sector_size = sector_size };
	if ((key->len != 32 && key->len != 64) || !sector_size || sector_size % UNIT)
		return err_set(e, -EINVAL, "no XTS with a key of %zu bytes and sectors of %u", key->len, sector_size);
	if (key_halves_differ(key))
		return err_set(e, -EINVAL, "the key has two equal halves, which XTS must not use");
	x->enc = context(key, 1);
	x->dec = context(key, 0);
	if (x->enc && x->dec)
		return 0;
	xts_wipe(x);
	return err_set(e, -ENOMEM, "libcrypto has no AES-XTS");
}

static int run(EVP_CIPHER_CTX *ctx, unsigned int sector_size, uint64_t offset, uint8_t *buf, size_t len)
{
	uint64_t iv[2] = { 0 };
	int n;

	for (; len; len -= sector_size, buf += sector_size, offset += sector_size) {
		iv[0] = htole64(offset / UNIT);
		if (EVP_CipherInit_ex(ctx, NULL, NULL, NULL, (const uint8_t *)iv, -1) != 1 ||
		    EVP_CipherUpdate(ctx, buf, &n, buf, (int)sector_size) != 1 || n != (int)sector_size)
			return -EIO;
	}
	return 0;
}

int xts_encrypt(const struct xts *x, uint64_t offset, uint8_t *buf, size_t len)
{
	return len % x->sector_size ? -EINVAL : run(x->enc, x->sector_size, offset, buf, len);
}

int xts_decrypt(const struct xts *x, uint64_t offset, uint8_t *buf, size_t len)
{
	return len % x->sector_size ? -EINVAL : run(x->dec, x->sector_size, offset, buf, len);
}

void xts_wipe(struct xts *x)
{
	EVP_CIPHER_CTX_free(x->enc);
	EVP_CIPHER_CTX_free(x->dec);
	*x = (struct xts){ 0 };
}
