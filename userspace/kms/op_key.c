// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/json.h"
#include "arn.h"
#include "client.h"

static struct json_object *describe_body(const char *key_id, const char *grant_token)
{
	struct json_object *o = json_object_new_object(), *tokens = NULL;
	int rc;

	rc = js_put_string(o, "KeyId", key_id);
	if (!rc && grant_token) {
		tokens = json_object_new_array();
		rc = js_put(o, "GrantTokens", tokens);
		if (!rc && json_object_array_add(tokens, json_object_new_string(grant_token)))
			rc = -ENOMEM;
	}
	if (rc) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

static int read_metadata(struct json_object *obj, const char *key_id, struct kms_key *out, struct err *e)
{
	const char *arn = "", *state = "", *spec = "SYMMETRIC_DEFAULT", *usage = "ENCRYPT_DECRYPT";
	struct json_object *meta = NULL;
	const struct js_member top[] = { { "KeyMetadata", JS_OBJECT, .object = &meta }, { .name = NULL } };
	const struct js_member members[] = {
		{ "Arn", JS_STRING, 0, 1, KMS_ARN_MAX, .string = &arn },
		{ "KeyState", JS_STRING, 0, 1, 64, .string = &state },
		{ "KeySpec", JS_STRING, JS_OPTIONAL | JS_NULLABLE, 1, 64, .string = &spec },
		{ "KeyUsage", JS_STRING, JS_OPTIONAL | JS_NULLABLE, 1, 64, .string = &usage },
		{ .name = NULL },
	};

	if (js_read_some(obj, top, e) || js_read_some(meta, members, e) || arn_check_key(arn, e))
		return -EBADMSG;
	/* An alias may name any key; an ARN only itself. */
	if (!arn_check_key(key_id, NULL) && strcmp(key_id, arn))
		return err_set(e, -EBADMSG, "the answer is about another key, %.200s", arn);
	snprintf(out->arn, sizeof(out->arn), "%s", arn);
	out->state = kms_key_state_of(state);
	out->symmetric = !strcmp(spec, "SYMMETRIC_DEFAULT") && !strcmp(usage, "ENCRYPT_DECRYPT");
	return 0;
}

int kms_describe_key(struct kms *k, const char *key_id, const char *grant_token, struct kms_key *out,
		     struct kms_answer *a, struct err *e)
{
	static const char op[] = "DescribeKey";
	struct json_object *obj;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!*key_id || strlen(key_id) > KMS_ARN_MAX) {
		err_set(e, -EINVAL, "a key id is 1 to %d bytes", KMS_ARN_MAX);
		return client_refuse(op, a, e);
	}
	if (!strncmp(key_id, "arn:", 4) && !arn_in_region(key_id, k->region)) {
		err_set(e, -EINVAL, "%.200s is not in region %s", key_id, k->region);
		return client_refuse(op, a, e);
	}
	rc = client_call(k, op, key_id, describe_body(key_id, grant_token), a, e);
	if (rc)
		return rc;
	rc = client_json(k, op, &obj, a, e);
	if (rc)
		return rc;
	rc = read_metadata(obj, key_id, out, e);
	json_object_put(obj);
	return rc ? client_bad(k, op, a, e) : 0;
}
