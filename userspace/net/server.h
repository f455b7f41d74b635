/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../common/agentconf.h"
#include "../common/err.h"
#include "worker.h"

/* The parent: takes connections, gives each to a worker of its own, and ends workers that take too long. */

#define SERVER_WORKERS 64
#define SERVER_WORKER_MS 45000	/* the longest wait for events; other requests end themselves before */
#define SERVER_STOP_MS 5000

struct server {
	const struct agentconf *conf;
	int listener;			/* SOCK_SEQPACKET, listening; owned by the caller */
	uid_t allow_uid;		/* who may ask, beside root */
	unsigned int max_workers;	/* 1..SERVER_WORKERS; further connections wait in the backlog */
	unsigned int worker_ms;
	struct worker_shared shared;	/* made by the caller */
	/* private */
	struct {
		pid_t pid;		/* 0: free */
		int64_t deadline_ms;
	} worker[SERVER_WORKERS];
	unsigned int nr;
	int signals;
	bool runner_gone;
};

/*
 * server_run - until SIGTERM or SIGINT; then workers have SERVER_STOP_MS to end, and those that wait for events end at
 * once. Tells systemd READY=1 and STOPPING=1. Blocks SIGTERM, SIGINT and SIGCHLD in this process. -ECHILD when the
 * runner ends before that: without it there would be no credentials, and whoever started us can start us again.
 */
int server_run(struct server *s, struct err *e);

/* server_listen - the socket that systemd handed over, or a new one at @path (mode 0600). A descriptor or an error. */
int server_listen(const char *path, struct err *e);

#endif
