/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMS_RECORDED_TEST_H
#define KMS_RECORDED_TEST_H

#include "../common/test.h"

#include <stdio.h>
#include <string.h>

#include "../common/fsio.h"
#include "../common/json.h"

/*
 * What stock clients and ecache-kmsd said to each other: recorded.jsonl, written by record.py. A head that says who
 * took part, then one request and its answer a line. For recorded_test.c here and in ../kmsd.
 */
#define RECORDED_PATH "kms/recorded.jsonl"	/* the tests run in userspace/ */
#define RECORDED_MAX 64

struct recorded {
	struct json_object *head;
	struct json_object *line[RECORDED_MAX];
	unsigned int nr;
};

static inline void recorded_read(struct recorded *r)
{
	char *text, *at, *eol;
	struct json_object *o;
	size_t len;

	memset(r, 0, sizeof(*r));
	assert_int_equal(fsio_read(RECORDED_PATH, 1 << 20, &text, &len, NULL), 0);
	for (at = text; (eol = strchr(at, '\n')); at = eol + 1) {
		assert_int_equal(js_parse(at, eol - at, 8, &o, NULL), 0);
		if (r->head) {
			assert_true(r->nr < RECORDED_MAX);
			r->line[r->nr++] = o;
		} else {
			r->head = o;
		}
	}
	free(text);
	assert_true(r->nr > 0);
}

static inline void recorded_free(struct recorded *r)
{
	json_object_put(r->head);
	while (r->nr)
		json_object_put(r->line[--r->nr]);
}

/* recorded_string - a member's text; it must be there. */
static inline const char *recorded_string(struct json_object *o, const char *name)
{
	struct json_object *s = json_object_object_get(o, name);

	if (!json_object_is_type(s, json_type_string))
		fail_msg("%s: no string in the record", name);
	return json_object_get_string(s);
}

/* recorded_header - of the request or (@of "answer_headers") its answer; NULL when it has none of that name. */
static inline const char *recorded_header(struct json_object *line, const char *of, const char *want)
{
	json_object_object_foreach(json_object_object_get(line, of), name, value) {
		if (!strcasecmp(name, want))
			return json_object_get_string(value);
	}
	return NULL;
}

/* recorded_op - "Decrypt"; GetCallerIdentity is the only operation of the query protocol. */
static inline const char *recorded_op(struct json_object *line)
{
	const char *target = recorded_header(line, "headers", "X-Amz-Target");

	return target ? strchr(target, '.') + 1 : "GetCallerIdentity";
}

/* recorded_object - a body as an object, to be put; an empty one for no body. */
static inline struct json_object *recorded_object(struct json_object *line, const char *which)
{
	const char *text = recorded_string(line, which);
	struct json_object *o;

	if (!*text)
		return json_object_new_object();
	if (js_parse(text, strlen(text), 12, &o, NULL))
		fail_msg("%s: %s", which, text);
	return o;
}

static inline int recorded_status(struct json_object *line)
{
	return json_object_get_int(json_object_object_get(line, "status"));
}

#endif
