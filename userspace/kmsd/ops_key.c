// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authz.h"
#include "key_metadata.h"
#include "key_policy.h"
#include "keyref.h"
#include "param.h"
#include "tag.h"

#define LIST_KEYS_MAX 1000
#define KEYS_MAX 100000	/* of the customer */

/* What AWS knows and this server does not make. */
static const char *const other_specs[] = {
	"RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
	"ECC_NIST_EDWARDS25519", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2", "ML_DSA_44", "ML_DSA_65",
	"ML_DSA_87", NULL,
};

static const char *const other_usages[] = { "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", NULL };
static const char *const other_origins[] = { "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE", NULL };

/* must_be - a member whose only supported value is @value; one of @others is FAULT_UNSUPPORTED. */
static enum fault must_be(struct call *c, const char *name, const char *value, const char *const *others)
{
	const char *given = NULL;
	char text[128];
	enum fault f = param_string(c, name, 0, HTTP_BODY_MAX, &given);

	if (f || !given || !strcmp(given, value))
		return f;
	for (; *others; others++)
		if (!strcmp(given, *others))
			return call_fail(c, FAULT_UNSUPPORTED, "%s %s is not supported; only %s is", name, given,
					 value);
	snprintf(text, sizeof(text), "Member must satisfy enum value set; supported here: [%s]", value);
	return param_invalid(c, name, text);
}

static enum fault check_create_params(struct call *c)
{
	const char *store = NULL, *xks = NULL;
	bool multi_region = false;
	enum fault f = must_be(c, "KeyUsage", "ENCRYPT_DECRYPT", other_usages);

	if (!f)
		f = must_be(c, "KeySpec", "SYMMETRIC_DEFAULT", other_specs);
	if (!f)
		f = must_be(c, "CustomerMasterKeySpec", "SYMMETRIC_DEFAULT", other_specs);
	if (!f)
		f = must_be(c, "Origin", "AWS_KMS", other_origins);
	if (!f)
		f = param_string(c, "CustomKeyStoreId", 1, 64, &store);
	if (!f && store)
		f = call_fail(c, FAULT_STORE_NOT_FOUND, "There is no custom key store %.64s", store);
	if (!f)
		f = param_string(c, "XksKeyId", 1, 128, &xks);
	if (!f && xks)
		f = param_absent(c, "XksKeyId");
	if (!f)
		f = param_bool(c, "MultiRegion", &multi_region);
	if (!f && multi_region)
		f = call_fail(c, FAULT_UNSUPPORTED, "Multi-region keys are not supported");
	return f;
}

/* What a CreateKey asks for. */
struct new_key {
	const char *description;
	const char *policy;	/* NULL: the default */
	bool bypass;
	struct tag_list tags;
};

static enum fault read_new_key(struct call *c, struct new_key *n)
{
	enum fault f = param_text(c, "Description", DESCRIPTION_CHARS, &n->description);

	if (!f)
		f = key_policy_read(c, &n->policy);
	if (!f)
		f = param_bool(c, "BypassPolicyLockoutSafetyCheck", &n->bypass);
	if (!f)
		f = check_create_params(c);
	return f ? f : tags_read(c, &n->tags);
}

/* may_create - and give tags, which is a permission of its own. */
static enum fault may_create(struct call *c, const struct new_key *n)
{
	const struct authz a = { .new_key = true, .tags = &n->tags, .bypass = n->bypass ? "true" : "false" };
	enum fault f = authz_account(c, "CreateKey", "*", &a);
	int64_t nr = 0;
	int rc;

	if (!f && n->tags.nr)
		f = authz_account(c, "TagResource", c->key_arn, &a);
	if (f)
		return f;
	rc = store_key_count(c->svc->store, &nr);
	if (!rc && nr >= KEYS_MAX)
		return call_fail(c, FAULT_LIMIT_EXCEEDED, "The account has %d keys, as many as it may have", KEYS_MAX);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

static int add_key(struct call *c, const struct new_key *n, struct key *k)
{
	int rc = 0;

	k->description = strdup(n->description);
	k->policy = n->policy ? strdup(n->policy) : NULL;
	if (!k->description || (n->policy && !k->policy))
		return -ENOMEM;
	rc = keyref_new(c->svc, k, c->now_ms);
	for (unsigned int i = 0; !rc && i < n->tags.nr; i++)
		rc = store_tag_set(c->svc->store, k->id, n->tags.tag[i].name, n->tags.tag[i].value);
	return rc;
}

enum fault op_create_key(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	struct new_key n = { .description = "" };
	struct key k = { 0 };
	enum fault f = read_new_key(c, &n);
	int rc;

	if (!f) {
		rc = ident_new_uuid(k.id);
		keyref_arn(c->svc, k.id, c->key_arn);
		f = rc ? call_internal(c, rc) : may_create(c, &n);
	}
	if (!f && n.policy)
		f = key_policy_check(c, n.policy, n.bypass);
	if (!f) {
		rc = add_key(c, &n, &k);
		f = rc ? call_internal(c, rc) : FAULT_NONE;
	}
	if (!f) {
		jsonw_open(&w, NULL, '{');
		key_metadata_put(&w, c, &k);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	tags_free(&n.tags);
	key_free(&k);
	return f;
}

enum fault op_update_key_description(struct call *c)
{
	const char *ref = NULL, *description = NULL;
	struct key k = { 0 };
	enum fault f = param_required(c, "KeyId", 1, 2048, &ref);
	int rc;

	if (!f)
		f = param_text(c, "Description", DESCRIPTION_CHARS, &description);
	if (!f && !description)
		f = param_invalid(c, "Description", "Member must not be null");
	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, &k, NULL);
	if (!f)
		f = authz_key(c, "UpdateKeyDescription", &k, &(struct authz){ 0 });
	if (!f)
		f = keyref_customer(c, &k);
	if (!f)
		f = keyref_not_pending(c, &k);
	if (!f) {
		rc = store_key_set_description(c->svc->store, k.id, description);
		f = rc ? call_internal(c, rc) : FAULT_NONE;
	}
	key_free(&k);
	return f;
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
		f = authz_account(c, "ListKeys", "*", &(struct authz){ 0 });
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
