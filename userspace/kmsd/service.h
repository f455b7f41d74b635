/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_SERVICE_H
#define KMSD_SERVICE_H

#include <stdint.h>

#include "common/err.h"
#include "common/secret.h"
#include "http.h"
#include "ident.h"
#include "store.h"

struct events;
struct inject;
struct rates;
struct lines;

/* One KMS: an account in a region, its database, its root secret. Requests go in, answers come out; no sockets. */
struct service {
	struct store *store;
	struct secret root;
	char account[ACCOUNT_SIZE];
	char region[REGION_SIZE];
	struct lines *trail;		/* NULL: no audit log */
	struct events *events;		/* NULL: none go out */
	struct rates *rates;		/* NULL: unlimited */
	struct inject *inject;		/* NULL: nothing is */
	int64_t (*clock_ms)(void);	/* milliseconds since 1970 */
};

#define SERVICE_INIT { .root = SECRET_INIT }

/* service_handle - answer one request; always fills in @reply, whose body the caller wipes. */
void service_handle(struct service *svc, const struct http_request *rq, struct http_reply *reply);

/* service_clock_ms - the real clock. */
int64_t service_clock_ms(void);

#endif
