// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "output.h"
#include "verb.h"

struct args {
	bool discard;
	bool yes;
	bool json;
};

/* confirm - the operator types the volume's name; without a terminal only --yes does. */
static int confirm(const char *name, struct err *e)
{
	char line[128];

	if (!isatty(STDIN_FILENO)) {
		err_set(e, -EPERM, "there is no terminal to ask on whether %s is to be destroyed", name);
		return err_hint(e, "--yes says so.");
	}
	fprintf(stderr, "This destroys the data of volume %s for ever. Type its name to go on: ", name);
	if (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, name))
			return 0;
	}
	return err_set(e, -ECANCELED, "not confirmed, nothing was changed");
}

static int cmd_destroy(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL };
	struct json_object *msg, *result = NULL;
	struct args a = { 0 };
	struct err e = ERR_INIT;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	if (!a.yes && confirm(operands[0], &e))
		return call_fail(&e, a.json);
	msg = call_request("destroy", operands[0]);
	call_add_flag(msg, "discard", a.discard);
	status = call_simple(msg, a.json, &result);
	if (!status && a.json) {
		out_json(result);
	} else if (!status) {
		printf("%s is destroyed\n", operands[0]);
		if (json_object_object_get(result, "note"))
			printf("%s\n", out_str(result, "note"));
	}
	json_object_put(result);
	return status;
}

static const struct opt opts[] = {
	{ "discard", NULL, "then tell the device that nothing on it is needed any more", OPT_FLAG,
	  offsetof(struct args, discard) },
	{ "yes", NULL, "do not ask", OPT_FLAG, offsetof(struct args, yes) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_destroy = {
	.name = "destroy",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Close the volume, wipe its header and retire its grant: the data is gone",
	.opts = opts,
	.func = cmd_destroy,
};
