// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/log.h"
#include "../common/memory.h"
#include "child.h"
#include "mapping.h"
#include "revoker.h"
#include "text.h"

#define CLIENTS_MAX 64
#define HELLO_MS 5000

/* The first thing it says: how well it is prepared. */
struct hello {
	int32_t mlock_rc, oom_rc, warm_rc;
	char text[ERR_TEXT];
};

struct request {
	uint32_t serial;
	uint32_t op;
	char name[VOLUME_NAME_MAX + 1];
};

struct reply {
	uint32_t serial;
	int32_t rc;
	char text[ERR_TEXT];
};

struct server {
	const struct dm *dm;
	struct pollfd poll[1 + CLIENTS_MAX];	/* the control socket first */
	unsigned int nr;
};

/* Locked memory and the control node now, while nothing is wrong yet; OOM must kill others first. */
static void warm(const struct dm *dm, int control)
{
	struct hello h = { 0 };
	struct err e = ERR_INIT;
	int fd;

	h.mlock_rc = memory_lock(MEMORY_WHOLE);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "-1000", 5) < 0)
		h.oom_rc = -errno;
	if (fd >= 0)
		close(fd);
	h.warm_rc = dm->ops->warm(dm->ctx, &e);
	text_set(h.text, e.what);
	send(control, &h, sizeof(h), MSG_NOSIGNAL);
}

/* hear_hello - what is missing is logged and survived: a revoker that may be swapped out is better than none. */
static int hear_hello(int control, struct err *e)
{
	struct pollfd p = { .fd = control, .events = POLLIN };
	int64_t until = now_ms() + HELLO_MS, left;
	struct hello h;

	for (;;) {
		left = until - now_ms();
		if (left <= 0)
			return err_set(e, -EAGAIN, "the revoker does not start");
		if (poll(&p, 1, left) > 0)
			break;
	}
	if (recv(control, &h, sizeof(h), 0) != sizeof(h))
		return err_set(e, -EAGAIN, "the revoker died at its start");
	if (h.mlock_rc)
		log_warn("revoker: memory not locked: %s", strerror(-h.mlock_rc));
	if (h.oom_rc)
		log_info("revoker: not protected from the OOM killer: %s", strerror(-h.oom_rc));
	h.text[sizeof(h.text) - 1] = '\0';
	if (h.warm_rc)
		log_warn("revoker: %s", h.text);
	return 0;
}

/* serve - false when the client has closed. */
static bool serve(const struct dm *dm, int sock)
{
	struct request rq;
	struct reply re = { 0 };
	struct err e = ERR_INIT;
	ssize_t n;

	n = recv(sock, &rq, sizeof(rq), MSG_DONTWAIT);
	if (n != sizeof(rq))
		return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
	rq.name[sizeof(rq.name) - 1] = '\0';
	re.serial = rq.serial;
	if (rq.op == REVOKER_REVOKE)
		re.rc = mapping_revoke(dm, rq.name, &e);
	else if (rq.op == REVOKER_WIPE)
		re.rc = mapping_wipe(dm, rq.name, &e);
	else
		re.rc = -EINVAL;
	text_set(re.text, e.what);
	send(sock, &re, sizeof(re), MSG_NOSIGNAL | MSG_DONTWAIT);
	return true;
}

/* take_client - a socket handed over on the control socket; false at its end. */
static bool take_client(struct server *s)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t n;
	int fd;

	n = recvmsg(s->poll[0].fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return n > 0;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (s->nr > CLIENTS_MAX) {
		close(fd);	/* its holder sees the end and does it by itself */
		return true;
	}
	s->poll[s->nr].fd = fd;
	s->poll[s->nr].events = POLLIN;
	s->poll[s->nr++].revents = 0;
	return true;
}

static void drop_client(struct server *s, unsigned int i)
{
	close(s->poll[i].fd);
	s->poll[i] = s->poll[--s->nr];
}

static void run(const struct dm *dm, int control)
{
	struct server s = { .dm = dm, .nr = 1 };
	unsigned int i;

	s.poll[0].fd = control;
	s.poll[0].events = POLLIN;
	while (s.nr > 1 || s.poll[0].fd >= 0) {
		if (poll(s.poll, s.nr, -1) < 0)
			continue;
		for (i = s.nr - 1; i >= 1; i--) {
			if (s.poll[i].revents && !serve(dm, s.poll[i].fd))
				drop_client(&s, i);
		}
		if (s.poll[0].revents && !take_client(&s)) {
			close(s.poll[0].fd);
			s.poll[0].fd = -1;	/* poll() skips it */
		}
	}
}

bool revoker_alive(struct revoker *r)
{
	pid_t got;

	if (r->pid < 0)
		return false;
	got = waitpid(r->pid, NULL, WNOHANG);
	if (!got || (got < 0 && errno == EINTR))
		return true;
	/* Reaped, by us or (ECHILD) by a SIGCHLD handler of the program. */
	r->pid = -1;
	return false;
}

void revoker_stop(struct revoker *r)
{
	if (r->control >= 0)
		close(r->control);
	r->control = -1;
	revoker_alive(r);
}

int revoker_start(struct revoker *r, const struct dm *dm, struct err *e)
{
	int pair[2], rc;
	pid_t pid;

	r->pid = -1;
	r->control = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(e, -errno, "cannot make the revoker's socket");
	pid = fork();
	if (pid < 0) {
		rc = err_sys(e, -errno, "cannot start the revoker");
		close(pair[0]);
		close(pair[1]);
		return rc;
	}
	if (!pid) {
		child_settle("ecache-revoker", &pair[1], 1);
		warm(dm, pair[1]);
		run(dm, pair[1]);
		_exit(0);
	}
	close(pair[1]);
	r->pid = pid;
	r->control = pair[0];
	rc = hear_hello(r->control, e);
	if (rc) {
		kill(pid, SIGKILL);
		revoker_stop(r);
	}
	return rc;
}

static int hand_over(int control, int fd)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} space;
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof(space),
	};
	struct cmsghdr *c;

	memset(&space, 0, sizeof(space));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(control, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int revoker_connect(struct revoker *r, int *sock, struct err *e)
{
	int pair[2], rc;

	*sock = -1;
	if (r->control < 0)
		return err_set(e, -EPIPE, "the revoker is not running");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(e, -errno, "cannot make a socket to the revoker");
	rc = hand_over(r->control, pair[1]);
	close(pair[1]);
	if (rc) {
		close(pair[0]);
		return err_sys(e, rc, "cannot reach the revoker");
	}
	*sock = pair[0];
	return 0;
}

/* wait_reply - the reply to @serial; one to an earlier call that timed out is dropped. */
static int wait_reply(int sock, uint32_t serial, int64_t until, struct reply *re)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int64_t left;
	ssize_t n;

	for (;;) {
		left = until - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, left) <= 0)
			continue;
		n = recv(sock, re, sizeof(*re), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n != sizeof(*re))
			return -EPIPE;
		if (re->serial == serial)
			return 0;
	}
}

int revoker_ask(int sock, enum revoker_op op, const char *name, uint32_t serial)
{
	struct request rq = { .serial = serial, .op = op };

	if (text_set(rq.name, name))
		return -EINVAL;
	if (send(sock, &rq, sizeof(rq), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == EAGAIN || errno == ENOBUFS ? -EAGAIN : -EPIPE;
	return 0;
}

int revoker_answer(int sock, uint32_t *serial, int *rc)
{
	struct reply re;
	ssize_t n;

	do
		n = recv(sock, &re, sizeof(re), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n != sizeof(re))
		return -EPIPE;
	*serial = re.serial;
	*rc = re.rc;
	return 1;
}

int revoker_call(int sock, enum revoker_op op, const char *name, int timeout_ms, struct err *e)
{
	struct reply re;
	uint32_t serial;
	int rc;

	/* Random, so that a late reply to an earlier caller of this socket is told from ours. */
	if (getrandom(&serial, sizeof(serial), GRND_NONBLOCK) != sizeof(serial))
		serial = now_ms();
	rc = revoker_ask(sock, op, name, serial);
	if (rc)
		return err_sys(e, rc == -EAGAIN ? -ETIMEDOUT : rc, "the revoker does not take the request");
	rc = wait_reply(sock, serial, now_ms() + timeout_ms, &re);
	if (rc)
		return err_sys(e, rc, "the revoker did not answer");
	re.text[sizeof(re.text) - 1] = '\0';
	return re.rc ? err_set(e, re.rc, "%s", re.text) : 0;
}
