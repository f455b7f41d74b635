// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "output.h"
#include "verb.h"

struct args {
	bool yes;
	bool json;
};

/* confirm - the operator types the volume's name; without a terminal only --yes does. */
static bool confirm(const char *name)
{
	char line[128];

	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "ecachectl destroy: without a terminal to ask on, --yes is needed\n");
		return false;
	}
	fprintf(stderr, "This destroys the data of volume %s for ever. Type its name to go on: ", name);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\n")] = '\0';
	if (!strcmp(line, name))
		return true;
	fprintf(stderr, "ecachectl destroy: not confirmed, nothing was changed\n");
	return false;
}

static int cmd_destroy(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL };
	struct json_object *result = NULL;
	struct args a = { 0 };
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	if (!a.yes && !confirm(operands[0]))
		return EXIT_FAILED;
	status = call_simple(call_request("destroy", operands[0]), a.json, &result);
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
