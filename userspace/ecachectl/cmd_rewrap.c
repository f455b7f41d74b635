// SPDX-License-Identifier: GPL-2.0-or-later
#include "call.h"
#include "creator.h"
#include "output.h"
#include "verb.h"

struct args {
	struct creator creator;
	const char *kms_key;
	const char *grant_id;
	bool json;
};

static int cmd_rewrap(const struct verb *v, int argc, char **argv)
{
	static const struct call_ops ops = { .ask = creator_ask };
	struct json_object *msg, *result = NULL;
	const char *operands[1] = { NULL };
	struct args a = { 0 };
	struct err e = ERR_INIT;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	msg = call_request("rewrap", operands[0]);
	call_add_string(msg, "kms_key", a.kms_key);
	call_add_string(msg, "grant_id", a.grant_id);
	if (call_run(msg, &ops, &a.creator, true, &result, &e))
		status = call_fail(&e, a.json);
	else if (a.json)
		out_json(result);
	else
		printf("%s is under %s, with grant %s; ecached retires the old grant %s next\n", operands[0],
		       out_str(result, "key_arn"), out_str(result, "grant_id"), out_str(result, "old_grant_id"));
	json_object_put(result);
	return status;
}

static const struct opt opts[] = {
	{ "kms-key", "KEY", "the new KMS key: id, alias or ARN", OPT_STRING_NEEDED, offsetof(struct args, kms_key) },
	{ "grant-id", "ID", "use this grant on the new key, made by its owner, instead of creating one", OPT_STRING,
	  offsetof(struct args, grant_id) },
	CREATOR_PROFILE(struct args),
	CREATOR_CREDENTIALS(struct args),
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_rewrap = {
	.name = "rewrap",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Put the volume under another KMS key, open or closed",
	.details = "The volume's own key stays, so nothing is encrypted again: the new KMS key wraps it (ReEncrypt).\n"
		   "From then on the new key's owner ends access to it. Older copies of the header still open under\n"
		   "the old key, for whoever may use that.",
	.opts = opts,
	.func = cmd_rewrap,
};
