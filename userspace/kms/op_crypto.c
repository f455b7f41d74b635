// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/encode.h"
#include "../common/json.h"
#include "client.h"
#include "plaintext.h"

/* read_key_id - KMS says under which key it worked; another one than we named is no answer to our question. */
static int read_key_id(struct json_object *obj, const char *member, const char *key_arn, struct err *e)
{
	const char *arn = "";
	const struct js_member members[] = {
		{ member, JS_STRING, 0, 1, KMS_ARN_MAX, .string = &arn },
		{ .name = NULL },
	};

	if (js_read_some(obj, members, e))
		return -EBADMSG;
	if (strcmp(arn, key_arn))
		return err_set(e, -EBADMSG, "the answer is about another key, %.200s", arn);
	return 0;
}

static struct json_object *generate_body(const char *key_arn, unsigned int bytes, const struct kms_context *ctx)
{
	struct json_object *o = json_object_new_object();

	if (js_put_string(o, "KeyId", key_arn) || js_put(o, "NumberOfBytes", json_object_new_int(bytes)) ||
	    js_put(o, "EncryptionContext", context_json(ctx))) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

static int read_blob(struct json_object *obj, uint8_t *blob, size_t *blob_len, struct err *e)
{
	const char *text = "";
	const struct js_member members[] = {
		{ "CiphertextBlob", JS_STRING, 0, 4, KMS_BLOB_MAX * 2, .string = &text },
		{ .name = NULL },
	};
	ssize_t n;

	if (js_read_some(obj, members, e))
		return -EBADMSG;
	n = base64_decode(text, strlen(text), blob, KMS_BLOB_MAX);
	if (n <= 0)
		return err_set(e, -EBADMSG, "CiphertextBlob is not base64 of 1 to %d bytes", KMS_BLOB_MAX);
	*blob_len = n;
	return 0;
}

int client_read_wrapped(struct json_object *obj, const char *key_arn, uint8_t *blob, size_t *blob_len, struct err *e)
{
	int rc = read_key_id(obj, "KeyId", key_arn, e);

	return rc ? rc : read_blob(obj, blob, blob_len, e);
}

int kms_generate_data_key_wrapped(struct kms *k, const char *key_arn, unsigned int bytes,
				  const struct kms_context *ctx, uint8_t *blob, size_t *blob_len,
				  struct kms_answer *a, struct err *e)
{
	static const char op[] = "GenerateDataKeyWithoutPlaintext";
	struct json_object *obj;
	int rc;

	*blob_len = 0;
	rc = client_check_key(k, op, key_arn, a, e);
	if (rc)
		return rc;
	if (context_check(ctx, e))
		return client_refuse(op, a, e);
	if (bytes < 16 || bytes > 64) {
		err_set(e, -EINVAL, "a data key has 16 to 64 bytes");
		return client_refuse(op, a, e);
	}
	rc = client_call(k, op, key_arn, generate_body(key_arn, bytes, ctx), a, e);
	if (rc)
		return rc;
	rc = client_json(k, op, &obj, a, e);
	if (rc)
		return rc;
	rc = client_read_wrapped(obj, key_arn, blob, blob_len, e);
	json_object_put(obj);
	return rc ? client_bad(k, op, a, e) : 0;
}

/* What ReEncrypt is asked: the same context on both sides. */
struct reencrypt {
	const char *from;
	const char *to;
	const struct kms_context *ctx;
	const uint8_t *blob;
	size_t blob_len;
};

static struct json_object *reencrypt_body(const struct reencrypt *r)
{
	struct json_object *o = json_object_new_object();

	if (js_put(o, "CiphertextBlob", blob_json(r->blob, r->blob_len)) ||
	    js_put_string(o, "SourceKeyId", r->from) || js_put_string(o, "DestinationKeyId", r->to) ||
	    js_put(o, "SourceEncryptionContext", context_json(r->ctx)) ||
	    js_put(o, "DestinationEncryptionContext", context_json(r->ctx))) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

static int check_reencrypt(struct kms *k, const struct reencrypt *r, const char *op, struct kms_answer *a,
			   struct err *e)
{
	int rc;

	rc = client_check_key(k, op, r->from, a, e);
	if (!rc)
		rc = client_check_key(k, op, r->to, a, e);
	if (rc)
		return rc;
	if (context_check(r->ctx, e))
		return client_refuse(op, a, e);
	if (!r->blob_len || r->blob_len > KMS_BLOB_MAX) {
		err_set(e, -EINVAL, "a wrapped key has 1 to %d bytes", KMS_BLOB_MAX);
		return client_refuse(op, a, e);
	}
	return 0;
}

int kms_reencrypt(struct kms *k, const char *from_arn, const char *to_arn, const struct kms_context *ctx,
		  const uint8_t *old, size_t old_len, uint8_t *blob, size_t *blob_len, struct kms_answer *a,
		  struct err *e)
{
	const struct reencrypt r = { .from = from_arn, .to = to_arn, .ctx = ctx, .blob = old, .blob_len = old_len };
	static const char op[] = "ReEncrypt";
	struct json_object *obj;
	int rc;

	*blob_len = 0;
	rc = check_reencrypt(k, &r, op, a, e);
	if (rc)
		return rc;
	rc = client_call(k, op, to_arn, reencrypt_body(&r), a, e);
	if (rc)
		return rc;
	rc = client_json(k, op, &obj, a, e);
	if (rc)
		return rc;
	rc = read_key_id(obj, "SourceKeyId", from_arn, e);
	if (!rc)
		rc = read_key_id(obj, "KeyId", to_arn, e);
	if (!rc)
		rc = read_blob(obj, blob, blob_len, e);
	json_object_put(obj);
	return rc ? client_bad(k, op, a, e) : 0;
}

/* What of Decrypt's parameters the two callers have in common. */
struct decrypt {
	const char *key_arn;
	const struct kms_context *ctx;
	const uint8_t *blob;		/* NULL: IGNORE_CIPHERTEXT */
	size_t blob_len;
	const char *grant_token;
	bool dry_run;
};

static int put_list(struct json_object *o, const char *name, const char *only)
{
	struct json_object *list = json_object_new_array();
	int rc;

	rc = js_put(o, name, list);
	if (!rc && json_object_array_add(list, json_object_new_string(only)))
		rc = -ENOMEM;
	return rc;
}

static struct json_object *decrypt_body(const struct decrypt *d)
{
	struct json_object *o = json_object_new_object();
	int rc;

	rc = js_put_string(o, "KeyId", d->key_arn);
	if (!rc && d->ctx && d->ctx->nr)
		rc = js_put(o, "EncryptionContext", context_json(d->ctx));
	if (!rc && d->blob)
		rc = js_put(o, "CiphertextBlob", blob_json(d->blob, d->blob_len));
	if (!rc && d->grant_token)
		rc = put_list(o, "GrantTokens", d->grant_token);
	if (!rc && d->dry_run)
		rc = js_put(o, "DryRun", json_object_new_boolean(true));
	if (!rc && !d->blob)
		rc = put_list(o, "DryRunModifiers", "IGNORE_CIPHERTEXT");
	if (rc) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

static int check_decrypt(struct kms *k, const struct decrypt *d, struct kms_answer *a, struct err *e)
{
	int rc;

	rc = client_check_key(k, "Decrypt", d->key_arn, a, e);
	if (rc)
		return rc;
	if (d->blob && (!d->blob_len || d->blob_len > KMS_BLOB_MAX))
		err_set(e, -EINVAL, "a wrapped key has 1 to %d bytes", KMS_BLOB_MAX);
	else if (d->grant_token && (!*d->grant_token || strlen(d->grant_token) > KMS_GRANT_TOKEN_MAX))
		err_set(e, -EINVAL, "a grant token has 1 to %d bytes", KMS_GRANT_TOKEN_MAX);
	else if (!d->ctx || !context_check(d->ctx, e))
		return 0;
	return client_refuse("Decrypt", a, e);
}

/* take_plaintext - the key first, out of the locked buffer; only what remains is parsed. */
static int take_plaintext(struct kms *k, const char *key_arn, struct secret *out, struct kms_answer *a, struct err *e)
{
	struct json_object *obj;
	int n, rc;

	n = plaintext_take(k->rs.body, k->rs.len, out->data, out->cap);
	if (n != (int)out->cap) {
		if (n < 0)
			err_set(e, -EBADMSG, "the answer has no plaintext of %zu bytes", out->cap);
		else
			err_set(e, -EBADMSG, "the plaintext has %d bytes instead of %zu", n, out->cap);
		rc = client_bad(k, "Decrypt", a, e);
		goto wipe;
	}
	rc = client_json(k, "Decrypt", &obj, a, e);
	if (rc)
		goto wipe;
	rc = read_key_id(obj, "KeyId", key_arn, e);
	json_object_put(obj);
	if (rc) {
		rc = client_bad(k, "Decrypt", a, e);
		goto wipe;
	}
	out->len = n;
	return 0;

wipe:
	explicit_bzero(out->data, out->cap);
	return rc;
}

int kms_decrypt(struct kms *k, const char *key_arn, const struct kms_context *ctx, const uint8_t *blob, size_t blob_len,
		const char *grant_token, struct secret *out, struct kms_answer *a, struct err *e)
{
	const struct decrypt d = { key_arn, ctx, blob, blob_len, grant_token, false };
	int rc;

	explicit_bzero(out->data, out->cap);
	out->len = 0;
	if (!blob) {
		err_set(e, -EINVAL, "no wrapped key was given");
		return client_refuse("Decrypt", a, e);
	}
	rc = check_decrypt(k, &d, a, e);
	if (rc)
		return rc;
	rc = client_call(k, "Decrypt", key_arn, decrypt_body(&d), a, e);
	return rc ? rc : take_plaintext(k, key_arn, out, a, e);
}

int kms_probe(struct kms *k, const char *key_arn, const struct kms_context *ctx, const uint8_t *blob, size_t blob_len,
	      struct kms_answer *a, struct err *e)
{
	const struct decrypt d = { key_arn, ctx, blob, blob_len, NULL, true };
	int rc;

	rc = check_decrypt(k, &d, a, e);
	if (rc)
		return rc;
	rc = client_call(k, "Decrypt", key_arn, decrypt_body(&d), a, e);
	client_wipe(k);
	if (rc && a->transport == KMS_ANSWERED && !strcmp(a->code, "DryRunOperationException")) {
		if (e)
			*e = (struct err)ERR_INIT;
		return 0;
	}
	return rc;
}
