// SPDX-License-Identifier: GPL-2.0-or-later
#include "verb.h"

static int cmd_help(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL };
	const struct verb *about;
	int status;

	if (!verb_parse(v, argc, argv, NULL, operands, &status))
		return status;
	if (!operands[0]) {
		usage_all(stdout);
		return EXIT_OK;
	}
	about = verb_find(operands[0]);
	if (!about) {
		fprintf(stderr, "ecachectl help: unknown verb '%s'; `ecachectl help` lists them\n", operands[0]);
		return EXIT_USAGE;
	}
	verb_help_text(stdout, about);
	return EXIT_OK;
}

const struct verb verb_help = {
	.name = "help",
	.operands = "[VERB]",
	.max_operands = 1,
	.summary = "Explain a verb, or list them",
	.func = cmd_help,
};
