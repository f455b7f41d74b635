// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/encode.h"
#include "../common/json.h"
#include "client.h"
#include "net.h"

#define BYTES_MAX 64
#define DATE_MAX 999999999999LL	/* seconds: some thirty thousand years */

/* Which members an operation has: M must be there, O may. */
enum { NO, O, M };

static const struct operation {
	const char *name;
	char key_arn, context, blob, grant_token, grant_id, bytes, right;
} operations[] = {
	{ .name = "probe", .key_arn = M, .context = O, .blob = O },
	{ .name = "unwrap", .key_arn = M, .context = M, .blob = M, .grant_token = O, .bytes = M },
	{ .name = "wrap", .key_arn = M, .context = M, .grant_token = O, .bytes = M },
	{ .name = "describe", .key_arn = M, .grant_token = O },
	{ .name = "retire", .key_arn = M, .grant_id = M },
	{ .name = "listed", .key_arn = M, .grant_id = M },
	{ .name = "may", .key_arn = M, .context = M, .right = M },
	{ .name = "caller" },
	{ .name = "events" },
};

static const struct operation *operation_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		if (name && !strcmp(operations[i].name, name))
			return &operations[i];
	}
	return NULL;
}

static bool fits(char need, bool given)
{
	return need == O || (need == M) == given;
}

/* check - the same for both sides, so that what is encoded will be decoded. */
static bool check(const struct net_request *rq, size_t bytes)
{
	const struct operation *op = operation_of(rq->op);

	return op && fits(op->key_arn, rq->key_arn) && fits(op->context, rq->context) && fits(op->blob, rq->blob) &&
	       fits(op->grant_token, rq->grant_token) && fits(op->grant_id, rq->grant_id) &&
	       fits(op->right, rq->right) && fits(op->bytes, bytes) && bytes <= BYTES_MAX;
}

int net_request_encode(const struct net_request *rq, size_t secret_len, struct json_object **out)
{
	struct json_object *o;
	int rc;

	*out = NULL;
	if (!check(rq, secret_len) || (rq->context && context_check(rq->context, NULL)) ||
	    (rq->blob && (!rq->blob_len || rq->blob_len > KMS_BLOB_MAX)))
		return -EINVAL;
	o = json_object_new_object();
	rc = js_put_string(o, "op", rq->op);
	if (!rc && rq->key_arn)
		rc = js_put_string(o, "key_arn", rq->key_arn);
	if (!rc && rq->context)
		rc = js_put(o, "context", context_json(rq->context));
	if (!rc && rq->blob)
		rc = js_put(o, "blob", blob_json(rq->blob, rq->blob_len));
	if (!rc && rq->grant_token)
		rc = js_put_string(o, "grant_token", rq->grant_token);
	if (!rc && rq->grant_id)
		rc = js_put_string(o, "grant_id", rq->grant_id);
	if (!rc && rq->right)
		rc = js_put_string(o, "right", rq->right);
	if (!rc && secret_len)
		rc = js_put(o, "bytes", json_object_new_int64(secret_len));
	if (!rc)
		rc = js_put(o, "fresh", json_object_new_boolean(rq->fresh));
	if (rc) {
		json_object_put(o);
		return rc;
	}
	*out = o;
	return 0;
}

/* Insertion keeps it sorted; json-c's order is the sender's. */
static int read_context(struct json_object *o, struct kms_context *ctx, struct err *e)
{
	const char *value;
	unsigned int i;

	ctx->nr = 0;
	json_object_object_foreach(o, name, v) {
		if (!json_object_is_type(v, json_type_string) || ctx->nr == sizeof(ctx->pair) / sizeof(*ctx->pair))
			return err_set(e, -EBADMSG, "context must be at most 8 strings");
		value = json_object_get_string(v);
		if (strlen(value) != (size_t)json_object_get_string_len(v))
			return err_set(e, -EBADMSG, "context has a NUL inside");
		for (i = ctx->nr; i && strcmp(ctx->pair[i - 1].key, name) > 0; i--)
			ctx->pair[i] = ctx->pair[i - 1];
		ctx->pair[i].key = name;
		ctx->pair[i].value = value;
		ctx->nr++;
	}
	return context_check(ctx, e) ? -EBADMSG : 0;
}

static int read_blob(const char *text, struct net_job *job, struct err *e)
{
	ssize_t n = base64_decode(text, strlen(text), job->blob, sizeof(job->blob));

	if (n <= 0)
		return err_set(e, -EBADMSG, "blob is not base64 of 1 to %d bytes", KMS_BLOB_MAX);
	job->rq.blob = job->blob;
	job->rq.blob_len = n;
	return 0;
}

static int read_request(struct net_job *job, struct err *e)
{
	struct net_request *rq = &job->rq;
	struct json_object *context = NULL;
	const char *blob = NULL;
	int64_t bytes = 0;
	const struct js_member members[] = {
		{ "op", JS_STRING, 0, 1, 16, .string = &rq->op },
		{ "key_arn", JS_STRING, JS_OPTIONAL, 1, KMS_ARN_MAX, .string = &rq->key_arn },
		{ "context", JS_OBJECT, JS_OPTIONAL, .object = &context },
		{ "blob", JS_STRING, JS_OPTIONAL, 4, KMS_BLOB_MAX * 2, .string = &blob },
		{ "grant_token", JS_STRING, JS_OPTIONAL, 1, KMS_GRANT_TOKEN_MAX, .string = &rq->grant_token },
		{ "grant_id", JS_STRING, JS_OPTIONAL, 1, KMS_GRANT_ID_MAX, .string = &rq->grant_id },
		{ "right", JS_STRING, JS_OPTIONAL, 1, 64, .string = &rq->right },
		{ "bytes", JS_INT, JS_OPTIONAL, 1, BYTES_MAX, .number = &bytes },
		{ "fresh", JS_BOOL, JS_OPTIONAL, .flag = &rq->fresh },
		{ .name = NULL },
	};
	int rc;

	rc = js_read(job->msg, members, e);
	if (!rc && context) {
		rc = read_context(context, &job->context, e);
		rq->context = &job->context;
	}
	if (!rc && blob)
		rc = read_blob(blob, job, e);
	if (rc)
		return rc;
	job->bytes = bytes;
	if (!check(rq, bytes))
		return err_set(e, -EBADMSG, "unknown operation \"%s\", or a member too many or missing", rq->op);
	return 0;
}

int net_request_decode(struct json_object *msg, struct net_job *job, struct err *e)
{
	int rc;

	memset(job, 0, sizeof(*job));
	job->msg = msg;
	rc = read_request(job, e);
	if (rc)
		net_job_free(job);
	return rc;
}

void net_job_free(struct net_job *job)
{
	json_object_put(job->msg);
	memset(job, 0, sizeof(*job));
}

int net_answer_encode(const struct net_answer *a, struct json_object **out)
{
	struct json_object *o = json_object_new_object();
	int rc;

	*out = NULL;
	rc = js_put_string(o, "transport", kms_transport_name(a->a.transport));
	if (!rc)
		rc = js_put(o, "http_status", json_object_new_int(a->a.http_status));
	if (!rc)
		rc = js_put_string(o, "code", a->a.code);
	if (!rc)
		rc = js_put_string(o, "message", a->a.message);
	if (!rc)
		rc = js_put_string(o, "request_id", a->a.request_id);
	if (!rc)
		rc = js_put(o, "date", json_object_new_int64(a->a.date_s));
	if (!rc)
		rc = js_put_string(o, "key_state", kms_key_state_name(a->key.state));
	if (!rc)
		rc = js_put(o, "symmetric", json_object_new_boolean(a->key.symmetric));
	if (!rc)
		rc = js_put_string(o, "key_arn", a->key.arn);
	if (!rc)
		rc = js_put_string(o, "arn", a->arn);
	if (!rc && a->listed)
		rc = js_put(o, "listed", json_object_new_boolean(true));
	if (!rc && a->blob_len)
		rc = js_put(o, "blob", blob_json(a->blob, a->blob_len));
	if (!rc && a->events.messages)
		rc = js_put(o, "events", net_events_json(&a->events));
	if (rc) {
		json_object_put(o);
		return rc;
	}
	*out = o;
	return 0;
}

static bool transport_of(const char *name, enum kms_transport *out)
{
	enum kms_transport t;

	for (t = KMS_ANSWERED; t <= KMS_NOT_ASKED; t++) {
		if (!strcmp(kms_transport_name(t), name)) {
			*out = t;
			return true;
		}
	}
	return false;
}

/* copy - printable only: the words go to logs and terminals of root. */
static void copy(char *out, size_t size, const char *text)
{
	size_t i;

	for (i = 0; i < size - 1 && text[i]; i++)
		out[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
	out[i] = '\0';
}

static int read_answer_blob(const char *text, struct net_answer *a)
{
	ssize_t n = base64_decode(text, strlen(text), a->blob, sizeof(a->blob));

	if (n <= 0)
		return -EBADMSG;
	a->blob_len = n;
	return 0;
}

int net_answer_decode(struct json_object *msg, struct net_answer *a)
{
	const char *transport = "", *code = "", *message = "", *request_id = "", *state = "", *key_arn = "", *arn = "";
	const char *blob = NULL;
	struct json_object *events = NULL;
	int64_t status = 0, date = 0;
	bool symmetric = false, listed = false;
	const struct js_member members[] = {
		{ "transport", JS_STRING, 0, 1, 32, .string = &transport },
		{ "http_status", JS_INT, 0, 0, 999, .number = &status },
		{ "code", JS_STRING, 0, 0, sizeof(a->a.code) - 1, .string = &code },
		{ "message", JS_STRING, 0, 0, sizeof(a->a.message) - 1, .string = &message },
		{ "request_id", JS_STRING, 0, 0, sizeof(a->a.request_id) - 1, .string = &request_id },
		{ "date", JS_INT, JS_OPTIONAL, 0, DATE_MAX, .number = &date },
		{ "key_state", JS_STRING, JS_OPTIONAL, 0, 64, .string = &state },
		{ "symmetric", JS_BOOL, JS_OPTIONAL, .flag = &symmetric },
		{ "key_arn", JS_STRING, JS_OPTIONAL, 0, KMS_ARN_MAX, .string = &key_arn },
		{ "arn", JS_STRING, JS_OPTIONAL, 0, KMS_ARN_MAX, .string = &arn },
		{ "listed", JS_BOOL, JS_OPTIONAL, .flag = &listed },
		{ "blob", JS_STRING, JS_OPTIONAL, 4, KMS_BLOB_MAX * 2, .string = &blob },
		{ "events", JS_OBJECT, JS_OPTIONAL, .object = &events },
		{ .name = NULL },
	};

	memset(a, 0, sizeof(*a));
	a->a.transport = KMS_BAD_ANSWER;
	if (!json_object_is_type(msg, json_type_object) || js_read(msg, members, NULL))
		return -EBADMSG;
	if ((events && net_events_read(events, &a->events)) || (blob && read_answer_blob(blob, a)) ||
	    !transport_of(transport, &a->a.transport)) {
		memset(&a->events, 0, sizeof(a->events));
		a->blob_len = 0;
		return -EBADMSG;
	}
	a->a.http_status = status;
	a->a.date_s = date;
	copy(a->a.code, sizeof(a->a.code), code);
	copy(a->a.message, sizeof(a->a.message), message);
	copy(a->a.request_id, sizeof(a->a.request_id), request_id);
	copy(a->key.arn, sizeof(a->key.arn), key_arn);
	copy(a->arn, sizeof(a->arn), arn);
	a->key.state = kms_key_state_of(state);
	a->key.symmetric = symmetric;
	a->listed = listed;
	return 0;
}
