// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authz.h"
#include "keyref.h"
#include "param.h"
#include "principal.h"

#define LIST_GRANTS_MAX 1000

struct page {
	struct call *c;
	struct jsonw w;
	int64_t left;
	bool more;
	char last[HEX_ID_SIZE];
	const char *grantee;	/* NULL: any */
	const char *grant_id;	/* NULL: any */
};

static void put_constraints(struct jsonw *w, const struct grant *g)
{
	if (g->constraint == GRANT_UNCONSTRAINED)
		return;
	jsonw_open(w, "Constraints", '{');
	jsonw_open(w, g->constraint == GRANT_CONTEXT_EQUALS ? "EncryptionContextEquals" : "EncryptionContextSubset",
		   '{');
	for (unsigned int i = 0; i < g->pairs.nr; i++)
		jsonw_string(w, g->pairs.pair[i].key, g->pairs.pair[i].value);
	jsonw_close(w, '}');
	jsonw_close(w, '}');
}

static void put_grant(struct jsonw *w, const struct call *c, const struct grant *g)
{
	char account[ARN_SIZE];

	snprintf(account, sizeof(account), "arn:aws:iam::%s:root", c->svc->account);
	jsonw_open(w, NULL, '{');
	jsonw_string(w, "KeyId", c->key_arn);
	jsonw_string(w, "GrantId", g->id);
	jsonw_string(w, "Name", g->name);
	jsonw_time(w, "CreationDate", g->created_ms);
	jsonw_string(w, "GranteePrincipal", g->grantee);
	if (*g->retiring)
		jsonw_string(w, "RetiringPrincipal", g->retiring);
	jsonw_string(w, "IssuingAccount", account);
	jsonw_open(w, "Operations", '[');
	for (unsigned int i = 0; grant_operation_name(i); i++)
		if (g->operations & UINT32_C(1) << i)
			jsonw_string(w, NULL, grant_operation_name(i));
	jsonw_close(w, ']');
	put_constraints(w, g);
	jsonw_close(w, '}');
}

static int list_one(void *ctx, struct grant *g)
{
	struct page *p = ctx;

	if (p->grantee && strcmp(p->grantee, g->grantee))
		return 0;
	if (!p->left) {
		p->more = true;
		return 1;
	}
	p->left--;
	memcpy(p->last, g->id, sizeof(p->last));
	put_grant(&p->w, p->c, g);
	return 0;
}

static int list_by_id(struct page *p, const struct key *k)
{
	struct grant g;
	int rc = store_grant_get(p->c->svc->store, p->grant_id, &g);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	if (!strcmp(g.key_id, k->id))
		list_one(p, &g);
	grant_free(&g);
	return 0;
}

static enum fault read_grant_id(struct call *c, const char **id, bool required)
{
	enum fault f = required ? param_required(c, "GrantId", 1, 128, id) : param_string(c, "GrantId", 1, 128, id);

	if (!f && *id && !ident_hex_id_ok(*id))
		f = call_fail(c, FAULT_INVALID_GRANT_ID, "The grant id is not one: 64 hexadecimal digits");
	return f;
}

static enum fault list_page(struct call *c, const struct key *k, struct page *p, const char *after)
{
	struct grant_filter filter = { .key_id = k->id, .grantee = p->grantee, .after = after };
	int rc;

	jsonw_open(&p->w, NULL, '{');
	jsonw_open(&p->w, "Grants", '[');
	rc = p->grant_id ? list_by_id(p, k) : store_grant_each(c->svc->store, &filter, list_one, p);
	if (rc < 0)
		return call_internal(c, rc);
	jsonw_close(&p->w, ']');
	param_put_marker(&p->w, p->more, p->last);
	jsonw_close(&p->w, '}');
	return call_done(c);
}

enum fault op_list_grants(struct call *c)
{
	struct page p = { .c = c, .w = JSONW_INIT(&c->out), .left = 50 };
	char after[MARKER_NAME_MAX];
	const char *ref = NULL;
	struct key k = { 0 };
	enum fault f;

	f = param_required(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = param_page(c, LIST_GRANTS_MAX, &p.left, after);
	if (!f)
		f = param_string(c, "GranteePrincipal", 1, 256, &p.grantee);
	if (!f)
		f = param_absent(c, "GranteeServicePrincipal");
	if (!f)
		f = read_grant_id(c, &p.grant_id, false);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = authz_key(c, "ListGrants", &k, &(struct authz){ 0 });
	if (!f)
		f = list_page(c, &k, &p, after);
	key_free(&k);
	return f;
}

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
		f = read_grant_id(c, &id, true);
	if (!f)
		f = param_bool(c, "DryRun", &dry_run);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = authz_key(c, "RevokeGrant", &k, &(struct authz){ 0 });
	if (!f)
		f = find_grant(c, id, k.id, &g);
	if (!f)
		f = delete_grant(c, &g, dry_run);
	grant_free(&g);
	key_free(&k);
	return f;
}

/* names_caller - as user or role, or as the role's session. */
static bool names_caller(const struct call *c, const char *arn)
{
	return *arn && (!strcmp(arn, c->caller_arn) || (*c->session_arn && !strcmp(arn, c->session_arn)));
}

/*
 * may_retire - the grant decides, not policies: its retiring principal, its grantee if it has RetireGrant, the account
 * that made it. Policies can only deny.
 */
static enum fault may_retire(struct call *c, const struct grant *g, const struct key *k)
{
	bool grantee = names_caller(c, g->grantee) && g->operations & grant_operation_bit("RetireGrant");

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
		f = read_grant_id(c, &id, false);
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
