// SPDX-License-Identifier: GPL-2.0-or-later
#include "call.h"
#include "output.h"
#include "verb.h"

struct args {
	bool json;
};

static int cmd_close(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL };
	struct json_object *result = NULL;
	struct args a = { 0 };
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	status = call_simple(call_request("close", operands[0]), a.json, &result);
	if (!status && a.json)
		out_json(result);
	else if (!status)
		printf("%s is closed%s\n", operands[0], out_bool(result, "already") ? " already" : "");
	json_object_put(result);
	return status;
}

static const struct opt opts[] = {
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_close = {
	.name = "close",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Destroy the key in the kernel and remove the mapping",
	.details = "Refused while the volume is mounted or otherwise in use; the message says by whom. Of a swap volume, swapping\n"
		   "ends first; that is refused while memory has no room for what is in it.",
	.opts = opts,
	.func = cmd_close,
};
