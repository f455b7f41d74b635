/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_SURROUNDINGS_H
#define ECACHE_SURROUNDINGS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "endpoint.h"

/* The endpoints of this host's surroundings: what runs the container or the instance gives it an identity. */

#define SURROUNDINGS_PATH 512

/*
 * surroundings_parse - "/PATH" at @host, or "http(s)://HOST[:PORT]/PATH" of printable ASCII, no user part and no
 * fragment. Never through a proxy. -EINVAL.
 */
int surroundings_parse(const char *uri, const char *host, struct endpoint *out, char path[SURROUNDINGS_PATH],
		       struct err *e);

/* Of the address that a connection would go to. */
bool address_is_loopback(const struct sockaddr *sa);
bool address_is_one_of(const struct sockaddr *sa, const char *const list[]);	/* ends with NULL */

#endif
