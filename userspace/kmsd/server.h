/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_SERVER_H
#define KMSD_SERVER_H

#include "config.h"
#include "service.h"

/*
 * HTTP over libmicrohttpd: requests from listening sockets to service_handle() and back. One thread does all that is
 * about sockets, workers answer; a slow client costs a descriptor, never the others' time.
 */
struct server;
struct admin;

/* server_start - takes over @fds (1..SERVER_LISTENERS_MAX listening sockets) on success. @admin may be NULL. */
#define SERVER_LISTENERS_MAX 4
int server_start(struct server **out, struct service *svc, const struct config *c, const int *fds, unsigned int nr,
		 struct admin *admin, struct err *e);

/*
 * server_run - until @signal_fd (a signalfd) has SIGTERM or SIGINT; then no new connection is taken, and what has
 * begun is answered, for at most SERVER_DRAIN_MS. SIGHUP reopens the audit log and
 * the file of events.
 */
#define SERVER_DRAIN_MS 10000
int server_run(struct server *s, int signal_fd, struct err *e);
void server_stop(struct server *s);

#endif
