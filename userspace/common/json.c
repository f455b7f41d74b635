// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/printbuf.h>

#include "encode.h"
#include "json.h"

/*
 * new_tokener - with a buffer for strings that is large enough for all of the text. json-c copies each string there
 * first; growing it would leave copies behind, and a request of the KMS may hold a Plaintext.
 */
static struct json_tokener *new_tokener(int depth, size_t len, int flags)
{
	struct json_tokener *tok = json_tokener_new_ex(depth);

	if (!tok)
		return NULL;
	if (printbuf_memset(tok->pb, len, 0, 1) < 0) {
		json_tokener_free(tok);
		return NULL;
	}
	json_tokener_set_flags(tok, flags);
	return tok;
}

static void free_tokener(struct json_tokener *tok)
{
	explicit_bzero(tok->pb->buf, tok->pb->size);
	json_tokener_free(tok);
}

/* next_point - the Unicode code point at *p, which is not its end; -1: no UTF-8. */
static int32_t next_point(const unsigned char **p, const unsigned char *end)
{
	static const int32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned char first = *(*p)++;
	unsigned int i, more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	int32_t c = first & (0x3f >> more);

	if (first < 0x80)
		return first;
	if (first < 0xc0 || first > 0xf7 || end - *p < more)
		return -1;
	for (i = 0; i < more; i++) {
		if ((**p & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (*(*p)++ & 0x3f);
	}
	return c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? -1 : c;
}

/* surrogate - the value of "\\uXXXX" at @p, 6 bytes, when it is in the 1024 from @first on; else -1. */
static int32_t surrogate(const char *p, int32_t first)
{
	uint8_t value[2];
	int32_t c;

	if (p[0] != '\\' || p[1] != 'u' || hex_decode(p + 2, 4, value))
		return -1;
	c = value[0] << 8 | value[1];
	return (c & ~0x3ff) == first ? c & 0x3ff : -1;
}

/*
 * decode_pairs - @text with UTF-8 in place of each pair of escaped surrogates; returns the length. json-c makes U+FFFD
 * of U+1D800 to U+1DFFF, and of their like in other planes, when they are escaped.
 */
static size_t decode_pairs(const char *text, size_t len, char *out)
{
	const char *p = text, *end = text + len;
	char *to = out;

	while (p < end) {
		int32_t high = end - p >= 12 ? surrogate(p, 0xd800) : -1;
		int32_t low = high < 0 ? -1 : surrogate(p + 6, 0xdc00);
		int32_t c = low < 0 ? 0 : 0x10000 + (high << 10) + low;

		if (low >= 0) {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
			*to++ = (char)(0x80 | (c >> 6 & 0x3f));
			*to++ = (char)(0x80 | (c & 0x3f));
			p += 12;
			continue;
		}
		/* What a backslash escapes begins no escape. */
		if (*p == '\\' && end - p > 1)
			*to++ = *p++;
		*to++ = *p++;
	}
	return to - out;
}

/* mask - @text with an 'x' for each byte of what is not ASCII. Whether there was any; -EBADMSG: no UTF-8. */
static int mask(const char *text, size_t len, char *out)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len, *begin;
	int any = 0;

	while (p < end) {
		int32_t c;

		begin = p;
		c = next_point(&p, end);
		if (c < 0)
			return -EBADMSG;
		memset(out, c < 0x80 ? c : 'x', (size_t)(p - begin));
		out += p - begin;
		any |= c >= 0x80;
	}
	return any;
}

static int parse(const char *text, size_t len, int depth, int flags, struct json_object **obj, struct err *e)
{
	struct json_tokener *tok;
	struct json_object *o;
	enum json_tokener_error why;
	int rc = 0;

	tok = new_tokener(depth, len, flags);
	if (!tok)
		return err_set(e, -ENOMEM, "out of memory");
	o = json_tokener_parse_ex(tok, text, len);
	why = json_tokener_get_error(tok);
	if (why != json_tokener_success)
		rc = err_set(e, -EBADMSG, "not JSON: %s", json_tokener_error_desc(why));
	else if (json_tokener_get_parse_end(tok) != len)
		rc = err_set(e, -EBADMSG, "not JSON: text after the value");
	else if (!json_object_is_type(o, json_type_object))
		rc = err_set(e, -EBADMSG, "not a JSON object");
	free_tokener(tok);
	if (rc) {
		json_object_put(o);
		return rc;
	}
	*obj = o;
	return 0;
}

/* parse_utf8 - what is not ASCII is read twice, first masked. */
static int parse_utf8(const char *text, size_t len, char *masked, int depth, struct json_object **obj, struct err *e)
{
	int rc = mask(text, len, masked);

	if (rc < 0)
		return err_set(e, rc, "not JSON: not UTF-8");
	if (!rc)
		return parse(text, len, depth, JSON_TOKENER_STRICT, obj, e);
	rc = parse(masked, len, depth, JSON_TOKENER_STRICT, obj, e);
	json_object_put(*obj);
	*obj = NULL;
	return rc ? rc : parse(text, len, depth, 0, obj, e);
}

/*
 * js_parse - json-c 0.18 (Debian 13) takes bytes above 0x7f for control characters and refuses them where it is
 * strict: so the form is found strict without them, then the text is read as it is.
 */
int js_parse(const char *text, size_t len, int depth, struct json_object **obj, struct err *e)
{
	size_t size = len + 1;
	char *copy;
	int rc;

	*obj = NULL;
	if (len > INT_MAX / 2)
		return err_set(e, -EBADMSG, "JSON text too long");
	copy = malloc(2 * size);
	if (!copy)
		return err_set(e, -ENOMEM, "out of memory");
	len = decode_pairs(text, len, copy);
	rc = parse_utf8(copy, len, copy + size, depth, obj, e);
	explicit_bzero(copy, 2 * size);
	free(copy);
	return rc;
}

static int out_of_bounds(const struct js_member *m, int64_t n, const char *unit, struct err *e)
{
	if (n >= m->min && n <= m->max)
		return 0;
	return err_set(e, -EBADMSG, "member \"%s\" must be %lld to %lld%s", m->name, (long long)m->min,
		       (long long)m->max, unit);
}

static int read_string(struct json_object *v, const struct js_member *m, struct err *e)
{
	const char *s = json_object_get_string(v);
	size_t len = json_object_get_string_len(v);
	int rc;

	if (strlen(s) != len)
		return err_set(e, -EBADMSG, "member \"%s\" has a NUL inside", m->name);
	rc = out_of_bounds(m, len, " bytes", e);
	if (!rc && m->string)
		*m->string = s;
	return rc;
}

static int read_int(struct json_object *v, const struct js_member *m, struct err *e)
{
	int64_t n;
	int rc;

	/* json-c clamps what does not fit; the limits themselves are in nobody's bounds but "any". */
	n = json_object_get_int64(v);
	rc = out_of_bounds(m, n, "", e);
	if (!rc && m->number)
		*m->number = n;
	return rc;
}

static int read_value(struct json_object *v, const struct js_member *m, struct err *e)
{
	static const struct {
		enum json_type type;
		const char *name;
	} kinds[] = {
		[JS_STRING] = { json_type_string, "a string" },
		[JS_INT] = { json_type_int, "an integer" },
		[JS_BOOL] = { json_type_boolean, "true or false" },
		[JS_OBJECT] = { json_type_object, "an object" },
		[JS_ARRAY] = { json_type_array, "an array" },
	};
	int rc = 0;

	if (!json_object_is_type(v, kinds[m->kind].type))
		return err_set(e, -EBADMSG, "member \"%s\" must be %s", m->name, kinds[m->kind].name);
	switch (m->kind) {
	case JS_STRING:
		return read_string(v, m, e);
	case JS_INT:
		return read_int(v, m, e);
	case JS_BOOL:
		if (m->flag)
			*m->flag = json_object_get_boolean(v);
		return 0;
	case JS_ARRAY:
		rc = out_of_bounds(m, json_object_array_length(v), " elements", e);
		break;
	case JS_OBJECT:
		break;
	}
	if (!rc && m->object)
		*m->object = v;
	return rc;
}

int js_read_some(struct json_object *obj, const struct js_member *members, struct err *e)
{
	const struct js_member *m;
	struct json_object *v;
	int rc;

	for (m = members; m->name; m++) {
		if (!json_object_object_get_ex(obj, m->name, &v)) {
			if (m->flags & JS_OPTIONAL)
				continue;
			return err_set(e, -EBADMSG, "member \"%s\" is missing", m->name);
		}
		if (!v && (m->flags & JS_NULLABLE))
			continue;
		rc = read_value(v, m, e);
		if (rc)
			return rc;
	}
	return 0;
}

int js_read(struct json_object *obj, const struct js_member *members, struct err *e)
{
	const struct js_member *m;

	json_object_object_foreach(obj, name, value) {
		(void)value;
		for (m = members; m->name && strcmp(m->name, name); m++)
			;
		if (!m->name)
			return err_set(e, -EBADMSG, "unknown member \"%.64s\"", name);
	}
	return js_read_some(obj, members, e);
}

int js_put(struct json_object *obj, const char *name, struct json_object *value)
{
	if (!obj || !value || json_object_object_add(obj, name, value)) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

int js_put_string(struct json_object *obj, const char *name, const char *value)
{
	return js_put(obj, name, json_object_new_string(value));
}

int js_put_null(struct json_object *obj, const char *name)
{
	return !obj || json_object_object_add(obj, name, NULL) ? -ENOMEM : 0;
}

const char *js_text(struct json_object *obj, size_t *len)
{
	return json_object_to_json_string_length(obj, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, len);
}
