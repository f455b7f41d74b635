// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "common/log.h"
#include "common/secret.h"

static const struct verb {
	const char *name;
	int (*func)(int argc, char **argv);
} verbs[] = {
	{ "init", cmd_init },
	{ "inject", cmd_inject },
	{ "principal", cmd_principal },
	{ "serve", cmd_serve },
};

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	int rc = process_harden();

	log_init(PROGRAM, LOG_INFO);
	if (rc) {
		err_sys(&e, rc, "cannot protect the process's memory");
		return cmd_failed(&e);
	}
	if (argc < 2)
		return cmd_usage("a verb is missing");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return cmd_help();
	if (!strcmp(argv[1], "--version"))
		return printf(PROGRAM " " ECACHE_VERSION "\n") < 0 ? EXIT_FAILED : EXIT_OK;
	for (unsigned int i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i].name, argv[1]))
			return verbs[i].func(argc - 1, argv + 1);
	return cmd_usage("unknown verb \"%s\"", argv[1]);
}
