/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_ADMIN_H
#define KMSD_ADMIN_H

#include "inject.h"

/*
 * The admin socket: a unix socket of mode 0600 for root and the server's own user, on which a line of JSON is answered
 * by a line of JSON (inject_command()). Run by one thread, with whoever waits for its descriptor.
 */
#define ADMIN_SOCKET_DEFAULT "/run/ecache-kmsd/admin.sock"
#define ADMIN_LINE_MAX 4096
#define ADMIN_CONNECTIONS_MAX 8

struct admin;

int admin_open(const char *path, struct inject *in, struct admin **out, struct err *e);
void admin_close(struct admin *a);		/* removes the socket file */

/* admin_fd - readable when there is something to do. */
int admin_fd(const struct admin *a);

/* admin_run - do what there is to do, without waiting. */
void admin_run(struct admin *a);

/* admin_ask - a client: send @request (one line, without its end), and read the answer into @out. */
int admin_ask(const char *path, const char *request, struct buf *out, struct err *e);

#endif
