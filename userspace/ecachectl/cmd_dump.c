// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "output.h"
#include "verb.h"

struct args {
	bool json;
};

static int cmd_dump(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL };
	struct json_object *msg, *result = NULL;
	struct args a = { 0 };
	char *device = NULL;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	/* A volume name has no slash, a device always gets one. */
	if (strchr(operands[0], '/'))
		device = out_device_path(operands[0]);
	msg = call_request("dump", device ? NULL : operands[0]);
	call_add_string(msg, "device", device);
	status = call_simple(msg, a.json, &result);
	if (!status && a.json)
		out_json(result);
	else if (!status)
		out_dump(result);
	json_object_put(result);
	free(device);
	return status;
}

static const struct opt opts[] = {
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_dump = {
	.name = "dump",
	.operands = "NAME|DEVICE",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Show header, token, pin and state (none of it is secret)",
	.details = "A DEVICE is a path: it has a slash.",
	.opts = opts,
	.func = cmd_dump,
};
