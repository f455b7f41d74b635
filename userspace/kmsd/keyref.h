/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_KEYREF_H
#define KMSD_KEYREF_H

#include "call.h"

/* Finding the key that a request names, and whether its state lets an operation go on. */

#define DEFAULT_ALIAS "alias/aws/elasticache"
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define ROTATION_DAYS_DEFAULT 365

enum keyref_form {
	KEYREF_ID,	/* key id or key ARN */
	KEYREF_ANY,	/* those, alias name or alias ARN */
	/* The same two for operations that have no InvalidArnException: what is no ARN of a key is not found. */
	KEYREF_TARGET,
	KEYREF_CRYPTO,
};

/*
 * keyref_find - the key named by member KeyId (or @name); FAULT_NOT_FOUND, FAULT_INVALID_ARN. Fills in c->key_arn.
 * *alias (may be NULL) is set to the alias name when the key was named by one. The default alias makes its key at its
 * first use. The caller frees @out with key_free() in any case.
 */
enum fault keyref_find(struct call *c, const char *ref, enum keyref_form form, struct key *out, char alias[ALIAS_SIZE]);

/* keyref_load - by bare id; FAULT_NOT_FOUND in the words of a key that does not exist. */
enum fault keyref_load(struct call *c, const char *id, struct key *out);

/* keyref_usable - FAULT_DISABLED or FAULT_INVALID_STATE unless the key is Enabled. */
enum fault keyref_usable(struct call *c, const struct key *k);

/* keyref_customer - FAULT_UNSUPPORTED when it is the service's own key, whatever its policy may say. */
enum fault keyref_customer(struct call *c, const struct key *k);

/* keyref_not_pending - FAULT_INVALID_STATE when the key is pending deletion. */
enum fault keyref_not_pending(struct call *c, const struct key *k);

void keyref_arn(const struct service *svc, const char *id, char out[ARN_SIZE]);
void keyref_alias_arn(const struct service *svc, const char *alias, char out[ARN_SIZE]);

/* keyref_new - make a key with fresh material in the database. @policy NULL: the default key policy. */
int keyref_new(struct service *svc, struct key *k, int64_t now_ms);

#endif
