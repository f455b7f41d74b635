// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/clock.h"
#include "../common/fsio.h"
#include "../common/json.h"
#include "names.h"
#include "state.h"
#include "text.h"

#define STATE_MAX	(64 * 1024)
#define STATE_FORMAT	1
#define SUFFIX		".json"
#define BOOT_ID		"/proc/sys/kernel/random/boot_id"

struct fields {
	const char *uuid, *hash, *grant_id;
	int64_t format, epoch, grant_created;
	bool ok_without_token;
	struct json_object *token, *last_ok, *revoked;
};

static int read_last_ok(struct json_object *o, struct state *s, struct err *e)
{
	const char *boot_id = "";
	const struct js_member members[] = {
		{ .name = "realtime", .kind = JS_INT, .max = INT64_MAX, .number = &s->last_ok.realtime },
		{ .name = "boottime_ms", .kind = JS_INT, .max = INT64_MAX, .number = &s->last_ok.boottime_ms },
		{ .name = "boot_id", .kind = JS_STRING, .max = LUKS_UUID_LEN, .string = &boot_id },
		{ .name = NULL },
	};
	int rc = js_read(o, members, e);

	if (rc)
		return rc;
	s->has_last_ok = true;
	return text_set(s->last_ok.boot_id, boot_id);
}

static int read_revoked(struct json_object *o, struct state *s, struct err *e)
{
	const char *verdict = "", *reason = "", *request_id = "";
	const struct js_member members[] = {
		{ .name = "at", .kind = JS_INT, .max = INT64_MAX, .number = &s->revoked.at },
		{ .name = "verdict", .kind = JS_STRING, .max = STATE_VERDICT_MAX, .string = &verdict },
		{ .name = "reason", .kind = JS_STRING, .max = STATE_REASON_MAX, .string = &reason },
		{ .name = "request_id", .kind = JS_STRING, .max = STATE_REQUEST_MAX, .string = &request_id },
		{ .name = NULL },
	};
	int rc = js_read(o, members, e);

	if (rc)
		return rc;
	s->is_revoked = true;
	text_set(s->revoked.verdict, verdict);
	text_set(s->revoked.reason, reason);
	text_set(s->revoked.request_id, request_id);
	return 0;
}

static int read_fields(struct json_object *o, struct fields *f, struct err *e)
{
	const struct js_member members[] = {
		{ .name = "format", .kind = JS_INT, .min = STATE_FORMAT, .max = STATE_FORMAT, .number = &f->format },
		{ .name = "luks_uuid", .kind = JS_STRING, .max = LUKS_UUID_LEN, .string = &f->uuid },
		{ .name = "epoch", .kind = JS_INT, .max = INT64_MAX, .number = &f->epoch },
		{ .name = "token_sha256", .kind = JS_STRING, .min = TOKEN_HASH_LEN, .max = TOKEN_HASH_LEN,
		  .string = &f->hash },
		{ .name = "token", .kind = JS_OBJECT, .object = &f->token },
		{ .name = "grant_id", .kind = JS_STRING, .max = KMS_GRANT_ID_MAX, .string = &f->grant_id },
		{ .name = "grant_created", .kind = JS_INT, .max = INT64_MAX, .number = &f->grant_created },
		{ .name = "ok_without_token", .kind = JS_BOOL, .flag = &f->ok_without_token },
		{ .name = "last_ok", .kind = JS_OBJECT, .flags = JS_NULLABLE, .object = &f->last_ok },
		{ .name = "revoked", .kind = JS_OBJECT, .flags = JS_NULLABLE, .object = &f->revoked },
		{ .name = NULL },
	};

	return js_read(o, members, e);
}

static int fill(const struct fields *f, struct state *s, struct err *e)
{
	char hash[TOKEN_HASH_LEN + 1];
	const char *text;
	size_t len;
	int rc;

	rc = luks_uuid_check(f->uuid, e);
	if (rc)
		return rc;
	text_set(s->luks_uuid, f->uuid);
	text_set(s->token_sha256, f->hash);
	text_set(s->grant_id, f->grant_id);
	s->epoch = f->epoch;
	s->grant_created = f->grant_created;
	s->ok_without_token = f->ok_without_token;
	text = js_text(f->token, &len);
	if (!text)
		return err_set(e, -ENOMEM, "out of memory");
	rc = token_parse(text, len, &s->token, e);
	if (!rc)
		rc = token_hash(&s->token, hash, e);
	if (!rc && strcmp(hash, s->token_sha256))
		rc = err_set(e, -EBADMSG, "token_sha256 is not the token's");
	if (!rc && f->last_ok)
		rc = read_last_ok(f->last_ok, s, e);
	if (!rc && f->revoked)
		rc = read_revoked(f->revoked, s, e);
	return rc;
}

static int parse(const char *text, size_t len, struct state *s, struct err *e)
{
	struct fields f = { .uuid = "", .hash = "", .grant_id = "" };
	struct json_object *o;
	int rc;

	rc = js_parse(text, len, 4, &o, e);
	if (rc)
		return rc;
	rc = read_fields(o, &f, e);
	if (!rc)
		rc = fill(&f, s, e);
	json_object_put(o);
	return rc;
}

int state_load(const char *dir, const char *name, struct state *s, struct err *e)
{
	char path[PATH_MAX], *text;
	size_t len;
	int rc;

	memset(s, 0, sizeof(*s));
	rc = name_path(dir, name, SUFFIX, path, e);
	if (!rc)
		rc = fsio_read(path, STATE_MAX, &text, &len, e);
	if (rc)
		return rc;
	rc = parse(text, len, s, e);
	free(text);
	if (!rc)
		return 0;
	memset(s, 0, sizeof(*s));
	rc = rc == -ENOMEM ? rc : -EBADMSG;
	err_prefix(e, "%s is damaged", path);
	err_hint(e, "without it an older header would pass: restore it; only if there is no copy, move it away");
	if (e)
		e->rc = rc;
	return rc;
}

/* number, flag: js_put() wants an object. */
static int put_int(struct json_object *o, const char *name, int64_t n)
{
	return js_put(o, name, json_object_new_int64(n));
}

static int put_last_ok(struct json_object *o, const struct state *s)
{
	struct json_object *ok;

	if (!s->has_last_ok)
		return js_put_null(o, "last_ok");
	ok = json_object_new_object();
	if (put_int(ok, "realtime", s->last_ok.realtime) ||
	    put_int(ok, "boottime_ms", s->last_ok.boottime_ms) ||
	    js_put_string(ok, "boot_id", s->last_ok.boot_id)) {
		json_object_put(ok);
		return -ENOMEM;
	}
	return js_put(o, "last_ok", ok);
}

static int put_revoked(struct json_object *o, const struct state *s)
{
	struct json_object *r;

	if (!s->is_revoked)
		return js_put_null(o, "revoked");
	r = json_object_new_object();
	if (put_int(r, "at", s->revoked.at) ||
	    js_put_string(r, "verdict", s->revoked.verdict) ||
	    js_put_string(r, "reason", s->revoked.reason) ||
	    js_put_string(r, "request_id", s->revoked.request_id)) {
		json_object_put(r);
		return -ENOMEM;
	}
	return js_put(o, "revoked", r);
}

static int put_token(struct json_object *o, const struct token *t, struct err *e)
{
	struct json_object *token;
	char *text;
	int rc;

	rc = token_text(t, &text, e);
	if (rc)
		return rc;
	rc = js_parse(text, strlen(text), 3, &token, e);
	free(text);
	return rc ? rc : js_put(o, "token", token);
}

static int build(struct json_object *o, const struct state *s, struct err *e)
{
	int rc;

	if (put_int(o, "format", STATE_FORMAT) ||
	    js_put_string(o, "luks_uuid", s->luks_uuid) ||
	    put_int(o, "epoch", s->epoch) ||
	    js_put_string(o, "token_sha256", s->token_sha256))
		return -ENOMEM;
	rc = put_token(o, &s->token, e);
	if (rc)
		return rc;
	if (js_put_string(o, "grant_id", s->grant_id) ||
	    put_int(o, "grant_created", s->grant_created) ||
	    js_put(o, "ok_without_token", json_object_new_boolean(s->ok_without_token)) ||
	    put_last_ok(o, s) || put_revoked(o, s))
		return -ENOMEM;
	return 0;
}

int state_store(const char *dir, const char *name, const struct state *s, struct err *e)
{
	struct json_object *o = json_object_new_object();
	struct state *again = malloc(sizeof(*again));
	char path[PATH_MAX];
	const char *text;
	size_t len = 0;
	int rc;

	rc = name_path(dir, name, SUFFIX, path, e);
	if (rc)
		goto out;
	rc = again ? build(o, s, e) : -ENOMEM;
	if (rc == -ENOMEM)
		err_set(e, rc, "out of memory");
	if (rc)
		goto out;
	text = js_text(o, &len);
	if (!text) {
		rc = err_set(e, -ENOMEM, "out of memory");
		goto out;
	}
	/* A state that would not load is not written. */
	memset(again, 0, sizeof(*again));
	rc = parse(text, len, again, e);
	if (!rc)
		rc = fsio_replace(path, text, len, 0600, e);
out:
	json_object_put(o);
	free(again);
	return rc;
}

int state_remove(const char *dir, const char *name, struct err *e)
{
	char path[PATH_MAX];
	int rc = name_path(dir, name, SUFFIX, path, e);

	return rc ? rc : fsio_unlink(path, e);
}

void state_adopt_header(struct state *s, const struct header *h)
{
	text_set(s->luks_uuid, h->luks_uuid);
	text_set(s->token_sha256, h->token_sha256);
	text_set(s->grant_id, h->token.grant_id);
	s->epoch = h->epoch;
	s->token = h->token;
}

/* read_boot_id - "" when it cannot be read: then no two are the same. */
static void read_boot_id(char out[LUKS_UUID_LEN + 1])
{
	char *id;
	size_t len;

	out[0] = '\0';
	if (fsio_read(BOOT_ID, 64, &id, &len, NULL))
		return;
	id[strcspn(id, "\n")] = '\0';
	text_copy(out, LUKS_UUID_LEN + 1, id);
	free(id);
}

void state_note_ok_at(struct state *s, int64_t boottime_ms)
{
	s->last_ok.realtime = time(NULL) - (now_ms() - boottime_ms) / 1000;
	s->last_ok.boottime_ms = boottime_ms;
	read_boot_id(s->last_ok.boot_id);
	s->has_last_ok = true;
}

void state_note_ok(struct state *s)
{
	state_note_ok_at(s, now_ms());
}

int64_t state_ok_this_boot(const struct state *s)
{
	char id[LUKS_UUID_LEN + 1];

	if (!s->has_last_ok)
		return 0;
	read_boot_id(id);
	return *id && !strcmp(id, s->last_ok.boot_id) ? s->last_ok.boottime_ms : 0;
}

int state_check_header(const struct state *s, const struct header *h, struct err *e)
{
	if (strcmp(s->luks_uuid, h->luks_uuid)) {
		err_set(e, -ESTALE, "this host knows the volume with the LUKS uuid %s, the header is %s", s->luks_uuid,
			h->luks_uuid);
	} else if (h->epoch < s->epoch) {
		err_set(e, -ESTALE, "the header is older than the one last seen here (epoch %llu, was %llu)",
			(unsigned long long)h->epoch, (unsigned long long)s->epoch);
	} else if (h->epoch == s->epoch && strcmp(s->token_sha256, h->token_sha256)) {
		err_set(e, -ESTALE, "the header has another token than the one last seen here, under the same epoch %llu",
			(unsigned long long)h->epoch);
	} else {
		return 0;
	}
	err_hint(e, "if the header was put back from a copy on purpose: ecachectl open --accept-older-header");
	return -ESTALE;
}
