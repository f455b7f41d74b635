// SPDX-License-Identifier: GPL-2.0-or-later
#include "admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "listener.h"

#define ANSWER_MAX (256 * 1024)
#define CLIENT_TIMEOUT_S 10

struct connection {
	int fd;			/* -1: none */
	size_t len;
	char line[ADMIN_LINE_MAX];
};

struct admin {
	struct inject *inject;
	char *path;
	int listen_fd;
	int epoll_fd;
	struct connection connection[ADMIN_CONNECTIONS_MAX];
};

/* Nobody but root and our own user. */
static const struct config nobody_else = { .nr_uids = 0 };

static int watch(struct admin *a, int fd, void *what)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	return epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int admin_open(const char *path, struct inject *in, struct admin **out, struct err *e)
{
	struct admin *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return err_sys(e, -ENOMEM, "admin socket");
	a->inject = in;
	for (unsigned int i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
		a->connection[i].fd = -1;
	a->listen_fd = -1;
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	rc = a->epoll_fd < 0 ? err_sys(e, -errno, "epoll") : 0;
	if (!rc) {
		a->listen_fd = listener_unix(path, &nobody_else, e);
		rc = a->listen_fd < 0 ? a->listen_fd : 0;
	}
	if (!rc) {
		a->path = strdup(path);
		rc = a->path ? watch(a, a->listen_fd, a) : -ENOMEM;
		if (rc)
			err_sys(e, rc, "admin socket");
	}
	if (rc)
		admin_close(a);
	else
		*out = a;
	return rc;
}

static void hang_up(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->len = 0;
}

void admin_close(struct admin *a)
{
	if (!a)
		return;
	for (unsigned int i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
		hang_up(&a->connection[i]);
	if (a->listen_fd >= 0)
		close(a->listen_fd);
	if (a->epoll_fd >= 0)
		close(a->epoll_fd);
	if (a->path)
		unlink(a->path);
	free(a->path);
	free(a);
}

int admin_fd(const struct admin *a)
{
	return a->epoll_fd;
}

static void take_connection(struct admin *a)
{
	struct connection *c = NULL;
	int fd = accept4(a->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (unsigned int i = 0; !c && i < ADMIN_CONNECTIONS_MAX; i++)
		if (a->connection[i].fd < 0)
			c = &a->connection[i];
	if (!c || !listener_allows(fd, &nobody_else) || watch(a, fd, c)) {
		log_warn("admin socket: a connection is refused");
		close(fd);
		return;
	}
	c->fd = fd;
}

/* answer - the socket's buffer holds any answer of a client that reads. */
static void answer(struct admin *a, struct connection *c, const char *line, size_t len)
{
	struct buf out = BUF_INIT;

	inject_command(a->inject, line, len, &out);
	buf_char(&out, '\n');
	if (out.failed || send(c->fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)out.len)
		hang_up(c);
	buf_wipe(&out);
}

static void read_lines(struct admin *a, struct connection *c)
{
	char *begin = c->line, *end;
	ssize_t n = recv(c->fd, c->line + c->len, sizeof(c->line) - c->len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(c);
		return;
	}
	c->len += (size_t)n;
	while (c->fd >= 0 && (end = memchr(begin, '\n', c->len))) {
		answer(a, c, begin, (size_t)(end - begin));
		if (c->fd < 0)
			return;
		c->len -= (size_t)(end + 1 - begin);
		begin = end + 1;
	}
	memmove(c->line, begin, c->len);
	if (c->len == sizeof(c->line))
		hang_up(c);
}

void admin_run(struct admin *a)
{
	struct epoll_event ev[ADMIN_CONNECTIONS_MAX + 1];
	int n = epoll_wait(a->epoll_fd, ev, ADMIN_CONNECTIONS_MAX + 1, 0);

	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == a)
			take_connection(a);
		else
			read_lines(a, ev[i].data.ptr);
	}
}

static int connect_to(const char *path, struct err *e)
{
	const struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_S };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int rc, fd;

	if (strlen(path) >= sizeof(un.sun_path))
		return err_set(e, -ENAMETOOLONG, "the socket path %s is too long", path);
	strcpy(un.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (!connect(fd, (struct sockaddr *)&un, sizeof(un)))
		return fd;
	rc = err_sys(e, -errno, "cannot reach the admin socket %s", path);
	close(fd);
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		err_hint(e, "start the server with admin-socket=%s in its configuration", path);
	return rc;
}

int admin_ask(const char *path, const char *request, struct buf *out, struct err *e)
{
	int rc, fd = connect_to(path, e);
	struct buf line = BUF_INIT;
	char part[1024];

	if (fd < 0)
		return fd;
	buf_str(&line, request);
	buf_char(&line, '\n');
	if (line.failed)
		rc = -ENOMEM;
	else
		rc = send(fd, line.data, line.len, MSG_NOSIGNAL) == (ssize_t)line.len ? 0 : -EPIPE;
	buf_wipe(&line);
	while (!rc && (!out->len || out->data[out->len - 1] != '\n')) {
		ssize_t n = read(fd, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || out->len > ANSWER_MAX)
			rc = n < 0 ? -errno : -ECONNRESET;
		else
			buf_add(out, part, (size_t)n);
		if (out->failed)
			rc = -ENOMEM;
	}
	close(fd);
	if (rc)
		return err_sys(e, rc, "no answer on the admin socket %s", path);
	out->data[--out->len] = '\0';
	return 0;
}
