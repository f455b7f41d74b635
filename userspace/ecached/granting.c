// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/agentconf.h"
#include "../common/encode.h"
#include "../common/json.h"
#include "../volume/name.h"
#include "../volume/token.h"
#include "granting.h"
#include "proto.h"

/* put_from - what is to be wrapped again. */
static int put_from(struct json_object *msg, const struct grant_ask *ask)
{
	char *text = malloc(base64_size(ask->from_blob_len));
	int rc;

	if (!text)
		return -ENOMEM;
	base64_encode(ask->from_blob, ask->from_blob_len, text);
	rc = js_put_string(msg, "from_blob", text);
	free(text);
	return rc ? rc : js_put_string(msg, "from_key_arn", ask->from_key_arn);
}

static int send_ask(const struct env *env, struct talk *t, const struct grant_ask *ask, struct err *e)
{
	struct json_object *msg = talk_message(PROTO_ASK), *context = json_object_new_object();
	char grant_name[GRANT_NAME_MAX + 1];
	struct kms_context ctx;
	unsigned int i;

	grant_name_make(ask->cache_id, ask->purpose ? ask->purpose : ask->wrap ? "adopt" : "volume", grant_name);
	volume_context(ask->cache_id, ask->luks_uuid, &ctx);
	for (i = 0; i < ctx.nr; i++)
		js_put_string(context, ctx.pair[i].key, ctx.pair[i].value);
	js_put_string(msg, PROTO_ASK, PROTO_ASK_GRANT);
	talk_where(msg, env->conf);
	js_put_string(msg, "kms_key", ask->kms_key);
	if (ask->key_arn)
		js_put_string(msg, "key_arn", ask->key_arn);
	js_put_string(msg, "grantee", ask->grantee ? ask->grantee : env->conf->host_principal);
	js_put_string(msg, "grant_name", grant_name);
	js_put(msg, "bytes", json_object_new_int(ask->bytes));
	js_put(msg, "make_grant", json_object_new_boolean(!ask->grant_id));
	if (ask->wrap)
		js_put(msg, "wrap", json_object_new_boolean(true));
	if (js_put(msg, "context", context) || (ask->from_key_arn && put_from(msg, ask))) {
		json_object_put(msg);
		return err_sys(e, -ENOMEM, "cannot ask for a grant");
	}
	return talk_send(t, msg, e);
}

static void note_request(struct granted *g, const char *call, const char *id)
{
	if (!g->requests)
		g->requests = json_object_new_object();
	if (id)
		js_put_string(g->requests, call, id);
}

static int blame(struct err *e)
{
	return err_prefix(e, "bad answer from ecachectl");
}

static int take_key(const struct env *env, struct talk *t, const struct grant_ask *ask, struct intent *i,
		    struct granted *g, struct err *e)
{
	const char *answer = "", *arn = "", *request_id = NULL;
	const struct js_member members[] = {
		{ PROTO_ANSWER, JS_STRING, 0, 1, 32, .string = &answer },
		{ "key_arn", JS_STRING, 0, 1, KMS_ARN_MAX, .string = &arn },
		{ "request_id", JS_STRING, JS_OPTIONAL, 0, 79, .string = &request_id },
		{ .name = NULL }
	};
	struct json_object *msg;
	int rc;

	rc = talk_answer(t, PROTO_ANSWER_KEY, &msg, e);
	if (rc)
		return rc;
	rc = js_read(msg, members, e);
	if (!rc)
		rc = key_arn_check(arn, e);
	if (!rc && ask->key_arn && strcmp(ask->key_arn, arn))
		rc = err_set(e, -EBADMSG, "key %s instead of %s", arn, ask->key_arn);
	if (rc) {
		blame(e);
		goto put;
	}
	if (ask->from_key_arn && !strcmp(ask->from_key_arn, arn)) {
		rc = err_set(e, -EEXIST, "%s is under %s already", ask->name, arn);
		err_hint(e, "After a rotation of its key material the key goes on opening what it wrapped before.");
		goto put;
	}
	note_request(g, "DescribeKey", request_id);
	strcpy(ask->source ? i->source_key_arn : i->key_arn, arn);
	rc = intent_step(env->intent_dir, ask->name, i, e);
	if (!rc)
		rc = talk_ack(t, e);
put:
	json_object_put(msg);
	return rc;
}

static int take_grant(const struct env *env, struct talk *t, const struct grant_ask *ask, struct intent *i,
		      struct granted *g, struct err *e)
{
	const char *answer = "", *id = "", *token = "", *request_id = NULL;
	const struct js_member members[] = {
		{ PROTO_ANSWER, JS_STRING, 0, 1, 32, .string = &answer },
		{ "grant_id", JS_STRING, 0, 1, KMS_GRANT_ID_MAX, .string = &id },
		{ "grant_token", JS_STRING, 0, 0, KMS_GRANT_TOKEN_MAX, .string = &token },
		{ "request_id", JS_STRING, JS_OPTIONAL, 0, 79, .string = &request_id },
		{ .name = NULL }
	};
	struct json_object *msg;
	int rc;

	rc = talk_answer(t, PROTO_ANSWER_GRANT, &msg, e);
	if (rc)
		return rc;
	rc = js_read(msg, members, e);
	if (!rc && id[strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")])
		rc = err_set(e, -EBADMSG, "grant id with other characters than letters and digits");
	if (rc) {
		blame(e);
		goto put;
	}
	note_request(g, "CreateGrant", request_id);
	strcpy(g->id, id);
	strcpy(g->token, token);
	/*
	 * CreateGrant with the name and terms of a grant that stands gives that one: not
	 * ours to retire.
	 */
	if (!ask->old_grant_id || strcmp(ask->old_grant_id, id))
		strcpy(ask->source ? i->source_grant_id : i->grant_id, id);
	rc = intent_step(env->intent_dir, ask->name, i, e);
	if (!rc)
		rc = talk_ack(t, e);
put:
	json_object_put(msg);
	return rc;
}

static int take_blob(struct talk *t, const char *call, struct granted *g, struct err *e)
{
	const char *answer = "", *blob = "", *request_id = NULL;
	const struct js_member members[] = {
		{ PROTO_ANSWER, JS_STRING, 0, 1, 32, .string = &answer },
		{ "blob", JS_STRING, 0, 4, 2 * KMS_BLOB_MAX, .string = &blob },
		{ "request_id", JS_STRING, JS_OPTIONAL, 0, 79, .string = &request_id },
		{ .name = NULL }
	};
	struct json_object *msg;
	ssize_t n;
	int rc;

	rc = talk_answer(t, PROTO_ANSWER_BLOB, &msg, e);
	if (rc)
		return rc;
	rc = js_read(msg, members, e);
	if (rc) {
		blame(e);
		goto put;
	}
	n = base64_decode(blob, strlen(blob), g->blob, sizeof(g->blob));
	if (n <= 0) {
		rc = err_set(e, -EBADMSG, "bad answer from ecachectl: blob: not base64 of 1 to %d bytes", KMS_BLOB_MAX);
		goto put;
	}
	g->blob_len = n;
	note_request(g, call, request_id);
	rc = talk_ack(t, e);
put:
	json_object_put(msg);
	return rc;
}

int granting(const struct env *env, struct talk *t, const struct grant_ask *ask, struct intent *i, struct granted *g,
	     struct err *e)
{
	int rc;

	rc = send_ask(env, t, ask, e);
	if (!rc)
		rc = take_key(env, t, ask, i, g, e);
	if (rc)
		return rc;
	if (ask->grant_id)
		strcpy(g->id, ask->grant_id);
	else
		rc = take_grant(env, t, ask, i, g, e);
	if (!rc && ask->from_key_arn)
		rc = take_blob(t, "ReEncrypt", g, e);
	else if (!rc && ask->bytes)
		rc = take_blob(t, "GenerateDataKeyWithoutPlaintext", g, e);
	return rc;
}
