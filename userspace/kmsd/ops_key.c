// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authz.h"
#include "key_metadata.h"
#include "keyref.h"
#include "param.h"
#include "principal.h"

#define LIST_KEYS_MAX 1000
#define POLICY_NAME "default"

/* must_be - a member whose only supported value is @value; another value that AWS knows is FAULT_UNSUPPORTED. */
static enum fault must_be(struct call *c, const char *name, const char *value)
{
	const char *given = NULL;
	enum fault f = param_string(c, name, 1, 64, &given);

	if (!f && given && strcmp(given, value))
		f = call_fail(c, FAULT_UNSUPPORTED, "%s %s is not supported; only %s is", name, given, value);
	return f;
}

static enum fault check_create_params(struct call *c)
{
	bool multi_region = false;
	enum fault f = must_be(c, "KeyUsage", "ENCRYPT_DECRYPT");

	if (!f)
		f = must_be(c, "KeySpec", "SYMMETRIC_DEFAULT");
	if (!f)
		f = must_be(c, "CustomerMasterKeySpec", "SYMMETRIC_DEFAULT");
	if (!f)
		f = must_be(c, "Origin", "AWS_KMS");
	if (!f)
		f = param_absent(c, "CustomKeyStoreId");
	if (!f)
		f = param_absent(c, "XksKeyId");
	if (!f)
		f = param_absent(c, "Tags");
	if (!f)
		f = param_bool(c, "MultiRegion", &multi_region);
	if (!f && multi_region)
		f = call_fail(c, FAULT_UNSUPPORTED, "Multi-region keys are not supported");
	return f;
}

/* principal_exists - for the principals that a key policy names: in this account they must be there. */
static int principal_exists(void *ctx, const char *name)
{
	struct call *c = ctx;
	struct principal p;
	struct arn arn;
	int rc;

	if (!arn_parse(name, &arn) || strcmp(arn.account, c->svc->account) || !strcmp(arn.resource, "root"))
		return 0;
	rc = principal_by_arn(c->svc, name, &p);
	principal_free(&p);
	return rc;
}

/* check_policy - a key policy that comes in: of known words, for principals that exist, and not without its author. */
static enum fault check_policy(struct call *c, const char *text)
{
	struct err why = ERR_INIT;
	bool bypass = false, yes = true;
	enum fault f = param_bool(c, "BypassPolicyLockoutSafetyCheck", &bypass);
	struct policy p;
	int rc;

	if (f)
		return f;
	rc = policy_parse(text, POLICY_OF_KEY, true, &p, &why);
	if (rc)
		return call_fail(c, FAULT_MALFORMED_POLICY, "The new key policy is not valid: %s", why.what);
	rc = policy_principals(&p, principal_exists, c);
	if (rc == -ENOENT)
		f = call_fail(c, FAULT_MALFORMED_POLICY,
			      "Policy contains a statement with one or more invalid principals.");
	else if (rc)
		f = call_internal(c, rc);
	if (!f && !bypass)
		f = authz_would_allow(c, "PutKeyPolicy", &p, &yes);
	if (!f && !yes)
		f = call_fail(c, FAULT_MALFORMED_POLICY,
			      "The new key policy will not allow you to update the key policy in the future.");
	policy_free(&p);
	return f;
}

enum fault op_create_key(struct call *c)
{
	const char *description = "", *policy = NULL;
	struct jsonw w = JSONW_INIT(&c->out);
	struct key k = { 0 };
	enum fault f;
	int rc;

	f = param_string(c, "Description", 0, DESCRIPTION_SIZE - 1, &description);
	if (!f)
		f = param_string(c, "Policy", 1, POLICY_BYTES_MAX, &policy);
	if (!f)
		f = check_create_params(c);
	if (!f)
		f = authz_account(c, "CreateKey", "*");
	if (f)
		return f;
	rc = ident_new_uuid(k.id);
	keyref_arn(c->svc, k.id, c->key_arn);
	if (!rc && policy)
		f = check_policy(c, policy);
	if (f)
		return f;
	k.description = strdup(description);
	k.policy = policy ? strdup(policy) : NULL;
	if (!k.description || (policy && !k.policy))
		rc = -ENOMEM;
	if (!rc)
		rc = keyref_new(c->svc, &k, c->now_ms);
	if (!rc) {
		jsonw_open(&w, NULL, '{');
		key_metadata_put(&w, c, &k);
		jsonw_close(&w, '}');
	}
	key_free(&k);
	return rc ? call_internal(c, rc) : call_done(c);
}

enum fault op_describe_key(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	char alias[ALIAS_SIZE] = "";
	const char *ref = NULL;
	struct key k = { 0 };
	enum fault f;

	f = param_required(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = param_grant_tokens(c);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ANY, &k, alias);
	if (!f)
		f = authz_key(c, "DescribeKey", &k, &(struct authz){ .alias = *alias ? alias : NULL });
	if (!f) {
		jsonw_open(&w, NULL, '{');
		key_metadata_put(&w, c, &k);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	key_free(&k);
	return f;
}

enum fault op_list_keys(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	char after[MARKER_NAME_MAX], arn[ARN_SIZE];
	struct key_ref *list;
	int64_t limit = 100;
	unsigned int nr;
	enum fault f;
	int rc;

	f = param_page(c, LIST_KEYS_MAX, &limit, after);
	if (!f)
		f = authz_account(c, "ListKeys", "*");
	if (f)
		return f;
	list = calloc((size_t)limit + 1, sizeof(*list));
	if (!list)
		return call_internal(c, -ENOMEM);
	rc = store_key_list(c->svc->store, after, (unsigned int)limit + 1, list, &nr);
	jsonw_open(&w, NULL, '{');
	jsonw_open(&w, "Keys", '[');
	for (unsigned int i = 0; !rc && i < nr && i < limit; i++) {
		keyref_arn(c->svc, list[i].id, arn);
		jsonw_open(&w, NULL, '{');
		jsonw_string(&w, "KeyId", list[i].id);
		jsonw_string(&w, "KeyArn", arn);
		jsonw_close(&w, '}');
	}
	jsonw_close(&w, ']');
	param_put_marker(&w, nr > limit, nr > limit ? list[limit - 1].id : "");
	jsonw_close(&w, '}');
	free(list);
	return rc ? call_internal(c, rc) : call_done(c);
}

static enum fault policy_name(struct call *c)
{
	const char *name = POLICY_NAME;
	enum fault f = param_string(c, "PolicyName", 1, 128, &name);

	if (!f && strcmp(name, POLICY_NAME))
		f = call_fail(c, FAULT_NOT_FOUND, "No such policy exists");
	return f;
}

enum fault op_get_key_policy(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	const char *ref = NULL;
	struct key k = { 0 };
	enum fault f;

	f = param_required(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = authz_key(c, "GetKeyPolicy", &k, &(struct authz){ 0 });
	if (!f)
		f = policy_name(c);
	if (!f) {
		jsonw_open(&w, NULL, '{');
		jsonw_string(&w, "Policy", k.policy);
		jsonw_string(&w, "PolicyName", POLICY_NAME);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	key_free(&k);
	return f;
}

enum fault op_put_key_policy(struct call *c)
{
	const char *ref = NULL, *policy = NULL;
	struct key k = { 0 };
	enum fault f;
	int rc;

	f = param_required(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = param_required(c, "Policy", 1, POLICY_BYTES_MAX, &policy);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = authz_key(c, "PutKeyPolicy", &k, &(struct authz){ 0 });
	if (!f)
		f = policy_name(c);
	if (!f)
		f = check_policy(c, policy);
	if (!f) {
		rc = store_key_set_policy(c->svc->store, k.id, policy);
		f = rc ? call_internal(c, rc) : FAULT_NONE;
	}
	key_free(&k);
	return f;
}
