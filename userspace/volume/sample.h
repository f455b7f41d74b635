/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_SAMPLE_H
#define ECACHE_SAMPLE_H

/* For tests: a valid volume's identities, token and header. Include after common/test.h. */

#include <string.h>

#include "header.h"

#define SAMPLE_ARN "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define SAMPLE_UUID "01234567-89ab-4cde-8f01-23456789abcd"
#define SAMPLE_KEY_ID "00112233445566778899aabbccddeeff"
#define SAMPLE_DIGEST "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static inline void sample_token(struct token *t)
{
	memset(t, 0, sizeof(*t));
	strcpy(t->key_arn, SAMPLE_ARN);
	strcpy(t->grant_id, "0a1b2c");
	memset(t->blob, 0x5a, 180);
	t->blob_len = 180;
	strcpy(t->cache_id, "cache-1");
	strcpy(t->luks_uuid, SAMPLE_UUID);
	t->sector_size = 4096;
	t->key_size = 64;
	strcpy(t->key_id, SAMPLE_KEY_ID);
	strcpy(t->digest, SAMPLE_DIGEST);
}

static inline void sample_header(struct header *h)
{
	memset(h, 0, sizeof(*h));
	strcpy(h->luks_uuid, SAMPLE_UUID);
	h->epoch = 3;
	h->sector_size = 4096;
	h->key_size = 64;
	h->data_offset = HEADER_BYTES;
	strcpy(h->digest, SAMPLE_DIGEST);
	sample_token(&h->token);
	assert_int_equal(token_hash(&h->token, h->token_sha256, NULL), 0);
}

#endif
