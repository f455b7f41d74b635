// SPDX-License-Identifier: GPL-2.0-or-later
#include "exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "common/clock.h"
#include "fault.h"
#include "jsonw.h"
#include "listener.h"

#define NEVER INT64_MAX
#define GARBAGE_SIZE 333

enum stage {
	STAGE_HEADERS,
	STAGE_BODY,
	STAGE_WORKER,		/* suspended, as the next one */
	STAGE_HELD,		/* answered, and held back by a fault that was asked for */
	STAGE_ANSWER,
	STAGE_ABANDONED,
};

struct exchange {
	struct job job;
	struct exchange_ctx *ctx;
	struct MHD_Connection *conn;
	enum stage stage;
	char *target;
	struct buf body;
	char address[INET6_ADDRSTRLEN];
	struct http_request rq;		/* refers to the above, and to headers that the connection keeps */
	struct http_reply reply;
	int64_t due_ms;			/* when held: monotonic, NEVER */
	struct exchange *prev, *next;	/* while suspended */
};

/* What exchange_connection() found out, kept as the connection's context. */
static char peer_unix, peer_tcp, peer_refused;

void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *conn)
{
	struct exchange_ctx *ctx = cls;
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->ctx = ctx;
	x->conn = conn;
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
	buf_wipe(&x->reply.body);
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

static void add_date(struct MHD_Response *r, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	char text[40];
	struct tm tm;

	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
	MHD_add_response_header(r, MHD_HTTP_HEADER_DATE, text);
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
	reply->body = (struct buf)BUF_INIT;
	r = MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->data, free_body, body);
	if (!r) {
		free_body(body);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	MHD_add_response_header(r, "x-amzn-requestid", reply->request_id);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	add_date(r, reply->date_ms);
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
	struct http_reply reply = { .status = status, .content_type = "application/x-amz-json-1.1",
				    .date_ms = service_clock_ms() };
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

static void suspend(struct exchange *x)
{
	x->stage = STAGE_WORKER;
	x->prev = NULL;
	x->next = x->ctx->suspended;
	if (x->next)
		x->next->prev = x;
	x->ctx->suspended = x;
	MHD_suspend_connection(x->conn);
}

static void resume(struct exchange *x, enum stage stage)
{
	x->stage = stage;
	if (x->prev)
		x->prev->next = x->next;
	else
		x->ctx->suspended = x->next;
	if (x->next)
		x->next->prev = x->prev;
	MHD_resume_connection(x->conn);
}

static void run_job(struct job *job, struct service *svc)
{
	struct exchange *x = (struct exchange *)(void *)job;

	service_handle(svc, &x->rq, &x->reply);
}

_Static_assert(!offsetof(struct exchange, job), "a job is its exchange");

/* ask - the connection sleeps until a worker has the answer. */
static enum MHD_Result ask(struct exchange *x, const char *method)
{
	struct header_walk walk = { .rq = &x->rq };

	x->rq = (struct http_request){ .method = method, .target = x->target, .body = x->body.data,
				       .body_len = x->body.len, .source = source_of(x->conn, x->address) };
	MHD_get_connection_values(x->conn, MHD_HEADER_KIND, add_header, &walk);
	if (walk.too_many)
		return refuse(x->ctx, x->conn, FAULT_VALIDATION, 400, "The request has too many headers");
	x->job.run = run_job;
	suspend(x);
	workers_submit(x->ctx->workers, &x->job);
	return MHD_YES;
}

int exchange_reap(struct exchange_ctx *ctx)
{
	int64_t now = monotonic_ms(), first = NEVER;
	struct exchange *x, *later;
	struct job *next;

	for (struct job *job = workers_reap(ctx->workers); job; job = next) {
		next = job->next;
		x = (struct exchange *)(void *)job;
		x->stage = STAGE_HELD;
		x->due_ms = x->reply.mishap == MISHAP_HANG ? NEVER : now + x->reply.delay_ms;
	}
	for (x = ctx->suspended; x; x = later) {
		later = x->next;
		if (x->stage != STAGE_HELD)
			continue;
		if (x->due_ms <= now)
			resume(x, STAGE_ANSWER);
		else if (x->due_ms < first)
			first = x->due_ms;
	}
	return first == NEVER ? -1 : (int)(first - now);
}

void exchange_hurry(struct exchange_ctx *ctx)
{
	struct exchange *later;

	for (struct exchange *x = ctx->suspended; x; x = later) {
		later = x->next;
		if (x->stage == STAGE_HELD)
			resume(x, x->due_ms == NEVER ? STAGE_ABANDONED : STAGE_ANSWER);
	}
}

void exchange_abandon(struct exchange_ctx *ctx)
{
	while (ctx->suspended)
		resume(ctx->suspended, STAGE_ABANDONED);
}

/* reset - in TCP's way at once; a unix socket is closed by who gets MHD_NO. */
static enum MHD_Result reset(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	if (info)
		connect(info->connect_fd, &none, sizeof(none));
	return MHD_NO;
}

/* read_half - of a body whose length says that there is more. */
static ssize_t read_half(void *cls, uint64_t pos, char *out, size_t max)
{
	const struct buf *body = cls;
	size_t n = body->len / 2 - (size_t)pos;

	if (!n)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n > max)
		n = max;
	memcpy(out, body->data + pos, n);
	return (ssize_t)n;
}

static enum MHD_Result truncate_reply(struct MHD_Connection *conn, struct http_reply *reply)
{
	enum MHD_Result sent;
	struct MHD_Response *r;
	struct buf *body = malloc(sizeof(*body));

	if (!body)
		return MHD_NO;
	*body = reply->body;
	reply->body = (struct buf)BUF_INIT;
	r = MHD_create_response_from_callback(body->len + 1, 1024, read_half, body, free_body);
	if (!r) {
		free_body(body);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	sent = MHD_queue_response(conn, (unsigned int)reply->status, r);
	MHD_destroy_response(r);
	return sent;
}

/* send_out - the answer, or what a fault that was asked for makes of it. */
static enum MHD_Result send_out(struct exchange *x)
{
	uint8_t noise[GARBAGE_SIZE];

	switch (x->reply.mishap) {
	case MISHAP_RESET:
		return reset(x->conn);
	case MISHAP_TRUNCATE:
		return truncate_reply(x->conn, &x->reply);
	case MISHAP_GARBAGE:
		if (crypto_random(noise, sizeof(noise)))
			return MHD_NO;
		buf_wipe(&x->reply.body);
		buf_add(&x->reply.body, noise, sizeof(noise));
		return x->reply.body.failed ? MHD_NO : send_reply(x->ctx, x->conn, &x->reply);
	default:
		return send_reply(x->ctx, x->conn, &x->reply);
	}
}

static enum MHD_Result take_body(struct exchange *x, const char *data, size_t *len)
{
	/* A chunked body has no length to refuse by: cut it off. */
	if (x->body.len + *len > HTTP_BODY_MAX)
		return MHD_NO;
	buf_add(&x->body, data, *len);
	*len = 0;
	return x->body.failed ? MHD_NO : MHD_YES;
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
	switch (x->stage) {
	case STAGE_HEADERS:
		x->stage = STAGE_BODY;
		return check_headers(ctx, conn);
	case STAGE_BODY:
		return *data_len ? take_body(x, data, data_len) : ask(x, method);
	case STAGE_ANSWER:
		return send_out(x);
	default:
		return MHD_NO;
	}
}
