// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>

#include "../common/encode.h"
#include "../common/json.h"
#include "keyid.h"
#include "text.h"
#include "token.h"

#define CONTEXT_CACHE_ID	"ecache:cache-id"
#define CONTEXT_UUID		"ecache:luks-uuid"
#define CONTEXT_FORMAT		"ecache:format"
#define TOKEN_FORMAT		1
#define TOKEN_MEMBERS		12
#define CONTEXT_MEMBERS		3

/* js_read()'s results, borrowed from the parsed object. */
struct fields {
	const char *type, *key_arn, *grant_id, *blob, *cipher, *key_id, *digest;
	const char *ctx_cache_id, *ctx_uuid, *ctx_format;
	int64_t format, sector_size, key_size;
	struct json_object *context;
};

/*
 * json-c keeps the last of two members of one name and says nothing. In a text that json-c has accepted every colon
 * outside a string belongs to one member, so their number tells whether a name came twice.
 */
static size_t count_members(const char *text, size_t len)
{
	bool in_string = false;
	size_t i, nr = 0;

	for (i = 0; i < len; i++) {
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string && text[i] == ':')
			nr++;
	}
	return nr;
}

static int read_fields(struct json_object *obj, struct fields *f, struct err *e)
{
	const struct js_member members[TOKEN_MEMBERS + 1] = {
		{ .name = "type", .kind = JS_STRING, .max = sizeof(TOKEN_TYPE) - 1, .string = &f->type },
		{ .name = "keyslots", .kind = JS_ARRAY },
		{ .name = "format", .kind = JS_INT, .min = TOKEN_FORMAT, .max = TOKEN_FORMAT, .number = &f->format },
		{ .name = "key_arn", .kind = JS_STRING, .max = KMS_ARN_MAX, .string = &f->key_arn },
		{ .name = "grant_id", .kind = JS_STRING, .min = 1, .max = KMS_GRANT_ID_MAX, .string = &f->grant_id },
		{ .name = "ciphertext_blob", .kind = JS_STRING, .min = 4, .max = KMS_BLOB_MAX * 4 / 3,
		  .string = &f->blob },
		{ .name = "encryption_context", .kind = JS_OBJECT, .object = &f->context },
		{ .name = "cipher", .kind = JS_STRING, .max = sizeof(TOKEN_CIPHER) - 1, .string = &f->cipher },
		{ .name = "sector_size", .kind = JS_INT, .min = 512, .max = 4096, .number = &f->sector_size },
		{ .name = "key_size", .kind = JS_INT, .min = 32, .max = 64, .number = &f->key_size },
		{ .name = "key_id", .kind = JS_STRING, .min = TOKEN_KEY_ID_LEN, .max = TOKEN_KEY_ID_LEN,
		  .string = &f->key_id },
		{ .name = "digest", .kind = JS_STRING, .min = 4, .max = TOKEN_DIGEST_MAX, .string = &f->digest },
		{ .name = NULL },
	};
	const struct js_member context[CONTEXT_MEMBERS + 1] = {
		{ .name = CONTEXT_CACHE_ID, .kind = JS_STRING, .max = CACHE_ID_MAX, .string = &f->ctx_cache_id },
		{ .name = CONTEXT_UUID, .kind = JS_STRING, .max = LUKS_UUID_LEN, .string = &f->ctx_uuid },
		{ .name = CONTEXT_FORMAT, .kind = JS_STRING, .max = 1, .string = &f->ctx_format },
		{ .name = NULL },
	};
	int rc;

	rc = js_read(obj, members, e);
	if (rc)
		return rc;
	rc = js_read(f->context, context, e);
	if (rc)
		err_prefix(e, "encryption_context");
	return rc;
}

/* grant_id_ok - its length has been checked. */
static bool grant_id_ok(const char *s)
{
	return strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(s);
}

static bool sector_size_ok(int64_t n)
{
	return n == 512 || n == 1024 || n == 2048 || n == 4096;
}

static int check_forms(const struct fields *f, struct err *e)
{
	uint8_t digest[64];

	if (strcmp(f->type, TOKEN_TYPE))
		return err_set(e, -EINVAL, "type is not \"" TOKEN_TYPE "\"");
	if (key_arn_check(f->key_arn, e) || cache_id_check(f->ctx_cache_id, e) || luks_uuid_check(f->ctx_uuid, e))
		return -EINVAL;
	if (!grant_id_ok(f->grant_id))
		return err_set(e, -EINVAL, "grant_id holds other characters than letters and digits");
	if (strcmp(f->ctx_format, "1"))
		return err_set(e, -EINVAL, CONTEXT_FORMAT " is not \"1\"");
	if (strcmp(f->cipher, TOKEN_CIPHER))
		return err_set(e, -EINVAL, "cipher is not " TOKEN_CIPHER);
	if (!sector_size_ok(f->sector_size))
		return err_set(e, -EINVAL, "sector_size is not 512, 1024, 2048 or 4096");
	if (f->key_size != 32 && f->key_size != 64)
		return err_set(e, -EINVAL, "key_size is not 32 or 64");
	if (keyid_check(f->key_id))
		return err_set(e, -EINVAL, "key_id is not 32 lowercase hex digits");
	if (base64_decode(f->digest, strlen(f->digest), digest, sizeof(digest)) < 1)
		return err_set(e, -EINVAL, "digest is not base64 of 1-64 bytes");
	return 0;
}

static int fill(const struct fields *f, struct token *t, struct err *e)
{
	ssize_t n = base64_decode(f->blob, strlen(f->blob), t->blob, sizeof(t->blob));

	if (n < 1)
		return err_set(e, -EINVAL, "ciphertext_blob is not base64 of 1-%d bytes", KMS_BLOB_MAX);
	t->blob_len = n;
	text_set(t->key_arn, f->key_arn);
	text_set(t->grant_id, f->grant_id);
	text_set(t->cache_id, f->ctx_cache_id);
	text_set(t->luks_uuid, f->ctx_uuid);
	t->sector_size = f->sector_size;
	t->key_size = f->key_size;
	text_set(t->key_id, f->key_id);
	text_set(t->digest, f->digest);
	return 0;
}

int token_parse(const char *text, size_t len, struct token *t, struct err *e)
{
	struct fields f = {
		.type = "", .key_arn = "", .grant_id = "", .blob = "", .cipher = "", .key_id = "", .digest = "",
		.ctx_cache_id = "", .ctx_uuid = "", .ctx_format = "",
	};
	struct json_object *obj;
	int rc;

	memset(t, 0, sizeof(*t));
	if (len > TOKEN_TEXT_MAX) {
		rc = err_set(e, -EINVAL, "longer than %d bytes", TOKEN_TEXT_MAX);
		goto out;
	}
	rc = js_parse(text, len, 3, &obj, e);
	if (rc)
		goto out;
	rc = read_fields(obj, &f, e);
	if (!rc && count_members(text, len) != TOKEN_MEMBERS + CONTEXT_MEMBERS)
		rc = err_set(e, -EINVAL, "a member comes twice");
	if (!rc)
		rc = check_forms(&f, e);
	if (!rc)
		rc = fill(&f, t, e);
	json_object_put(obj);
	if (rc)
		memset(t, 0, sizeof(*t));
out:
	if (rc)
		err_prefix(e, "token");
	return rc == -ENOMEM || !rc ? rc : -EINVAL;
}

static struct json_object *context_object(const struct token *t)
{
	struct json_object *o = json_object_new_object();

	if (js_put_string(o, CONTEXT_CACHE_ID, t->cache_id) ||
	    js_put_string(o, CONTEXT_UUID, t->luks_uuid) ||
	    js_put_string(o, CONTEXT_FORMAT, "1")) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

static int put_members(struct json_object *o, const struct token *t, const char *blob)
{
	if (js_put_string(o, "type", TOKEN_TYPE) ||
	    js_put(o, "keyslots", json_object_new_array()) ||
	    js_put(o, "format", json_object_new_int(TOKEN_FORMAT)) ||
	    js_put_string(o, "key_arn", t->key_arn) ||
	    js_put_string(o, "grant_id", t->grant_id) ||
	    js_put_string(o, "ciphertext_blob", blob) ||
	    js_put(o, "encryption_context", context_object(t)) ||
	    js_put_string(o, "cipher", TOKEN_CIPHER) ||
	    js_put(o, "sector_size", json_object_new_int(t->sector_size)) ||
	    js_put(o, "key_size", json_object_new_int(t->key_size)) ||
	    js_put_string(o, "key_id", t->key_id) ||
	    js_put_string(o, "digest", t->digest))
		return -ENOMEM;
	return 0;
}

int token_text(const struct token *t, char **text, struct err *e)
{
	struct json_object *o = json_object_new_object();
	struct token *check = malloc(sizeof(*check));
	char *blob = NULL;
	const char *s;
	size_t len;
	int rc = -ENOMEM;

	*text = NULL;
	if (t->blob_len > sizeof(t->blob)) {
		rc = err_set(e, -EINVAL, "token: ciphertext_blob is too long");
		goto out;
	}
	blob = malloc(base64_size(t->blob_len));
	if (!o || !check || !blob)
		goto out;
	base64_encode(t->blob, t->blob_len, blob);
	if (put_members(o, t, blob))
		goto out;
	s = js_text(o, &len);
	if (!s)
		goto out;
	/* What is written must be what will be read: no token leaves that token_parse() would refuse. */
	rc = token_parse(s, len, check, e);
	if (rc)
		goto out;
	*text = strdup(s);
	rc = *text ? 0 : -ENOMEM;
out:
	if (rc == -ENOMEM)
		err_set(e, rc, "token: out of memory");
	json_object_put(o);
	free(check);
	free(blob);
	return rc;
}

struct json_object *token_json(const struct token *t, struct err *e)
{
	struct json_object *o = NULL;
	char *text;

	if (token_text(t, &text, e) || !text)
		return NULL;
	if (js_parse(text, strlen(text), 3, &o, e))
		o = NULL;
	free(text);
	return o;
}

int token_hash(const struct token *t, char hex[TOKEN_HASH_LEN + 1], struct err *e)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char *text;
	int rc;

	hex[0] = '\0';
	rc = token_text(t, &text, e);
	if (rc || !text)
		return rc;
	SHA256((const unsigned char *)text, strlen(text), hash);
	hex_encode(hash, sizeof(hash), hex);
	free(text);
	return 0;
}

void volume_context(const char *cache_id, const char *luks_uuid, struct kms_context *ctx)
{
	/* Sorted by key, as struct kms_context wants it. */
	memset(ctx, 0, sizeof(*ctx));
	ctx->nr = CONTEXT_MEMBERS;
	ctx->pair[0].key = CONTEXT_CACHE_ID;
	ctx->pair[0].value = cache_id;
	ctx->pair[1].key = CONTEXT_FORMAT;
	ctx->pair[1].value = "1";
	ctx->pair[2].key = CONTEXT_UUID;
	ctx->pair[2].value = luks_uuid;
}
