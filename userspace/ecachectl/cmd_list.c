// SPDX-License-Identifier: GPL-2.0-or-later
#include "volumes.h"

static const struct opt opts[] = {
	OPT_JSON(struct volumes_args),
	OPT_END
};

static int cmd_list(const struct verb *v, int argc, char **argv)
{
	return volumes_show(v, argc, argv, "list", VOLUMES_LIST);
}

const struct verb verb_list = {
	.name = "list",
	.operands = "",
	.max_operands = 0,
	.summary = "List the volumes of this host, one a line",
	.opts = opts,
	.func = cmd_list,
};
