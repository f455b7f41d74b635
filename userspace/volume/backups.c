// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/fsio.h"
#include "../common/json.h"
#include "backups.h"
#include "names.h"
#include "text.h"

#define FORMAT	1
#define FILE_MAX	(16 * 1024)
#define SUFFIX	".json"

struct fields {
	int64_t format;
	const char *uuid, *volume, *cache_id, *file, *key_arn, *sha256;
};

static int read_fields(struct json_object *o, struct fields *f, struct backup *b, struct err *e)
{
	const struct js_member members[] = {
		{ "format", JS_INT, 0, FORMAT, FORMAT, .number = &f->format },
		{ "luks_uuid", JS_STRING, 0, 1, LUKS_UUID_LEN, .string = &f->uuid },
		{ "volume", JS_STRING, 0, 1, VOLUME_NAME_MAX, .string = &f->volume },
		{ "cache_id", JS_STRING, 0, 1, CACHE_ID_MAX, .string = &f->cache_id },
		{ "file", JS_STRING, 0, 1, PATH_MAX - 1, .string = &f->file },
		{ "key_arn", JS_STRING, 0, 1, KMS_ARN_MAX, .string = &f->key_arn },
		{ "sha256", JS_STRING, 0, CONTENT_SUM_LEN, CONTENT_SUM_LEN, .string = &f->sha256 },
		{ "bytes", JS_INT, 0, 1, INT64_MAX, .number = &b->bytes },
		{ "stored_bytes", JS_INT, 0, 0, INT64_MAX, .number = &b->stored },
		{ "created", JS_INT, 0, 0, INT64_MAX, .number = &b->created },
		{ "paused_ms", JS_INT, 0, 0, INT64_MAX, .number = &b->paused_ms },
		{ .name = NULL },
	};

	return js_read(o, members, e);
}

static int parse(const char *text, size_t len, struct backup *b, struct err *e)
{
	struct fields f = { .uuid = "", .volume = "", .cache_id = "", .file = "", .key_arn = "", .sha256 = "" };
	struct json_object *o;
	int rc;

	memset(b, 0, sizeof(*b));
	rc = js_parse(text, len, 2, &o, e);
	if (rc)
		return rc;
	rc = read_fields(o, &f, b, e);
	if (!rc && (luks_uuid_check(f.uuid, e) || volume_name_check(f.volume, e) || cache_id_check(f.cache_id, e) ||
		    key_arn_check(f.key_arn, e)))
		rc = -EBADMSG;
	if (!rc && strspn(f.sha256, "0123456789abcdef") != CONTENT_SUM_LEN)
		rc = err_set(e, -EBADMSG, "sha256 is no hex");
	if (!rc) {
		text_set(b->luks_uuid, f.uuid);
		text_set(b->volume, f.volume);
		text_set(b->cache_id, f.cache_id);
		text_set(b->file, f.file);
		text_set(b->key_arn, f.key_arn);
		text_set(b->sha256, f.sha256);
	}
	json_object_put(o);
	return rc;
}

int backup_load(const char *dir, const char *luks_uuid, struct backup *b, struct err *e)
{
	char path[PATH_MAX], *text;
	size_t len;
	int rc;

	memset(b, 0, sizeof(*b));
	rc = name_path(dir, luks_uuid, SUFFIX, path, e);
	if (!rc)
		rc = fsio_read(path, FILE_MAX, &text, &len, e);
	if (rc)
		return rc;
	rc = parse(text, len, b, e);
	free(text);
	if (!rc && strcmp(b->luks_uuid, luks_uuid))
		rc = err_set(e, -EBADMSG, "it is another backup's");
	if (!rc)
		return 0;
	memset(b, 0, sizeof(*b));
	err_prefix(e, "%s is damaged", path);
	rc = rc == -ENOMEM ? rc : -EBADMSG;
	if (e)
		e->rc = rc;
	return rc;
}

int backup_put(struct json_object *o, const struct backup *b)
{
	if (js_put_string(o, "luks_uuid", b->luks_uuid) ||
	    js_put_string(o, "volume", b->volume) ||
	    js_put_string(o, "cache_id", b->cache_id) ||
	    js_put_string(o, "file", b->file) ||
	    js_put_string(o, "key_arn", b->key_arn) ||
	    js_put_string(o, "sha256", b->sha256) ||
	    js_put(o, "bytes", json_object_new_int64(b->bytes)) ||
	    js_put(o, "stored_bytes", json_object_new_int64(b->stored)) ||
	    js_put(o, "created", json_object_new_int64(b->created)) ||
	    js_put(o, "paused_ms", json_object_new_int64(b->paused_ms)))
		return -ENOMEM;
	return 0;
}

int backup_store(const char *dir, const struct backup *b, struct err *e)
{
	struct json_object *o = json_object_new_object();
	const char *text = NULL;
	struct backup *again = malloc(sizeof(*again));
	char path[PATH_MAX];
	size_t len = 0;
	int rc;

	rc = name_path(dir, b->luks_uuid, SUFFIX, path, e);
	if (rc)
		goto out;
	if (again && !js_put(o, "format", json_object_new_int(FORMAT)) && !backup_put(o, b))
		text = js_text(o, &len);
	/* A record that would not load is not written. */
	rc = text ? parse(text, len, again, e) : err_set(e, -ENOMEM, "out of memory");
	if (!rc)
		rc = fsio_replace(path, text, len, 0600, e);
out:
	json_object_put(o);
	free(again);
	return rc;
}

int backup_each(const char *dir, int (*fn)(void *ctx, const char *luks_uuid), void *ctx, struct err *e)
{
	return name_each(dir, SUFFIX, fn, ctx, e);
}
