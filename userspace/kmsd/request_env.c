// SPDX-License-Identifier: GPL-2.0-or-later
#include "request_env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "principal.h"

#define ALIASES_PER_KEY 50

static bool set_caller(struct condition_env *env, struct call *c, struct request_env *out)
{
	const struct principal *p = &c->caller;
	const char *source = principal_source_arn(c->http, p);
	bool ok;

	snprintf(out->user_id, sizeof(out->user_id), "%s%s", p->unique_id, p->role ? ":" PRINCIPAL_SESSION : "");
	ok = condition_set(env, "kms:CallerAccount", c->svc->account);
	ok &= condition_set(env, "aws:PrincipalAccount", c->svc->account);
	ok &= condition_set(env, "aws:PrincipalArn", c->caller_arn);
	ok &= condition_set(env, "aws:PrincipalType", p->role ? "AssumedRole" : "User");
	ok &= condition_set(env, "aws:userid", out->user_id);
	if (!p->role)
		ok &= condition_set(env, "aws:username", p->name);
	ok &= condition_set(env, "aws:ViaAWSService", *p->via ? "true" : "false");
	if (*p->via)
		ok &= condition_set(env, "kms:ViaService", p->via);
	if (source)
		ok &= condition_set(env, "aws:SourceArn", source);
	return ok;
}

static bool set_time(struct condition_env *env, int64_t now_ms, struct request_env *out)
{
	time_t t = (time_t)(now_ms / 1000);
	struct tm tm;

	strftime(out->now, sizeof(out->now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	snprintf(out->epoch, sizeof(out->epoch), "%lld", (long long)t);
	return condition_set(env, "aws:CurrentTime", out->now) && condition_set(env, "aws:EpochTime", out->epoch);
}

static bool set_grant(struct condition_env *env, const struct grant *g)
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

/* set_spec - what every key here is, and every key that may be made. */
static bool set_spec(struct condition_env *env)
{
	bool ok = condition_set(env, "kms:KeySpec", "SYMMETRIC_DEFAULT");

	ok &= condition_set(env, "kms:CustomerMasterKeySpec", "SYMMETRIC_DEFAULT");
	ok &= condition_set(env, "kms:KeyUsage", "ENCRYPT_DECRYPT");
	ok &= condition_set(env, "kms:CustomerMasterKeyUsage", "ENCRYPT_DECRYPT");
	ok &= condition_set(env, "kms:KeyOrigin", "AWS_KMS");
	return ok & condition_set(env, "kms:MultiRegion", "false");
}

static bool set_request(struct condition_env *env, struct call *c, const struct authz *a, struct request_env *out)
{
	bool ok = true;

	if (a->alias)
		ok &= condition_set(env, "kms:RequestAlias", a->alias);
	if (a->context)
		ok &= condition_set(env, "kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
	if (a->same_key)
		ok &= condition_set(env, "kms:ReEncryptOnSameKey", a->same_key);
	if (a->bypass)
		ok &= condition_set(env, "kms:BypassPolicyLockoutSafetyCheck", a->bypass);
	if (a->about_grants || a->new_grant)
		ok &= condition_set(env, "kms:GrantIsForAWSResource", *c->caller.via ? "true" : "false");
	if (a->new_grant)
		ok &= set_grant(env, a->new_grant);
	snprintf(out->pending_days, sizeof(out->pending_days), "%lld", (long long)a->pending_days);
	if (a->pending_days)
		ok &= condition_set(env, "kms:ScheduleKeyDeletionPendingWindowInDays", out->pending_days);
	snprintf(out->rotation_days, sizeof(out->rotation_days), "%lld", (long long)a->rotation_days);
	if (a->rotation_days)
		ok &= condition_set(env, "kms:RotationPeriodInDays", out->rotation_days);
	if (a->new_key)
		ok &= set_spec(env);
	env->context = a->context;
	env->request_tags = a->tags;
	return ok;
}

int request_env_fill(struct call *c, const struct authz *a, struct request_env *out)
{
	struct condition_env *env = &out->env;

	memset(out, 0, sizeof(*out));
	if (!set_caller(env, c, out) || !set_time(env, c->now_ms, out) || !set_request(env, c, a, out))
		return -E2BIG;
	return 0;
}

static bool uses(const struct policy *of_key, const struct policy *own, const char *prefix)
{
	return policy_uses(of_key, prefix) || policy_uses(own, prefix);
}

static int add_aliases(struct call *c, const struct key *k, struct request_env *out)
{
	unsigned int nr;
	int rc;

	out->aliases = calloc(ALIASES_PER_KEY, sizeof(*out->aliases));
	if (!out->aliases)
		return -ENOMEM;
	rc = store_alias_list(c->svc->store, k->id, "", ALIASES_PER_KEY, out->aliases, &nr);
	for (unsigned int i = 0; !rc && i < nr; i++)
		rc = condition_set(&out->env, "kms:ResourceAliases", out->aliases[i].name) ? 0 : -E2BIG;
	return rc;
}

int request_env_add_key(struct call *c, const struct key *k, const struct policy *of_key, const struct policy *own,
			struct request_env *out)
{
	int rc = set_spec(&out->env) ? 0 : -E2BIG;

	if (!rc && uses(of_key, own, "aws:ResourceTag/")) {
		rc = tags_load(c->svc->store, k->id, &out->tags);
		out->env.resource_tags = &out->tags;
	}
	if (!rc && uses(of_key, own, "kms:ResourceAliases"))
		rc = add_aliases(c, k, out);
	return rc;
}

void request_env_free(struct request_env *e)
{
	tags_free(&e->tags);
	free(e->aliases);
	e->aliases = NULL;
}
