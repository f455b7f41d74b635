// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/json.h"
#include "arn.h"
#include "net.h"

/* The answer to "events" between ecache-net and ecached: what net_message.c is for the others. */

#define MESSAGES_MAX QUEUE_BATCH

static struct json_object *event_json(const struct event *ev)
{
	struct json_object *o = json_object_new_object();
	int rc;

	rc = js_put_string(o, "name", ev->name);
	if (!rc)
		rc = js_put_string(o, "key_arn", ev->key_arn);
	if (!rc && *ev->grant_id)
		rc = js_put_string(o, "grant_id", ev->grant_id);
	if (!rc)
		return o;
	json_object_put(o);
	return NULL;
}

struct json_object *net_events_json(const struct net_events *n)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array(), *one;
	unsigned int i;
	int rc;

	rc = js_put(o, "look", list);
	if (!rc)
		rc = js_put(o, "messages", json_object_new_int(n->messages));
	if (!rc)
		rc = js_put(o, "unread", json_object_new_int(n->unread));
	if (!rc)
		rc = js_put(o, "left", json_object_new_int(n->left));
	for (i = 0; i < n->nr && !rc; i++) {
		one = event_json(&n->look[i]);
		if (!one || json_object_array_add(list, one)) {
			json_object_put(one);
			rc = -ENOMEM;
		}
	}
	if (!rc)
		return o;
	json_object_put(o);
	return NULL;
}

/* plain - of these characters only: they go to logs, and are compared with what is ours. */
static bool plain(const char *text)
{
	static const char chars[] = " -0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return !text[strspn(text, chars)];
}

static int read_event(struct json_object *o, struct event *ev)
{
	const char *name = "", *key = "", *grant = "";
	const struct js_member members[] = {
		{ "name", JS_STRING, 0, 1, EVENT_NAME_MAX, .string = &name },
		{ "key_arn", JS_STRING, 0, 1, EVENT_ARN_MAX, .string = &key },
		{ "grant_id", JS_STRING, JS_OPTIONAL, 1, KMS_GRANT_ID_MAX, .string = &grant },
		{ .name = NULL },
	};

	if (!json_object_is_type(o, json_type_object) || js_read(o, members, NULL) || arn_check_key(key, NULL) ||
	    !plain(name) || !plain(grant))
		return -EBADMSG;
	snprintf(ev->name, sizeof(ev->name), "%s", name);
	snprintf(ev->key_arn, sizeof(ev->key_arn), "%s", key);
	snprintf(ev->grant_id, sizeof(ev->grant_id), "%s", grant);
	return 0;
}

int net_events_read(struct json_object *o, struct net_events *n)
{
	int64_t messages = 0, unread = 0, left = 0;
	struct json_object *list = NULL;
	const struct js_member members[] = {
		{ "look", JS_ARRAY, 0, 0, QUEUE_BATCH, .object = &list },
		{ "messages", JS_INT, 0, 0, MESSAGES_MAX, .number = &messages },
		{ "unread", JS_INT, 0, 0, MESSAGES_MAX, .number = &unread },
		{ "left", JS_INT, 0, 0, MESSAGES_MAX, .number = &left },
		{ .name = NULL },
	};
	size_t i;

	if (js_read(o, members, NULL))
		return -EBADMSG;
	for (i = 0; i < json_object_array_length(list); i++) {
		if (read_event(json_object_array_get_idx(list, i), &n->look[n->nr]))
			return -EBADMSG;
		n->nr++;
	}
	n->messages = messages;
	n->unread = unread;
	n->left = left;
	return 0;
}
