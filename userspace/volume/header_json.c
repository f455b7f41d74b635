// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/json.h"
#include "header_json.h"
#include "text.h"

#define JSON_MAX	(12 * 1024)	/* the JSON area beside the 4 KiB binary header */
#define JSON_DEPTH	8
#define JSON_SIZE	"12288"
#define KEYSLOTS_SIZE	"16384"
#define STRING(n, max_len, out) { .name = n, .kind = JS_STRING, .max = max_len, .string = out }

static int open_json(struct crypt_device *cd, struct json_object **root, struct err *e)
{
	const char *text = NULL;
	int rc;

	*root = NULL;
	rc = crypt_dump_json(cd, &text, 0);
	if (rc || !text)
		return err_sys(e, rc ? rc : -EIO, "cannot read the LUKS2 metadata");
	rc = js_parse(text, strlen(text), JSON_DEPTH, root, e);
	if (rc)
		err_prefix(e, "LUKS2 metadata");
	return rc;
}

/* only_member - the one member "0" of an object. LUKS2 numbers from 0, and `create` makes one of each. */
static int only_member(struct json_object *obj, const char *what, struct json_object **out, struct err *e)
{
	int nr = json_object_object_length(obj);

	*out = NULL;
	if (nr != 1)
		return err_set(e, -EBADMSG, "the header has %d %ss, not one", nr, what);
	if (!json_object_object_get_ex(obj, "0", out) || !json_object_is_type(*out, json_type_object))
		return err_set(e, -EBADMSG, "the header's %s is not number 0", what);
	return 0;
}

static bool is_number(const char *text, uint64_t want)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%llu", (unsigned long long)want);
	return !strcmp(text, buf);
}

static int check_segment(struct json_object *segments, struct header *h, struct err *e)
{
	const char *type = "", *offset = "", *size = "", *tweak = "", *cipher = "";
	int64_t sector_size = 0;
	const struct js_member members[] = {
		STRING("type", 16, &type),
		STRING("offset", 24, &offset),
		STRING("size", 24, &size),
		STRING("iv_tweak", 24, &tweak),
		STRING("encryption", 64, &cipher),
		{ .name = "sector_size", .kind = JS_INT, .min = 512, .max = 4096, .number = &sector_size },
		{ .name = NULL },
	};
	struct json_object *segment;
	int rc;

	rc = only_member(segments, "segment", &segment, e);
	if (rc)
		return rc;
	if (json_object_object_get_ex(segment, "integrity", NULL))
		return err_set(e, -EBADMSG, "the segment has integrity protection, which ecache does not do");
	/* Any other member, "flags" of a reencryption among them, is refused here. */
	rc = js_read(segment, members, e);
	if (rc) {
		err_prefix(e, "segment 0");
		return rc;
	}
	if (strcmp(type, "crypt"))
		return err_set(e, -EBADMSG, "the segment's type is \"%s\", not \"crypt\"", type);
	if (strcmp(cipher, HEADER_CIPHER))
		return err_set(e, -EBADMSG, "cipher: the segment says %s, the token " HEADER_CIPHER, cipher);
	if (!is_number(offset, HEADER_BYTES) || strcmp(size, "dynamic") || strcmp(tweak, "0"))
		return err_set(e, -EBADMSG, "the segment must have offset %d, size dynamic, iv_tweak 0 (it has %s, %s, %s)",
			       HEADER_BYTES, offset, size, tweak);
	h->sector_size = sector_size;
	h->data_offset = HEADER_BYTES;
	return 0;
}

static int read_digest(struct json_object *digests, const char **value, struct err *e)
{
	const char *type = "", *hash = "", *salt = "", *segment;
	struct json_object *digest, *segments = NULL;
	const struct js_member members[] = {
		STRING("type", 16, &type),
		STRING("hash", 16, &hash),
		STRING("salt", TOKEN_DIGEST_MAX, &salt),
		STRING("digest", TOKEN_DIGEST_MAX, value),
		{ .name = "keyslots", .kind = JS_ARRAY },
		{ .name = "segments", .kind = JS_ARRAY, .min = 1, .max = 1, .object = &segments },
		/* Exactly: an attacker's billion would make each open hang. */
		{ .name = "iterations", .kind = JS_INT, .min = HEADER_DIGEST_ITERATIONS,
		  .max = HEADER_DIGEST_ITERATIONS },
		{ .name = NULL },
	};
	int rc;

	rc = only_member(digests, "digest", &digest, e);
	if (rc)
		return rc;
	rc = js_read(digest, members, e);
	if (rc) {
		err_prefix(e, "digest 0");
		return rc;
	}
	segment = json_object_get_string(json_object_array_get_idx(segments, 0));
	if (strcmp(type, "pbkdf2") || strcmp(hash, HEADER_DIGEST_HASH) || !segment || strcmp(segment, "0"))
		return err_set(e, -EBADMSG, "digest 0 must be pbkdf2-" HEADER_DIGEST_HASH " over segment 0");
	return 0;
}

static int check_config(struct json_object *config, struct err *e)
{
	const char *json_size = "", *keyslots_size = "";
	struct json_object *requirements = NULL, *flags = NULL;
	const struct js_member members[] = {
		STRING("json_size", 24, &json_size),
		STRING("keyslots_size", 24, &keyslots_size),
		{ .name = "requirements", .kind = JS_OBJECT, .flags = JS_OPTIONAL, .object = &requirements },
		/* Activation flags of dm-crypt (cryptsetup --persistent); they mean nothing here. */
		{ .name = "flags", .kind = JS_ARRAY, .flags = JS_OPTIONAL, .max = 32, .object = &flags },
		{ .name = NULL },
	};
	int rc;

	rc = js_read(config, members, e);
	if (rc) {
		err_prefix(e, "config");
		return rc;
	}
	if (requirements && json_object_object_length(requirements)) {
		err_set(e, -EBADMSG, "the header has requirements that ecache does not know: %.200s",
			js_text(requirements, NULL));
		err_hint(e, "a reencryption in progress is one; finish it with cryptsetup reencrypt");
		return -EBADMSG;
	}
	if (strcmp(json_size, JSON_SIZE) || strcmp(keyslots_size, KEYSLOTS_SIZE))
		return err_set(e, -EBADMSG, "the header's areas must be " JSON_SIZE " and " KEYSLOTS_SIZE
			       " bytes (they are %s and %s)", json_size, keyslots_size);
	return 0;
}

static int check_token(struct json_object *tokens, struct header *h, struct err *e)
{
	struct json_object *token;
	const char *text;
	size_t len;
	int rc;

	rc = only_member(tokens, "token", &token, e);
	if (rc)
		return rc;
	text = js_text(token, &len);
	if (!text)
		return err_set(e, -ENOMEM, "out of memory");
	return token_parse(text, len, &h->token, e);
}

struct areas {
	struct json_object *keyslots, *tokens, *segments, *digests, *config;
};

static int read_areas(struct json_object *root, struct areas *a, struct err *e)
{
	const struct js_member members[] = {
		{ .name = "keyslots", .kind = JS_OBJECT, .object = &a->keyslots },
		{ .name = "tokens", .kind = JS_OBJECT, .object = &a->tokens },
		{ .name = "segments", .kind = JS_OBJECT, .object = &a->segments },
		{ .name = "digests", .kind = JS_OBJECT, .object = &a->digests },
		{ .name = "config", .kind = JS_OBJECT, .object = &a->config },
		{ .name = NULL },
	};

	return js_read(root, members, e);
}

static int check_areas(const struct areas *a, struct header *h, struct err *e)
{
	const char *digest = "";
	int rc;

	rc = check_config(a->config, e);
	if (rc)
		return rc;
	if (json_object_object_length(a->keyslots)) {
		err_set(e, -EBADMSG, "the header has keyslots: a passphrase opens it beside the KMS");
		err_hint(e, "remove them with cryptsetup luksKillSlot and find out who added them");
		return -EBADMSG;
	}
	rc = check_segment(a->segments, h, e);
	if (rc)
		return rc;
	rc = read_digest(a->digests, &digest, e);
	if (rc)
		return rc;
	if (text_set(h->digest, digest))
		return err_set(e, -EBADMSG, "digest 0 is too long");
	return check_token(a->tokens, h, e);
}

int header_json_digest(struct crypt_device *cd, char digest[TOKEN_DIGEST_MAX + 1], struct err *e)
{
	struct json_object *root;
	const char *value = "";
	struct areas a = { 0 };
	int rc;

	digest[0] = '\0';
	rc = open_json(cd, &root, e);
	if (rc)
		return rc;
	rc = read_areas(root, &a, e);
	if (!rc)
		rc = read_digest(a.digests, &value, e);
	if (!rc)
		rc = text_copy(digest, TOKEN_DIGEST_MAX + 1, value);
	json_object_put(root);
	return rc;
}

int header_json_check(struct crypt_device *cd, struct header *h, struct err *e)
{
	struct json_object *root;
	struct areas a = { 0 };
	int rc;

	rc = open_json(cd, &root, e);
	if (rc)
		return rc;
	rc = read_areas(root, &a, e);
	if (!rc)
		rc = check_areas(&a, h, e);
	json_object_put(root);
	return rc;
}
