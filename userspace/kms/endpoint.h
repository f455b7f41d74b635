/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_ENDPOINT_H
#define ECACHE_ENDPOINT_H

#include <stdbool.h>
#include <sys/un.h>

#include "../common/err.h"

/*
 * Where KMS is. "unix:/absolute/path"; "http://127.0.0.1:PORT" or "http://[::1]:PORT" (plain HTTP stays on this host);
 * "https://HOST[:PORT]"; NULL: AWS's endpoint of the region. No path, query or user part: requests go to "/".
 */
struct endpoint {
	char url[320];		/* what libcurl is given; no trailing slash */
	char host[280];		/* the Host header, which is signed */
	char unix_path[sizeof(((struct sockaddr_un *)0)->sun_path)];	/* "" when not a unix socket */
	bool local;		/* unix or loopback: never through a proxy */
	bool aws;		/* below amazonaws.com: other services are at their own hosts */
};

int endpoint_parse(const char *text, const char *region, struct endpoint *out, struct err *e);

/* endpoint_service - the same place for another service, as "sts": AWS's host of it, or the same endpoint. */
int endpoint_service(const struct endpoint *kms, const char *service, const char *region, struct endpoint *out,
		     struct err *e);

#endif
