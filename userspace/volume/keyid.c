// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <openssl/evp.h>

#include "../common/encode.h"
#include "keyid.h"

int keyid_of(const struct secret *key, char id[KEYID_LEN + 1])
{
	static const char label[] = "dm-ecache key id v1";
	uint8_t hash[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx;
	int rc = -EIO;

	id[0] = '\0';
	if (!key->len)
		return -EINVAL;
	ctx = EVP_MD_CTX_new();
	if (!ctx)
		return -ENOMEM;
	/* The label goes in without its NUL. */
	if (EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, label, strlen(label)) != 1 ||
	    EVP_DigestUpdate(ctx, key->data, key->len) != 1 ||
	    EVP_DigestFinal_ex(ctx, hash, NULL) != 1)
		goto free_ctx;
	hex_encode(hash, KEYID_LEN / 2, id);
	rc = 0;
free_ctx:
	EVP_MD_CTX_free(ctx);	/* libcrypto wipes the digest's state, which holds key bytes */
	explicit_bzero(hash, sizeof(hash));
	return rc;
}

int keyid_check(const char *id)
{
	return strnlen(id, KEYID_LEN + 1) == KEYID_LEN && strspn(id, "0123456789abcdef") == KEYID_LEN ? 0 : -EINVAL;
}

int key_halves_differ(const struct secret *key)
{
	size_t half = key->len / 2, i;
	uint8_t diff = 0;

	for (i = 0; i < half; i++)
		diff |= key->data[i] ^ key->data[half + i];
	return diff ? 0 : -EKEYREJECTED;
}
