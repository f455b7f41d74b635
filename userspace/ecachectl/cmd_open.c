// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "call.h"
#include "output.h"
#include "verb.h"

struct args {
	const char *device;
	bool accept_older_header;
	bool json;
};

static int cmd_open(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL };
	struct json_object *msg, *result = NULL;
	struct args a = { 0 };
	char *device;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	device = a.device ? out_device_path(a.device) : NULL;
	msg = call_request("open", operands[0]);
	call_add_string(msg, "device", device);
	call_add_flag(msg, "accept_older_header", a.accept_older_header);
	status = call_simple(msg, a.json, &result);
	if (!status && a.json)
		out_json(result);
	else if (!status)
		printf("/dev/mapper/%s is open%s\n", operands[0], out_bool(result, "already") ? " already" : "");
	json_object_put(result);
	free(device);
	return status;
}

static const struct opt opts[] = {
	{ "device", "DEV", "block device instead of the pin file's", OPT_STRING, offsetof(struct args, device) },
	{ "accept-older-header", NULL, "take a header older than the one this host saw last (audited)", OPT_FLAG,
	  offsetof(struct args, accept_older_header) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_open = {
	.name = "open",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Unwrap the volume's key through the KMS and map it as /dev/mapper/NAME",
	.opts = opts,
	.func = cmd_open,
};
