/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WRAP_H
#define ECACHED_WRAP_H

#include "../common/secret.h"
#include "unwrap.h"

struct wrap {
	const char *name;		/* volume, for messages */
	const char *key_arn;
	const char *cache_id;
	const char *luks_uuid;
	const char *grant_token;	/* NULL: none */
	struct secret *key;		/* stays the caller's */
	int64_t retry_until_ms;		/* as in struct unwrap */
};

/*
 * wrap_key - a volume key under the KMS key, through ecache-net, by a grant that lets this host encrypt. @blob has room
 *	for KMS_BLOB_MAX bytes. Errors as unwrap_key().
 */
int wrap_key(const struct env *env, struct talk *t, const struct wrap *w, uint8_t *blob, size_t *blob_len,
	     char request_id[REQUEST_ID_SIZE], struct err *e);

#endif
