/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_JSON_H
#define ECACHE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <json-c/json.h>

#include "err.h"

/*
 * Strict reading and safe building of JSON objects over json-c. Not for secrets: json-c does not wipe the strings of an
 * object when it goes (the buffers that it read them through are wiped here).
 */

/*
 * js_parse - exactly one JSON object, valid UTF-8, nested at most @depth deep (1: no nesting). -EBADMSG, -ENOMEM.
 * json-c takes some texts that are not JSON (comments, 'quotes', NaN) and the last of two members of one name.
 */
int js_parse(const char *text, size_t len, int depth, struct json_object **obj, struct err *e);

enum js_kind {
	JS_STRING,	/* no NUL inside; bounds are bytes */
	JS_INT,		/* a JSON integer; bounds are values */
	JS_BOOL,
	JS_OBJECT,
	JS_ARRAY,	/* bounds are elements */
};

#define JS_OPTIONAL 1	/* may be absent: *out keeps its value */
#define JS_NULLABLE 2	/* may be null: *out keeps its value */

/* A member of an object. The array given to js_read() ends with a NULL name. */
struct js_member {
	const char *name;
	enum js_kind kind;
	unsigned int flags;
	int64_t min;
	int64_t max;
	union {			/* borrowed from the object read; may be NULL: check only */
		const char **string;
		int64_t *number;
		bool *flag;
		struct json_object **object;
	};
};

/* js_read - the members of @obj; one that @members does not name is an error. -EBADMSG with the member in @e. */
int js_read(struct json_object *obj, const struct js_member *members, struct err *e);

/* js_read_some - the same, but other members are allowed (answers of services that grow). */
int js_read_some(struct json_object *obj, const struct js_member *members, struct err *e);

/*
 * js_put - add a member; @value is owned by @obj afterwards and put on failure. A NULL @value or @obj is -ENOMEM, so
 * that js_put(o, "a", json_object_new_string(s)) needs no check in between. JSON null: js_put_null().
 */
int js_put(struct json_object *obj, const char *name, struct json_object *value);
int js_put_string(struct json_object *obj, const char *name, const char *value);
int js_put_null(struct json_object *obj, const char *name);

/* js_text - on one line, without blanks, '/' not escaped; owned by @obj. NULL: out of memory. */
const char *js_text(struct json_object *obj, size_t *len);

#endif
