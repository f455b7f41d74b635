// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "../common/json.h"
#include "client.h"

static const char *const names[KMS_RIGHTS] = {
	[KMS_MAY_GRANT] = "CreateGrant",
	[KMS_MAY_ENCRYPT] = "Encrypt",
	[KMS_MAY_GENERATE] = "GenerateDataKeyWithoutPlaintext",
};

const char *kms_right_name(enum kms_right right)
{
	return right < KMS_RIGHTS ? names[right] : "";
}

static int put_grant(struct json_object *o, const char *grantee)
{
	struct json_object *list = json_object_new_array();
	int rc;

	rc = js_put_string(o, "GranteePrincipal", grantee);
	if (rc) {
		json_object_put(list);
		return rc;
	}
	rc = js_put(o, "Operations", list);
	if (!rc && json_object_array_add(list, json_object_new_string("Decrypt")))
		rc = -ENOMEM;
	return rc;
}

static struct json_object *may_body(enum kms_right right, const char *key_arn, const struct kms_context *ctx,
				    const char *grantee)
{
	struct json_object *o = json_object_new_object();
	int rc;

	rc = js_put_string(o, "KeyId", key_arn);
	if (!rc && right == KMS_MAY_GRANT)
		rc = put_grant(o, grantee);
	if (!rc && right == KMS_MAY_ENCRYPT)
		rc = js_put_string(o, "Plaintext", "AA==");
	if (!rc && right == KMS_MAY_GENERATE)
		rc = js_put(o, "NumberOfBytes", json_object_new_int(64));
	if (!rc && right != KMS_MAY_GRANT && ctx)
		rc = js_put(o, "EncryptionContext", context_json(ctx));
	if (!rc)
		rc = js_put(o, "DryRun", json_object_new_boolean(true));
	if (rc) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

int kms_may(struct kms *k, enum kms_right right, const char *key_arn, const struct kms_context *ctx,
	    const char *grantee, struct kms_answer *a, struct err *e)
{
	const char *op = kms_right_name(right);
	int rc;

	rc = client_check_key(k, op, key_arn, a, e);
	if (rc)
		return rc;
	if (right >= KMS_RIGHTS || (right == KMS_MAY_GRANT && (!grantee || !*grantee))) {
		err_set(e, -EINVAL, "no grantee to ask about");
		return client_refuse(op, a, e);
	}
	if (ctx && context_check(ctx, e))
		return client_refuse(op, a, e);
	rc = client_call(k, op, key_arn, may_body(right, key_arn, ctx, grantee), a, e);
	client_wipe(k);
	if (rc && a->transport == KMS_ANSWERED && !strcmp(a->code, "DryRunOperationException")) {
		if (e)
			*e = (struct err)ERR_INIT;
		return 0;
	}
	/* A service that knows no dry run has done it: a data key that nobody has, or, worse, a grant. */
	return rc;
}
