// SPDX-License-Identifier: GPL-2.0-or-later
#include "call.h"
#include "creator.h"
#include "output.h"
#include "verb.h"

struct args {
	struct creator creator;
	const char *grant_id;
	const char *host;
	bool json;
};

static int cmd_regrant(const struct verb *v, int argc, char **argv)
{
	static const struct call_ops ops = { .ask = creator_ask };
	struct json_object *msg, *result = NULL;
	const char *operands[1] = { NULL };
	struct args a = { 0 };
	struct err e = ERR_INIT;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	msg = call_request("regrant", operands[0]);
	call_add_string(msg, "grant_id", a.grant_id);
	call_add_string(msg, "host", a.host);
	if (call_run(msg, &ops, &a.creator, true, &result, &e))
		status = call_fail(&e, a.json);
	else if (a.json)
		out_json(result);
	else
		printf("%s has grant %s; `ecachectl open %s` opens it on the host %s\n", operands[0],
		       out_str(result, "grant_id"), operands[0], out_str(result, "host"));
	json_object_put(result);
	return status;
}

static const struct opt opts[] = {
	{ "grant-id", "ID", "use this grant, made by the key's owner, instead of creating one", OPT_STRING,
	  offsetof(struct args, grant_id) },
	{ "host", "ARN", "the grantee (default: this host); with another host's, this one loses the volume", OPT_STRING,
	  offsetof(struct args, host) },
	CREATOR_PROFILE(struct args),
	CREATOR_CREDENTIALS(struct args),
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_regrant = {
	.name = "regrant",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Give the volume a new grant on its KMS key after a revocation",
	.details = "The grant has the name and the encryption context of the first one. It is tried before anything\n"
		   "is written; but one for another host only that host can try, when it opens the volume.",
	.opts = opts,
	.func = cmd_regrant,
};
