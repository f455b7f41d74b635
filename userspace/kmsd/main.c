// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "common/log.h"
#include "common/secret.h"

#define PROGRAM "ecache-kmsd"

static const struct verb {
	const char *name;
	int (*func)(int argc, char **argv);
} verbs[] = {
	{ "init", cmd_init },
	{ "principal", cmd_principal },
	{ "serve", cmd_serve },
};

static const char help[] =
"Usage: " PROGRAM " VERB [OPTION...]\n"
"An embedded key management service that speaks the protocol of AWS KMS.\n"
"\n"
"  init [--state-dir DIR] [--account 12DIGITS] [--region REGION]\n"
"        Make the state directory: database, root secret, and the principal \"admin\",\n"
"        whose credentials are in DIR/credentials/admin.\n"
"\n"
"  principal add NAME [--policy FILE] [--via SERVICE] [--role] [--out FILE]\n"
"        Make an identity and write its credentials to FILE (default\n"
"        DIR/credentials/NAME) as an AWS shared credentials file.\n"
"  principal update NAME [--policy FILE] [--via SERVICE]\n"
"        Replace the policy or the service; an empty string removes it.\n"
"  principal rotate NAME [--out FILE]\n"
"        Give it new credentials; the old ones stop working at once.\n"
"  principal disable NAME | principal enable NAME\n"
"  principal list [--json]\n"
"        All take [--state-dir DIR].\n"
"\n"
"  serve [--config FILE] [--state-dir DIR] [--socket PATH] [--listen ADDRESS:PORT]\n"
"        [--log-level LEVEL]\n"
"        Answer requests on a unix socket (default /run/ecache-kmsd/kms.sock) and,\n"
"        if asked to, on a loopback address. Port 0: any; the one taken is printed.\n"
"\n"
"  --help, --version\n"
"\n"
"DIR is /var/lib/ecache-kmsd by default. See ecache-kmsd(8).\n";

int cmd_help(void)
{
	fputs(help, stdout);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

int cmd_failed(const struct err *e)
{
	fprintf(stderr, PROGRAM ": %s\n", e->what);
	if (*e->hint)
		fprintf(stderr, PROGRAM ": %s\n", e->hint);
	return EXIT_FAILED;
}

int cmd_usage(const char *fmt, ...)
{
	va_list ap;

	fputs(PROGRAM ": ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nTry '" PROGRAM " --help'.\n", stderr);
	return EXIT_USAGE;
}

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
