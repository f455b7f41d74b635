/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_ENDPOINT_H
#define ECACHE_ENDPOINT_H

#include <stdbool.h>
#include <sys/un.h>

#include "../common/err.h"

/*
 * Where a service is. "unix:/absolute/path"; "http://127.0.0.1:PORT" or "http://[::1]:PORT" (plain HTTP stays on this
 * host); "https://HOST[:PORT]". No path, query or user part: requests go to "/".
 */
struct endpoint {
	char url[320];		/* what libcurl is given; no trailing slash */
	char host[280];		/* the Host header, which is signed */
	char unix_path[sizeof(((struct sockaddr_un *)0)->sun_path)];	/* "" when not a unix socket */
	bool local;		/* unix or loopback: never through a proxy */
	bool aws;		/* AWS's host, a VPC endpoint, too: other services are at their own hosts */
};

/* What was said about where KMS and STS are. */
struct endpoint_config {
	const char *kms;	/* NULL: by the environment, else AWS's endpoint of the region */
	const char *sts;	/* NULL: by the environment, else as endpoint_resolve() says */
	bool fips;		/* AWS's endpoints with validated cryptography */
	bool dualstack;		/* AWS's endpoints that have IPv6 addresses, too */
	bool environment;	/* AWS's variables count when .kms is NULL; ecachectl only, never a daemon */
};

/* endpoint_parse - the form above; NULL: AWS's KMS of the region. -EINVAL. */
int endpoint_parse(const char *text, const char *region, struct endpoint *out, struct err *e);

/*
 * endpoint_resolve - KMS is where @c->kms says, else AWS_ENDPOINT_URL_KMS, else AWS_ENDPOINT_URL, else at AWS, by the
 * partition of the region. STS is where @c->sts says, else AWS_ENDPOINT_URL_STS, else AWS's of the region when KMS is
 * at AWS (behind a VPC endpoint, too, which serves one service), else where KMS is. FIPS and dual stack, or
 * AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, choose among AWS's hosts; with a KMS endpoint that was named
 * they are a contradiction: -EINVAL, as with AWS's tools. Variables that are empty are not set.
 */
int endpoint_resolve(const struct endpoint_config *c, const char *region, struct endpoint *kms, struct endpoint *sts,
		     struct err *e);

#endif
