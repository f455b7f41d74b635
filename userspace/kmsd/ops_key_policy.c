// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "authz.h"
#include "key_policy.h"
#include "keyref.h"
#include "param.h"

#define LIST_POLICIES_MAX 1000

static enum fault policy_name(struct call *c)
{
	const char *name = KEY_POLICY_NAME;
	enum fault f = param_string(c, "PolicyName", 1, 128, &name);

	if (!f && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") < strlen(name))
		return param_invalid(c, "PolicyName", "Member must satisfy regular expression pattern: [\\w]+");
	if (!f && strcmp(name, KEY_POLICY_NAME))
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
		jsonw_string(&w, "PolicyName", KEY_POLICY_NAME);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	key_free(&k);
	return f;
}

enum fault op_put_key_policy(struct call *c)
{
	const char *ref = NULL, *policy = NULL;
	bool bypass = false;
	struct key k = { 0 };
	enum fault f;
	int rc;

	f = param_required(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = key_policy_read(c, &policy);
	if (!f && !policy)
		f = param_invalid(c, "Policy", "Member must not be null");
	if (!f)
		f = param_bool(c, "BypassPolicyLockoutSafetyCheck", &bypass);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = authz_key(c, "PutKeyPolicy", &k, &(struct authz){ .bypass = bypass ? "true" : "false" });
	if (!f)
		f = keyref_customer(c, &k);
	if (!f)
		f = policy_name(c);
	if (!f)
		f = key_policy_check(c, policy, bypass);
	if (!f) {
		rc = store_key_set_policy(c->svc->store, k.id, policy);
		f = rc ? call_internal(c, rc) : FAULT_NONE;
	}
	key_free(&k);
	return f;
}

enum fault op_list_key_policies(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	char after[MARKER_NAME_MAX];
	const char *ref = NULL;
	int64_t limit = 100;
	struct key k = { 0 };
	enum fault f;

	f = param_required(c, "KeyId", 1, 2048, &ref);
	if (!f)
		f = param_page(c, LIST_POLICIES_MAX, &limit, after);
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = authz_key(c, "ListKeyPolicies", &k, &(struct authz){ 0 });
	if (!f) {
		jsonw_open(&w, NULL, '{');
		jsonw_open(&w, "PolicyNames", '[');
		if (strcmp(KEY_POLICY_NAME, after) > 0)
			jsonw_string(&w, NULL, KEY_POLICY_NAME);
		jsonw_close(&w, ']');
		param_put_marker(&w, false, "");
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	key_free(&k);
	return f;
}
