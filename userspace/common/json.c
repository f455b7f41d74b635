// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <json-c/printbuf.h>

#include "json.h"

/*
 * new_tokener - with a buffer for strings that is large enough for all of the text. json-c copies each string there
 * first; growing it would leave copies behind, and a request of the KMS may hold a Plaintext.
 */
static struct json_tokener *new_tokener(int depth, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(depth);

	if (!tok)
		return NULL;
	if (printbuf_memset(tok->pb, len, 0, 1) < 0) {
		json_tokener_free(tok);
		return NULL;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	return tok;
}

static void free_tokener(struct json_tokener *tok)
{
	explicit_bzero(tok->pb->buf, tok->pb->size);
	json_tokener_free(tok);
}

int js_parse(const char *text, size_t len, int depth, struct json_object **obj, struct err *e)
{
	struct json_tokener *tok;
	struct json_object *o;
	enum json_tokener_error why;
	int rc = 0;

	*obj = NULL;
	if (len > INT_MAX / 2)
		return err_set(e, -EBADMSG, "JSON text too long");
	tok = new_tokener(depth, len);
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
