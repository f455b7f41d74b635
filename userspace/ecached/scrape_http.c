// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "promtext.h"
#include "scrape_http.h"

#define PATH "/metrics"
#define FLAGS (MHD_USE_NO_LISTEN_SOCKET | MHD_USE_EPOLL | MHD_USE_SUPPRESS_DATE_NO_CLOCK)
#define CONNECTION_MEMORY (32 * 1024)	/* request line and headers: Prometheus' are a few hundred bytes */
#define WAIT_MS 1000

struct scrape {
	const char *page;
	size_t len;
	bool done;
};

/* What libmicrohttpd and the C library need for a connection that is there; sigaltstack is asked for by ASan. */
static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(shutdown), SCMP_SYS(close), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt),
	SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(getpid),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* not F_SETOWN: it has signals sent */
static const struct scmp_arg_cmp fcntls[] = {
	{ .arg = 1, .op = SCMP_CMP_EQ, .datum_a = F_GETFL },
	{ .arg = 1, .op = SCMP_CMP_EQ, .datum_a = F_SETFL },
};

int scrape_sandbox(struct err *e)
{
	scmp_filter_ctx filter;
	size_t i;
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_sys(e, -errno, "cannot give up new privileges");
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return err_sys(e, -ENOMEM, "cannot make a system call filter");
	for (i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
		if (rc) {
			err_sys(e, rc, "cannot add system call %d to the filter", allowed[i]);
			goto release;
		}
	}
	rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, &fcntls[0]);
	if (!rc)
		rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, &fcntls[1]);
	if (rc) {
		err_sys(e, rc, "cannot add fcntl to the filter");
		goto release;
	}
	rc = seccomp_load(filter);
	if (rc)
		err_sys(e, rc, "cannot load the system call filter");
release:
	seccomp_release(filter);
	return rc;
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned int status, const char *text, size_t len)
{
	/* libmicrohttpd only reads it, but its argument is not const */
	union {
		const char *in;
		void *out;
	} body = { .in = text };
	const char *type = status == MHD_HTTP_OK ? PROM_CONTENT_TYPE : "text/plain; charset=utf-8";
	struct MHD_Response *r = MHD_create_response_from_buffer(len, body.out, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc = MHD_NO;

	if (!r)
		return MHD_NO;
	if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES)
		rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
			      const char *version, const char *body, size_t *body_len, void **data)
{
	static const char not_found[] = "metrics are at " PATH "\n";
	static const char not_allowed[] = "only GET and HEAD\n";
	const struct scrape *s = ctx;

	(void)version;
	(void)body;
	(void)body_len;
	(void)data;
	/* Answered with the headers: the connection ends with the answer, and with whatever else may come. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, not_allowed, sizeof(not_allowed) - 1);
	if (strcmp(url, PATH))
		return answer(c, MHD_HTTP_NOT_FOUND, not_found, sizeof(not_found) - 1);
	return answer(c, MHD_HTTP_OK, s->page, s->len);
}

static void connection(void *ctx, struct MHD_Connection *c, void **data, enum MHD_ConnectionNotificationCode code)
{
	struct scrape *s = ctx;

	(void)c;
	(void)data;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED)
		s->done = true;
}

int scrape_http(int sock, const char *page, size_t len, struct err *e)
{
	const struct sockaddr from = { .sa_family = AF_UNIX };
	struct scrape s = { .page = page, .len = len };
	struct MHD_Daemon *d;
	int rc;

	d = MHD_start_daemon(FLAGS, 0, NULL, NULL, handle, &s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
			     (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION, connection, &s, MHD_OPTION_END);
	if (!d) {
		close(sock);
		return err_set(e, -EIO, "cannot start the HTTP server");
	}
	rc = scrape_sandbox(e);
	if (rc) {
		close(sock);
		goto stop;
	}
	/* takes the socket, fails or not */
	if (MHD_add_connection(d, sock, &from, sizeof(from)) != MHD_YES) {
		rc = err_set(e, -EIO, "the HTTP server does not take the connection");
		goto stop;
	}
	while (!s.done) {
		if (MHD_run_wait(d, WAIT_MS) != MHD_YES) {
			rc = err_set(e, -EIO, "the HTTP server failed");
			break;
		}
	}
stop:
	MHD_stop_daemon(d);
	return rc;
}
