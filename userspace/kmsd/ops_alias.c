// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authz.h"
#include "keyref.h"
#include "param.h"

#define LIST_ALIASES_MAX 100
#define ALIASES_PER_KEY 50

static enum fault check_new_name(struct call *c, const char *name)
{
	if (!ident_alias_ok(name))
		return call_fail(c, FAULT_INVALID_ALIAS_NAME,
				 "An alias name is \"alias/\" and up to 250 letters, digits, '/', '_' and '-'");
	if (!strncmp(name, "alias/aws/", 10))
		return call_fail(c, FAULT_INVALID_ALIAS_NAME, "Names that begin with \"alias/aws/\" are reserved");
	return FAULT_NONE;
}

/* check_room - one more alias for the key? */
static enum fault check_room(struct call *c, const struct key *k)
{
	int64_t nr = 0;
	int rc = store_alias_count(c->svc->store, k->id, &nr);

	if (!rc && nr >= ALIASES_PER_KEY)
		return call_fail(c, FAULT_LIMIT_EXCEEDED, "The key has %d aliases, as many as it may have",
				 ALIASES_PER_KEY);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

/* authorize_target - the second of the permissions: for the key. The first is for the alias. */
static enum fault authorize_target(struct call *c, const char *op, const struct key *k)
{
	enum fault f = authz_key(c, op, k, &(struct authz){ 0 });

	if (!f)
		f = keyref_customer(c, k);
	if (!f)
		f = keyref_not_pending(c, k);
	return f;
}

enum fault op_create_alias(struct call *c)
{
	struct alias a = { .created_ms = c->now_ms, .updated_ms = c->now_ms };
	const char *name = NULL, *target = NULL;
	char alias_arn[ARN_SIZE];
	struct key k = { 0 };
	enum fault f;
	int rc;

	f = param_required(c, "AliasName", 1, 256, &name);
	if (!f)
		f = param_required(c, "TargetKeyId", 1, 2048, &target);
	if (!f)
		f = check_new_name(c, name);
	if (!f)
		f = keyref_find(c, target, KEYREF_TARGET, &k, NULL);
	if (f)
		goto out;
	keyref_alias_arn(c->svc, name, alias_arn);
	f = authz_account(c, "CreateAlias", alias_arn, &(struct authz){ 0 });
	if (!f)
		f = authorize_target(c, "CreateAlias", &k);
	if (!f)
		f = check_room(c, &k);
	if (f)
		goto out;
	strcpy(a.name, name);
	memcpy(a.key_id, k.id, sizeof(a.key_id));
	rc = store_alias_add(c->svc->store, &a);
	if (rc == -EEXIST)
		f = call_fail(c, FAULT_ALREADY_EXISTS, "An alias with the name %s already exists", alias_arn);
	else if (rc)
		f = call_internal(c, rc);
out:
	key_free(&k);
	return f;
}

/* find_alias - of member AliasName, if the caller's own policy lets him @op it. */
static enum fault find_alias(struct call *c, const char *op, struct alias *a)
{
	const char *name = NULL;
	char arn[ARN_SIZE];
	enum fault f = param_required(c, "AliasName", 1, 256, &name);
	int rc;

	if (!f && !ident_alias_ok(name))
		f = param_invalid(c, "AliasName", "Member must begin with \"alias/\" and satisfy regular expression "
				  "pattern: ^[a-zA-Z0-9:/_-]+$");
	if (f)
		return f;
	keyref_alias_arn(c->svc, name, arn);
	f = authz_account(c, op, arn, &(struct authz){ 0 });
	if (f)
		return f;
	rc = store_alias_get(c->svc->store, name, a);
	if (rc == -ENOENT)
		return call_fail(c, FAULT_NOT_FOUND, "Alias %s is not found.", arn);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

/* authorize_old - the key that the alias leads to now; its state does not matter, it loses nothing but a name. */
static enum fault authorize_old(struct call *c, const char *op, const struct alias *a)
{
	struct key k;
	enum fault f = keyref_load(c, a->key_id, &k);

	if (!f)
		f = authz_key(c, op, &k, &(struct authz){ 0 });
	if (!f)
		f = keyref_customer(c, &k);
	key_free(&k);
	return f;
}

enum fault op_update_alias(struct call *c)
{
	const char *target = NULL;
	struct key k = { 0 };
	struct alias a;
	enum fault f;
	int rc;

	f = param_required(c, "TargetKeyId", 1, 2048, &target);
	if (!f)
		f = find_alias(c, "UpdateAlias", &a);
	if (!f)
		f = authorize_old(c, "UpdateAlias", &a);
	if (!f)
		f = keyref_find(c, target, KEYREF_TARGET, &k, NULL);
	if (!f)
		f = authorize_target(c, "UpdateAlias", &k);
	if (!f && strcmp(a.key_id, k.id))
		f = check_room(c, &k);
	if (!f) {
		memcpy(a.key_id, k.id, sizeof(a.key_id));
		a.updated_ms = c->now_ms;
		rc = store_alias_set_key(c->svc->store, &a);
		f = rc ? call_internal(c, rc) : FAULT_NONE;
	}
	key_free(&k);
	return f;
}

enum fault op_delete_alias(struct call *c)
{
	struct alias a;
	enum fault f = find_alias(c, "DeleteAlias", &a);
	int rc;

	if (!f)
		f = authorize_old(c, "DeleteAlias", &a);
	if (f)
		return f;
	rc = store_alias_delete(c->svc->store, a.name);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

static void put_alias(struct jsonw *w, const struct call *c, const struct alias *a)
{
	char arn[ARN_SIZE];

	keyref_alias_arn(c->svc, a->name, arn);
	jsonw_open(w, NULL, '{');
	jsonw_string(w, "AliasName", a->name);
	jsonw_string(w, "AliasArn", arn);
	jsonw_string(w, "TargetKeyId", a->key_id);
	jsonw_time(w, "CreationDate", a->created_ms);
	jsonw_time(w, "LastUpdatedDate", a->updated_ms);
	jsonw_close(w, '}');
}

enum fault op_list_aliases(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	char after[MARKER_NAME_MAX];
	const char *ref = NULL;
	struct alias *list;
	int64_t limit = 50;
	struct key k = { 0 };
	unsigned int nr;
	enum fault f;
	int rc;

	f = param_page(c, LIST_ALIASES_MAX, &limit, after);
	if (!f)
		f = param_string(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = authz_account(c, "ListAliases", "*", &(struct authz){ 0 });
	if (!f && ref)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	key_free(&k);
	if (f)
		return f;
	list = calloc((size_t)limit + 1, sizeof(*list));
	if (!list)
		return call_internal(c, -ENOMEM);
	rc = store_alias_list(c->svc->store, ref ? k.id : NULL, after, (unsigned int)limit + 1, list, &nr);
	jsonw_open(&w, NULL, '{');
	jsonw_open(&w, "Aliases", '[');
	for (unsigned int i = 0; !rc && i < nr && i < limit; i++)
		put_alias(&w, c, &list[i]);
	jsonw_close(&w, ']');
	param_put_marker(&w, nr > limit, nr > limit ? list[limit - 1].name : "");
	jsonw_close(&w, '}');
	free(list);
	return rc ? call_internal(c, rc) : call_done(c);
}
