/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_FAKE_HTTP_H
#define ECACHE_FAKE_HTTP_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * An HTTP server for tests, on a unix socket or (fake_start_tcp) 127.0.0.1, in a thread: it answers one connection
 * after the other with the replies of a script, the last one again and again. It checks nothing; what came is kept
 * for the test to look at.
 */
struct fake_reply {
	int status;		/* 0: @body is the raw answer */
	const char *headers;	/* lines with CRLF; may be NULL */
	const char *body;
	size_t body_len;	/* 0: strlen */
	enum { FAKE_ANSWER, FAKE_HANG, FAKE_CLOSE, FAKE_TRUNCATE } how;
};

struct fake_http {
	char dir[64], path[80], endpoint[96];
	int listener, stop[2];
	pthread_t thread;
	sem_t running;
	const struct fake_reply *script;
	size_t nr, at;
	/* of the last request, valid after its answer came */
	char head[8192], body[65536];
	/* all heads so far, as far as they fit */
	char history[32768];
	unsigned int requests, connections;
};

static inline void fake_send(int sock, const char *p, size_t len)
{
	ssize_t n;

	while (len) {
		n = send(sock, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		p += n;
		len -= n;
	}
}

static inline bool fake_answer(struct fake_http *f, int sock)
{
	const struct fake_reply *r = &f->script[f->at];
	size_t len = r->body_len ? r->body_len : r->body ? strlen(r->body) : 0;
	struct pollfd gone[2] = { { .fd = sock, .events = POLLRDHUP }, { .fd = f->stop[0], .events = POLLIN } };
	char head[1024];

	if (f->at + 1 < f->nr)
		f->at++;
	if (r->how == FAKE_CLOSE)
		return false;
	if (r->how == FAKE_HANG) {
		poll(gone, 2, -1);
		return false;
	}
	if (r->status) {
		snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", r->status,
			 len + (r->how == FAKE_TRUNCATE ? 10 : 0), r->headers ? r->headers : "");
		fake_send(sock, head, strlen(head));
	}
	fake_send(sock, r->body, len);
	return r->status && r->how == FAKE_ANSWER;
}

/* One request; false at the end of the connection. */
static inline bool fake_read(struct fake_http *f, int sock)
{
	static const char length[] = "Content-Length: ";
	size_t have = 0, want = 0, body = 0;
	char *all, *end, *p;
	ssize_t n;

	all = calloc(1, sizeof(f->head) + sizeof(f->body));
	if (!all)
		return false;
	for (;;) {
		struct pollfd pfd[2] = { { .fd = sock, .events = POLLIN }, { .fd = f->stop[0], .events = POLLIN } };

		poll(pfd, 2, -1);
		n = pfd[1].revents ? 0 : recv(sock, all + have, sizeof(f->head) + sizeof(f->body) - 1 - have, 0);
		if (n <= 0) {
			free(all);
			return false;
		}
		have += n;
		end = strstr(all, "\r\n\r\n");
		if (!end)
			continue;
		p = strcasestr(all, length);
		want = p && p < end ? strtoul(p + strlen(length), NULL, 10) : 0;
		body = have - (end + 4 - all);
		if (body >= want)
			break;
	}
	snprintf(f->head, sizeof(f->head), "%.*s", (int)(end + 2 - all), all);
	snprintf(f->body, sizeof(f->body), "%.*s", (int)want, end + 4);
	n = strlen(f->history);
	snprintf(f->history + n, sizeof(f->history) - n, "%.*s", (int)(end + 2 - all), all);
	f->requests++;
	free(all);
	return true;
}

static inline void *fake_run(void *ctx)
{
	struct fake_http *f = ctx;
	int sock;

	sem_post(&f->running);
	for (;;) {
		struct pollfd pfd[2] = { { .fd = f->listener, .events = POLLIN },
					 { .fd = f->stop[0], .events = POLLIN } };

		poll(pfd, 2, -1);
		if (pfd[1].revents)
			return NULL;
		sock = accept(f->listener, NULL, NULL);
		if (sock < 0)
			continue;
		f->connections++;
		while (fake_read(f, sock) && fake_answer(f, sock))
			;
		close(sock);
	}
}

static inline bool fake_run_thread(struct fake_http *f, const struct fake_reply *script, size_t nr)
{
	f->script = script;
	f->nr = nr;
	if (pipe(f->stop) || listen(f->listener, 64) || sem_init(&f->running, 0, 0) ||
	    pthread_create(&f->thread, NULL, fake_run, f))
		return false;
	while (sem_wait(&f->running))
		;
	return true;
}

/* Returns when the thread only waits: a child forked from now on inherits no lock that it holds. */
static inline bool fake_start(struct fake_http *f, const struct fake_reply *script, size_t nr)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	memset(f, 0, sizeof(*f));
	strcpy(f->dir, "/tmp/fake_http.XXXXXX");
	if (!mkdtemp(f->dir))
		return false;
	snprintf(f->path, sizeof(f->path), "%.60s/s", f->dir);
	snprintf(f->endpoint, sizeof(f->endpoint), "unix:%.80s", f->path);
	strcpy(sa.sun_path, f->path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return f->listener >= 0 && !bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)) &&
	       fake_run_thread(f, script, nr);
}

static inline bool fake_start_tcp(struct fake_http *f, const struct fake_reply *script, size_t nr)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);

	memset(f, 0, sizeof(*f));
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->listener < 0 || bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)) ||
	    getsockname(f->listener, (struct sockaddr *)&sa, &len))
		return false;
	snprintf(f->endpoint, sizeof(f->endpoint), "http://127.0.0.1:%u", ntohs(sa.sin_port));
	return fake_run_thread(f, script, nr);
}

static inline void fake_stop(struct fake_http *f)
{
	if (write(f->stop[1], "x", 1) == 1)
		pthread_join(f->thread, NULL);
	close(f->listener);
	close(f->stop[0]);
	close(f->stop[1]);
	if (f->path[0])
		unlink(f->path);
	if (f->dir[0])
		rmdir(f->dir);
}

#endif
