// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/encode.h"
#include "../common/json.h"
#include "../ecached/proto.h"
#include "../kms/arn.h"
#include "../kms/kms.h"
#include "creator.h"

#define TIMEOUT_MS 10000
#define ATTEMPTS 3

/* What ecached asks for; strings are borrowed from its message. */
struct ask {
	const char *endpoint;
	const char *sts_endpoint;
	const char *ca_file;
	bool fips;
	bool dualstack;
	const char *region;
	const char *kms_key;	/* id, alias or ARN */
	const char *grantee;
	const char *grant_name;
	const char *key_arn;
	const char *grant_id;
	int64_t bytes;		/* of the data key; 0: none wanted */
	const char *from_key_arn;	/* a wrapped key to be wrapped again, under kms_key; NULL */
	const char *from_blob;		/* base64 */
	bool make_grant;
	bool wrap;		/* a grant to encrypt */
	struct kms_context context;
};

static const char *const operations[] = { "Decrypt", "DescribeKey", "RetireGrant", NULL };
/* What adopt's first grant allows, until the key is wrapped; ecached names no operations. */
static const char *const wrap_operations[] = { "Encrypt", "RetireGrant", NULL };

static int read_context(struct json_object *o, struct kms_context *ctx, struct err *e)
{
	ctx->nr = 0;
	json_object_object_foreach(o, key, value) {
		if (ctx->nr == 8 || !json_object_is_type(value, json_type_string))
			return err_set(e, -EBADMSG, "bad encryption context from ecached");
		ctx->pair[ctx->nr].key = key;
		ctx->pair[ctx->nr++].value = json_object_get_string(value);
	}
	return 0;
}

static int read_ask(struct json_object *msg, struct ask *a, struct err *e)
{
	struct json_object *context = NULL;
	const struct js_member members[] = {
		{ "endpoint", JS_STRING, JS_OPTIONAL, 1, 1024, .string = &a->endpoint },
		{ "sts_endpoint", JS_STRING, JS_OPTIONAL, 1, 1024, .string = &a->sts_endpoint },
		{ "ca_file", JS_STRING, JS_OPTIONAL, 1, 4096, .string = &a->ca_file },
		{ "fips", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &a->fips },
		{ "dualstack", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &a->dualstack },
		{ "region", JS_STRING, 0, 1, 64, .string = &a->region },
		{ "kms_key", JS_STRING, JS_OPTIONAL, 1, KMS_ARN_MAX, .string = &a->kms_key },
		{ "grantee", JS_STRING, JS_OPTIONAL, 1, 256, .string = &a->grantee },
		{ "grant_name", JS_STRING, JS_OPTIONAL, 1, 256, .string = &a->grant_name },
		{ "key_arn", JS_STRING, JS_OPTIONAL, 1, KMS_ARN_MAX, .string = &a->key_arn },
		{ "grant_id", JS_STRING, JS_OPTIONAL, 1, KMS_GRANT_ID_MAX, .string = &a->grant_id },
		{ "bytes", JS_INT, JS_OPTIONAL, 0, 64, .number = &a->bytes },
		{ "from_key_arn", JS_STRING, JS_OPTIONAL, 1, KMS_ARN_MAX, .string = &a->from_key_arn },
		{ "from_blob", JS_STRING, JS_OPTIONAL, 4, 2 * KMS_BLOB_MAX, .string = &a->from_blob },
		{ "make_grant", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &a->make_grant },
		{ "wrap", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &a->wrap },
		{ "context", JS_OBJECT, JS_OPTIONAL, 0, 0, .object = &context },
		{ .name = NULL }
	};
	int rc;

	memset(a, 0, sizeof(*a));
	rc = js_read_some(msg, members, e);
	if (rc)
		return err_prefix(e, "bad question from ecached");
	return context ? read_context(context, &a->context, e) : 0;
}

static int open_kms(const struct creator *who, const struct ask *a, struct kms **kms, struct err *e)
{
	const struct kms_config cfg = {
		.endpoint = a->endpoint,
		.sts_endpoint = a->sts_endpoint,
		.fips = a->fips,
		.dualstack = a->dualstack,
		.environment = true,
		.ca_file = a->ca_file,
		.region = a->region,
		.creds = {
			.environment = !who->profile && !who->credentials,
			.file = who->credentials,
			.profile = who->profile,
		},
		.timeout_ms = TIMEOUT_MS,
		.attempts = ATTEMPTS,
	};

	return kms_open(kms, &cfg, e);
}

static struct json_object *answer(const char *what, const struct kms_answer *ka)
{
	struct json_object *msg = call_request(NULL, NULL);

	call_add_string(msg, PROTO_ANSWER, what);
	if (ka && *ka->request_id)
		call_add_string(msg, "request_id", ka->request_id);
	return msg;
}

/* tell_key - the ARN behind what the user named, if the key can be used at all. */
static int tell_key(struct kms *kms, const struct ask *a, struct call *c, struct kms_key *key, struct err *e)
{
	const char *name = a->kms_key ? a->kms_key : a->key_arn;
	struct kms_answer ka = { 0 };
	struct json_object *msg;
	int rc;

	rc = kms_describe_key(kms, name, NULL, key, &ka, e);
	if (rc) {
		err_prefix(e, "KMS key '%s'", name);
		return rc;
	}
	if (key->state != KMS_STATE_ENABLED) {
		err_set(e, -EKEYREJECTED, "KMS key %s is %s, not Enabled", key->arn, kms_key_state_name(key->state));
		return err_hint(e, "Only the key's owner can enable it (aws kms enable-key, cancel-key-deletion).");
	}
	if (a->key_arn && strcmp(a->key_arn, key->arn))
		return err_set(e, -EBADMSG, "asked about %s, the KMS answered with %s", a->key_arn, key->arn);
	msg = answer(PROTO_ANSWER_KEY, &ka);
	call_add_string(msg, "key_arn", key->arn);
	return call_tell(c, msg, e);
}

static int make_grant(struct kms *kms, const struct ask *a, const char *key_arn, struct kms_grant *grant,
		      struct kms_answer *ka, struct err *e)
{
	char caller[KMS_ARN_MAX + 1], principal[ARN_PRINCIPAL_MAX + 1];
	struct kms_grant_request rq = {
		.key_arn = key_arn,
		.grantee = a->grantee,
		.retiring = principal,
		.name = a->grant_name,
		.operations = a->wrap ? wrap_operations : operations,
		.equals = &a->context,
	};
	int rc;

	if (!a->grantee || !a->grant_name || !a->context.nr)
		return err_set(e, -EBADMSG, "incomplete question from ecached");
	rc = kms_caller(kms, caller, sizeof(caller), ka, e);
	if (rc) {
		err_prefix(e, "cannot learn the creator's own ARN");
		return rc;
	}
	rc = arn_principal_of_caller(caller, principal, sizeof(principal), e);
	if (rc)
		return rc;
	rc = kms_create_grant(kms, &rq, grant, ka, e);
	if (rc) {
		err_prefix(e, "%s cannot grant %s to %s", caller, key_arn, a->grantee);
		err_hint(e, "The creator needs kms:CreateGrant on the key for this grantee%s (ecachectl(8), CREATOR).",
			 a->wrap ? ", also of Encrypt" : "");
	}
	return rc;
}

/*
 * tell_grant - the window between the KMS's answer and ecached's ack is the only one in
 *	which a grant exists that no record names; a kill -9 inside it leaves the grant
 *	to the next call with the same grant name, which finds it again.
 */
static int tell_grant(struct kms *kms, const struct ask *a, const char *key_arn, struct call *c, struct err *e)
{
	struct kms_answer ka = { 0 };
	struct json_object *msg;
	struct kms_grant *grant;
	struct err undo = ERR_INIT;
	int rc;

	grant = calloc(1, sizeof(*grant));
	if (!grant)
		return err_sys(e, -ENOMEM, "cannot make a grant");
	rc = make_grant(kms, a, key_arn, grant, &ka, e);
	if (rc)
		goto out;
	msg = answer(PROTO_ANSWER_GRANT, &ka);
	call_add_string(msg, "grant_id", grant->id);
	call_add_string(msg, "grant_token", grant->token);
	rc = call_tell(c, msg, e);
	/* ecached is gone before it could note the grant: nobody but us can undo it. */
	if (rc && rc != -ECANCELED && kms_retire_grant(kms, key_arn, grant->id, &ka, &undo))
		fprintf(stderr, "ecachectl: grant %s on %s may be left: %s\n", grant->id, key_arn, undo.what);
out:
	free(grant);
	return rc;
}

/* wrap_again - the volume's key stays, and stays wrapped. */
static int wrap_again(struct kms *kms, const struct ask *a, const char *key_arn, uint8_t *blob, size_t *len,
		      struct kms_answer *ka, struct err *e)
{
	ssize_t n;
	int rc;

	n = a->from_blob ? base64_decode(a->from_blob, strlen(a->from_blob), blob, KMS_BLOB_MAX) : 0;
	if (n <= 0)
		return err_set(e, -EBADMSG, "incomplete question from ecached");
	rc = kms_reencrypt(kms, a->from_key_arn, key_arn, &a->context, blob, n, blob, len, ka, e);
	if (rc == -EPERM)
		err_hint(e, "The creator needs kms:ReEncryptFrom on the old key and kms:ReEncryptTo on the new one "
			 "(ecachectl(8), CREATOR).");
	return rc;
}

static int wrapped_key(struct kms *kms, const struct ask *a, const char *key_arn, uint8_t *blob, size_t *len,
		       struct kms_answer *ka, struct err *e)
{
	if (a->from_key_arn)
		return wrap_again(kms, a, key_arn, blob, len, ka, e);
	if (!kms_generate_data_key_wrapped(kms, key_arn, a->bytes, &a->context, blob, len, ka, e))
		return 0;
	return err_prefix(e, "cannot make a data key under %s", key_arn);
}

static int tell_blob(struct kms *kms, const struct ask *a, const char *key_arn, struct call *c, struct err *e)
{
	uint8_t blob[KMS_BLOB_MAX];
	struct kms_answer ka = { 0 };
	struct json_object *msg;
	size_t len = 0;
	char *text;
	int rc;

	rc = wrapped_key(kms, a, key_arn, blob, &len, &ka, e);
	if (rc)
		return rc;
	text = malloc(base64_size(len));
	if (!text)
		return err_sys(e, -ENOMEM, "cannot pass the data key on");
	base64_encode(blob, len, text);
	msg = answer(PROTO_ANSWER_BLOB, &ka);
	call_add_string(msg, "blob", text);
	free(text);
	return call_tell(c, msg, e);
}

static int serve_grant(struct kms *kms, const struct ask *a, struct call *c, struct err *e)
{
	struct kms_key *key;
	int rc;

	if (!a->kms_key && !a->key_arn)
		return err_set(e, -EBADMSG, "ecached named no key");
	key = calloc(1, sizeof(*key));
	if (!key)
		return err_sys(e, -ENOMEM, "cannot ask for the key");
	rc = tell_key(kms, a, c, key, e);
	if (!rc && a->make_grant)
		rc = tell_grant(kms, a, key->arn, c, e);
	if (!rc && (a->bytes || a->from_key_arn))
		rc = tell_blob(kms, a, key->arn, c, e);
	free(key);
	return rc;
}

static int serve_retire(struct kms *kms, const struct ask *a, struct call *c, struct err *e)
{
	struct kms_answer ka = { 0 };
	int rc;

	if (!a->key_arn || !a->grant_id)
		return err_set(e, -EBADMSG, "ecached named no grant");
	rc = kms_retire_grant(kms, a->key_arn, a->grant_id, &ka, e);
	if (rc)
		return rc;
	rc = call_tell(c, answer(PROTO_ANSWER_RETIRED, &ka), e);
	return rc == -ECANCELED ? 0 : rc;
}

/* serve_revoke - a grant that is gone already is what was wanted. */
static int serve_revoke(struct kms *kms, const struct ask *a, struct call *c, struct err *e)
{
	struct kms_answer ka = { 0 };
	struct err why = ERR_INIT;
	int rc;

	if (!a->key_arn || !a->grant_id)
		return err_set(e, -EBADMSG, "ecached named no grant");
	rc = kms_revoke_grant(kms, a->key_arn, a->grant_id, &ka, &why);
	if (rc && strcmp(ka.code, "NotFoundException")) {
		*e = why;
		err_hint(e, "Who runs ecachectl needs kms:RevokeGrant on the key; otherwise ask its owner to revoke "
			 "%s.",
			 a->grant_id);
		return rc;
	}
	return call_tell(c, answer(PROTO_ANSWER_REVOKED, &ka), e);
}

int creator_ask(void *ctx, struct call *c, const char *what, struct json_object *msg, struct err *e)
{
	const struct creator *who = ctx;
	struct kms *kms;
	struct ask a;
	int rc;

	rc = read_ask(msg, &a, e);
	if (rc)
		return rc;
	rc = open_kms(who, &a, &kms, e);
	if (rc) {
		err_prefix(e, "credentials of who runs ecachectl");
		return rc;
	}
	if (!strcmp(what, PROTO_ASK_GRANT))
		rc = serve_grant(kms, &a, c, e);
	else if (!strcmp(what, PROTO_ASK_RETIRE))
		rc = serve_retire(kms, &a, c, e);
	else if (!strcmp(what, PROTO_ASK_REVOKE))
		rc = serve_revoke(kms, &a, c, e);
	else
		rc = err_set(e, -EBADMSG, "unknown question from ecached: %s", what);
	kms_close(kms);
	return rc;
}
