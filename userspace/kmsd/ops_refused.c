// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operations of AWS KMS that this server does not have. Whoever may not call them at all learns that first, and a key
 * that is not there is not there: a client finds out about the operation what it would find out at AWS with a symmetric
 * key of one region whose material AWS made.
 */
#include "authz.h"
#include "keyref.h"
#include "param.h"

static enum fault refuse(struct call *c)
{
	if (c->op->refused == FAULT_INVALID_KEY_USAGE)
		return call_fail(c, c->op->refused, "%s key usage is ENCRYPT_DECRYPT which is not valid for %s.",
				 c->key_arn, c->op->name);
	return call_fail(c, c->op->refused, "%s is not supported for keys of this server", c->op->name);
}

static enum fault refuse_key(struct call *c, enum keyref_form form, bool usable)
{
	struct key k = { 0 };
	const char *ref = NULL;
	enum fault f = param_required(c, "KeyId", 1, 2048, &ref);

	if (!f)
		f = keyref_find(c, ref, form, &k, NULL);
	if (!f)
		f = authz_key(c, c->op->name, &k, &(struct authz){ 0 });
	if (!f && usable)
		f = keyref_usable(c, &k);
	key_free(&k);
	return f ? f : refuse(c);
}

enum fault op_refused_on_key(struct call *c)
{
	return refuse_key(c, KEYREF_ID, false);
}

enum fault op_refused_crypto(struct call *c)
{
	return refuse_key(c, KEYREF_CRYPTO, true);
}

enum fault op_refused(struct call *c)
{
	enum fault f = authz_account(c, c->op->name, "*", &(struct authz){ 0 });

	return f ? f : refuse(c);
}

static enum fault no_store(struct call *c, const char *store)
{
	return call_fail(c, FAULT_STORE_NOT_FOUND, "There is no custom key store %.256s", store);
}

enum fault op_refused_store(struct call *c)
{
	const char *store = NULL;
	enum fault f = param_required(c, "CustomKeyStoreId", 1, 64, &store);

	if (!f)
		f = authz_account(c, c->op->name, "*", &(struct authz){ 0 });
	return f ? f : no_store(c, store);
}

/* There are none: an empty list is the truth. */
enum fault op_describe_custom_key_stores(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	const char *store = NULL, *name = NULL;
	char after[MARKER_NAME_MAX];
	int64_t limit = 100;
	enum fault f = param_page(c, 1000, &limit, after);

	if (!f)
		f = param_string(c, "CustomKeyStoreId", 1, 64, &store);
	if (!f)
		f = param_string(c, "CustomKeyStoreName", 1, 256, &name);
	if (!f && store && name)
		f = param_invalid(c, "CustomKeyStoreName", "Member must be null when CustomKeyStoreId is given");
	if (!f)
		f = authz_account(c, "DescribeCustomKeyStores", "*", &(struct authz){ 0 });
	if (!f && (store || name))
		f = no_store(c, store ? store : name);
	if (f)
		return f;
	jsonw_open(&w, NULL, '{');
	jsonw_open(&w, "CustomKeyStores", '[');
	jsonw_close(&w, ']');
	param_put_marker(&w, false, "");
	jsonw_close(&w, '}');
	return call_done(c);
}
