// SPDX-License-Identifier: GPL-2.0-or-later
#include "param.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/encode.h"

#define TOKEN_MAX 8192

/* member_name - AWS's messages name members with a small first letter. */
static void member_name(const char *name, char out[64])
{
	strncpy(out, name, 63);
	out[63] = '\0';
	out[0] = (char)tolower((unsigned char)out[0]);
}

enum fault param_invalid(struct call *c, const char *name, const char *constraint)
{
	char member[64];

	member_name(name, member);
	return call_fail(c, FAULT_VALIDATION,
			 "1 validation error detected: Value at '%s' failed to satisfy constraint: %s", member,
			 constraint);
}

static enum fault wrong_type(struct call *c, const char *name, const char *wanted)
{
	return call_fail(c, FAULT_SERIALIZATION, "%s is not %s", name, wanted);
}

static struct json_object *member(struct call *c, const char *name)
{
	struct json_object *o = NULL;

	json_object_object_get_ex(c->in, name, &o);
	return o;
}

static enum fault out_of_range(struct call *c, const char *name, const char *what, int64_t min, int64_t max)
{
	char text[128];

	snprintf(text, sizeof(text), "Member must have %s between %lld and %lld", what, (long long)min, (long long)max);
	return param_invalid(c, name, text);
}

enum fault param_string(struct call *c, const char *name, size_t min, size_t max, const char **out)
{
	struct json_object *o = member(c, name);
	size_t len;

	if (!o)
		return FAULT_NONE;
	if (!json_object_is_type(o, json_type_string))
		return wrong_type(c, name, "a string");
	len = (size_t)json_object_get_string_len(o);
	if (strlen(json_object_get_string(o)) != len)
		return param_invalid(c, name, "Member must not contain a NUL");
	if (len < min || len > max)
		return out_of_range(c, name, "length", (int64_t)min, (int64_t)max);
	*out = json_object_get_string(o);
	return FAULT_NONE;
}

size_t param_characters(const char *s)
{
	size_t nr = 0;

	for (; *s; s++)
		nr += ((unsigned char)*s & 0xc0) != 0x80;
	return nr;
}

enum fault param_text(struct call *c, const char *name, size_t max, const char **out)
{
	const char *text = NULL;
	enum fault f = param_string(c, name, 0, HTTP_BODY_MAX, &text);

	if (!f && text && param_characters(text) > max)
		return out_of_range(c, name, "length", 0, (int64_t)max);
	if (!f && text)
		*out = text;
	return f;
}

enum fault param_required(struct call *c, const char *name, size_t min, size_t max, const char **out)
{
	if (!member(c, name))
		return param_invalid(c, name, "Member must not be null");
	return param_string(c, name, min, max, out);
}

enum fault param_int(struct call *c, const char *name, int64_t min, int64_t max, int64_t *out)
{
	struct json_object *o = member(c, name);
	int64_t n;

	if (!o)
		return FAULT_NONE;
	if (!json_object_is_type(o, json_type_int))
		return wrong_type(c, name, "an integer");
	n = json_object_get_int64(o);
	if (n < min || n > max)
		return out_of_range(c, name, "value", min, max);
	*out = n;
	return FAULT_NONE;
}

enum fault param_bool(struct call *c, const char *name, bool *out)
{
	struct json_object *o = member(c, name);

	if (!o)
		return FAULT_NONE;
	if (!json_object_is_type(o, json_type_boolean))
		return wrong_type(c, name, "a boolean");
	*out = json_object_get_boolean(o);
	return FAULT_NONE;
}

enum fault param_context(struct call *c, const char *name, struct context *out)
{
	struct json_object *o = member(c, name);

	if (o && !json_object_is_type(o, json_type_object))
		return wrong_type(c, name, "a map");
	switch (context_from_json(out, o)) {
	case 0:
		return FAULT_NONE;
	case -ENOMEM:
		return call_internal(c, -ENOMEM);
	default:
		return param_invalid(c, name, "Member must be a map of strings with non-empty keys, of at most 8192 bytes");
	}
}

enum fault param_blob(struct call *c, const char *name, size_t min, size_t max, struct buf *out)
{
	const char *text = NULL;
	enum fault f = param_string(c, name, 0, HTTP_BODY_MAX, &text);
	size_t len, size;
	ssize_t n;

	if (f || !text)
		return f;
	len = strlen(text);
	size = len / 4 * 3;
	if (!buf_reserve(out, size + 1))
		return call_internal(c, -ENOMEM);
	n = base64_decode(text, len, (uint8_t *)out->data, size + 1);
	if (n < 0)
		return call_fail(c, FAULT_SERIALIZATION, "%s is not base64", name);
	out->len = (size_t)n;
	if (out->len < min || out->len > max)
		return out_of_range(c, name, "length", (int64_t)min, (int64_t)max);
	return FAULT_NONE;
}

enum fault param_array(struct call *c, const char *name, size_t max, struct json_object **out)
{
	struct json_object *o = member(c, name);

	*out = NULL;
	if (!o)
		return FAULT_NONE;
	if (!json_object_is_type(o, json_type_array))
		return wrong_type(c, name, "a list");
	if (json_object_array_length(o) > max)
		return out_of_range(c, name, "length", 0, (int64_t)max);
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		struct json_object *s = json_object_array_get_idx(o, i);

		if (!json_object_is_type(s, json_type_string))
			return wrong_type(c, name, "a list of strings");
		if (strlen(json_object_get_string(s)) != (size_t)json_object_get_string_len(s))
			return param_invalid(c, name, "Member must not contain a NUL");
	}
	*out = o;
	return FAULT_NONE;
}

enum fault param_grant_tokens(struct call *c)
{
	struct json_object *tokens;
	enum fault f = param_array(c, "GrantTokens", GRANT_TOKENS_MAX, &tokens);

	for (size_t i = 0; !f && tokens && i < json_object_array_length(tokens); i++) {
		const char *token = json_object_get_string(json_object_array_get_idx(tokens, i));
		char id[HEX_ID_SIZE];
		struct grant g;
		int rc;

		if (!*token || strlen(token) > TOKEN_MAX)
			return param_invalid(c, "GrantTokens", "Member must have length between 1 and 8192");
		rc = grant_token_read(&c->svc->root, token, id);
		if (!rc)
			rc = store_grant_get(c->svc->store, id, &g);
		if (rc == -EBADMSG || rc == -ENOENT)
			return call_fail(c, FAULT_INVALID_GRANT_TOKEN, "The grant token is not valid");
		if (rc)
			return call_internal(c, rc);
		/* It says no more than the grant that stands, unless grants take effect late (inject.h). */
		memcpy(c->token_grant[c->nr_token_grants++], id, sizeof(id));
		grant_free(&g);
	}
	return f;
}

enum fault param_absent(struct call *c, const char *name)
{
	if (!member(c, name))
		return FAULT_NONE;
	return call_fail(c, FAULT_UNSUPPORTED, "%s is not supported", name);
}

enum fault param_page(struct call *c, int64_t limit_max, int64_t *limit, char after[MARKER_NAME_MAX])
{
	uint8_t raw[MARKER_NAME_MAX + 2];
	const char *marker = NULL;
	ssize_t n;
	enum fault f = param_int(c, "Limit", 1, limit_max, limit);

	after[0] = '\0';
	if (!f)
		f = param_string(c, "Marker", 1, 1024, &marker);
	if (f || !marker)
		return f;
	n = base64_decode(marker, strlen(marker), raw, sizeof(raw) - 1);
	if (n < 3 || memcmp(raw, "1:", 2) || memchr(raw, 0, (size_t)n))
		return call_fail(c, FAULT_INVALID_MARKER, "The marker is not one that this server gave");
	memcpy(after, raw + 2, (size_t)n - 2);
	after[n - 2] = '\0';
	return FAULT_NONE;
}

void param_put_marker(struct jsonw *w, bool more, const char *last)
{
	char raw[MARKER_NAME_MAX + 2];

	jsonw_bool(w, "Truncated", more);
	if (!more)
		return;
	snprintf(raw, sizeof(raw), "1:%s", last);
	jsonw_base64(w, "NextMarker", (const uint8_t *)raw, strlen(raw));
}

enum fault param_grant_id(struct call *c, const char **id, bool required)
{
	enum fault f = required ? param_required(c, "GrantId", 1, 128, id) : param_string(c, "GrantId", 1, 128, id);

	if (!f && *id && !ident_hex_id_ok(*id))
		f = call_fail(c, FAULT_INVALID_GRANT_ID, "The grant id is not one: 64 hexadecimal digits");
	return f;
}
