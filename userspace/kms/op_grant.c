// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/json.h"
#include "client.h"

static int put_operations(struct json_object *o, const char *const *operations)
{
	struct json_object *list = json_object_new_array();
	int rc;

	rc = js_put(o, "Operations", list);
	for (; !rc && *operations; operations++) {
		if (json_object_array_add(list, json_object_new_string(*operations)))
			rc = -ENOMEM;
	}
	return rc;
}

static int put_constraint(struct json_object *o, const struct kms_context *equals)
{
	struct json_object *constraints = json_object_new_object();
	int rc;

	rc = js_put(o, "Constraints", constraints);
	return rc ? rc : js_put(constraints, "EncryptionContextEquals", context_json(equals));
}

static struct json_object *create_body(const struct kms_grant_request *rq)
{
	struct json_object *o = json_object_new_object();
	int rc;

	rc = js_put_string(o, "KeyId", rq->key_arn);
	if (!rc)
		rc = js_put_string(o, "GranteePrincipal", rq->grantee);
	if (!rc && rq->retiring)
		rc = js_put_string(o, "RetiringPrincipal", rq->retiring);
	if (!rc && rq->name)
		rc = js_put_string(o, "Name", rq->name);
	if (!rc)
		rc = put_operations(o, rq->operations);
	if (!rc && rq->equals)
		rc = put_constraint(o, rq->equals);
	if (rc) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

int kms_create_grant(struct kms *k, const struct kms_grant_request *rq, struct kms_grant *out, struct kms_answer *a,
		     struct err *e)
{
	static const char op[] = "CreateGrant";
	const char *id = "", *token = "";
	const struct js_member members[] = {
		{ "GrantId", JS_STRING, 0, 1, KMS_GRANT_ID_MAX, .string = &id },
		{ "GrantToken", JS_STRING, 0, 1, KMS_GRANT_TOKEN_MAX, .string = &token },
		{ .name = NULL },
	};
	struct json_object *obj;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = client_check_key(k, op, rq->key_arn, a, e);
	if (rc)
		return rc;
	if (rq->equals && context_check(rq->equals, e))
		return client_refuse(op, a, e);
	rc = client_call(k, op, rq->key_arn, create_body(rq), a, e);
	if (rc)
		return rc;
	rc = client_json(k, op, &obj, a, e);
	if (rc)
		return rc;
	rc = js_read_some(obj, members, e);
	if (!rc) {
		snprintf(out->id, sizeof(out->id), "%s", id);
		snprintf(out->token, sizeof(out->token), "%s", token);
	}
	json_object_put(obj);
	return rc ? client_bad(k, op, a, e) : 0;
}

/* call_grant - an operation on one grant of a key. */
static int call_grant(struct kms *k, const char *op, const char *key_arn, const char *grant_id, struct kms_answer *a,
		      struct err *e)
{
	struct json_object *o;
	int rc;

	rc = client_check_key(k, op, key_arn, a, e);
	if (rc)
		return rc;
	if (!*grant_id || strlen(grant_id) > KMS_GRANT_ID_MAX) {
		err_set(e, -EINVAL, "a grant id is 1 to %d bytes", KMS_GRANT_ID_MAX);
		return client_refuse(op, a, e);
	}
	o = json_object_new_object();
	if (js_put_string(o, "KeyId", key_arn) || js_put_string(o, "GrantId", grant_id)) {
		json_object_put(o);
		o = NULL;
	}
	return client_call(k, op, grant_id, o, a, e);
}

static int end_grant(struct kms *k, const char *op, const char *key_arn, const char *grant_id, struct kms_answer *a,
		     struct err *e)
{
	int rc = call_grant(k, op, key_arn, grant_id, a, e);

	/* The answer has no members; some services send none, some "{}". */
	client_wipe(k);
	return rc;
}

int kms_retire_grant(struct kms *k, const char *key_arn, const char *grant_id, struct kms_answer *a, struct err *e)
{
	return end_grant(k, "RetireGrant", key_arn, grant_id, a, e);
}

int kms_revoke_grant(struct kms *k, const char *key_arn, const char *grant_id, struct kms_answer *a, struct err *e)
{
	return end_grant(k, "RevokeGrant", key_arn, grant_id, a, e);
}

/* read_listed - whether one of them is it. A page that is not the last says nothing about what is not on it. */
static int read_listed(struct json_object *obj, const char *grant_id, bool *listed, struct err *e)
{
	struct json_object *list = NULL, *id;
	bool truncated = false;
	const struct js_member members[] = {
		{ "Grants", JS_ARRAY, 0, 0, 1000, .object = &list },
		{ "Truncated", JS_BOOL, JS_OPTIONAL | JS_NULLABLE, .flag = &truncated },
		{ .name = NULL },
	};
	int rc = js_read_some(obj, members, e);
	size_t i;

	for (i = 0; !rc && i < json_object_array_length(list) && !*listed; i++) {
		id = json_object_object_get(json_object_array_get_idx(list, i), "GrantId");
		*listed = json_object_is_type(id, json_type_string) && !strcmp(json_object_get_string(id), grant_id);
	}
	if (!rc && truncated && !*listed)
		rc = err_set(e, -EBADMSG, "one grant was asked for, and a page of others came");
	return rc;
}

int kms_grant_listed(struct kms *k, const char *key_arn, const char *grant_id, bool *listed, struct kms_answer *a,
		     struct err *e)
{
	static const char op[] = "ListGrants";
	struct json_object *obj;
	int rc;

	*listed = false;
	rc = call_grant(k, op, key_arn, grant_id, a, e);
	if (!rc)
		rc = client_json(k, op, &obj, a, e);
	if (rc)
		return rc;
	rc = read_listed(obj, grant_id, listed, e);
	json_object_put(obj);
	return rc ? client_bad(k, op, a, e) : 0;
}
