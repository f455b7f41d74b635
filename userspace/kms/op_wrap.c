// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/encode.h"
#include "../common/json.h"
#include "client.h"

#define HEAD "{\"Plaintext\":\""
#define TAIL "\","

/* rest_of - all parameters but the secret one. */
static struct json_object *rest_of(const char *key_arn, const struct kms_context *ctx, const char *grant_token)
{
	struct json_object *o = json_object_new_object(), *tokens;
	int rc;

	rc = js_put_string(o, "KeyId", key_arn);
	if (!rc)
		rc = js_put(o, "EncryptionContext", context_json(ctx));
	if (!rc && grant_token) {
		tokens = json_object_new_array();
		rc = js_put(o, "GrantTokens", tokens);
		if (!rc && json_object_array_add(tokens, json_object_new_string(grant_token)))
			rc = -ENOMEM;
	}
	if (!rc)
		return o;
	json_object_put(o);
	return NULL;
}

/* put_body - the object's text with the secret as its first member, in locked memory. */
static int put_body(const char *rest, size_t len, const struct secret *key, struct secret *body)
{
	size_t size = sizeof(HEAD) + base64_size(key->len) + sizeof(TAIL) + len;
	char *at;
	int rc;

	rc = secret_alloc(body, size);
	if (rc)
		return rc;
	at = stpcpy((char *)body->data, HEAD);
	base64_encode(key->data, key->len, at);
	at = stpcpy(at + strlen(at), TAIL);
	memcpy(at, rest + 1, len - 1);		/* without its brace */
	body->len = at + len - 1 - (char *)body->data;
	return 0;
}

static int check(struct kms *k, const char *key_arn, const struct kms_context *ctx, const char *grant_token,
		 const struct secret *key, struct kms_answer *a, struct err *e)
{
	int rc = client_check_key(k, "Encrypt", key_arn, a, e);

	if (rc)
		return rc;
	if (!key->len || key->len > 64)
		err_set(e, -EINVAL, "a volume key has 1 to 64 bytes");
	else if (grant_token && (!*grant_token || strlen(grant_token) > KMS_GRANT_TOKEN_MAX))
		err_set(e, -EINVAL, "a grant token has 1 to %d bytes", KMS_GRANT_TOKEN_MAX);
	else if (!context_check(ctx, e))
		return 0;
	return client_refuse("Encrypt", a, e);
}

static int send_body(struct kms *k, const char *key_arn, struct json_object *rest, const struct secret *key,
		     struct kms_answer *a, struct err *e)
{
	struct secret body = SECRET_INIT;
	const char *text = NULL;
	size_t len = 0;
	int rc;

	if (rest)
		text = js_text(rest, &len);
	rc = text ? put_body(text, len, key, &body) : -ENOMEM;
	if (rc) {
		memset(a, 0, sizeof(*a));
		a->transport = KMS_NOT_ASKED;
		return err_sys(e, rc, "Encrypt: no locked memory for the request");
	}
	rc = client_call_text(k, "Encrypt", key_arn, (const char *)body.data, body.len, a, e);
	secret_wipe(&body);
	return rc;
}

int kms_encrypt(struct kms *k, const char *key_arn, const struct kms_context *ctx, const char *grant_token,
		const struct secret *key, uint8_t *blob, size_t *blob_len, struct kms_answer *a, struct err *e)
{
	struct json_object *obj, *rest;
	int rc;

	*blob_len = 0;
	rc = check(k, key_arn, ctx, grant_token, key, a, e);
	if (rc)
		return rc;
	rest = rest_of(key_arn, ctx, grant_token);
	rc = send_body(k, key_arn, rest, key, a, e);
	json_object_put(rest);
	if (!rc)
		rc = client_json(k, "Encrypt", &obj, a, e);
	if (rc)
		return rc;
	rc = client_read_wrapped(obj, key_arn, blob, blob_len, e);
	json_object_put(obj);
	return rc ? client_bad(k, "Encrypt", a, e) : 0;
}
