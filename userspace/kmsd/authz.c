// SPDX-License-Identifier: GPL-2.0-or-later
#include "authz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "principal.h"
#include "request_env.h"

#define ACTION_SIZE 64

/* A question to policies, with all that it refers to; must not be copied. */
struct question {
	char action[ACTION_SIZE];
	struct policy of_key, own;	/* empty when there is none */
	struct request_env rq;
	struct policy_query q;
	unsigned int key_says, own_says;
};

static void question_free(struct question *qn)
{
	request_env_free(&qn->rq);
	policy_free(&qn->of_key);
	policy_free(&qn->own);
}

static int parse_stored(const char *text, enum policy_kind kind, struct policy *p)
{
	return text ? policy_parse(text, kind, false, p, NULL) : 0;
}

/* ask - both policies, with nothing concluded; the caller frees the question in any case. @k NULL: about no key. */
static enum fault ask(struct call *c, const char *op, const char *resource, const struct key *k, const struct authz *a,
		      struct question *qn)
{
	int rc;

	memset(qn, 0, sizeof(*qn));
	/* A stored policy that is none: nobody can tell what it would have denied. */
	rc = parse_stored(k ? k->policy : NULL, POLICY_OF_KEY, &qn->of_key);
	if (!rc)
		rc = parse_stored(c->caller.policy, POLICY_OF_PRINCIPAL, &qn->own);
	if (!rc)
		rc = request_env_fill(c, a, &qn->rq);
	if (!rc && k)
		rc = request_env_add_key(c, k, &qn->of_key, &qn->own, &qn->rq);
	if (rc)
		return call_internal(c, rc);
	snprintf(qn->action, sizeof(qn->action), "kms:%s", op);
	qn->q.action = qn->action;
	qn->q.resource = resource;
	qn->q.account = c->svc->account;
	qn->q.principal = c->caller_arn;
	qn->q.session = *c->session_arn ? c->session_arn : NULL;
	qn->q.env = &qn->rq.env;
	qn->key_says = policy_eval(&qn->of_key, POLICY_OF_KEY, &qn->q);
	qn->own_says = policy_eval(&qn->own, POLICY_OF_PRINCIPAL, &qn->q);
	return FAULT_NONE;
}

static enum fault deny(struct call *c, const struct question *qn, const char *because)
{
	return call_fail(c, FAULT_ACCESS_DENIED, "User: %s is not authorized to perform: %s on resource: %s %s",
			 *c->session_arn ? c->session_arn : c->caller_arn, qn->action, qn->q.resource, because);
}

/* explicit_deny - FAULT_ACCESS_DENIED when one of the policies explicitly denies. */
static enum fault explicit_deny(struct call *c, const struct question *qn)
{
	if (qn->key_says & POLICY_DENIES)
		return deny(c, qn, "with an explicit deny in a resource-based policy");
	if (qn->own_says & POLICY_DENIES)
		return deny(c, qn, "with an explicit deny in an identity-based policy");
	return FAULT_NONE;
}

struct grant_search {
	struct call *c;
	const char *operation;
	const struct authz *a;
	const char *source_arn;		/* of the resource that a service calls for, or NULL */
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
	/* Whatever the operation: a grant for one resource of a service is not for its others. */
	if (*g->source_arn && (!s->source_arn || strcmp(g->source_arn, s->source_arn)))
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

/*
 * ask_grants - of the user or role, of its session, of the service that it calls for, and of the account (if the
 * caller's own policy allows it too).
 */
static int ask_grants(struct call *c, const char *op, const struct key *k, const struct authz *a, bool own_allows,
		      bool *yes)
{
	struct grant_search s = { .c = c, .operation = op, .a = a,
				  .source_arn = principal_source_arn(c->http, &c->caller) };
	char account[ARN_SIZE], service[VIA_SIZE];
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
	if (!rc && !s.found && principal_service(&c->caller, service))
		rc = search_grants(c, k, service, &s);
	if (!rc && !s.found && own_allows)
		rc = search_grants(c, k, account, &s);
	*yes = s.found;
	return rc;
}

static bool policies_allow(unsigned int key_says, unsigned int own_says)
{
	return key_says & POLICY_ALLOWS || (key_says & POLICY_DELEGATES && own_says & POLICY_ALLOWS);
}

/* decide - policies first, then grants. */
static enum fault decide(struct call *c, const char *op, const struct key *k, const struct authz *a,
			 const struct question *qn)
{
	enum fault f = explicit_deny(c, qn);
	bool yes;
	int rc;

	if (f || policies_allow(qn->key_says, qn->own_says))
		return f;
	rc = ask_grants(c, op, k, a, qn->own_says & POLICY_ALLOWS, &yes);
	if (rc)
		return call_internal(c, rc);
	if (yes)
		return FAULT_NONE;
	if (qn->own_says & POLICY_ALLOWS)
		return deny(c, qn, "because no resource-based policy allows the action");
	return deny(c, qn, "because no identity-based policy allows the action");
}

enum fault authz_key(struct call *c, const char *op, const struct key *k, const struct authz *a)
{
	struct question qn;
	enum fault f = ask(c, op, c->key_arn, k, a, &qn);

	if (!f)
		f = decide(c, op, k, a, &qn);
	question_free(&qn);
	return f;
}

enum fault authz_account(struct call *c, const char *op, const char *resource, const struct authz *a)
{
	struct question qn;
	enum fault f = ask(c, op, resource, NULL, a, &qn);

	if (!f)
		f = explicit_deny(c, &qn);
	if (!f && !(qn.own_says & POLICY_ALLOWS))
		f = deny(c, &qn, "because no identity-based policy allows the action");
	question_free(&qn);
	return f;
}

enum fault authz_denied(struct call *c, const char *op, const struct key *k)
{
	struct question qn;
	enum fault f = ask(c, op, c->key_arn, k, &(struct authz){ 0 }, &qn);

	if (!f)
		f = explicit_deny(c, &qn);
	question_free(&qn);
	return f;
}

enum fault authz_would_allow(struct call *c, const char *op, const struct policy *p, bool *yes)
{
	struct question qn;
	enum fault f = ask(c, op, c->key_arn, NULL, &(struct authz){ .new_key = true }, &qn);

	if (!f) {
		qn.key_says = policy_eval(p, POLICY_OF_KEY, &qn.q);
		*yes = !((qn.key_says | qn.own_says) & POLICY_DENIES) && policies_allow(qn.key_says, qn.own_says);
	}
	question_free(&qn);
	return f;
}
