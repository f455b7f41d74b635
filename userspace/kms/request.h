/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_REQUEST_H
#define ECACHE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/err.h"
#include "../common/secret.h"
#include "creds.h"
#include "endpoint.h"

/* One signed HTTP POST and its answer, over libcurl. The only file that knows it. */

/* A connection (kept between requests) and the locked buffer for what comes back. */
struct transport;

struct transport *transport_open(struct err *e);
void transport_close(struct transport *t);

struct request {
	const struct endpoint *endpoint;
	const char *service;		/* of the signature's scope: "kms", "sts" */
	const char *region;
	const struct creds *creds;
	const char *content_type;
	const char *target;		/* X-Amz-Target; NULL: none */
	const char *body;
	size_t body_len;
	unsigned int timeout_ms;
};

/* Borrowed from the transport until its next request or transport_wipe(). */
struct response {
	int status;
	char request_id[80];
	char *body;			/* not NUL-terminated; may be changed in place */
	size_t len;
};

#define RESPONSE_MAX (64 * 1024)

/*
 * transport_post - 0 when an HTTP answer came, whatever its status; -EAGAIN when none did (name, connection, TLS,
 * timeout), -EBADMSG when it is larger than RESPONSE_MAX or no HTTP, -ENOMEM. Redirects are answers, not followed.
 */
int transport_post(struct transport *t, const struct request *rq, struct response *rs, struct err *e);

/* transport_wipe - zero the response buffer. */
void transport_wipe(struct transport *t);

/* transport_wiped - whether the response buffer holds nothing but zeros. For tests and assertions. */
bool transport_wiped(const struct transport *t);

#endif
