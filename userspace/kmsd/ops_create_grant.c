// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authz.h"
#include "keyref.h"
#include "param.h"
#include "principal.h"

#define GRANTS_PER_KEY 50000
#define OPERATIONS_MAX 32

/* What AWS grants for keys of other kinds. */
static const char *const foreign_operations[] = {
	"DeriveSharedSecret", "GenerateMac", "GetPublicKey", "Sign", "Verify", "VerifyMac", NULL,
};

static enum fault unknown_operation(struct call *c, const char *name)
{
	for (const char *const *p = foreign_operations; *p; p++)
		if (!strcmp(*p, name))
			return call_fail(c, FAULT_VALIDATION,
					 "Operation %s cannot be granted for a symmetric encryption key", name);
	return param_invalid(c, "Operations", "Member must satisfy enum value set of the operations that can be granted");
}

static enum fault read_operations(struct call *c, struct grant *g)
{
	struct json_object *list;
	enum fault f = param_array(c, "Operations", OPERATIONS_MAX, &list);

	if (f)
		return f;
	if (!list || !json_object_array_length(list))
		return param_invalid(c, "Operations", "Member must name at least one operation");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(list, i));
		uint32_t bit = grant_operation_bit(name);

		if (!bit)
			return unknown_operation(c, name);
		g->operations |= bit;
	}
	return FAULT_NONE;
}

/* read_principal - an ARN of the account itself or of one of its principals. */
static enum fault read_principal(struct call *c, const char *name, char out[ARN_SIZE])
{
	struct principal p = { 0 };
	const char *text = NULL;
	char account[ARN_SIZE];
	enum fault f = param_string(c, name, 1, 256, &text);
	int rc;

	if (f || !text)
		return f;
	snprintf(account, sizeof(account), "arn:aws:iam::%s:root", c->svc->account);
	rc = strcmp(text, account) ? principal_by_arn(c->svc, text, &p) : 0;
	principal_free(&p);
	if (rc == -ENOENT)
		return call_fail(c, FAULT_INVALID_ARN, "ARN does not refer to a valid principal: %s", text);
	if (rc)
		return call_internal(c, rc);
	strcpy(out, text);
	return FAULT_NONE;
}

/* service_ok - "elasticache.amazonaws.com" */
static bool service_ok(const char *s)
{
	const char *dot = strchr(s, '.');

	return dot && dot > s && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == (size_t)(dot - s) &&
	       !strcmp(dot, ".amazonaws.com");
}

/* read_party - a principal by the one member or a service by the other, not both. */
static enum fault read_party(struct call *c, const char *principal, const char *service, char out[ARN_SIZE],
			     bool *is_service)
{
	const char *name = NULL;
	enum fault f = read_principal(c, principal, out);

	if (!f)
		f = param_string(c, service, 1, 256, &name);
	if (f || !name)
		return f;
	if (*out)
		return param_invalid(c, service, "Member must be null when a principal is given");
	if (!service_ok(name))
		return param_invalid(c, service, "Member must be a service, NAME.amazonaws.com");
	strcpy(out, name);
	*is_service = true;
	return FAULT_NONE;
}

static enum fault check_pairs(struct call *c, const struct context *pairs)
{
	if (!pairs->nr || pairs->nr > GRANT_PAIRS_MAX)
		return param_invalid(c, "Constraints", "An encryption context constraint has 1 to 8 pairs");
	for (unsigned int i = 0; i < pairs->nr; i++)
		if (strlen(pairs->pair[i].key) > GRANT_VALUE_MAX || strlen(pairs->pair[i].value) > GRANT_VALUE_MAX)
			return param_invalid(c, "Constraints",
					     "An encryption context constraint's keys and values have at most 384 bytes");
	return FAULT_NONE;
}

static enum fault read_pairs(struct call *c, struct json_object *o, enum grant_constraint constraint, struct grant *g)
{
	int rc;

	if (g->constraint != GRANT_UNCONSTRAINED)
		return param_invalid(c, "Constraints", "A grant has at most one encryption context constraint");
	if (!json_object_is_type(o, json_type_object))
		return call_fail(c, FAULT_SERIALIZATION, "An encryption context constraint is not a map");
	g->constraint = constraint;
	rc = context_from_json(&g->pairs, o);
	if (rc == -ENOMEM)
		return call_internal(c, rc);
	return rc ? param_invalid(c, "Constraints", "Member must be a map of strings") : check_pairs(c, &g->pairs);
}

static enum fault read_source_arn(struct call *c, struct json_object *o, struct grant *g)
{
	struct arn arn;

	if (!json_object_is_type(o, json_type_string))
		return call_fail(c, FAULT_SERIALIZATION, "SourceArn is not a string");
	if ((size_t)json_object_get_string_len(o) >= sizeof(g->source_arn) ||
	    strlen(json_object_get_string(o)) != (size_t)json_object_get_string_len(o) ||
	    !arn_parse(json_object_get_string(o), &arn))
		return param_invalid(c, "Constraints", "SourceArn must be the ARN of a resource, of at most 511 bytes");
	strcpy(g->source_arn, json_object_get_string(o));
	return FAULT_NONE;
}

static enum fault read_constraints(struct call *c, struct grant *g)
{
	struct json_object *o = NULL;
	enum fault f = FAULT_NONE;

	json_object_object_get_ex(c->in, "Constraints", &o);
	if (!o)
		return FAULT_NONE;
	if (!json_object_is_type(o, json_type_object))
		return call_fail(c, FAULT_SERIALIZATION, "Constraints is not a structure");
	json_object_object_foreach(o, name, value) {
		if (!value)
			continue;
		if (!strcmp(name, "EncryptionContextEquals"))
			f = read_pairs(c, value, GRANT_CONTEXT_EQUALS, g);
		else if (!strcmp(name, "EncryptionContextSubset"))
			f = read_pairs(c, value, GRANT_CONTEXT_SUBSET, g);
		else if (!strcmp(name, "SourceArn"))
			f = read_source_arn(c, value, g);
		else
			/* Dropping what we do not know would make the grant wider than what was asked for. */
			f = call_fail(c, FAULT_UNSUPPORTED, "Constraint %.64s is not supported", name);
		if (f)
			break;
	}
	return f;
}

static enum fault read_grant(struct call *c, struct grant *g)
{
	const char *name = NULL;
	enum fault f = read_operations(c, g);

	if (!f)
		f = read_party(c, "GranteePrincipal", "GranteeServicePrincipal", g->grantee, &g->grantee_is_service);
	if (!f && !*g->grantee)
		f = param_invalid(c, "GranteePrincipal", "Member must not be null");
	if (!f)
		f = read_party(c, "RetiringPrincipal", "RetiringServicePrincipal", g->retiring,
			       &g->retiring_is_service);
	if (!f)
		f = read_constraints(c, g);
	if (!f)
		f = param_string(c, "Name", 1, GRANT_NAME_SIZE - 1, &name);
	if (!f && name &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/_-") < strlen(name))
		f = param_invalid(c, "Name", "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$");
	if (!f && name)
		strcpy(g->name, name);
	return f;
}

struct twin {
	const struct grant *wanted;
	char id[HEX_ID_SIZE];
};

static int is_twin(void *ctx, struct grant *g)
{
	struct twin *t = ctx;

	if (!grant_same_request(t->wanted, g))
		return 0;
	memcpy(t->id, g->id, sizeof(t->id));
	return 1;
}

/* add_grant - or, when it has a name, find the one that an earlier try of the same request made. */
static enum fault add_grant(struct call *c, struct grant *g)
{
	struct grant_filter f = { .key_id = g->key_id, .name = g->name };
	struct twin twin = { .wanted = g };
	int64_t nr = 0;
	int rc;

	if (*g->name) {
		rc = store_grant_each(c->svc->store, &f, is_twin, &twin);
		if (rc < 0)
			return call_internal(c, rc);
		if (rc) {
			memcpy(g->id, twin.id, sizeof(g->id));
			return FAULT_NONE;
		}
	}
	rc = store_grant_count(c->svc->store, g->key_id, &nr);
	if (!rc && nr >= GRANTS_PER_KEY)
		return call_fail(c, FAULT_LIMIT_EXCEEDED, "The key has %d grants, as many as it may have",
				 GRANTS_PER_KEY);
	if (!rc)
		rc = ident_new_hex(g->id);
	if (!rc)
		rc = store_grant_add(c->svc->store, g);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

static enum fault answer(struct call *c, const struct grant *g)
{
	struct jsonw w = JSONW_INIT(&c->out);
	char token[GRANT_TOKEN_SIZE];
	int rc = grant_token_make(&c->svc->root, g->id, token);

	if (rc)
		return call_internal(c, rc);
	memcpy(c->grant_id, g->id, sizeof(c->grant_id));
	jsonw_open(&w, NULL, '{');
	jsonw_string(&w, "GrantToken", token);
	jsonw_string(&w, "GrantId", g->id);
	jsonw_close(&w, '}');
	return call_done(c);
}

enum fault op_create_grant(struct call *c)
{
	struct grant g = { .created_ms = c->now_ms };
	const char *ref = NULL;
	bool dry_run = false;
	struct key k = { 0 };
	enum fault f;

	f = param_required(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = param_bool(c, "DryRun", &dry_run);
	if (!f)
		f = param_grant_tokens(c);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = read_grant(c, &g);
	if (!f)
		f = authz_key(c, "CreateGrant", &k, &(struct authz){ .new_grant = &g });
	if (!f)
		f = keyref_usable(c, &k);
	if (!f && dry_run)
		f = call_dry_run(c);
	if (f)
		goto out;
	memcpy(g.key_id, k.id, sizeof(g.key_id));
	strcpy(g.issuer, c->caller_arn);
	f = add_grant(c, &g);
	if (!f)
		f = answer(c, &g);
out:
	grant_free(&g);
	key_free(&k);
	return f;
}
