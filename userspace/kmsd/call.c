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

static const struct operation operations[] = {
	{ "CancelKeyDeletion", op_cancel_key_deletion, true },
	{ "CreateAlias", op_create_alias, true },
	{ "CreateGrant", op_create_grant, true },
	{ "CreateKey", op_create_key, true },
	{ "Decrypt", op_decrypt, false },
	{ "DescribeKey", op_describe_key, false },
	{ "DisableKey", op_disable_key, true },
	{ "EnableKey", op_enable_key, true },
	{ "Encrypt", op_encrypt, false },
	{ "GenerateDataKey", op_generate_data_key, false },
	{ "GenerateDataKeyWithoutPlaintext", op_generate_data_key_without_plaintext, false },
	{ "GetKeyPolicy", op_get_key_policy, false },
	{ "ListAliases", op_list_aliases, false },
	{ "ListGrants", op_list_grants, false },
	{ "ListKeys", op_list_keys, false },
	{ "PutKeyPolicy", op_put_key_policy, true },
	{ "RetireGrant", op_retire_grant, true },
	{ "RevokeGrant", op_revoke_grant, true },
	{ "ScheduleKeyDeletion", op_schedule_key_deletion, true },
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
