/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_BLOB_H
#define KMSD_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "context.h"
#include "ident.h"

/*
 * A CiphertextBlob, as clients store it:
 *
 *	0	1	version, 1
 *	1	16	key id (the UUID's bytes)
 *	17	32	key material id
 *	49	16	salt
 *	65	12	nonce
 *	77	n	AES-256-GCM ciphertext
 *	77 + n	16	tag
 *
 * The AES key is HKDF-SHA256(key material, salt), fresh for each blob: the number of blobs under one KMS key has no
 * bound that a client could reach. Authenticated with it: the header and the encryption context.
 */
#define BLOB_VERSION 1
#define BLOB_HEADER_SIZE 77
#define BLOB_OVERHEAD (BLOB_HEADER_SIZE + 16)
#define BLOB_PLAIN_MAX 4096
#define BLOB_MAX (BLOB_PLAIN_MAX + BLOB_OVERHEAD)
#define KEY_MATERIAL_SIZE 32

struct blob_id {
	char key_id[KEY_ID_SIZE];
	char material_id[HEX_ID_SIZE];
};

/* blob_identify - whose it claims to be; -EBADMSG when it cannot be one of ours. Nothing is authenticated yet. */
int blob_identify(const uint8_t *blob, size_t len, struct blob_id *id);

/* blob_seal - @out gets the blob. @material is KEY_MATERIAL_SIZE bytes, @len is 1..BLOB_PLAIN_MAX. */
int blob_seal(const struct blob_id *id, const uint8_t *material, const struct context *ctx, const uint8_t *plain,
	      size_t len, struct buf *out);

/* blob_open - @plain holds len - BLOB_OVERHEAD bytes. -EBADMSG when any byte or the context is not as it was sealed. */
int blob_open(const uint8_t *material, const struct context *ctx, const uint8_t *blob, size_t len, uint8_t *plain);

#endif
