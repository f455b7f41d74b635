/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_POLICY_H
#define KMSD_POLICY_H

#include <stdbool.h>
#include <json-c/json.h>

#include "common/err.h"
#include "condition.h"

/*
 * Policy documents in the grammar of AWS key policies. Two kinds: a key's policy says which principals may use the
 * key, a principal's own policy has no Principal element.
 *
 * Version, Id; Statement: Sid, Effect, Principal (keys only), Action, Resource, Condition; NotPrincipal (with Deny
 * only), NotAction and NotResource in place of what they negate. Anything else is refused when a policy comes in. A
 * stored policy that holds what this program does not understand (an older program reading a newer database) fails
 * closed: an Allow statement with it allows nothing, a Deny statement denies.
 */
enum policy_kind {
	POLICY_OF_KEY,
	POLICY_OF_PRINCIPAL,
};

#define POLICY_BYTES_MAX 32768

struct policy_statement {
	bool deny;
	bool opaque;			/* holds something not understood */
	struct json_object *actions;	/* arrays of strings, or one string; all owned by the document */
	struct json_object *resources;
	struct json_object *principals;	/* AWS principals; NULL when there are none that could match */
	bool everyone;			/* "*" */
	bool not_actions, not_resources, not_principals;	/* all but those */
	struct json_object *conditions;	/* object or NULL */
};

struct policy {
	struct json_object *document;
	struct policy_statement *statement;
	unsigned int nr;
};

#define POLICY_INIT { 0 }

/*
 * policy_parse - @strict: refuse what is not understood, with the reason in @e (for a policy that comes in); otherwise
 * mark it opaque (for a stored one). -EINVAL when it is no policy at all, -ENOMEM.
 */
int policy_parse(const char *text, enum policy_kind kind, bool strict, struct policy *out, struct err *e);
void policy_free(struct policy *p);

/* What is asked of a policy. */
struct policy_query {
	const char *action;		/* "kms:Decrypt" */
	const char *resource;		/* the key's ARN, an alias's, or "*" where the action knows no resource */
	const char *account;
	const char *principal;		/* the caller's ARN: a user or a role */
	const char *session;		/* an assumed role's session ARN, or NULL */
	const struct condition_env *env;
};

/* What the statements that apply say; bits, since several may apply. */
enum {
	POLICY_ALLOWS = 1,
	POLICY_DENIES = 2,
	POLICY_DELEGATES = 4,		/* a key policy's Allow for the account: its principals' own policies decide */
};

unsigned int policy_eval(const struct policy *p, enum policy_kind kind, const struct policy_query *q);

/* policy_uses - whether a statement's condition has a key that begins with @prefix. */
bool policy_uses(const struct policy *p, const char *prefix);

/*
 * policy_principals - call @fn for every AWS principal that the policy names (not for "*"); stops at the first that
 * does not return 0 and returns that.
 */
int policy_principals(const struct policy *p, int (*fn)(void *ctx, const char *principal), void *ctx);

#endif
