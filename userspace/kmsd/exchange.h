/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_EXCHANGE_H
#define KMSD_EXCHANGE_H

#include <microhttpd.h>

#include "config.h"
#include "service.h"

/* One HTTP exchange: libmicrohttpd's callbacks gather a struct http_request and send a struct http_reply. */
struct exchange_ctx {
	struct service *svc;
	const struct config *config;
	unsigned int in_flight;		/* requests whose line has come and whose answer is not out */
	bool closing;			/* answers close their connection */
};

/* The callbacks; @cls is the struct exchange_ctx. */
void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *conn);
enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
				const char *version, const char *data, size_t *data_len, void **con_cls);
void exchange_end(void *cls, struct MHD_Connection *conn, void **con_cls, enum MHD_RequestTerminationCode code);
void exchange_connection(void *cls, struct MHD_Connection *conn, void **socket_context,
			 enum MHD_ConnectionNotificationCode code);

#endif
