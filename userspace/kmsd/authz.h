/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_AUTHZ_H
#define KMSD_AUTHZ_H

#include "call.h"
#include "grant.h"
#include "policy.h"

/*
 * May the caller do this? An explicit Deny in the key's policy or the caller's own ends it. Else one Allow suffices:
 * of the key's policy for the caller; of the caller's own policy where the key's policy delegates to the account; of
 * a grant.
 */

/* What a decision may depend on besides caller, action and key. */
struct authz {
	const struct context *context;		/* of a cryptographic operation: grant constraints apply */
	const struct grant *new_grant;		/* of CreateGrant */
	bool about_grants;			/* ListGrants, RevokeGrant */
	const char *alias;			/* by which the key was named, or NULL */
	const char *same_key;			/* of ReEncrypt: "true" or "false"; NULL */
	const char *bypass;			/* of the lockout check: "true" or "false"; NULL */
	const struct tag_list *tags;		/* that the request gives or takes away, or NULL */
	int64_t pending_days;			/* of ScheduleKeyDeletion, or 0 */
	int64_t rotation_days;			/* of EnableKeyRotation, or 0 */
	bool new_key;				/* CreateKey: what the key will be is known */
};

/* authz_key - @op is the operation's name without "kms:", which is also its name in grants. */
enum fault authz_key(struct call *c, const char *op, const struct key *k, const struct authz *a);

/* authz_account - operations that are about no key: the caller's own policy decides. */
enum fault authz_account(struct call *c, const char *op, const char *resource, const struct authz *a);

/*
 * authz_denied - whether a policy explicitly denies: for RetireGrant, which the grant itself permits. The answer is in
 * the fault: FAULT_NONE when nothing denies.
 */
enum fault authz_denied(struct call *c, const char *op, const struct key *k);

/* authz_would_allow - would the caller be allowed @op by key policy @p and his own? For the lockout check. */
enum fault authz_would_allow(struct call *c, const char *op, const struct policy *p, bool *yes);

#endif
