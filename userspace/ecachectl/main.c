// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <stdio.h>

#include "../common/log.h"
#include "../common/memory.h"
#include "../common/secret.h"
#include "verb.h"

int main(int argc, char **argv)
{
	int status;

	signal(SIGPIPE, SIG_IGN);
	log_init("ecachectl", LOG_WARNING);
	if (process_harden()) {
		fprintf(stderr, "ecachectl: cannot protect this process from being dumped\n");
		return EXIT_FAILED;
	}
	/* For the creator's credentials; members of the group ecache have none to lose. */
	memory_lock(MEMORY_TOUCHED);
	status = ecachectl_main(argc, argv);
	/* A full disk under stdout must not look like success to a script. */
	if (fflush(stdout) || ferror(stdout)) {
		perror("ecachectl: cannot write the output");
		if (!status)
			status = EXIT_FAILED;
	}
	return status;
}
