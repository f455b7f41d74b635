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
#define KEYSLOTS_MAX	32
#define ITERATIONS_MAX	10000000	/* a few seconds; cryptsetup takes what an eighth of one allows */
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

static int check_one(struct json_object *obj, const char *what, struct err *e)
{
	int nr = json_object_object_length(obj);

	return nr == 1 ? 0 : err_set(e, -EBADMSG, "the header has %d %ss, not one", nr, what);
}

/* only_member - the one member "0" of an object. LUKS2 numbers from 0, and `create` makes one of each. */
static int only_member(struct json_object *obj, const char *what, struct json_object **out, struct err *e)
{
	int rc = check_one(obj, what, e);

	*out = NULL;
	if (rc)
		return rc;
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

static bool read_number(const char *text, uint64_t *out)
{
	size_t len = strlen(text);

	if (!len || len > 18 || strspn(text, "0123456789") != len)
		return false;
	*out = strtoull(text, NULL, 10);
	return true;
}

/* check_place - where the data is; libcryptsetup has seen to it that it begins after the areas. */
static int check_place(const char *offset, enum header_shape shape, struct header *h, struct err *e)
{
	if (shape == HEADER_CREATED && !is_number(offset, HEADER_BYTES))
		return err_set(e, -EBADMSG, "the segment must have offset %d (it has %s)", HEADER_BYTES, offset);
	if (!read_number(offset, &h->data_offset) || h->data_offset % h->sector_size)
		return err_set(e, -EBADMSG, "the segment's offset %s is no whole number of sectors", offset);
	if (!h->data_offset) {
		err_set(e, -EBADMSG, "the data begins at the device's first byte: its header is on another device");
		return err_hint(e, "a volume with a detached header cannot be adopted");
	}
	return 0;
}

static int check_segment(struct json_object *segments, enum header_shape shape, struct header *h, struct err *e)
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
		return err_set(e, -EBADMSG, "cipher: the segment says %s, not " HEADER_CIPHER, cipher);
	if (strcmp(size, "dynamic") || strcmp(tweak, "0"))
		return err_set(e, -EBADMSG, "the segment must have size dynamic, iv_tweak 0 (it has %s, %s)", size,
			       tweak);
	h->sector_size = sector_size;
	return check_place(offset, shape, h, e);
}

/* only_digest - of a volume that was reencrypted once it has another number. */
static int only_digest(struct json_object *digests, enum header_shape shape, struct json_object **out, struct err *e)
{
	int rc;

	if (shape == HEADER_CREATED)
		return only_member(digests, "digest", out, e);
	*out = NULL;
	rc = check_one(digests, "digest", e);
	if (rc)
		return rc;
	json_object_object_foreach(digests, number, digest) {
		(void)number;
		*out = digest;
	}
	return json_object_is_type(*out, json_type_object) ? 0 : err_set(e, -EBADMSG, "the header's digest is none");
}

static bool knows_hash(const char *hash, enum header_shape shape)
{
	return !strcmp(hash, HEADER_DIGEST_HASH) || (shape != HEADER_CREATED && !strcmp(hash, "sha512"));
}

static int read_digest(struct json_object *digests, enum header_shape shape, const char **value, struct err *e)
{
	bool created = shape == HEADER_CREATED;
	const char *type = "", *hash = "", *salt = "", *segment;
	struct json_object *digest, *segments = NULL;
	const struct js_member members[] = {
		STRING("type", 16, &type),
		STRING("hash", 16, &hash),
		STRING("salt", TOKEN_DIGEST_MAX, &salt),
		STRING("digest", TOKEN_DIGEST_MAX, value),
		{ .name = "keyslots", .kind = JS_ARRAY, .max = created ? 0 : KEYSLOTS_MAX },
		{ .name = "segments", .kind = JS_ARRAY, .min = 1, .max = 1, .object = &segments },
		/* Bounded: an attacker's billion would make each open hang. */
		{ .name = "iterations", .kind = JS_INT, .min = HEADER_DIGEST_ITERATIONS,
		  .max = created ? HEADER_DIGEST_ITERATIONS : ITERATIONS_MAX },
		{ .name = NULL },
	};
	int rc;

	rc = only_digest(digests, shape, &digest, e);
	if (rc)
		return rc;
	rc = js_read(digest, members, e);
	if (rc) {
		err_prefix(e, "digest 0");
		return rc;
	}
	segment = json_object_get_string(json_object_array_get_idx(segments, 0));
	if (strcmp(type, "pbkdf2") || !knows_hash(hash, shape) || !segment || strcmp(segment, "0"))
		return err_set(e, -EBADMSG, "digest 0 must be pbkdf2-" HEADER_DIGEST_HASH "%s over segment 0",
			       created ? "" : " or -sha512");
	return 0;
}

static int check_config(struct json_object *config, enum header_shape shape, struct err *e)
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
	if (shape != HEADER_CREATED && strcmp(json_size, JSON_SIZE))
		return err_set(e, -EBADMSG, "the header's metadata area must be " JSON_SIZE " bytes (it is %s)",
			       json_size);
	if (shape != HEADER_CREATED)
		return 0;
	if (strcmp(json_size, JSON_SIZE) || strcmp(keyslots_size, KEYSLOTS_SIZE))
		return err_set(e, -EBADMSG, "the header's areas must be " JSON_SIZE " and " KEYSLOTS_SIZE
			       " bytes (they are %s and %s)", json_size, keyslots_size);
	return 0;
}

static bool is_ours(struct json_object *token)
{
	struct json_object *type;

	return json_object_object_get_ex(token, "type", &type) && json_object_is_type(type, json_type_string) &&
	       !strcmp(json_object_get_string(type), TOKEN_TYPE);
}

/* our_token - the one of ours among those of others, which say how to open keyslots; NULL: there is none. */
static int our_token(struct json_object *tokens, struct json_object **out, struct err *e)
{
	unsigned int nr = 0;

	*out = NULL;
	json_object_object_foreach(tokens, number, token) {
		(void)number;
		if (!is_ours(token))
			continue;
		*out = token;
		nr++;
	}
	return nr < 2 ? 0 : err_set(e, -EBADMSG, "the header has %u tokens of ecache, not one", nr);
}

static int find_token(struct json_object *tokens, enum header_shape shape, struct json_object **out, struct err *e)
{
	int rc;

	if (shape == HEADER_CREATED)
		return only_member(tokens, "token", out, e);
	rc = our_token(tokens, out, e);
	if (rc || *out)
		return rc;
	return err_set(e, -EBADMSG, "the header has no token of ecache");
}

static int check_token(struct json_object *tokens, enum header_shape shape, struct header *h, struct err *e)
{
	struct json_object *token;
	const char *text;
	size_t len;
	int rc;

	rc = find_token(tokens, shape, &token, e);
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

static int check_keyslots(struct json_object *keyslots, enum header_shape shape, struct header *h, struct err *e)
{
	h->keyslots = json_object_object_length(keyslots);
	if (shape == HEADER_FOREIGN && !h->keyslots)
		return err_set(e, -EBADMSG, "the header has no keyslot: no passphrase gives its key");
	if (!h->keyslots || shape == HEADER_WITH_KEYSLOTS || shape == HEADER_FOREIGN)
		return 0;
	err_set(e, -EBADMSG, "the header has keyslots: a passphrase opens it beside the KMS");
	err_hint(e, "remove them with cryptsetup luksKillSlot and find out who added them");
	return -EBADMSG;
}

static int check_foreign(struct json_object *tokens, struct err *e)
{
	struct json_object *token;
	int rc;

	rc = our_token(tokens, &token, e);
	if (rc || !token)
		return rc;
	err_set(e, -EBADMSG, "the header has a token of ecache: it is a volume of this or another host already");
	return err_hint(e, "For a volume from another host, copy its pin file; ecachectl dump DEVICE shows the token.");
}

static int check_areas(const struct areas *a, enum header_shape shape, struct header *h, struct err *e)
{
	const char *digest = "";
	int rc;

	rc = check_config(a->config, shape, e);
	if (!rc)
		rc = check_keyslots(a->keyslots, shape, h, e);
	if (!rc)
		rc = check_segment(a->segments, shape, h, e);
	if (!rc)
		rc = read_digest(a->digests, shape, &digest, e);
	if (rc)
		return rc;
	if (text_set(h->digest, digest))
		return err_set(e, -EBADMSG, "digest 0 is too long");
	return shape == HEADER_FOREIGN ? check_foreign(a->tokens, e) : check_token(a->tokens, shape, h, e);
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
		rc = read_digest(a.digests, HEADER_CREATED, &value, e);
	if (!rc)
		rc = text_copy(digest, TOKEN_DIGEST_MAX + 1, value);
	json_object_put(root);
	return rc;
}

int header_json_check(struct crypt_device *cd, enum header_shape shape, struct header *h, struct err *e)
{
	struct json_object *root;
	struct areas a = { 0 };
	int rc;

	rc = open_json(cd, &root, e);
	if (rc)
		return rc;
	rc = read_areas(root, &a, e);
	if (!rc)
		rc = check_areas(&a, shape, h, e);
	json_object_put(root);
	return rc;
}
