// SPDX-License-Identifier: GPL-2.0-or-later
#include "volumes.h"

static const struct opt opts[] = {
	{ "backups", NULL, "the backups that this host made, instead", OPT_FLAG,
	  offsetof(struct volumes_args, backups) },
	OPT_JSON(struct volumes_args),
	OPT_END
};

static int cmd_list(const struct verb *v, int argc, char **argv)
{
	struct volumes_args a = { 0 };
	int status;

	if (!verb_parse(v, argc, argv, &a, NULL, &status))
		return status;
	return a.backups ? backups_show(a.json) : volumes_show(v, argc, argv, "list", VOLUMES_LIST);
}

const struct verb verb_list = {
	.name = "list",
	.operands = "",
	.max_operands = 0,
	.summary = "List the volumes of this host, or its backups, one a line",
	.opts = opts,
	.func = cmd_list,
};
