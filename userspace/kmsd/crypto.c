// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

int crypto_random(void *out, size_t len)
{
	if (len > INT_MAX || RAND_priv_bytes(out, (int)len) != 1)
		return -EIO;
	return 0;
}

int crypto_sha256(const void *data, size_t len, uint8_t out[SHA256_SIZE])
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

int crypto_hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_SIZE])
{
	unsigned int out_len = SHA256_SIZE;

	if (key_len > INT_MAX || !HMAC(EVP_sha256(), key, (int)key_len, data, len, out, &out_len))
		return -EIO;
	return 0;
}

/* OSSL_PARAM has no const pointers; HKDF only reads them. */
static void *unconst(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = { .in = p };

	return u.out;
}

int crypto_hkdf(const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len, const uint8_t *info,
		size_t info_len, uint8_t *out, size_t out_len)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[5], *p = params;
	EVP_KDF_CTX *ctx = NULL;
	EVP_KDF *kdf;
	int rc = -EIO;

	kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	if (!kdf)
		return -EIO;
	ctx = EVP_KDF_CTX_new(kdf);
	if (!ctx)
		goto out;
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, unconst(key), key_len);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, unconst(info), info_len);
	if (salt)
		*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, unconst(salt), salt_len);
	*p = OSSL_PARAM_construct_end();
	if (EVP_KDF_derive(ctx, out, out_len, params) == 1)
		rc = 0;
out:
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return rc;
}

/* gcm_start - key, nonce and additional data in; NULL on failure. */
static EVP_CIPHER_CTX *gcm_start(const struct crypto_aead *a, int encrypt)
{
	EVP_CIPHER_CTX *ctx;
	int n;

	if (a->aad_len > INT_MAX)
		return NULL;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx)
		return NULL;
	if (EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, a->key, a->nonce, encrypt) != 1 ||
	    EVP_CipherUpdate(ctx, NULL, &n, a->aad, (int)a->aad_len) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

int crypto_seal(const struct crypto_aead *a, const uint8_t *plain, size_t len, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx;
	int rc = -EIO, n, last;

	if (len > INT_MAX)
		return -EINVAL;
	ctx = gcm_start(a, 1);
	if (!ctx)
		return -EIO;
	if (EVP_CipherUpdate(ctx, out, &n, plain, (int)len) == 1 && EVP_CipherFinal_ex(ctx, out + n, &last) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_SIZE, out + len) == 1)
		rc = 0;
	EVP_CIPHER_CTX_free(ctx);
	return rc;
}

int crypto_open(const struct crypto_aead *a, const uint8_t *sealed, size_t len, uint8_t *out)
{
	uint8_t tag[GCM_TAG_SIZE];
	EVP_CIPHER_CTX *ctx;
	int rc = -EIO, n, last;

	if (len < GCM_TAG_SIZE || len > INT_MAX)
		return -EBADMSG;
	len -= GCM_TAG_SIZE;
	memcpy(tag, sealed + len, sizeof(tag));
	ctx = gcm_start(a, 0);
	if (!ctx)
		return -EIO;
	if (EVP_CipherUpdate(ctx, out, &n, sealed, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_SIZE, tag) != 1)
		goto out;
	rc = EVP_CipherFinal_ex(ctx, out + n, &last) == 1 ? 0 : -EBADMSG;
out:
	if (rc)
		explicit_bzero(out, len);
	EVP_CIPHER_CTX_free(ctx);
	return rc;
}
