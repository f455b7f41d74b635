/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_GRANTING_H
#define ECACHED_GRANTING_H

#include <stdbool.h>
#include <json-c/json.h>

#include "../kms/kms.h"
#include "../volume/intent.h"
#include "env.h"
#include "talk.h"

/* What only the creator may do, asked of ecachectl: which key, a grant, a data key. */
struct grant_ask {
	const char *name;
	const char *kms_key;	/* id, alias or ARN */
	const char *key_arn;	/* the key must be this one; NULL: whatever kms_key turns out to be */
	const char *cache_id;
	const char *luks_uuid;
	unsigned int bytes;	/* of the data key, 0: none */
	const char *grant_id;	/* made by the owner; NULL: make one */
	const char *grantee;	/* NULL: this host */
	const char *old_grant_id;	/* a grant that this answer is not new against; NULL */
	bool wrap;		/* the short-lived grant of adopt: to encrypt, not to decrypt */
	/* The wrapped key to be wrapped again, under another key than this; NULL: none. */
	const char *from_key_arn;
	const uint8_t *from_blob;
	size_t from_blob_len;
	const char *purpose;	/* in the grant's name; NULL: "volume" */
	bool source;		/* noted as source_* in the intent: a backup's that is being restored */
};

struct granted {
	char id[KMS_GRANT_ID_MAX + 1];
	char token[KMS_GRANT_TOKEN_MAX + 1];	/* "" none */
	uint8_t blob[KMS_BLOB_MAX];
	size_t blob_len;
	struct json_object *requests;	/* request ids of the creator's calls, for the audit log; put by the caller */
};

/*
 * granting - the whole exchange. Key ARN and grant id are in the intent record on disk
 *	before ecachectl gets its ack; the grant id only when this create, regrant
 *	or rewrap made the grant (what the undo may retire).
 */
int granting(const struct env *env, struct talk *t, const struct grant_ask *ask, struct intent *i, struct granted *g,
	     struct err *e);

#endif
