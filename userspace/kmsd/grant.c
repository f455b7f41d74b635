// SPDX-License-Identifier: GPL-2.0-or-later
#include "grant.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/encode.h"
#include "root.h"

static const char *const operations[] = {
	"Decrypt",
	"Encrypt",
	"GenerateDataKey",
	"GenerateDataKeyWithoutPlaintext",
	"ReEncryptFrom",
	"ReEncryptTo",
	"CreateGrant",
	"RetireGrant",
	"DescribeKey",
	"GenerateDataKeyPair",
	"GenerateDataKeyPairWithoutPlaintext",
};

#define NR_OPERATIONS (sizeof(operations) / sizeof(*operations))

uint32_t grant_operation_bit(const char *name)
{
	for (unsigned int i = 0; i < NR_OPERATIONS; i++)
		if (!strcmp(operations[i], name))
			return UINT32_C(1) << i;
	return 0;
}

const char *grant_operation_name(unsigned int i)
{
	return i < NR_OPERATIONS ? operations[i] : NULL;
}

void grant_free(struct grant *g)
{
	context_free(&g->pairs);
}

bool grant_covers(const struct grant *g, const struct context *ctx)
{
	switch (g->constraint) {
	case GRANT_UNCONSTRAINED:
		return true;
	case GRANT_CONTEXT_SUBSET:
		return context_covers(ctx, &g->pairs);
	case GRANT_CONTEXT_EQUALS:
		return context_matches(ctx, &g->pairs);
	}
	return false;
}

bool grant_no_wider(const struct grant *parent, const struct grant *child)
{
	if (child->operations & ~parent->operations)
		return false;
	if (*parent->source_arn && strcmp(parent->source_arn, child->source_arn))
		return false;
	switch (parent->constraint) {
	case GRANT_UNCONSTRAINED:
		return true;
	case GRANT_CONTEXT_SUBSET:
		return child->constraint != GRANT_UNCONSTRAINED && context_covers(&child->pairs, &parent->pairs);
	case GRANT_CONTEXT_EQUALS:
		return child->constraint == GRANT_CONTEXT_EQUALS && context_matches(&child->pairs, &parent->pairs);
	}
	return false;
}

bool grant_same_request(const struct grant *a, const struct grant *b)
{
	return !strcmp(a->key_id, b->key_id) && !strcmp(a->name, b->name) && !strcmp(a->grantee, b->grantee) &&
	       !strcmp(a->retiring, b->retiring) && a->operations == b->operations &&
	       a->constraint == b->constraint && context_equal(&a->pairs, &b->pairs) &&
	       !strcmp(a->source_arn, b->source_arn);
}

#define TOKEN_VERSION 1

struct token {
	uint8_t version;
	uint8_t grant_id[32];
	uint8_t nonce[16];
	uint8_t mac[SHA256_SIZE];
};

_Static_assert(sizeof(struct token) == 81, "a token has no padding");
_Static_assert(GRANT_TOKEN_SIZE > (sizeof(struct token) + 2) / 3 * 4, "a token fits");

static int token_mac(const struct secret *root, const struct token *t, uint8_t out[SHA256_SIZE])
{
	uint8_t key[AES_KEY_SIZE];
	int rc = root_derive(root, ROOT_GRANT_TOKEN, "", key);

	if (!rc)
		rc = crypto_hmac(key, sizeof(key), t, offsetof(struct token, mac), out);
	explicit_bzero(key, sizeof(key));
	return rc;
}

int grant_token_make(const struct secret *root, const char *grant_id, char out[GRANT_TOKEN_SIZE])
{
	struct token t = { .version = TOKEN_VERSION };
	int rc = hex_decode(grant_id, HEX_ID_SIZE - 1, t.grant_id);

	if (!rc)
		rc = crypto_random(t.nonce, sizeof(t.nonce));
	if (!rc)
		rc = token_mac(root, &t, t.mac);
	if (!rc)
		base64_encode((const uint8_t *)&t, sizeof(t), out);
	return rc;
}

int grant_token_read(const struct secret *root, const char *token, char grant_id[HEX_ID_SIZE])
{
	uint8_t mac[SHA256_SIZE];
	struct token t;

	if (base64_decode(token, strlen(token), (uint8_t *)&t, sizeof(t)) != (ssize_t)sizeof(t) ||
	    t.version != TOKEN_VERSION)
		return -EBADMSG;
	if (token_mac(root, &t, mac))
		return -EIO;
	if (CRYPTO_memcmp(mac, t.mac, sizeof(mac)))
		return -EBADMSG;
	hex_encode(t.grant_id, sizeof(t.grant_id), grant_id);
	return 0;
}
