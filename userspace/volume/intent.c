// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/fsio.h"
#include "../common/json.h"
#include "intent.h"
#include "names.h"
#include "text.h"

#define INTENT_MAX	(32 * 1024)
#define INTENT_FORMAT	1
#define SUFFIX		".json"

static const char *const verbs[] = {
	[INTENT_CREATE] = "create",
	[INTENT_DESTROY] = "destroy",
	[INTENT_REGRANT] = "regrant",
	[INTENT_ADOPT] = "adopt",
	[INTENT_REWRAP] = "rewrap",
	[INTENT_BACKUP] = "backup",
	[INTENT_RESTORE] = "restore",
};

#define VERBS (sizeof(verbs) / sizeof(*verbs))

const char *intent_verb_name(enum intent_verb v)
{
	return verbs[v];
}

static bool step_ok(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyz-") == strlen(s);
}

struct fields {
	int64_t format;
	const char *verb, *step, *cache_id, *uuid, *device, *dev, *key_arn, *grant_id, *saved;
	const char *old_key_arn, *old_grant_id, *hash;
	const char *source_key, *source_grant;
};

static int read_fields(struct json_object *o, struct fields *f, struct err *e)
{
	const struct js_member members[] = {
		{ .name = "format", .kind = JS_INT, .min = INTENT_FORMAT, .max = INTENT_FORMAT, .number = &f->format },
		{ .name = "verb", .kind = JS_STRING, .max = 16, .string = &f->verb },
		{ .name = "step", .kind = JS_STRING, .min = 1, .max = INTENT_STEP_MAX, .string = &f->step },
		{ .name = "cache_id", .kind = JS_STRING, .max = CACHE_ID_MAX, .string = &f->cache_id },
		{ .name = "luks_uuid", .kind = JS_STRING, .max = LUKS_UUID_LEN, .string = &f->uuid },
		{ .name = "device", .kind = JS_STRING, .min = 1, .max = PATH_MAX - 1, .string = &f->device },
		{ .name = "dev_major_minor", .kind = JS_STRING, .max = INTENT_DEV_MAX, .string = &f->dev },
		{ .name = "key_arn", .kind = JS_STRING, .flags = JS_NULLABLE, .max = KMS_ARN_MAX,
		  .string = &f->key_arn },
		{ .name = "grant_id", .kind = JS_STRING, .flags = JS_NULLABLE, .max = KMS_GRANT_ID_MAX,
		  .string = &f->grant_id },
		{ .name = "saved_header", .kind = JS_STRING, .flags = JS_NULLABLE, .max = PATH_MAX - 1,
		  .string = &f->saved },
		{ .name = "old_key_arn", .kind = JS_STRING, .flags = JS_OPTIONAL, .max = KMS_ARN_MAX,
		  .string = &f->old_key_arn },
		{ .name = "old_grant_id", .kind = JS_STRING, .flags = JS_OPTIONAL, .max = KMS_GRANT_ID_MAX,
		  .string = &f->old_grant_id },
		{ .name = "token_sha256", .kind = JS_STRING, .flags = JS_OPTIONAL, .max = TOKEN_HASH_LEN,
		  .string = &f->hash },
		{ .name = "source_key_arn", .kind = JS_STRING, .flags = JS_OPTIONAL, .min = 1, .max = KMS_ARN_MAX,
		  .string = &f->source_key },
		{ .name = "source_grant_id", .kind = JS_STRING, .flags = JS_OPTIONAL, .min = 1,
		  .max = KMS_GRANT_ID_MAX, .string = &f->source_grant },
		{ .name = NULL },
	};

	return js_read(o, members, e);
}

static int fill(const struct fields *f, struct intent *i, struct err *e)
{
	size_t v;

	for (v = 0; v < VERBS && strcmp(f->verb, verbs[v]); v++)
		;
	if (v == VERBS)
		return err_set(e, -EBADMSG, "unknown verb \"%s\"", f->verb);
	if (!step_ok(f->step))
		return err_set(e, -EBADMSG, "bad step \"%s\"", f->step);
	if (cache_id_check(f->cache_id, e) || luks_uuid_check(f->uuid, e))
		return -EBADMSG;
	if ((f->key_arn && key_arn_check(f->key_arn, e)) || (f->old_key_arn && key_arn_check(f->old_key_arn, e)))
		return -EBADMSG;
	if (f->source_key && key_arn_check(f->source_key, e))
		return -EBADMSG;
	i->verb = v;
	text_set(i->step, f->step);
	text_set(i->cache_id, f->cache_id);
	text_set(i->luks_uuid, f->uuid);
	text_set(i->device, f->device);
	text_set(i->dev_major_minor, f->dev);
	text_set(i->key_arn, f->key_arn ? f->key_arn : "");
	text_set(i->grant_id, f->grant_id ? f->grant_id : "");
	text_set(i->saved_header, f->saved ? f->saved : "");
	text_set(i->old_key_arn, f->old_key_arn ? f->old_key_arn : "");
	text_set(i->old_grant_id, f->old_grant_id ? f->old_grant_id : "");
	text_set(i->token_sha256, f->hash ? f->hash : "");
	text_set(i->source_key_arn, f->source_key ? f->source_key : "");
	text_set(i->source_grant_id, f->source_grant ? f->source_grant : "");
	return 0;
}

static int parse(const char *text, size_t len, struct intent *i, struct err *e)
{
	struct fields f = {
		.verb = "", .step = "", .cache_id = "", .uuid = "", .device = "", .dev = "",
	};
	struct json_object *o;
	int rc;

	memset(i, 0, sizeof(*i));
	rc = js_parse(text, len, 2, &o, e);
	if (rc)
		return rc;
	rc = read_fields(o, &f, e);
	if (!rc)
		rc = fill(&f, i, e);
	json_object_put(o);
	return rc;
}

int intent_load(const char *dir, const char *name, struct intent *i, struct err *e)
{
	char path[PATH_MAX], *text;
	size_t len;
	int rc;

	memset(i, 0, sizeof(*i));
	rc = name_path(dir, name, SUFFIX, path, e);
	if (!rc)
		rc = fsio_read(path, INTENT_MAX, &text, &len, e);
	if (rc)
		return rc;
	rc = parse(text, len, i, e);
	free(text);
	if (!rc)
		return 0;
	memset(i, 0, sizeof(*i));
	err_prefix(e, "%s is damaged", path);
	rc = rc == -ENOMEM ? rc : -EBADMSG;
	if (e)
		e->rc = rc;
	return rc;
}

static int put_or_null(struct json_object *o, const char *name, const char *value)
{
	return value[0] ? js_put_string(o, name, value) : js_put_null(o, name);
}

/* Left out where there is none: other verbs' records are what they were before there were rewrap and restore. */
static int put_given(struct json_object *o, const char *name, const char *value)
{
	return value[0] ? js_put_string(o, name, value) : 0;
}

static int build(struct json_object *o, const struct intent *i)
{
	if (js_put(o, "format", json_object_new_int(INTENT_FORMAT)) ||
	    js_put_string(o, "verb", intent_verb_name(i->verb)) ||
	    js_put_string(o, "step", i->step) ||
	    js_put_string(o, "cache_id", i->cache_id) ||
	    js_put_string(o, "luks_uuid", i->luks_uuid) ||
	    js_put_string(o, "device", i->device) ||
	    js_put_string(o, "dev_major_minor", i->dev_major_minor) ||
	    put_or_null(o, "key_arn", i->key_arn) ||
	    put_or_null(o, "grant_id", i->grant_id) ||
	    put_or_null(o, "saved_header", i->saved_header) ||
	    put_given(o, "old_key_arn", i->old_key_arn) ||
	    put_given(o, "old_grant_id", i->old_grant_id) ||
	    put_given(o, "token_sha256", i->token_sha256) ||
	    put_given(o, "source_key_arn", i->source_key_arn) ||
	    put_given(o, "source_grant_id", i->source_grant_id))
		return -ENOMEM;
	return 0;
}

static int intent_write(const char *dir, const char *name, const struct intent *i, bool first, struct err *e)
{
	struct json_object *o = json_object_new_object();
	struct intent *again = malloc(sizeof(*again));
	char path[PATH_MAX];
	const char *text = NULL;
	size_t len = 0;
	int rc;

	rc = name_path(dir, name, SUFFIX, path, e);
	if (rc)
		goto out;
	if (again && !build(o, i))
		text = js_text(o, &len);
	/* A record that would not load is not written. */
	rc = text ? parse(text, len, again, e) : err_set(e, -ENOMEM, "out of memory");
	if (!rc)
		rc = first ? fsio_create(path, text, len, 0600, e) : fsio_replace(path, text, len, 0600, e);
	if (rc == -EEXIST) {
		err_set(e, rc, "an earlier create, destroy, regrant, rewrap or adopt of %s was not finished", name);
		err_hint(e, "finish its undo first: restart ecached");
	}
out:
	json_object_put(o);
	free(again);
	return rc;
}

int intent_begin(const char *dir, const char *name, const struct intent *i, struct err *e)
{
	return intent_write(dir, name, i, true, e);
}

int intent_step(const char *dir, const char *name, const struct intent *i, struct err *e)
{
	return intent_write(dir, name, i, false, e);
}

int intent_end(const char *dir, const char *name, struct err *e)
{
	char path[PATH_MAX];
	int rc = name_path(dir, name, SUFFIX, path, e);

	return rc ? rc : fsio_unlink(path, e);
}

int intent_each(const char *dir, int (*fn)(void *ctx, const char *name), void *ctx, struct err *e)
{
	return name_each(dir, SUFFIX, fn, ctx, e);
}
