/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_TOKEN_H
#define ECACHE_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "../common/err.h"
#include "../kms/kms.h"
#include "name.h"

struct json_object;

/*
 * The LUKS2 token "ecache" of Documentation/formats.md. Its text is attacker-controlled:
 * token_parse() accepts exactly the documented members, each once and in its documented form, and
 * nothing longer or deeper. Not secret.
 */
#define TOKEN_TYPE		"ecache"
#define TOKEN_TEXT_MAX		(12 * 1024)
#define TOKEN_CIPHER		"aes-xts-plain64"
#define TOKEN_KEY_ID_LEN	32
#define TOKEN_DIGEST_MAX	88	/* base64 of at most 64 bytes */
#define TOKEN_HASH_LEN		64	/* hex of SHA-256 */

struct token {
	char key_arn[KMS_ARN_MAX + 1];
	char grant_id[KMS_GRANT_ID_MAX + 1];
	uint8_t blob[KMS_BLOB_MAX];		/* CiphertextBlob: the wrapped volume key */
	size_t blob_len;
	char cache_id[CACHE_ID_MAX + 1];	/* encryption context */
	char luks_uuid[LUKS_UUID_LEN + 1];	/* encryption context */
	unsigned int sector_size;		/* bytes: 512, 1024, 2048, 4096 */
	unsigned int key_size;			/* bytes: 64 or 32 */
	char key_id[TOKEN_KEY_ID_LEN + 1];	/* hex, see keyid.h */
	char digest[TOKEN_DIGEST_MAX + 1];	/* base64, the value of the header's digest 0 */
};

/* token_parse - @len bytes of text, NUL not needed. -EINVAL; on failure *t is zeroed. */
int token_parse(const char *text, size_t len, struct token *t, struct err *e);

/*
 * token_text - the canonical text (members in the documented order, no blanks), to be freed.
 * -EINVAL, -ENOMEM.
 */
int token_text(const struct token *t, char **text, struct err *e);

/* token_json - the same as an object, for the audit log and ecachectl; NULL as token_text() fails. */
struct json_object *token_json(const struct token *t, struct err *e);

/* token_hash - SHA-256 of the canonical text in hex; what the state file keeps as token_sha256. */
int token_hash(const struct token *t, char hex[TOKEN_HASH_LEN + 1], struct err *e);

/*
 * volume_context - the three pairs of a volume; they point to the arguments, which must outlive
 * *ctx.
 */
void volume_context(const char *cache_id, const char *luks_uuid, struct kms_context *ctx);

#endif
