// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/json.h"
#include "client.h"
#include "queue.h"

#define BODY_MAX QUEUE_ANSWER_MAX
#define RECEIPT_MAX 8192

static int call(struct kms *k, const struct queue *q, const char *op, struct json_object *body,
		unsigned int timeout_ms, struct kms_answer *a, struct err *e)
{
	const struct client_service sqs = {
		.endpoint = &q->place.endpoint,
		.name = "sqs",
		.region = q->place.region,
		.content_type = "application/x-amz-json-1.0",
		.prefix = "AmazonSQS",
		.timeout_ms = timeout_ms,
	};
	struct err unread = ERR_INIT;
	int rc;

	if (!e)
		e = &unread;
	rc = client_call_at(k, &sqs, op, q->url, body, a, e);
	/* The client's hints are about keys and grants. */
	if (rc && a->transport == KMS_ANSWERED && strstr(a->code, "AccessDenied"))
		err_hint(e, "the identity that asks needs sqs:ReceiveMessage and sqs:DeleteMessage on the queue");
	else if (rc && a->transport == KMS_ANSWERED && strstr(a->code, "QueueDoesNotExist"))
		err_hint(e, "make the queue, or correct events-queue in ecached.conf");
	return rc;
}

static struct json_object *receive_body(const struct queue *q, unsigned int wait_s, unsigned int most)
{
	struct json_object *o = json_object_new_object();

	if (js_put_string(o, "QueueUrl", q->url) || js_put(o, "MaxNumberOfMessages", json_object_new_int(most)) ||
	    js_put(o, "WaitTimeSeconds", json_object_new_int(wait_s))) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

static int read_message(struct json_object *o, struct queue_batch *b, struct err *e)
{
	const char *body = "", *receipt = "";
	const struct js_member members[] = {
		{ "ReceiptHandle", JS_STRING, 0, 1, RECEIPT_MAX, .string = &receipt },
		{ .name = NULL },
	};
	struct json_object *text = NULL;

	if (!json_object_is_type(o, json_type_object))
		return err_set(e, -EBADMSG, "not an object");
	if (js_read_some(o, members, e))
		return -EBADMSG;
	/* Anybody's text: a NUL in it is no reason to refuse the others. */
	if (json_object_object_get_ex(o, "Body", &text) && json_object_is_type(text, json_type_string))
		body = json_object_get_string(text);
	b->message[b->nr].body = body;
	b->message[b->nr].len = text ? strlen(body) : 0;
	b->message[b->nr].receipt = receipt;
	b->nr++;
	return 0;
}

static int read_batch(struct queue_batch *b, struct err *e)
{
	struct json_object *list = NULL;
	const struct js_member members[] = {
		{ "Messages", JS_ARRAY, JS_OPTIONAL | JS_NULLABLE, 0, QUEUE_BATCH, .object = &list },
		{ .name = NULL },
	};
	size_t i;

	if (js_read_some(b->obj, members, e))
		return -EBADMSG;
	for (i = 0; list && i < json_object_array_length(list); i++) {
		if (read_message(json_object_array_get_idx(list, i), b, e))
			return err_prefix(e, "message %zu", i), -EBADMSG;
	}
	return 0;
}

int queue_receive(struct kms *k, const struct queue *q, unsigned int wait_s, unsigned int most,
		  struct queue_batch *out, struct kms_answer *a, struct err *e)
{
	static const char op[] = "ReceiveMessage";
	unsigned int timeout_ms = 1000 * wait_s + QUEUE_RECEIVE_MS;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = call(k, q, op, receive_body(q, wait_s, most), timeout_ms, a, e);
	/* What is too large the transport has not kept, and says no more about. */
	if (rc == -EBADMSG && a->transport == KMS_BAD_ANSWER)
		return -EMSGSIZE;
	if (!rc)
		rc = client_json(k, op, &out->obj, a, e);
	if (rc)
		return rc;
	rc = read_batch(out, e);
	if (!rc)
		return 0;
	queue_batch_free(out);
	return client_bad(k, op, a, e);
}

static struct json_object *entry(unsigned int i, const char *receipt)
{
	struct json_object *o = json_object_new_object();
	char id[12];

	snprintf(id, sizeof(id), "%u", i);
	if (js_put_string(o, "Id", id) || js_put_string(o, "ReceiptHandle", receipt)) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

static struct json_object *delete_body(const struct queue *q, const struct queue_batch *b)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array(), *one;
	int rc = js_put(o, "Entries", list);
	unsigned int i;

	if (!rc)
		rc = js_put_string(o, "QueueUrl", q->url);
	for (i = 0; i < b->nr && !rc; i++) {
		one = entry(i, b->message[i].receipt);
		if (!one || json_object_array_add(list, one)) {
			json_object_put(one);
			rc = -ENOMEM;
		}
	}
	if (rc) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

/* read_failed - the entries that were not deleted; the first one's reason into @e. */
static int read_failed(struct json_object *obj, unsigned int *left, struct err *e)
{
	struct json_object *list = NULL;
	const char *code = "?";
	const struct js_member members[] = {
		{ "Failed", JS_ARRAY, JS_OPTIONAL | JS_NULLABLE, 0, QUEUE_BATCH, .object = &list },
		{ .name = NULL },
	};
	const struct js_member why[] = {
		{ "Code", JS_STRING, JS_OPTIONAL, 0, 128, .string = &code },
		{ .name = NULL },
	};
	int rc = js_read_some(obj, members, e);

	if (rc)
		return rc;
	*left = list ? json_object_array_length(list) : 0;
	if (!*left)
		return 0;
	if (json_object_is_type(json_object_array_get_idx(list, 0), json_type_object))
		js_read_some(json_object_array_get_idx(list, 0), why, NULL);
	err_set(e, -EIO, "DeleteMessageBatch: %u not deleted (%.64s)", *left, code);
	return 0;
}

int queue_delete(struct kms *k, const struct queue *q, const struct queue_batch *b, unsigned int *left,
		 struct kms_answer *a, struct err *e)
{
	static const char op[] = "DeleteMessageBatch";
	struct json_object *obj;
	int rc;

	*left = b->nr;
	rc = call(k, q, op, delete_body(q, b), QUEUE_DELETE_MS, a, e);
	if (!rc)
		rc = client_json(k, op, &obj, a, e);
	if (rc)
		return rc;
	rc = read_failed(obj, left, e);
	json_object_put(obj);
	return rc ? client_bad(k, op, a, e) : 0;
}

void queue_batch_free(struct queue_batch *b)
{
	json_object_put(b->obj);
	memset(b, 0, sizeof(*b));
}
