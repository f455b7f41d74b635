/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_UNWRAP_H
#define ECACHED_UNWRAP_H

#include <stdint.h>

#include "../common/secret.h"
#include "../kms/net.h"
#include "../volume/token.h"
#include "env.h"
#include "talk.h"

/*
 * How long a denial of a grant just made may only mean that it has not spread (AWS:
 * "usually less than five minutes").
 */
#define UNWRAP_YOUNG_MS (5 * 60 * 1000)

#define REQUEST_ID_SIZE sizeof(((struct kms_answer){ 0 }).request_id)

struct unwrap {
	const char *name;		/* volume, for messages */
	const char *key_arn;		/* the pinned one: KeyId of the call */
	const char *cache_id;
	const char *luks_uuid;
	const uint8_t *blob;
	size_t blob_len;
	unsigned int key_size;		/* bytes expected */
	const char *grant_token;	/* NULL: none */
	int64_t retry_until_ms;		/* CLOCK_BOOTTIME: denials are asked again until then; 0: never */
};

/*
 * unwrap_key - the volume key through ecache-net into @key (empty before, empty after a
 *	failure). @request_id is filled in either way. -EPERM (the KMS said no, in its
 *	words), -EAGAIN (no answer), -EKEYREJECTED (our credentials), -EBADMSG,
 *	-ECANCELED.
 */
int unwrap_key(const struct env *env, struct talk *t, const struct unwrap *u, struct secret *key,
	       char request_id[REQUEST_ID_SIZE], struct err *e);

/* unwrap_refused - @a, an answer that is no success, as an error a person can act on. */
int unwrap_refused(const char *name, const char *key_arn, const struct kms_answer *a, struct err *e);

#endif
