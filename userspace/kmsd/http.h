/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_HTTP_H
#define KMSD_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* One HTTP request and its answer, free of sockets and of the HTTP library: tests and fuzzers make their own. */

#define HTTP_HEADERS_MAX 64
#define HTTP_BODY_MAX (256 * 1024)

struct http_header {
	const char *name;
	const char *value;
};

struct http_request {
	const char *method;
	const char *target;		/* as sent: path and query, not decoded */
	struct http_header headers[HTTP_HEADERS_MAX];
	unsigned int nr_headers;
	const char *body;		/* may be NULL when body_len is 0 */
	size_t body_len;
	const char *source;		/* where from, for the audit log: an address, or "unix" */
};

/* What befalls an answer on its way, in tests of clients (inject.h). */
enum mishap {
	MISHAP_NONE,
	MISHAP_HANG,		/* it never goes out */
	MISHAP_RESET,		/* the connection goes instead */
	MISHAP_TRUNCATE,	/* the connection goes in the midst of it */
	MISHAP_GARBAGE,		/* the body is replaced by random bytes */
};

struct http_reply {
	int status;
	const char *content_type;
	char request_id[37];
	int64_t date_ms;		/* what the Date header says */
	struct buf body;		/* may hold a Plaintext */
	enum mishap mishap;
	unsigned int delay_ms;		/* before it goes out */
};

/* http_header - the value of the only header of that name (case is ignored); NULL when absent or sent twice. */
const char *http_header(const struct http_request *rq, const char *name);

#endif
