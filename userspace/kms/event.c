// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "../common/json.h"
#include "arn.h"
#include "event.h"

#define DEPTH 32	/* CloudTrail's records are nested about ten deep, a policy in one is a string */

static const char call_type[] = "AWS API Call via CloudTrail";

/* Calls after which a key or a grant may be worth another look; the second half makes things better. */
static const char *const calls[] = {
	"RevokeGrant", "RetireGrant", "DisableKey", "ScheduleKeyDeletion", "PutKeyPolicy", "DeleteImportedKeyMaterial",
	"EnableKey", "CancelKeyDeletion", "ImportKeyMaterial", NULL
};

/* What KMS tells of its own accord, the key being the event's resource. */
static const char *const types[] = { "KMS CMK Deletion", "KMS Imported Key Material Expiration", NULL };

static bool listed(const char *const *list, const char *name)
{
	size_t i;

	for (i = 0; list[i]; i++) {
		if (!strcmp(list[i], name))
			return true;
	}
	return false;
}

static struct json_object *member(struct json_object *o, const char *name, enum json_type type)
{
	struct json_object *m;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, name, &m) ||
	    !json_object_is_type(m, type))
		return NULL;
	return m;
}

/* text - a string member without a NUL inside; "" when there is none. */
static const char *text(struct json_object *o, const char *name)
{
	struct json_object *m = member(o, name, json_type_string);
	const char *s = m ? json_object_get_string(m) : "";

	return m && strlen(s) == (size_t)json_object_get_string_len(m) ? s : "";
}

static bool take_key(struct event *ev, const char *arn)
{
	if (strlen(arn) > EVENT_ARN_MAX || arn_check_key(arn, NULL))
		return false;
	snprintf(ev->key_arn, sizeof(ev->key_arn), "%s", arn);
	return true;
}

/* take_grant - one that could not be a grant's is an event about all of the key: a look too many, not one too few. */
static void take_grant(struct event *ev, const char *id)
{
	size_t len = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");

	if (!id[len] && len <= KMS_GRANT_ID_MAX)
		snprintf(ev->grant_id, sizeof(ev->grant_id), "%s", id);
}

/* first - the first element of an array member. */
static struct json_object *first(struct json_object *o, const char *name)
{
	struct json_object *list = member(o, name, json_type_array);

	return list && json_object_array_length(list) ? json_object_array_get_idx(list, 0) : NULL;
}

/*
 * read_call - a record of CloudTrail. The key is in its resources; what the caller named may be a bare id or an alias.
 * RetireGrant has no parameters: its grant is beside them.
 */
static enum event_kind read_call(struct json_object *detail, struct event *ev)
{
	const char *name = text(detail, "eventName");

	if (!json_object_is_type(detail, json_type_object))
		return EVENT_UNREAD;
	if (strcmp(text(detail, "eventSource"), "kms.amazonaws.com") || !listed(calls, name) ||
	    *text(detail, "errorCode"))
		return EVENT_OTHER;
	if (!take_key(ev, text(first(detail, "resources"), "ARN")) &&
	    !take_key(ev, text(member(detail, "requestParameters", json_type_object), "keyId")))
		return EVENT_UNREAD;
	snprintf(ev->name, sizeof(ev->name), "%s", name);
	if (!strcmp(name, "RevokeGrant"))
		take_grant(ev, text(member(detail, "requestParameters", json_type_object), "grantId"));
	else if (!strcmp(name, "RetireGrant"))
		take_grant(ev, text(member(detail, "additionalEventData", json_type_object), "grantId"));
	return EVENT_LOOK;
}

static enum event_kind read_event(struct json_object *o, struct event *ev)
{
	const char *type = text(o, "detail-type");
	struct json_object *resource;

	if (!*type || !*text(o, "source"))
		return EVENT_UNREAD;
	if (strcmp(text(o, "source"), "aws.kms"))
		return EVENT_OTHER;
	if (!strcmp(type, call_type))
		return read_call(member(o, "detail", json_type_object), ev);
	if (!listed(types, type))
		return EVENT_OTHER;
	resource = first(o, "resources");
	if (!json_object_is_type(resource, json_type_string) || !take_key(ev, json_object_get_string(resource)))
		return EVENT_UNREAD;
	snprintf(ev->name, sizeof(ev->name), "%s", type);
	return EVENT_LOOK;
}

/* unwrap - the event inside of what SNS sent, in place of *o. */
static bool unwrap(struct json_object **o)
{
	struct json_object *inner = NULL;
	const char *message = text(*o, "Message");

	if (strcmp(text(*o, "Type"), "Notification"))
		return true;
	if (js_parse(message, strlen(message), DEPTH, &inner, NULL))
		return false;
	json_object_put(*o);
	*o = inner;
	return true;
}

enum event_kind event_parse(const char *body, size_t len, struct event *out)
{
	enum event_kind kind = EVENT_UNREAD;
	struct json_object *o;

	memset(out, 0, sizeof(*out));
	if (len > EVENT_MAX || js_parse(body, len, DEPTH, &o, NULL))
		return EVENT_UNREAD;
	if (unwrap(&o))
		kind = read_event(o, out);
	json_object_put(o);
	if (kind != EVENT_LOOK)
		memset(out, 0, sizeof(*out));
	return kind;
}
