// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../common/ipc.h"
#include "netcall.h"

struct netcall {
	struct netcall *next;
	struct daemon *d;
	char *subject;
	netcall_done done;
	int sock;
	sd_event_source *io;
	sd_event_source *timer;
};

static void call_free(struct netcall *c)
{
	struct netcall **p;

	for (p = &c->d->calls; *p && *p != c; p = &(*p)->next)
		;
	if (*p)
		*p = c->next;
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->timer);
	if (c->sock >= 0)
		close(c->sock);
	free(c->subject);
	free(c);
}

static void finish(struct netcall *c, const struct net_answer *a)
{
	struct daemon *d = c->d;
	netcall_done done = c->done;
	char *subject = c->subject;

	c->subject = NULL;
	call_free(c);
	done(d, subject, a);
	free(subject);
}

static void no_answer(struct netcall *c, const char *why)
{
	struct net_answer a = { 0 };

	c->d->net.asked = true;
	c->d->net.up = false;
	c->d->net.failures++;
	a.a.transport = KMS_NO_ANSWER;
	snprintf(a.a.message, sizeof(a.a.message), "%s", why);
	finish(c, &a);
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct netcall *c = userdata;
	struct json_object *msg;
	struct net_answer a;
	int rc;

	(void)s;
	(void)revents;
	rc = ipc_recv(fd, &msg, NULL, 0);
	if (rc == -ETIMEDOUT)
		return 0;
	memset(&a, 0, sizeof(a));
	if (!rc)
		rc = net_answer_decode(msg, &a);
	json_object_put(msg);
	if (rc) {
		no_answer(c, "ecache-net hung up or made no sense");
		return 0;
	}
	c->d->net.asked = true;
	c->d->net.up = true;
	finish(c, &a);
	return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct netcall *c = userdata;

	(void)s;
	(void)usec;
	no_answer(c, c->sock < 0 ? "ecache-net cannot be reached" : "no answer from ecache-net");
	return 0;
}

/* dial - a connection that is there at once or not at all: local sockets have no handshake. */
static int dial(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int sock, rc;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -EINVAL;
	strcpy(sa.sun_path, path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -errno;
	if (!connect(sock, (struct sockaddr *)&sa, sizeof(sa)))
		return sock;
	rc = -errno;
	close(sock);
	return rc;
}

static int send_request(struct netcall *c, const struct net_request *rq)
{
	struct json_object *msg;
	int rc;

	rc = net_request_encode(rq, 0, &msg);
	if (rc)
		return rc;
	c->sock = dial(c->d->env.net_socket);
	if (c->sock >= 0)
		rc = ipc_send(c->sock, msg, -1);
	json_object_put(msg);
	if (c->sock < 0 || rc) {
		if (c->sock >= 0)
			close(c->sock);
		c->sock = -1;
		return 0;	/* on_timer() tells, soon */
	}
	return sd_event_add_io(c->d->event, &c->io, c->sock, EPOLLIN, on_readable, c);
}

int netcall_start_for(struct daemon *d, const struct net_request *rq, const char *subject, unsigned int wait_ms,
		      netcall_done done)
{
	struct netcall *c = calloc(1, sizeof(*c));
	uint64_t wait;
	int rc;

	if (!c)
		return -ENOMEM;
	c->d = d;
	c->done = done;
	c->sock = -1;
	c->subject = strdup(subject);
	rc = c->subject ? send_request(c, rq) : -ENOMEM;
	if (rc >= 0) {
		wait = c->sock < 0 ? 0 : wait_ms * 1000ULL;
		rc = sd_event_add_time_relative(d->event, &c->timer, CLOCK_BOOTTIME, wait, 0, on_timer, c);
	}
	if (rc < 0) {
		call_free(c);
		return rc;
	}
	c->next = d->calls;
	d->calls = c;
	return 0;
}

int netcall_start(struct daemon *d, const struct net_request *rq, const char *subject, netcall_done done)
{
	return netcall_start_for(d, rq, subject, NETCALL_TIMEOUT_MS, done);
}

void netcall_cancel(struct daemon *d, const char *subject)
{
	struct netcall *c, *next;

	for (c = d->calls; c; c = next) {
		next = c->next;
		if (!subject || !strcmp(c->subject, subject))
			call_free(c);
	}
}
