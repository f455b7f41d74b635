// SPDX-License-Identifier: GPL-2.0-or-later
#include "authz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ACTION_SIZE 64

static bool set_grant_values(struct condition_env *env, const struct grant *g)
{
	static const char *const types[] = {
		[GRANT_UNCONSTRAINED] = NULL,
		[GRANT_CONTEXT_SUBSET] = "EncryptionContextSubset",
		[GRANT_CONTEXT_EQUALS] = "EncryptionContextEquals",
	};
	bool ok = condition_set(env, "kms:GranteePrincipal", g->grantee);

	if (*g->retiring)
		ok &= condition_set(env, "kms:RetiringPrincipal", g->retiring);
	if (types[g->constraint])
		ok &= condition_set(env, "kms:GrantConstraintType", types[g->constraint]);
	for (unsigned int i = 0; grant_operation_name(i); i++)
		if (g->operations & UINT32_C(1) << i)
			ok &= condition_set(env, "kms:GrantOperations", grant_operation_name(i));
	return ok;
}

static bool fill_env(struct call *c, const struct authz *a, struct condition_env *env)
{
	bool ok;

	memset(env, 0, sizeof(*env));
	ok = condition_set(env, "kms:CallerAccount", c->svc->account);
	ok &= condition_set(env, "aws:PrincipalAccount", c->svc->account);
	ok &= condition_set(env, "aws:PrincipalArn", c->caller_arn);
	if (*c->caller.via)
		ok &= condition_set(env, "kms:ViaService", c->caller.via);
	if (a->alias)
		ok &= condition_set(env, "kms:RequestAlias", a->alias);
	if (a->new_grant) {
		ok &= condition_set(env, "kms:GrantIsForAWSResource", *c->caller.via ? "true" : "false");
		ok &= set_grant_values(env, a->new_grant);
	}
	env->context = a->context;
	return ok;
}

static enum fault eval_text(struct call *c, const char *text, enum policy_kind kind, const struct policy_query *q,
			    unsigned int *says)
{
	struct policy p;
	int rc;

	*says = 0;
	if (!text)
		return FAULT_NONE;
	rc = policy_parse(text, kind, false, &p, NULL);
	/* A stored policy that is none: nobody can tell what it would have denied. */
	if (rc)
		return call_internal(c, rc);
	*says = policy_eval(&p, kind, q);
	policy_free(&p);
	return FAULT_NONE;
}

struct grant_search {
	struct call *c;
	const char *operation;
	const struct authz *a;
	uint8_t hash[SHA256_SIZE];	/* of a->context, if there is one */
	bool found;
};

/* in_effect - a young grant may need its token. */
static bool in_effect(struct call *c, const struct grant *g)
{
	for (unsigned int i = 0; i < c->nr_token_grants; i++)
		if (!strcmp(c->token_grant[i], g->id))
			return true;
	return !inject_grant_young(c->svc->inject, g, c->now_ms);
}

static int grant_allows(void *ctx, struct grant *g)
{
	struct grant_search *s = ctx;

	if (!(g->operations & grant_operation_bit(s->operation)))
		return 0;
	if (s->a->context && !grant_covers(g, s->a->context))
		return 0;
	if (s->a->new_grant && !grant_no_wider(g, s->a->new_grant))
		return 0;
	s->found = true;
	return 1;
}

static int standing_allows(void *ctx, struct grant *g)
{
	struct grant_search *s = ctx;

	return in_effect(s->c, g) ? grant_allows(ctx, g) : 0;
}

static int search_grants(struct call *c, const struct key *k, const char *grantee, struct grant_search *s)
{
	struct grant_filter f = { .key_id = k->id, .grantee = grantee, .operation = s->operation,
				  .hash = s->a->context ? s->hash : NULL };
	int rc = store_grant_each(c->svc->store, &f, standing_allows, s);

	if (!rc)
		rc = inject_each_gone(c->svc->inject, k->id, grantee, c->now_ms, grant_allows, s);
	return rc < 0 ? rc : 0;
}

/* ask_grants - of the user or role, of its session, and of the account (if the caller's own policy allows it too). */
static int ask_grants(struct call *c, const char *op, const struct key *k, const struct authz *a, bool own_allows,
		      bool *yes)
{
	struct grant_search s = { .c = c, .operation = op, .a = a };
	char account[ARN_SIZE];
	int rc = 0;

	*yes = false;
	if (!grant_operation_bit(op))
		return 0;
	if (a->context)
		rc = context_folded_hash(a->context, s.hash);
	snprintf(account, sizeof(account), "arn:aws:iam::%s:root", c->svc->account);
	if (!rc)
		rc = search_grants(c, k, c->caller_arn, &s);
	if (!rc && !s.found && *c->session_arn)
		rc = search_grants(c, k, c->session_arn, &s);
	if (!rc && !s.found && own_allows)
		rc = search_grants(c, k, account, &s);
	*yes = s.found;
	return rc;
}

/* A question to policies, with all that it refers to; must not be copied. */
struct question {
	char action[ACTION_SIZE];
	struct condition_env env;
	struct policy_query q;
};

static enum fault make_question(struct call *c, const char *op, const char *resource, const struct authz *a,
				struct question *out)
{
	if (!fill_env(c, a, &out->env))
		return call_internal(c, -E2BIG);
	snprintf(out->action, sizeof(out->action), "kms:%s", op);
	out->q.action = out->action;
	out->q.resource = resource;
	out->q.account = c->svc->account;
	out->q.principal = c->caller_arn;
	out->q.session = *c->session_arn ? c->session_arn : NULL;
	out->q.env = &out->env;
	return FAULT_NONE;
}

static enum fault deny(struct call *c, const struct question *qn, const char *because)
{
	return call_fail(c, FAULT_ACCESS_DENIED, "User: %s is not authorized to perform: %s on resource: %s %s",
			 *c->session_arn ? c->session_arn : c->caller_arn, qn->action, qn->q.resource, because);
}

/* ask_policies - the key's (NULL: none) and the caller's; FAULT_ACCESS_DENIED when one of them explicitly denies. */
static enum fault ask_policies(struct call *c, const struct question *qn, const char *key_policy,
			       unsigned int *key_says, unsigned int *own_says)
{
	enum fault f = eval_text(c, key_policy, POLICY_OF_KEY, &qn->q, key_says);

	if (!f)
		f = eval_text(c, c->caller.policy, POLICY_OF_PRINCIPAL, &qn->q, own_says);
	if (f)
		return f;
	if (*key_says & POLICY_DENIES)
		return deny(c, qn, "with an explicit deny in a resource-based policy");
	if (*own_says & POLICY_DENIES)
		return deny(c, qn, "with an explicit deny in an identity-based policy");
	return FAULT_NONE;
}

static bool policies_allow(unsigned int key_says, unsigned int own_says)
{
	return key_says & POLICY_ALLOWS || (key_says & POLICY_DELEGATES && own_says & POLICY_ALLOWS);
}

enum fault authz_key(struct call *c, const char *op, const struct key *k, const struct authz *a)
{
	unsigned int key_says = 0, own_says = 0;
	struct question qn;
	enum fault f;
	bool yes;
	int rc;

	f = make_question(c, op, c->key_arn, a, &qn);
	if (!f)
		f = ask_policies(c, &qn, k->policy, &key_says, &own_says);
	if (f || policies_allow(key_says, own_says))
		return f;
	rc = ask_grants(c, op, k, a, own_says & POLICY_ALLOWS, &yes);
	if (rc)
		return call_internal(c, rc);
	if (yes)
		return FAULT_NONE;
	if (own_says & POLICY_ALLOWS)
		return deny(c, &qn, "because no resource-based policy allows the action");
	return deny(c, &qn, "because no identity-based policy allows the action");
}

enum fault authz_account(struct call *c, const char *op, const char *resource)
{
	const struct authz none = { 0 };
	unsigned int key_says = 0, own_says = 0;
	struct question qn;
	enum fault f;

	f = make_question(c, op, resource, &none, &qn);
	if (!f)
		f = ask_policies(c, &qn, NULL, &key_says, &own_says);
	if (!f && !(own_says & POLICY_ALLOWS))
		f = deny(c, &qn, "because no identity-based policy allows the action");
	return f;
}

enum fault authz_denied(struct call *c, const char *op, const struct key *k)
{
	const struct authz none = { 0 };
	unsigned int key_says = 0, own_says = 0;
	struct question qn;
	enum fault f;

	f = make_question(c, op, c->key_arn, &none, &qn);
	return f ? f : ask_policies(c, &qn, k->policy, &key_says, &own_says);
}

enum fault authz_would_allow(struct call *c, const char *op, const struct policy *p, bool *yes)
{
	const struct authz none = { 0 };
	unsigned int key_says = 0, own_says = 0;
	struct question qn;
	enum fault f;

	f = make_question(c, op, c->key_arn, &none, &qn);
	if (f)
		return f;
	key_says = policy_eval(p, POLICY_OF_KEY, &qn.q);
	f = eval_text(c, c->caller.policy, POLICY_OF_PRINCIPAL, &qn.q, &own_says);
	*yes = !((key_says | own_says) & POLICY_DENIES) && policies_allow(key_says, own_says);
	return f;
}
