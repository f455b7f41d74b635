/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_NET_H
#define ECACHE_NET_H

#include "kms.h"

/*
 * ecached's side of ecache-net, the unprivileged process that alone talks to the network. Requests and answers are IPC
 * messages (common/ipc.h); the plaintext key comes back only in the struct secret whose memfd went with the request.
 * ecache-net can lie: every answer is a hint that the verdict function judges, and an unwrapped key is checked against
 * the LUKS2 digest before it is used.
 *
 * Request:  {"op":"probe|unwrap|describe|retire|caller", "key_arn":S, "context":{...}, "blob":BASE64, "grant_token":S,
 *            "grant_id":S, "fresh":BOOL, "bytes":N}
 * Answer:   {"transport":S, "http_status":N, "code":S, "message":S, "request_id":S, "key_state":S, "key_arn":S, "arn":S}
 */
struct net_request {
	const char *op;
	const char *key_arn;
	const struct kms_context *context;
	const uint8_t *blob;
	size_t blob_len;
	const char *grant_token;	/* NULL: none */
	const char *grant_id;		/* retire */
	bool fresh;			/* new credentials, new connection */
};

struct net_answer {
	struct kms_answer a;
	struct kms_key key;		/* describe */
	char arn[KMS_ARN_MAX + 1];	/* caller */
};

/*
 * net_call - one request, its answer; @secret only for unwrap (allocated by the caller, len = expected bytes).
 * 0 when an answer came (judge a->transport and a->code), -EAGAIN when ecache-net is not there or did not answer
 * within @timeout_ms (a->a.transport is then KMS_NO_ANSWER).
 */
int net_call(const char *socket, const struct net_request *rq, struct secret *secret, struct net_answer *a,
	     int timeout_ms, struct err *e);

#endif
