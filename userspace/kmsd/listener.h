/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_LISTENER_H
#define KMSD_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/* Sockets to listen on, and who is at the other end. */

/* listener_check_address - "127.0.0.1:PORT" or "[::1]:PORT"; without TLS anything but loopback is -EADDRNOTAVAIL. */
int listener_check_address(const char *address, bool tls, struct err *e);

/* listener_tcp - a listening socket on such an address; *bound gets "127.0.0.1:PORT" as it is. */
int listener_tcp(const char *address, bool tls, char *bound, size_t size, struct err *e);

/*
 * listener_unix - a listening socket at @path, with its directory if that is missing. A socket file that nobody
 * listens on is replaced. The file may be used by whom @c allows.
 */
int listener_unix(const char *path, const struct config *c, struct err *e);

/* listener_inherited - is what the service manager passed a stream socket on a unix or such an address? */
int listener_inherited(int fd, bool tls, bool *is_unix, struct err *e);

/* listener_allows - may the process at the other end of a unix connection talk to us? Root, our user, @c's lists. */
bool listener_allows(int fd, const struct config *c);

#endif
