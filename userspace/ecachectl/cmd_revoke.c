// SPDX-License-Identifier: GPL-2.0-or-later
#include "call.h"
#include "creator.h"
#include "output.h"
#include "verb.h"

struct args {
	struct creator creator;
	bool grant;
	bool json;
};

static void print(struct json_object *result, const char *name)
{
	printf("%s is revoked on this host; its data stays, `ecachectl regrant %s` brings it back\n", name, name);
	if (json_object_object_get(result, "grant_id"))
		printf("its grant %s in the KMS is revoked\n", out_str(result, "grant_id"));
	out_teardown(result);
}

static int cmd_revoke(const struct verb *v, int argc, char **argv)
{
	static const struct call_ops ops = { .ask = creator_ask };
	struct json_object *msg, *result = NULL;
	const char *operands[1] = { NULL };
	struct args a = { 0 };
	struct err e = ERR_INIT;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	if (!a.grant && (a.creator.profile || a.creator.credentials)) {
		fprintf(stderr, "ecachectl revoke: credentials are for --grant only\n");
		return EXIT_USAGE;
	}
	msg = call_request("revoke", operands[0]);
	call_add_flag(msg, "revoke_grant", a.grant);
	if (call_run(msg, &ops, &a.creator, false, &result, &e))
		status = call_fail(&e, a.json);
	else if (a.json)
		out_json(result);
	else
		print(result, operands[0]);
	json_object_put(result);
	return status;
}

static const struct opt opts[] = {
	{ "grant", NULL, "revoke its grant in the KMS, too, with your credentials", OPT_FLAG,
	  offsetof(struct args, grant) },
	CREATOR_PROFILE(struct args),
	CREATOR_CREDENTIALS(struct args),
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_revoke = {
	.name = "revoke",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Tear the volume down now and refuse to open it until regrant",
	.details = "The unit of the volume is stopped, file systems on it are shut down, and the key is destroyed, in\n"
		   "use or not. Local to this host, and the grant in the KMS is left as it is; with --grant ecachectl\n"
		   "itself calls RevokeGrant afterwards, with your AWS credentials.",
	.opts = opts,
	.func = cmd_revoke,
};
