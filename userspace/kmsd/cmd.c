// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd.h"

#include <stdarg.h>
#include <stdio.h>

static const char help[] =
"Usage: " PROGRAM " VERB [OPTION...]\n"
"An embedded key management service that speaks the protocol of AWS KMS.\n"
"\n"
"  init [--state-dir DIR] [--account 12DIGITS] [--region REGION] [--root-secret SPEC]\n"
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
"        All take [--state-dir DIR] [--root-secret SPEC].\n"
"\n"
"  serve [--config FILE] [--state-dir DIR] [--socket PATH] [--listen ADDRESS:PORT]\n"
"        [--root-secret SPEC] [--log-level LEVEL]\n"
"        Answer requests on a unix socket (default /run/ecache-kmsd/kms.sock) and,\n"
"        if asked to, on a loopback address, or any other with TLS. Port 0: any; the\n"
"        one taken is printed.\n"
"\n"
"  inject fault KIND [--operation OP] [--principal NAME] [--key KEY] [--count N]\n"
"        [--percent N] [--delay-ms MS] [--done]\n"
"  inject grant-delay MS | clock-offset MS | throttle CLASS RATE |\n"
"        pending-deletion EXCEPTION\n"
"  inject list | clear [ID]\n"
"        For tests of clients: what a running server with admin-socket= in its\n"
"        configuration does wrong until it is told to stop, or restarted.\n"
"        All take [--admin-socket PATH].\n"
"\n"
"  --help, --version\n"
"\n"
"DIR is /var/lib/ecache-kmsd by default, SPEC file:/PATH or credential:NAME. See ecache-kmsd(8).\n";

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
