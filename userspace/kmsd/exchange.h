/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_EXCHANGE_H
#define KMSD_EXCHANGE_H

#include <microhttpd.h>

#include "config.h"
#include "workers.h"

/*
 * One HTTP exchange: libmicrohttpd's callbacks gather a struct http_request, a worker makes the struct http_reply, and
 * they send it. In between the connection is suspended. All but the worker's part is done by one thread.
 */
struct exchange;

struct exchange_ctx {
	struct workers *workers;
	const struct config *config;
	unsigned int in_flight;		/* requests whose line has come and whose answer is not out */
	bool closing;			/* answers close their connection */
	struct exchange *suspended;	/* all that are */
};

/*
 * exchange_reap - go on with those that the workers have finished and whose time has come; returns in how many
 * milliseconds that will be for another one, or -1. To be called when the descriptor of the workers says so, and then.
 */
int exchange_reap(struct exchange_ctx *ctx);

/* exchange_hurry - nobody shall wait longer for an answer that is held back, nor for one that will not come. */
void exchange_hurry(struct exchange_ctx *ctx);

/* exchange_abandon - end those that are suspended; the workers have stopped. */
void exchange_abandon(struct exchange_ctx *ctx);

/* The callbacks; @cls is the struct exchange_ctx. */
void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *conn);
enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
				const char *version, const char *data, size_t *data_len, void **con_cls);
void exchange_end(void *cls, struct MHD_Connection *conn, void **con_cls, enum MHD_RequestTerminationCode code);
void exchange_connection(void *cls, struct MHD_Connection *conn, void **socket_context,
			 enum MHD_ConnectionNotificationCode code);

#endif
