/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_GRANT_H
#define KMSD_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/secret.h"
#include "context.h"
#include "ident.h"

/*
 * A grant: permission for one principal to call some operations with one key, maybe only under an encryption context.
 * A grant only ever allows; it lives until it is revoked or retired.
 */
enum grant_constraint {
	GRANT_UNCONSTRAINED,
	GRANT_CONTEXT_SUBSET,	/* the request's context has at least these pairs */
	GRANT_CONTEXT_EQUALS,	/* the request's context is these pairs */
};

#define GRANT_NAME_SIZE 257
#define GRANT_PAIRS_MAX 8
#define GRANT_VALUE_MAX 384
#define GRANT_TOKEN_SIZE 256

struct grant {
	char id[HEX_ID_SIZE];
	char key_id[KEY_ID_SIZE];
	char name[GRANT_NAME_SIZE];		/* "" when it has none */
	char grantee[ARN_SIZE];			/* a principal's ARN, or a service's name */
	char retiring[ARN_SIZE];		/* the same; "" when it has none */
	bool grantee_is_service;
	bool retiring_is_service;
	char issuer[ARN_SIZE];			/* who made it */
	uint32_t operations;			/* bits by grant_operation_bit() */
	enum grant_constraint constraint;
	struct context pairs;			/* what the constraint compares with */
	char source_arn[ARN_SIZE];		/* of the only resource that a service may use it for; "": any */
	int64_t created_ms;
};

/* grant_operation_bit - of "Decrypt"; 0 when there is no such operation for a symmetric encryption key. */
uint32_t grant_operation_bit(const char *name);

/* grant_operation_name - of bit number @i, in a fixed order; NULL at the end. */
const char *grant_operation_name(unsigned int i);

void grant_free(struct grant *g);

/* grant_covers - whether the constraint lets a cryptographic operation under @ctx pass. */
bool grant_covers(const struct grant *g, const struct context *ctx);

/*
 * grant_no_wider - whether @child gives nothing that @parent does not give: what a grantee with CreateGrant may pass
 * on.
 */
bool grant_no_wider(const struct grant *parent, const struct grant *child);

/* grant_same_request - whether two grants were asked for with the same words (a retry of CreateGrant). */
bool grant_same_request(const struct grant *a, const struct grant *b);

/*
 * A grant token names a grant and proves that we issued it: base64 of version, grant id, a nonce (every CreateGrant
 * answers with another token) and an HMAC. Nothing about it is stored, and nothing in it is secret.
 */
int grant_token_make(const struct secret *root, const char *grant_id, char out[GRANT_TOKEN_SIZE]);

/* grant_token_read - -EBADMSG when we did not issue it. Whether the grant still stands is another question. */
int grant_token_read(const struct secret *root, const char *token, char grant_id[HEX_ID_SIZE]);

#endif
