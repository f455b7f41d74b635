// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"
#include "state.h"

int cmd_init(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state-dir", required_argument, NULL, 's' },
		{ "account", required_argument, NULL, 'a' },
		{ "region", required_argument, NULL, 'r' },
		{ "root-secret", required_argument, NULL, 'R' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *dir = STATE_DIR_DEFAULT, *account = NULL, *region = STATE_REGION_DEFAULT, *root = NULL;
	struct service svc = SERVICE_INIT;
	struct err e = ERR_INIT;
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			dir = optarg;
			break;
		case 'a':
			account = optarg;
			break;
		case 'r':
			region = optarg;
			break;
		case 'R':
			root = optarg;
			break;
		case 'h':
			return cmd_help();
		default:
			return cmd_usage("init: wrong option");
		}
	}
	if (optind < argc)
		return cmd_usage("init takes no argument: \"%s\"", argv[optind]);
	if (state_create(dir, root, account, region, &e) || state_open(&svc, dir, root, &e))
		return cmd_failed(&e);
	printf("account %s, region %s\nstate in %s\ncredentials of %s (profile [%s]) in %s/%s/%s\n", svc.account,
	       svc.region, dir, STATE_ADMIN, STATE_ADMIN, dir, STATE_CREDENTIALS, STATE_ADMIN);
	state_close(&svc);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}
