/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_NET_H
#define ECACHE_NET_H

#include <json-c/json.h>

#include "event.h"
#include "kms.h"
#include "queue.h"

/*
 * ecached's side of ecache-net, the unprivileged process that alone talks to the network. Requests and answers are IPC
 * messages (common/ipc.h); the plaintext key comes back only in the struct secret whose memfd went with the request.
 * ecache-net can lie: every answer is a hint that the verdict function judges, and an unwrapped key is checked against
 * the LUKS2 digest before it is used.
 *
 * Request:  {"op":"probe|unwrap|wrap|describe|retire|listed|may|caller|events", "key_arn":S, "context":{...},
 *            "blob":BASE64, "grant_token":S, "grant_id":S, "right":S, "fresh":BOOL, "bytes":N}
 * Answer:   {"transport":S, "http_status":N, "code":S, "message":S, "request_id":S, "date":N, "key_state":S,
 *            "symmetric":BOOL, "key_arn":S, "arn":S, "listed":BOOL, "blob":BASE64,
 *            "events":{"messages":N, "unread":N, "left":N, "look":[{"name":S, "key_arn":S, "grant_id":S}]}}
 *
 * Members by operation: probe key_arn, and context and blob but for a control probe; unwrap key_arn, context, blob,
 * bytes, grant_token?; wrap the same without blob, which is its answer; describe key_arn (or id, or alias),
 * grant_token?; retire and listed key_arn, grant_id; may (a dry run) key_arn, context, right: the name of enum
 * kms_right; caller none; events none, and it waits for QUEUE_WAIT_S and longer. "fresh" is always allowed, any other
 * member is refused. One request and one answer a connection.
 */
struct net_request {
	const char *op;
	const char *key_arn;
	const struct kms_context *context;	/* NULL: none */
	const uint8_t *blob;			/* NULL with probe: the control probe of a canary key */
	size_t blob_len;
	const char *grant_token;	/* NULL: none */
	const char *grant_id;		/* retire, listed */
	const char *right;		/* may */
	bool fresh;			/* new credentials, new connection */
};

/* What was in the queue: where to look, never what is there. */
struct net_events {
	unsigned int messages;	/* that were taken from it */
	unsigned int unread;	/* of these, no events of EventBridge's */
	unsigned int left;	/* that could not be deleted, and will come again; the answer's message says why */
	unsigned int nr;
	struct event look[QUEUE_BATCH];
};

struct net_answer {
	struct kms_answer a;
	struct kms_key key;		/* describe */
	char arn[KMS_ARN_MAX + 1];	/* caller */
	bool listed;			/* listed */
	uint8_t blob[KMS_BLOB_MAX];	/* wrap */
	size_t blob_len;
	struct net_events events;	/* events */
};

/*
 * net_call - one request, its answer; @secret only for unwrap: allocated by the caller with the expected length as cap;
 * len is set to it on success, else 0; and for wrap: the key, all of cap, which stays the caller's. Returns 0 when an
 * answer came (judge a->a.transport and a->a.code), -EAGAIN when ecache-net is not there or did not answer within
 * @timeout_ms (a->a.transport is then KMS_NO_ANSWER), -EINVAL or -ENOMEM when nothing was sent.
 */
int net_call(const char *socket, const struct net_request *rq, struct secret *secret, struct net_answer *a,
	     int timeout_ms, struct err *e);

/* The two halves of it, for an event loop: @secret_len is "bytes" of an unwrap, else 0. -EINVAL, -ENOMEM. */
int net_request_encode(const struct net_request *rq, size_t secret_len, struct json_object **out);

/* net_answer_decode - total: any object gives an answer or -EBADMSG, and then *a is KMS_BAD_ANSWER. */
int net_answer_decode(struct json_object *msg, struct net_answer *a);

/* net_delivered - whether an unwrap's answer says that the key was delivered. */
bool net_delivered(const struct net_answer *a);

/* ecache-net's side: the same two halves. A request owns what its pointers point to. */
struct net_job {
	struct net_request rq;
	size_t bytes;			/* unwrap */
	struct kms_context context;
	struct json_object *msg;	/* what the strings are borrowed from */
	uint8_t blob[KMS_BLOB_MAX];
};

/* net_request_decode - -EBADMSG with the reason; takes over @msg in any case. */
int net_request_decode(struct json_object *msg, struct net_job *job, struct err *e);
void net_job_free(struct net_job *job);

int net_answer_encode(const struct net_answer *a, struct json_object **out);

/* For net_message.c: the member "events". NULL: out of memory. -EBADMSG, with *n in part filled. */
struct json_object *net_events_json(const struct net_events *n);
int net_events_read(struct json_object *o, struct net_events *n);

#endif
