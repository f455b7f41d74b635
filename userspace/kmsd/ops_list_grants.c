// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authz.h"
#include "keyref.h"
#include "param.h"

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
	bool equals = g->constraint == GRANT_CONTEXT_EQUALS;

	if (g->constraint == GRANT_UNCONSTRAINED && !*g->source_arn)
		return;
	jsonw_open(w, "Constraints", '{');
	if (g->constraint != GRANT_UNCONSTRAINED) {
		jsonw_open(w, equals ? "EncryptionContextEquals" : "EncryptionContextSubset", '{');
		for (unsigned int i = 0; i < g->pairs.nr; i++)
			jsonw_string(w, g->pairs.pair[i].key, g->pairs.pair[i].value);
		jsonw_close(w, '}');
	}
	if (*g->source_arn)
		jsonw_string(w, "SourceArn", g->source_arn);
	jsonw_close(w, '}');
}

static void put_grant(struct jsonw *w, const struct call *c, const struct grant *g)
{
	char account[ARN_SIZE], key[ARN_SIZE];

	snprintf(account, sizeof(account), "arn:aws:iam::%s:root", c->svc->account);
	keyref_arn(c->svc, g->key_id, key);
	jsonw_open(w, NULL, '{');
	jsonw_string(w, "KeyId", key);
	jsonw_string(w, "GrantId", g->id);
	jsonw_string(w, "Name", g->name);
	jsonw_time(w, "CreationDate", g->created_ms);
	jsonw_string(w, g->grantee_is_service ? "GranteeServicePrincipal" : "GranteePrincipal", g->grantee);
	if (*g->retiring)
		jsonw_string(w, g->retiring_is_service ? "RetiringServicePrincipal" : "RetiringPrincipal", g->retiring);
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

/* list_page - @k NULL: the grants of all keys that @retiring may retire. */
static enum fault list_page(struct call *c, const struct key *k, const char *retiring, struct page *p,
			    const char *after)
{
	struct grant_filter filter = { .key_id = k ? k->id : NULL, .retiring = retiring, .grantee = p->grantee,
				       .after = after };
	int rc;

	jsonw_open(&p->w, NULL, '{');
	jsonw_open(&p->w, "Grants", '[');
	rc = k && p->grant_id ? list_by_id(p, k) : store_grant_each(c->svc->store, &filter, list_one, p);
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
	const char *ref = NULL, *service = NULL;
	struct key k = { 0 };
	enum fault f;

	f = param_required(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = param_page(c, LIST_GRANTS_MAX, &p.left, after);
	if (!f)
		f = param_string(c, "GranteePrincipal", 1, 256, &p.grantee);
	if (!f)
		f = param_string(c, "GranteeServicePrincipal", 1, 256, &service);
	if (!f && p.grantee && service)
		f = param_invalid(c, "GranteeServicePrincipal", "Member must be null when a principal is given");
	/* Names of services are no ARNs: the same column holds both. */
	if (service)
		p.grantee = service;
	if (!f)
		f = param_grant_id(c, &p.grant_id, false);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = authz_key(c, "ListGrants", &k, &(struct authz){ .about_grants = true });
	if (!f)
		f = list_page(c, &k, NULL, &p, after);
	key_free(&k);
	return f;
}

/* check_retiring - of this account; whether there is such a principal is not asked: he may have left grants behind. */
static enum fault check_retiring(struct call *c, const char *name)
{
	struct arn arn;

	if (!arn_parse(name, &arn) || (strcmp(arn.service, "iam") && strcmp(arn.service, "sts")))
		return call_fail(c, FAULT_INVALID_ARN, "%s is not the ARN of a principal", name);
	if (strcmp(arn.account, c->svc->account))
		return call_fail(c, FAULT_INVALID_ARN, "%s is not a principal of this account", name);
	return FAULT_NONE;
}

enum fault op_list_retirable_grants(struct call *c)
{
	struct page p = { .c = c, .w = JSONW_INIT(&c->out), .left = 50 };
	char after[MARKER_NAME_MAX];
	const char *retiring = NULL;
	enum fault f;

	f = param_required(c, "RetiringPrincipal", 1, 256, &retiring);
	if (!f)
		f = param_page(c, LIST_GRANTS_MAX, &p.left, after);
	if (!f)
		f = check_retiring(c, retiring);
	if (!f)
		f = authz_account(c, "ListRetirableGrants", retiring, &(struct authz){ 0 });
	return f ? f : list_page(c, NULL, retiring, &p, after);
}
