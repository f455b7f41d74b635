// SPDX-License-Identifier: GPL-2.0-or-later
#include "call.h"
#include "output.h"
#include "verb.h"

struct args {
	bool json;
};

static int cmd_revoke(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL };
	struct json_object *result = NULL;
	struct args a = { 0 };
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	status = call_simple(call_request("revoke", operands[0]), a.json, &result);
	if (!status && a.json) {
		out_json(result);
	} else if (!status) {
		printf("%s is revoked on this host; its data stays, `ecachectl regrant %s` brings it back\n",
		       operands[0], operands[0]);
		out_teardown(result);
	}
	json_object_put(result);
	return status;
}

static const struct opt opts[] = {
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_revoke = {
	.name = "revoke",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Tear the volume down now and refuse to open it until regrant",
	.details = "Local to this host: the grant in the KMS is left as it is. The unit of the volume is stopped, file systems\n"
		   "on it are shut down, and the key is destroyed, in use or not.",
	.opts = opts,
	.func = cmd_revoke,
};
