// SPDX-License-Identifier: GPL-2.0-or-later
#include "tag.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "param.h"

#define NAME_CHARS 128
#define VALUE_CHARS 256

/* clean - letters of any script, digits, blanks and a few signs. */
static bool clean(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x80 && !isalnum((unsigned char)*s) && !strchr(" +-=._:/@", *s))
			return false;
	return true;
}

static enum fault check_tag(struct call *c, const struct tag_list *list, const struct tag *t)
{
	if (!strncasecmp(t->name, "aws:", 4))
		return call_fail(c, FAULT_TAG, "Tag keys that begin with \"aws:\" are reserved");
	if (!clean(t->name) || !clean(t->value))
		return call_fail(c, FAULT_TAG, "A tag has letters, digits, blanks and + - = . _ : / @");
	for (const struct tag *other = list->tag; other < t; other++)
		if (!strcmp(other->name, t->name))
			return call_fail(c, FAULT_TAG, "Tag keys must be unique");
	return FAULT_NONE;
}

/* copy - a string of the request, which has at most @max characters. */
static enum fault copy(struct call *c, const char *member, struct json_object *o, size_t min, size_t max, char *out)
{
	const char *text;

	if (!o)
		return param_invalid(c, member, "Member must not be null");
	if (!json_object_is_type(o, json_type_string))
		return call_fail(c, FAULT_SERIALIZATION, "%s is not a string", member);
	text = json_object_get_string(o);
	if (strlen(text) != (size_t)json_object_get_string_len(o))
		return param_invalid(c, member, "Member must not contain a NUL");
	if (param_characters(text) < min || param_characters(text) > max)
		return param_invalid(c, member, max == NAME_CHARS ? "Member must have length between 1 and 128" :
								    "Member must have length between 0 and 256");
	strcpy(out, text);
	return FAULT_NONE;
}

static enum fault read_tag(struct call *c, struct json_object *o, struct tag *t)
{
	struct json_object *name = NULL, *value = NULL;
	enum fault f;

	if (!json_object_is_type(o, json_type_object))
		return call_fail(c, FAULT_SERIALIZATION, "Tags is not a list of structures");
	json_object_object_get_ex(o, "TagKey", &name);
	json_object_object_get_ex(o, "TagValue", &value);
	f = copy(c, "TagKey", name, 1, NAME_CHARS, t->name);
	return f ? f : copy(c, "TagValue", value, 0, VALUE_CHARS, t->value);
}

static enum fault allocate(struct call *c, const char *member, struct json_object *o, struct tag_list *out)
{
	size_t nr;

	if (!json_object_is_type(o, json_type_array))
		return call_fail(c, FAULT_SERIALIZATION, "%s is not a list", member);
	nr = json_object_array_length(o);
	if (nr > TAGS_PER_KEY)
		return call_fail(c, FAULT_LIMIT_EXCEEDED, "A key has at most %d tags", TAGS_PER_KEY);
	out->tag = calloc(nr + 1, sizeof(*out->tag));
	if (out->tag)
		return FAULT_NONE;
	call_internal(c, -ENOMEM);
	return FAULT_INTERNAL;
}

static enum fault read_list(struct call *c, const char *member, struct tag_list *out)
{
	struct json_object *o = NULL;
	enum fault f;

	json_object_object_get_ex(c->in, member, &o);
	if (!o)
		return FAULT_NONE;
	f = allocate(c, member, o, out);
	for (size_t i = 0; !f && i < json_object_array_length(o); i++) {
		struct json_object *item = json_object_array_get_idx(o, i);
		struct tag *t = &out->tag[i];

		f = out->names_only ? copy(c, member, item, 1, NAME_CHARS, t->name) : read_tag(c, item, t);
		if (!f)
			f = check_tag(c, out, t);
		if (!f)
			out->nr++;
	}
	return f;
}

enum fault tags_read(struct call *c, struct tag_list *out)
{
	memset(out, 0, sizeof(*out));
	return read_list(c, "Tags", out);
}

enum fault tags_read_names(struct call *c, struct tag_list *out)
{
	memset(out, 0, sizeof(*out));
	out->names_only = true;
	return read_list(c, "TagKeys", out);
}

static int add(void *ctx, const struct tag *t)
{
	struct tag_list *list = ctx;

	if (list->nr == TAGS_PER_KEY)
		return -EIO;
	list->tag[list->nr++] = *t;
	return 0;
}

int tags_load(struct store *s, const char *key_id, struct tag_list *out)
{
	memset(out, 0, sizeof(*out));
	out->tag = calloc(TAGS_PER_KEY, sizeof(*out->tag));
	return out->tag ? store_tag_each(s, key_id, "", add, out) : -ENOMEM;
}

void tags_free(struct tag_list *t)
{
	free(t->tag);
	memset(t, 0, sizeof(*t));
}
