// SPDX-License-Identifier: GPL-2.0-or-later
#include "volumes.h"

static const struct opt opts[] = {
	OPT_JSON(struct volumes_args),
	OPT_END
};

static int cmd_status(const struct verb *v, int argc, char **argv)
{
	return volumes_show(v, argc, argv, "status", VOLUMES_STATUS);
}

const struct verb verb_status = {
	.name = "status",
	.operands = "[NAME]",
	.max_operands = 1,
	.summary = "Show everything about one volume, or about all",
	.opts = opts,
	.func = cmd_status,
};
