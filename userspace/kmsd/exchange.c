// SPDX-License-Identifier: GPL-2.0-or-later
#include "exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "fault.h"
#include "jsonw.h"
#include "listener.h"

struct exchange {
	char *target;
	struct buf body;
	bool begun;		/* the headers were looked at */
};

/* What exchange_connection() found out, kept as the connection's context. */
static char peer_unix, peer_tcp, peer_refused;

void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *conn)
{
	struct exchange_ctx *ctx = cls;
	struct exchange *x = calloc(1, sizeof(*x));

	(void)conn;
	if (!x)
		return NULL;
	x->target = strdup(uri);
	ctx->in_flight++;
	return x;
}

void exchange_end(void *cls, struct MHD_Connection *conn, void **con_cls, enum MHD_RequestTerminationCode code)
{
	struct exchange_ctx *ctx = cls;
	struct exchange *x = *con_cls;

	(void)conn;
	(void)code;
	if (!x)
		return;
	buf_wipe(&x->body);
	free(x->target);
	free(x);
	*con_cls = NULL;
	ctx->in_flight--;
}

void exchange_connection(void *cls, struct MHD_Connection *conn, void **socket_context,
			 enum MHD_ConnectionNotificationCode code)
{
	const struct exchange_ctx *ctx = cls;
	const union MHD_ConnectionInfo *info;
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(a);

	if (code != MHD_CONNECTION_NOTIFY_STARTED)
		return;
	*socket_context = &peer_refused;
	info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (!info || getsockname(info->connect_fd, (struct sockaddr *)&a, &len))
		return;
	if (a.ss_family == AF_INET || a.ss_family == AF_INET6)
		*socket_context = &peer_tcp;
	else if (a.ss_family == AF_UNIX && listener_allows(info->connect_fd, ctx->config))
		*socket_context = &peer_unix;
}

static const void *peer_of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : &peer_refused;
}

static void free_body(void *cls)
{
	struct buf *body = cls;

	buf_wipe(body);
	free(body);
}

/* send_reply - the body's bytes go to MHD as they are, and are wiped when they have been sent. */
static enum MHD_Result send_reply(struct exchange_ctx *ctx, struct MHD_Connection *conn, struct http_reply *reply)
{
	struct buf *body = malloc(sizeof(*body));
	struct MHD_Response *r;
	enum MHD_Result sent;

	if (!body) {
		buf_wipe(&reply->body);
		return MHD_NO;
	}
	*body = reply->body;
	r = MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->data, free_body, body);
	if (!r) {
		free_body(body);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	MHD_add_response_header(r, "x-amzn-requestid", reply->request_id);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (ctx->closing)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	sent = MHD_queue_response(conn, (unsigned int)reply->status, r);
	MHD_destroy_response(r);
	return sent;
}

/* refuse - before the service is asked. */
static enum MHD_Result refuse(struct exchange_ctx *ctx, struct MHD_Connection *conn, enum fault f, int status,
			      const char *message)
{
	struct http_reply reply = { .status = status, .content_type = "application/x-amz-json-1.1" };
	struct jsonw w = JSONW_INIT(&reply.body);

	ident_new_uuid(reply.request_id);
	jsonw_open(&w, NULL, '{');
	jsonw_string(&w, "__type", fault_name(f));
	jsonw_string(&w, "message", message);
	jsonw_close(&w, '}');
	return send_reply(ctx, conn, &reply);
}

static enum MHD_Result check_headers(struct exchange_ctx *ctx, struct MHD_Connection *conn)
{
	const char *length = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (peer_of(conn) == &peer_refused)
		return refuse(ctx, conn, FAULT_ACCESS_DENIED, 403, "This user may not connect to this socket");
	if (length && strtoull(length, NULL, 10) > HTTP_BODY_MAX)
		return refuse(ctx, conn, FAULT_TOO_LARGE, 413, "The request is too large");
	return MHD_YES;
}

/* source_of - what the audit log calls the other end. */
static const char *source_of(struct MHD_Connection *conn, char text[INET6_ADDRSTRLEN])
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = info ? info->client_addr : NULL;
	const char *name = NULL;

	if (peer_of(conn) == &peer_unix)
		return "unix";
	if (a && a->sa_family == AF_INET)
		name = inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, text,
				 INET6_ADDRSTRLEN);
	else if (a && a->sa_family == AF_INET6)
		name = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, text,
				 INET6_ADDRSTRLEN);
	return name ? name : "unknown";
}

struct header_walk {
	struct http_request *rq;
	bool too_many;
};

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct header_walk *walk = cls;

	(void)kind;
	if (walk->rq->nr_headers == HTTP_HEADERS_MAX) {
		walk->too_many = true;
		return MHD_NO;
	}
	walk->rq->headers[walk->rq->nr_headers].name = name;
	walk->rq->headers[walk->rq->nr_headers++].value = value ? value : "";
	return MHD_YES;
}

static enum MHD_Result answer(struct exchange_ctx *ctx, struct MHD_Connection *conn, const struct exchange *x,
			      const char *method)
{
	char address[INET6_ADDRSTRLEN];
	struct http_request rq = { .method = method, .target = x->target, .body = x->body.data,
				   .body_len = x->body.len, .source = source_of(conn, address) };
	struct header_walk walk = { .rq = &rq };
	struct http_reply reply;

	MHD_get_connection_values(conn, MHD_HEADER_KIND, add_header, &walk);
	if (walk.too_many)
		return refuse(ctx, conn, FAULT_VALIDATION, 400, "The request has too many headers");
	service_handle(ctx->svc, &rq, &reply);
	return send_reply(ctx, conn, &reply);
}

enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
				const char *version, const char *data, size_t *data_len, void **con_cls)
{
	struct exchange_ctx *ctx = cls;
	struct exchange *x = *con_cls;

	(void)url;
	(void)version;
	if (!x || !x->target)
		return MHD_NO;
	if (!x->begun) {
		x->begun = true;
		return check_headers(ctx, conn);
	}
	if (*data_len) {
		/* A chunked body has no length to refuse by: cut it off. */
		if (x->body.len + *data_len > HTTP_BODY_MAX)
			return MHD_NO;
		buf_add(&x->body, data, *data_len);
		*data_len = 0;
		return x->body.failed ? MHD_NO : MHD_YES;
	}
	return answer(ctx, conn, x, method);
}
