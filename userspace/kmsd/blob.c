// SPDX-License-Identifier: GPL-2.0-or-later
#include "blob.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/encode.h"
#include "crypto.h"

enum {
	OFF_KEY_ID = 1,
	OFF_MATERIAL_ID = 17,
	OFF_SALT = 49,
	OFF_NONCE = 65,
	SALT_SIZE = OFF_NONCE - OFF_SALT,
};

_Static_assert(OFF_NONCE + GCM_NONCE_SIZE == BLOB_HEADER_SIZE, "the header ends with the nonce");
_Static_assert(BLOB_HEADER_SIZE + GCM_TAG_SIZE == BLOB_OVERHEAD, "what a blob adds");
_Static_assert(BLOB_MAX <= 6144, "KMS clients accept no larger CiphertextBlob");

static const char purpose[] = "ecache-kmsd v1 data";

int blob_identify(const uint8_t *blob, size_t len, struct blob_id *id)
{
	const uint8_t *k = blob + OFF_KEY_ID;

	if (len <= BLOB_OVERHEAD || len > BLOB_MAX || blob[0] != BLOB_VERSION)
		return -EBADMSG;
	snprintf(id->key_id, sizeof(id->key_id),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", k[0], k[1], k[2], k[3], k[4],
		 k[5], k[6], k[7], k[8], k[9], k[10], k[11], k[12], k[13], k[14], k[15]);
	hex_encode(blob + OFF_MATERIAL_ID, 32, id->material_id);
	return 0;
}

static int encode_id(const struct blob_id *id, uint8_t *header)
{
	char hex[33];
	size_t n = 0;

	for (const char *p = id->key_id; *p && n < sizeof(hex) - 1; p++)
		if (*p != '-')
			hex[n++] = *p;
	if (n != 32 || strlen(id->material_id) != 64)
		return -EINVAL;
	if (hex_decode(hex, 32, header + OFF_KEY_ID) || hex_decode(id->material_id, 64, header + OFF_MATERIAL_ID))
		return -EINVAL;
	return 0;
}

/* blob_aead - derive this blob's key and gather what it authenticates; the caller wipes @key and @aad. */
static int blob_aead(const uint8_t *material, const uint8_t *header, const struct context *ctx,
		     uint8_t key[AES_KEY_SIZE], struct buf *aad, struct crypto_aead *a)
{
	buf_add(aad, header, BLOB_HEADER_SIZE);
	context_encode(ctx, aad);
	if (aad->failed)
		return -ENOMEM;
	a->key = key;
	a->nonce = header + OFF_NONCE;
	a->aad = (const uint8_t *)aad->data;
	a->aad_len = aad->len;
	return crypto_hkdf(material, KEY_MATERIAL_SIZE, header + OFF_SALT, SALT_SIZE, (const uint8_t *)purpose,
			   sizeof(purpose) - 1, key, AES_KEY_SIZE);
}

int blob_seal(const struct blob_id *id, const uint8_t *material, const struct context *ctx, const uint8_t *plain,
	      size_t len, struct buf *out)
{
	uint8_t blob[BLOB_MAX], key[AES_KEY_SIZE];
	struct buf aad = BUF_INIT;
	struct crypto_aead a;
	int rc;

	if (!len || len > BLOB_PLAIN_MAX)
		return -EINVAL;
	blob[0] = BLOB_VERSION;
	rc = encode_id(id, blob);
	if (!rc)
		rc = crypto_random(blob + OFF_SALT, SALT_SIZE + GCM_NONCE_SIZE);
	if (!rc)
		rc = blob_aead(material, blob, ctx, key, &aad, &a);
	if (!rc)
		rc = crypto_seal(&a, plain, len, blob + BLOB_HEADER_SIZE);
	if (!rc) {
		buf_add(out, blob, len + BLOB_OVERHEAD);
		rc = out->failed ? -ENOMEM : 0;
	}
	explicit_bzero(key, sizeof(key));
	buf_wipe(&aad);
	return rc;
}

int blob_open(const uint8_t *material, const struct context *ctx, const uint8_t *blob, size_t len, uint8_t *plain)
{
	uint8_t key[AES_KEY_SIZE];
	struct buf aad = BUF_INIT;
	struct crypto_aead a;
	int rc;

	if (len <= BLOB_OVERHEAD || len > BLOB_MAX || blob[0] != BLOB_VERSION)
		return -EBADMSG;
	rc = blob_aead(material, blob, ctx, key, &aad, &a);
	if (!rc)
		rc = crypto_open(&a, blob + BLOB_HEADER_SIZE, len - BLOB_HEADER_SIZE, plain);
	explicit_bzero(key, sizeof(key));
	buf_wipe(&aad);
	return rc;
}
