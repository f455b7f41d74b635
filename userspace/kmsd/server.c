// SPDX-License-Identifier: GPL-2.0-or-later
#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <microhttpd.h>
#include <systemd/sd-daemon.h>

#include "admin.h"
#include "common/fsio.h"
#include "common/log.h"
#include "events.h"
#include "exchange.h"
#include "lines.h"

/* A connection's memory holds request line, headers and MHD's own; bodies are in the exchange. */
#define CONNECTION_MEMORY (64 * 1024)
#define IDLE_WAKEUP_MS 5000
/* Listeners, workers, admin, signals. */
#define EVENTS_MAX (SERVER_LISTENERS_MAX + 3)

/* Date headers are the exchange's, so that all of them come from one clock. */
#define FLAGS (MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK)

#define PEM_MAX (64 * 1024)

static char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

struct server {
	struct service *svc;
	struct admin *admin;
	struct exchange_ctx ctx;
	char *tls_certificate;	/* PEM; NULL: no TLS */
	char *tls_key;
	struct MHD_Daemon *daemon[SERVER_LISTENERS_MAX];
	unsigned int nr;
	int epoll_fd;
	int next_ms;		/* when exchange_reap() wants to be called again, -1: never */
	bool draining;
	int64_t drain_until_ms;
};

static void __attribute__((format(printf, 2, 0))) log_mhd(void *ctx, const char *fmt, va_list ap)
{
	char line[512];

	(void)ctx;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	log_debug("http: %s", line);
}

static int add_to_epoll(struct server *s, int fd, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? err_sys(e, -errno, "epoll") : 0;
}

static bool wants_tls(const struct server *s, int fd)
{
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(a);

	return s->tls_key && !getsockname(fd, (struct sockaddr *)&a, &len) && a.ss_family != AF_UNIX;
}

static int start_daemon(struct server *s, int listen_fd, const struct config *c, struct err *e)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->tls_certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->tls_key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, tls_priorities },
		{ MHD_OPTION_END, 0, NULL },
	};
	bool with_tls = wants_tls(s, listen_fd);
	const union MHD_DaemonInfo *info;
	struct MHD_Daemon *d;

	d = MHD_start_daemon(with_tls ? FLAGS | MHD_USE_TLS : FLAGS, 0, NULL, NULL, exchange_handle, &s->ctx,
			     MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
			     MHD_OPTION_CONNECTION_LIMIT, c->max_connections, MHD_OPTION_CONNECTION_TIMEOUT,
			     c->idle_timeout, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
			     MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, &s->ctx, MHD_OPTION_NOTIFY_COMPLETED,
			     exchange_end, &s->ctx, MHD_OPTION_NOTIFY_CONNECTION, exchange_connection, &s->ctx,
			     MHD_OPTION_ARRAY, with_tls ? tls : tls + 3, MHD_OPTION_END);
	if (!d && with_tls) {
		err_set(e, -EIO, "the HTTP server does not start with TLS");
		return err_hint(e, "look at %s and %s: PEM, and do they belong together?", c->tls_certificate,
				c->tls_key);
	}
	if (!d)
		return err_set(e, -EIO, "the HTTP server does not start");
	s->daemon[s->nr++] = d;
	info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return err_set(e, -EIO, "the HTTP server has no epoll");
	return add_to_epoll(s, info->epoll_fd, e);
}

static int load_tls(struct server *s, const struct config *c, struct err *e)
{
	struct stat st;
	size_t len;
	int rc;

	if (stat(c->tls_key, &st))
		return err_sys(e, -errno, "cannot open the TLS key %s", c->tls_key);
	if (st.st_mode & 007) {
		err_set(e, -EPERM, "the TLS key %s can be read by everybody (mode %04o)", c->tls_key,
			(unsigned int)st.st_mode & 07777);
		return err_hint(e, "chmod 0600 %s, and get a new key if somebody may have read it", c->tls_key);
	}
	rc = fsio_read(c->tls_key, PEM_MAX, &s->tls_key, &len, e);
	if (!rc)
		rc = fsio_read(c->tls_certificate, PEM_MAX, &s->tls_certificate, &len, e);
	return rc;
}

int server_start(struct server **out, struct service *svc, const struct config *c, const int *fds, unsigned int nr,
		 struct admin *admin, struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_sys(e, -ENOMEM, "server");
	s->svc = svc;
	s->admin = admin;
	s->ctx.config = c;
	s->next_ms = -1;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	rc = s->epoll_fd < 0 ? err_sys(e, -errno, "epoll") : 0;
	if (!rc && c->tls_key)
		rc = load_tls(s, c, e);
	if (!rc)
		rc = workers_start(&s->ctx.workers, svc, c->threads, e);
	if (!rc)
		rc = add_to_epoll(s, workers_fd(s->ctx.workers), e);
	if (!rc && admin)
		rc = add_to_epoll(s, admin_fd(admin), e);
	for (unsigned int i = 0; !rc && i < nr; i++)
		rc = start_daemon(s, fds[i], c, e);
	if (rc)
		server_stop(s);
	else
		*out = s;
	return rc;
}

void server_stop(struct server *s)
{
	if (!s)
		return;
	workers_stop(s->ctx.workers);
	exchange_abandon(&s->ctx);
	for (unsigned int i = 0; i < s->nr; i++)
		MHD_stop_daemon(s->daemon[i]);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->tls_key)
		explicit_bzero(s->tls_key, strlen(s->tls_key));
	free(s->tls_key);
	free(s->tls_certificate);
	free(s);
}

/* start_draining - quiesce gives the listening sockets back; closed, they refuse instead of queueing. */
static void start_draining(struct server *s)
{
	if (s->draining)
		return;
	s->draining = true;
	s->ctx.closing = true;
	s->drain_until_ms = service_clock_ms() + SERVER_DRAIN_MS;
	exchange_hurry(&s->ctx);
	sd_notify(0, "STOPPING=1");
	for (unsigned int i = 0; i < s->nr; i++) {
		int fd = MHD_quiesce_daemon(s->daemon[i]);

		if (fd >= 0)
			close(fd);
	}
}

static void read_signal(struct server *s, int signal_fd)
{
	struct signalfd_siginfo info;
	struct err e = ERR_INIT;

	if (read(signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo != SIGHUP) {
		start_draining(s);
		return;
	}
	if (s->svc->trail && lines_reopen(s->svc->trail, &e))
		log_err("%s", e.what);
	if (s->svc->events && events_reopen(s->svc->events, &e))
		log_err("%s", e.what);
}

/* wait_ms - until the earliest timeout of a connection, and short enough for watchdog and drain deadline. */
static int wait_ms(const struct server *s)
{
	MHD_UNSIGNED_LONG_LONG shortest = s->draining ? 100 : IDLE_WAKEUP_MS, t;

	if (s->next_ms >= 0 && (MHD_UNSIGNED_LONG_LONG)s->next_ms < shortest)
		shortest = (MHD_UNSIGNED_LONG_LONG)s->next_ms;
	for (unsigned int i = 0; i < s->nr; i++)
		if (MHD_get_timeout(s->daemon[i], &t) == MHD_YES && t < shortest)
			shortest = t;
	return (int)shortest;
}

int server_run(struct server *s, int signal_fd, struct err *e)
{
	struct epoll_event ev[EVENTS_MAX];
	int rc = add_to_epoll(s, signal_fd, e);

	while (!rc && !(s->draining && (!s->ctx.in_flight || service_clock_ms() >= s->drain_until_ms))) {
		int n = epoll_wait(s->epoll_fd, ev, EVENTS_MAX, wait_ms(s));

		if (n < 0 && errno != EINTR)
			return err_sys(e, -errno, "epoll");
		for (int i = 0; i < n; i++)
			if (ev[i].data.fd == signal_fd)
				read_signal(s, signal_fd);
		if (s->admin)
			admin_run(s->admin);
		s->next_ms = exchange_reap(&s->ctx);
		for (unsigned int i = 0; i < s->nr; i++)
			MHD_run(s->daemon[i]);
		sd_notify(0, "WATCHDOG=1");
	}
	if (!rc && s->ctx.in_flight)
		log_warn("%u requests were not answered in time", s->ctx.in_flight);
	return rc;
}
