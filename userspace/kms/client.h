/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_CLIENT_H
#define ECACHE_CLIENT_H

#include <json-c/json.h>

#include "credcache.h"
#include "endpoint.h"
#include "kms.h"
#include "memo.h"
#include "request.h"

/* Private to the operations of the KMS client (op_*.c): one call, its retries, its answer. */

#define CLIENT_STRINGS 8

struct kms {
	struct endpoint kms;
	struct endpoint sts;
	char *region;
	struct creds_source source;	/* its strings are in .owned */
	char *owned[CLIENT_STRINGS];
	struct creds_net net;
	struct creds creds;		/* loaded when store.data */
	struct credcache *cache;	/* the caller's; may be NULL */
	bool fresh;			/* the next ones do not come from there */
	char *ca_file;			/* may be NULL */
	struct memo *memo;		/* the caller's, or the next */
	struct memo own_memo;
	struct transport *transport;
	unsigned int timeout_ms;
	unsigned int attempts;
	unsigned int total_ms;
	size_t answer_max;
	struct response rs;		/* of the last call, until client_wipe() */
};

/*
 * client_call - operation @op with the parameters @body (taken over, put in any case; NULL: out of memory) on @subject,
 * a name for errors. 0 on a 200 answer, whose body is then in k->rs until client_wipe(); else all is wiped, *a and *e
 * say what happened, and the code is one of kms.h's.
 */
int client_call(struct kms *k, const char *op, const char *subject, struct json_object *body, struct kms_answer *a,
		struct err *e);

/* client_call_text - the same with parameters that hold a secret, of which json-c shall have no copy. */
int client_call_text(struct kms *k, const char *op, const char *subject, const char *text, size_t len,
		     struct kms_answer *a, struct err *e);

/* Another service of AWS's JSON protocols, asked with the client's identity. */
struct client_service {
	const struct endpoint *endpoint;
	const char *name;		/* of the signature's scope */
	const char *region;
	const char *content_type;
	const char *prefix;		/* of X-Amz-Target */
	unsigned int timeout_ms;
};

/* client_call_at - client_call() of another service. */
int client_call_at(struct kms *k, const struct client_service *s, const char *op, const char *subject,
		   struct json_object *body, struct kms_answer *a, struct err *e);

/* client_query - the same for STS's query protocol. */
int client_query(struct kms *k, const char *op, const char *form, struct kms_answer *a, struct err *e);

/* client_json - k->rs's body as an object (to be put), then wiped. A body that is none turns *a into KMS_BAD_ANSWER. */
int client_json(struct kms *k, const char *op, struct json_object **obj, struct kms_answer *a, struct err *e);

/* client_bad - a 200 answer of the wrong shape; @e holds the reason. Wipes; returns -EBADMSG. */
int client_bad(struct kms *k, const char *op, struct kms_answer *a, struct err *e);

/* client_refuse - arguments that are not sent; @e holds the reason. Returns -EINVAL. */
int client_refuse(const char *op, struct kms_answer *a, struct err *e);

void client_wipe(struct kms *k);

/*
 * client_credentials - see to it that k->creds can sign: load them, or refresh those that end soon. The old ones are
 * kept while they are good and no new ones can be had. An error leaves none.
 */
int client_credentials(struct kms *k, struct err *e);

/* client_credentials_refused - the service does not take them: if they are temporary, the next call gets new ones. */
void client_credentials_refused(struct kms *k);

/* client_read_wrapped - CiphertextBlob and KeyId of an answer about @key_arn; -EBADMSG. */
int client_read_wrapped(struct json_object *obj, const char *key_arn, uint8_t *blob, size_t *blob_len, struct err *e);

/* client_check_key - a key ARN of the client's region; else client_refuse(). */
int client_check_key(struct kms *k, const char *op, const char *key_arn, struct kms_answer *a, struct err *e);

/* context_json - an encryption context as an object; NULL when out of memory. */
struct json_object *context_json(const struct kms_context *ctx);

/* context_check - sorted, unique, within KMS's limits. -EINVAL. */
int context_check(const struct kms_context *ctx, struct err *e);

/* blob_json - bytes as a base64 string; NULL when out of memory. */
struct json_object *blob_json(const uint8_t *blob, size_t len);

#endif
