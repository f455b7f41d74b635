// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../common/log.h"
#include "../common/memory.h"
#include "child.h"
#include "dm.h"

/* Standard input, output and error stay: sanitizers and asserts write to them. */
#define FIRST 3

static bool kept(int fd, const int *keep, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (keep[i] == fd)
			return true;
	}
	return false;
}

static void close_others(const int *keep, size_t nr)
{
	int top = FIRST, fd;
	size_t i;

	for (i = 0; i < nr; i++)
		top = keep[i] >= top ? keep[i] + 1 : top;
	for (fd = FIRST; fd < top; fd++) {
		if (!kept(fd, keep, nr))
			close(fd);
	}
	close_range(top, ~0U, 0);
}

void child_settle(const char *name, const int *keep, size_t nr)
{
	struct sigaction act = { .sa_handler = SIG_DFL };
	sigset_t none;
	int sig;

	memory_lock(MEMORY_TOUCHED);
	for (sig = 1; sig < NSIG; sig++)
		sigaction(sig, &act, NULL);
	act.sa_handler = SIG_IGN;
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	sigaction(SIGPIPE, &act, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	log_init(name, -1);
	dm_forget();
	close_others(keep, nr);
	prctl(PR_SET_NAME, name);
}
