// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "authz.h"
#include "keyref.h"
#include "param.h"
#include "principal.h"

/* find_grant - of this key, or FAULT_NOT_FOUND. */
static enum fault find_grant(struct call *c, const char *id, const char *key_id, struct grant *g)
{
	int rc = store_grant_get(c->svc->store, id, g);

	if (!rc && key_id && strcmp(g->key_id, key_id)) {
		grant_free(g);
		rc = -ENOENT;
	}
	if (rc == -ENOENT)
		return call_fail(c, FAULT_NOT_FOUND, "Grant ID %s not found", id);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

static enum fault delete_grant(struct call *c, const struct grant *g, bool dry_run)
{
	int rc;

	if (dry_run)
		return call_dry_run(c);
	rc = store_grant_delete(c->svc->store, g->id);
	if (rc)
		return call_internal(c, rc);
	inject_grant_gone(c->svc->inject, g, c->now_ms);
	return FAULT_NONE;
}

enum fault op_revoke_grant(struct call *c)
{
	const char *ref = NULL, *id = NULL;
	bool dry_run = false;
	struct grant g = { 0 };
	struct key k = { 0 };
	enum fault f;

	f = param_required(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = param_grant_id(c, &id, true);
	if (!f)
		f = param_bool(c, "DryRun", &dry_run);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = authz_key(c, "RevokeGrant", &k, &(struct authz){ .about_grants = true });
	if (!f)
		f = find_grant(c, id, k.id, &g);
	if (!f)
		f = delete_grant(c, &g, dry_run);
	grant_free(&g);
	key_free(&k);
	return f;
}

/* names_caller - as user or role, as the role's session, or as the service that it calls for. */
static bool names_caller(const struct call *c, const char *name)
{
	char service[VIA_SIZE];

	return *name && (!strcmp(name, c->caller_arn) || (*c->session_arn && !strcmp(name, c->session_arn)) ||
			 (principal_service(&c->caller, service) && !strcmp(name, service)));
}

/* for_its_source - a service uses a grant with a SourceArn for that resource only. */
static bool for_its_source(const struct call *c, const struct grant *g)
{
	const char *source = principal_source_arn(c->http, &c->caller);

	return !*g->source_arn || (source && !strcmp(source, g->source_arn));
}

/*
 * may_retire - the grant decides, not policies: its retiring principal, its grantee if it has RetireGrant, the account
 * that made it. Policies can only deny.
 */
static enum fault may_retire(struct call *c, const struct grant *g, const struct key *k)
{
	bool grantee = names_caller(c, g->grantee) && g->operations & grant_operation_bit("RetireGrant") &&
		       for_its_source(c, g);

	if (!names_caller(c, g->retiring) && !grantee && !c->caller.admin)
		return call_fail(c, FAULT_ACCESS_DENIED,
				 "User: %s is not authorized to perform: kms:RetireGrant on resource: %s because the grant "
				 "does not allow it", *c->session_arn ? c->session_arn : c->caller_arn, c->key_arn);
	return authz_denied(c, "RetireGrant", k);
}

/* find_retired - by token, or by key and grant id. */
static enum fault find_retired(struct call *c, struct grant *g, struct key *k)
{
	const char *token = NULL, *ref = NULL, *id = NULL;
	char token_id[HEX_ID_SIZE];
	enum fault f = param_string(c, "GrantToken", 1, 8192, &token);

	if (!f)
		f = param_string(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = param_grant_id(c, &id, false);
	if (f)
		return f;
	if (token ? (ref || id) : (!ref || !id))
		return call_fail(c, FAULT_VALIDATION, "Specify either GrantToken, or KeyId and GrantId");
	if (token) {
		if (grant_token_read(&c->svc->root, token, token_id))
			return call_fail(c, FAULT_INVALID_GRANT_TOKEN, "The grant token is not valid");
		f = find_grant(c, token_id, NULL, g);
		return f ? f : keyref_load(c, g->key_id, k);
	}
	f = keyref_find(c, ref, KEYREF_ID, k, NULL);
	return f ? f : find_grant(c, id, k->id, g);
}

enum fault op_retire_grant(struct call *c)
{
	bool dry_run = false;
	struct grant g = { 0 };
	struct key k = { 0 };
	enum fault f;

	f = param_bool(c, "DryRun", &dry_run);
	if (!f)
		f = find_retired(c, &g, &k);
	if (!f) {
		memcpy(c->grant_id, g.id, sizeof(c->grant_id));
		f = may_retire(c, &g, &k);
	}
	if (!f)
		f = delete_grant(c, &g, dry_run);
	grant_free(&g);
	key_free(&k);
	return f;
}
