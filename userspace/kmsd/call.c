// SPDX-License-Identifier: GPL-2.0-or-later
#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

enum fault call_fail(struct call *c, enum fault f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->message, sizeof(c->message), fmt, ap);
	va_end(ap);
	/* Words of the request may be in it, cut inside a character or never checked to be UTF-8. */
	for (char *p = c->message; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	c->fault = f;
	return f;
}

enum fault call_internal(struct call *c, int rc)
{
	/* What happened is the operator's to read; the client learns that it was not his doing. */
	log_err("request %s (%s): %s", c->request_id, c->op ? c->op->name : "?", strerror(-rc));
	return call_fail(c, FAULT_INTERNAL, "The request could not be processed; it can be retried");
}

enum fault call_dry_run(struct call *c)
{
	return call_fail(c, FAULT_DRY_RUN, "The request would have succeeded, but the DryRun option is set.");
}

enum fault call_done(struct call *c)
{
	return c->out.failed ? call_internal(c, -ENOMEM) : FAULT_NONE;
}

/* Sorted. Those that are refused are for keys of other kinds, regions or origins, and for key stores. */
static const struct operation operations[] = {
	{ "CancelKeyDeletion", op_cancel_key_deletion, true, FAULT_NONE },
	{ "ConnectCustomKeyStore", op_refused_store, false, FAULT_STORE_NOT_FOUND },
	{ "CreateAlias", op_create_alias, true, FAULT_NONE },
	{ "CreateCustomKeyStore", op_refused, false, FAULT_UNSUPPORTED },
	{ "CreateGrant", op_create_grant, true, FAULT_NONE },
	{ "CreateKey", op_create_key, true, FAULT_NONE },
	{ "Decrypt", op_decrypt, false, FAULT_NONE },
	{ "DeleteAlias", op_delete_alias, true, FAULT_NONE },
	{ "DeleteCustomKeyStore", op_refused_store, false, FAULT_STORE_NOT_FOUND },
	{ "DeleteImportedKeyMaterial", op_refused_on_key, false, FAULT_UNSUPPORTED },
	{ "DeriveSharedSecret", op_refused_crypto, false, FAULT_INVALID_KEY_USAGE },
	{ "DescribeCustomKeyStores", op_describe_custom_key_stores, false, FAULT_NONE },
	{ "DescribeKey", op_describe_key, false, FAULT_NONE },
	{ "DisableKey", op_disable_key, true, FAULT_NONE },
	{ "DisableKeyRotation", op_disable_key_rotation, true, FAULT_NONE },
	{ "DisconnectCustomKeyStore", op_refused_store, false, FAULT_STORE_NOT_FOUND },
	{ "EnableKey", op_enable_key, true, FAULT_NONE },
	{ "EnableKeyRotation", op_enable_key_rotation, true, FAULT_NONE },
	{ "Encrypt", op_encrypt, false, FAULT_NONE },
	{ "GenerateDataKey", op_generate_data_key, false, FAULT_NONE },
	{ "GenerateDataKeyPair", op_refused_crypto, false, FAULT_UNSUPPORTED },
	{ "GenerateDataKeyPairWithoutPlaintext", op_refused_crypto, false, FAULT_UNSUPPORTED },
	{ "GenerateDataKeyWithoutPlaintext", op_generate_data_key_without_plaintext, false, FAULT_NONE },
	{ "GenerateMac", op_refused_crypto, false, FAULT_INVALID_KEY_USAGE },
	{ "GenerateRandom", op_generate_random, false, FAULT_NONE },
	{ "GetKeyLastUsage", op_refused_on_key, false, FAULT_UNSUPPORTED },
	{ "GetKeyPolicy", op_get_key_policy, false, FAULT_NONE },
	{ "GetKeyRotationStatus", op_get_key_rotation_status, false, FAULT_NONE },
	{ "GetParametersForImport", op_refused_on_key, false, FAULT_UNSUPPORTED },
	{ "GetPublicKey", op_refused_crypto, false, FAULT_UNSUPPORTED },
	{ "ImportKeyMaterial", op_refused_on_key, false, FAULT_UNSUPPORTED },
	{ "ListAliases", op_list_aliases, false, FAULT_NONE },
	{ "ListGrants", op_list_grants, false, FAULT_NONE },
	{ "ListKeyPolicies", op_list_key_policies, false, FAULT_NONE },
	{ "ListKeyRotations", op_list_key_rotations, false, FAULT_NONE },
	{ "ListKeys", op_list_keys, false, FAULT_NONE },
	{ "ListResourceTags", op_list_resource_tags, false, FAULT_NONE },
	{ "ListRetirableGrants", op_list_retirable_grants, false, FAULT_NONE },
	{ "PutKeyPolicy", op_put_key_policy, true, FAULT_NONE },
	{ "ReEncrypt", op_re_encrypt, false, FAULT_NONE },
	{ "ReplicateKey", op_refused_on_key, false, FAULT_UNSUPPORTED },
	{ "RetireGrant", op_retire_grant, true, FAULT_NONE },
	{ "RevokeGrant", op_revoke_grant, true, FAULT_NONE },
	{ "RotateKeyOnDemand", op_rotate_key_on_demand, true, FAULT_NONE },
	{ "ScheduleKeyDeletion", op_schedule_key_deletion, true, FAULT_NONE },
	{ "Sign", op_refused_crypto, false, FAULT_INVALID_KEY_USAGE },
	{ "TagResource", op_tag_resource, true, FAULT_NONE },
	{ "UntagResource", op_untag_resource, true, FAULT_NONE },
	{ "UpdateAlias", op_update_alias, true, FAULT_NONE },
	{ "UpdateCustomKeyStore", op_refused_store, false, FAULT_STORE_NOT_FOUND },
	{ "UpdateKeyDescription", op_update_key_description, true, FAULT_NONE },
	{ "UpdatePrimaryRegion", op_refused_on_key, false, FAULT_UNSUPPORTED },
	{ "Verify", op_refused_crypto, false, FAULT_INVALID_KEY_USAGE },
	{ "VerifyMac", op_refused_crypto, false, FAULT_INVALID_KEY_USAGE },
};

#define NR_OPERATIONS (sizeof(operations) / sizeof(*operations))

const struct operation *operation_find(const char *name)
{
	for (unsigned int i = 0; i < NR_OPERATIONS; i++)
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	return NULL;
}

const struct operation *operation_at(unsigned int i)
{
	return i < NR_OPERATIONS ? &operations[i] : NULL;
}
