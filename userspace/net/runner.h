/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NET_RUNNER_H
#define NET_RUNNER_H

#include <sys/types.h>

#include "../common/agentconf.h"
#include "../common/err.h"
#include "../common/secret.h"

/*
 * Who runs the host profile's credential_process (host-credentials-source=process) for workers, which may run
 * nothing: the sandbox is the same with this source and without. A process of its own, forked before the sandbox and
 * only when it is needed. It takes no command from anybody: it reads the profile itself, so that a worker that was
 * taken over can have the program run that the administrator named, and no other. It reads nothing of the network,
 * and does not look at what the program writes. One program runs at a time.
 */
struct runner {
	int sock;		/* to ask it; -1: there is none */
	pid_t pid;
};

#define RUNNER_NONE { .sock = -1 }

/* runner_start - does nothing when the configuration names another source. */
int runner_start(const struct agentconf *conf, struct runner *r, struct err *e);

/* runner_run - a struct creds_source.run; @ctx is the runner, @command is what the worker read, and not used. */
int runner_run(void *ctx, const char *command, size_t len, struct secret *out, struct err *e);

/* runner_stop - it ends when nobody is left to ask it. */
void runner_stop(struct runner *r);

#endif
