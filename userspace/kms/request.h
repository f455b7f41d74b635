/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_REQUEST_H
#define ECACHE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "../common/err.h"
#include "../common/secret.h"
#include "creds.h"
#include "endpoint.h"

/* One HTTP request, signed or not, and its answer, over libcurl. The only file that knows it. */

/* A connection (kept between requests) and the locked buffer for what comes back. */
struct transport;

struct transport *transport_open(struct err *e);
/* transport_open_for - answers may be @max bytes, not RESPONSE_MAX. */
struct transport *transport_open_for(size_t max, struct err *e);
void transport_close(struct transport *t);

/* A header of the caller's. */
struct header {
	const char *name, *value;	/* both NULL: the end */
};

struct request {
	const struct endpoint *endpoint;
	const char *method;		/* NULL: POST */
	const char *path;		/* "/..." in the form that is sent; NULL: "/" */
	const char *service;		/* of the signature's scope: "kms", "sts" */
	const char *region;
	const struct creds *creds;	/* NULL: not signed */
	const char *date;		/* X-Amz-Date, the time of the signature; NULL: by this host's clock */
	const char *content_type;	/* NULL: none */
	const char *target;		/* X-Amz-Target; NULL: none */
	const struct header *headers;	/* more of them; may be NULL */
	const char *body;		/* NULL: none */
	size_t body_len;
	unsigned int timeout_ms;
	unsigned int connect_ms;	/* 0: ten seconds at most */
	const char *ca_file;		/* as in struct kms_config */
	/* where a connection may go, asked with the resolved address before it is made; NULL: anywhere */
	bool (*may_connect)(const struct sockaddr *sa);
};

/* Borrowed from the transport until its next request or transport_wipe(). */
struct response {
	int status;
	char request_id[80];
	char *body;			/* not NUL-terminated; may be changed in place */
	size_t len;
	int64_t date_s;			/* the Date header as Unix time; 0: none */
	int64_t retry_after_ms;		/* 0: nothing said */
	bool timed_out;			/* no answer came because none came in time; set on failure, too */
};

#define RESPONSE_MAX (64 * 1024)

/*
 * transport_send - 0 when an HTTP answer came, whatever its status; -EAGAIN when none did (name, connection, TLS,
 * timeout), -EBADMSG when it is larger than the transport takes or no HTTP, -ENOMEM. Redirects are answers, not
 * followed.
 */
int transport_send(struct transport *t, const struct request *rq, struct response *rs, struct err *e);

/* transport_wipe - zero the response buffer. */
void transport_wipe(struct transport *t);

/* transport_wiped - whether the response buffer holds nothing but zeros. For tests and assertions. */
bool transport_wiped(const struct transport *t);

#endif
