// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/ipc.h"
#include "../common/json.h"
#include "../common/log.h"
#include "activity.h"
#include "proto.h"
#include "scrape.h"
#include "status.h"
#include "watching.h"
#include "worker.h"

#define GROUP "ecache"
#define CLIENTS_MAX 64		/* connections that have not sent their request yet */

struct client {
	struct client *next;
	struct daemon *d;
	int sock;
	sd_event_source *io;
	sd_event_source *timer;
};

static const struct {
	int (*job)(struct job *j, struct err *e);	/* NULL: list and status */
	enum worker_kind kind;
	const char *activity;
	bool killable;		/* everything it does is on disk or undone by a retry */
} verbs[REQUEST_NR] = {
	[REQUEST_CREATE] = { job_create, WORKER_CHANGE, "creating", false },
	[REQUEST_OPEN] = { job_open, WORKER_CHANGE, "opening", true },
	[REQUEST_CLOSE] = { job_close, WORKER_CHANGE, "closing", true },
	[REQUEST_STATUS] = { NULL, WORKER_LOOK, "reporting", true },
	[REQUEST_LIST] = { NULL, WORKER_LOOK, "reporting", true },
	[REQUEST_REVOKE] = { job_revoke, WORKER_TEAR, ACTIVITY_TEARING, false },
	[REQUEST_REGRANT] = { job_regrant, WORKER_CHANGE, "regranting", false },
	[REQUEST_REWRAP] = { job_rewrap, WORKER_CHANGE, "rewrapping", false },
	[REQUEST_RESIZE] = { job_resize, WORKER_CHANGE, "resizing", true },
	[REQUEST_DESTROY] = { job_destroy, WORKER_CHANGE, "destroying", false },
	[REQUEST_DUMP] = { job_dump, WORKER_LOOK, "dumping", true },
	[REQUEST_CONFIRM] = { job_confirm, WORKER_NOTE, "confirming", false },
	[REQUEST_UNWRAP] = { job_unwrap, WORKER_CHANGE, "unwrapping", true },
	[REQUEST_DOCTOR] = { job_doctor, WORKER_LOOK, "examining", true },
	[REQUEST_ADOPT] = { job_adopt, WORKER_CHANGE, "adopting", false },
	[REQUEST_REPAIR] = { job_repair, WORKER_CHANGE, "recovering", false },
	[REQUEST_BACKUP] = { job_backup, WORKER_CHANGE, "backing-up", true },
	[REQUEST_RESTORE] = { job_restore, WORKER_CHANGE, "restoring", false },
	[REQUEST_BACKUPS] = { job_backups, WORKER_LOOK, "reporting", true },
};

/* client_drop - free a client that is on no list any more. */
static void client_drop(struct client *c, bool keep_sock)
{
	c->d->nr_clients--;
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->timer);
	if (!keep_sock)
		close(c->sock);
	free(c);
}

static void client_free(struct client *c, bool keep_sock)
{
	struct client **p;

	for (p = &c->d->clients; *p != c; p = &(*p)->next)
		;
	*p = c->next;
	client_drop(c, keep_sock);
}

void server_close_fds(const struct daemon *d)
{
	struct client *c;

	if (d->listen_fd >= 0)
		close(d->listen_fd);
	for (c = d->clients; c; c = c->next)
		close(c->sock);
	workers_close_socks(d);
	scrapes_close_fds(d);
}

static const char *activity_of(const void *ctx, const char *name)
{
	return activity(ctx, name);
}

/* run_job - in the worker: the verb, and the last word to the client. */
static int run_job(struct daemon *d, void *arg, int sock)
{
	const struct status_view view = {
		.env = &d->env, .watch = &d->watch, .events = &d->events, .problem = d->problem,
		.activity = activity_of, .ctx = d,
	};
	struct talk t = { .sock = sock };
	struct request *rq = arg;
	struct job j = {
		.env = &d->env, .talk = &t, .rq = rq, .watch = &d->watch, .result = json_object_new_object(),
	};
	struct err e = ERR_INIT;
	int rc;

	if (!j.result)
		rc = err_sys(&e, -ENOMEM, "cannot answer");
	else if (verbs[rq->verb].job)
		rc = verbs[rq->verb].job(&j, &e);
	else
		rc = status_answer(&view, &t, rq->name, j.result, &e);
	if (rc) {
		if (e.rc != rc)
			e.rc = rc;
		if (verbs[rq->verb].kind != WORKER_LOOK)
			log_fields(LOG_WARNING, e.what, "ECACHE_VOLUME", rq->name, "ECACHE_EVENT",
				   request_verb_name(rq->verb), NULL);
		json_object_put(j.result);
		talk_error(&t, &e);
		return WORKER_FAILED;
	}
	talk_result(&t, j.result);
	return WORKER_OK;
}

static void job_done(struct daemon *d, const char *name, void *arg, int status)
{
	const struct request *rq = arg;

	if (rq->verb == REQUEST_CONFIRM && status == WORKER_OK)
		watching_confirm(d, rq);
	if (verbs[rq->verb].kind == WORKER_CHANGE || verbs[rq->verb].kind == WORKER_TEAR)
		volumes_refresh(d, name);
}

/* start_job - takes the socket over. */
static int start_job(struct daemon *d, const struct request *rq, int sock, struct err *e)
{
	struct worker_spec spec = {
		.kind = verbs[rq->verb].kind,
		.name = rq->name,
		.activity = verbs[rq->verb].activity,
		.killable = verbs[rq->verb].killable,
		.sock = sock,
		.run = run_job,
		.done = job_done,
	};
	struct request *arg = malloc(sizeof(*arg));

	if (!arg) {
		close(sock);
		return err_sys(e, -ENOMEM, "cannot start a worker");
	}
	*arg = *rq;
	spec.arg = arg;
	return worker_start(d, &spec, e);
}

/*
 * may_start - the volume must not be in the middle of its end; a revoke may end what is in
 * its way.
 */
static int may_start(struct daemon *d, const struct request *rq, struct err *e)
{
	const char *busy;

	if (verbs[rq->verb].kind == WORKER_LOOK)
		return 0;
	busy = activity(d, rq->name);
	if (busy && rq->verb == REQUEST_REVOKE && strcmp(busy, ACTIVITY_TEARING) && worker_kill(d, rq->name))
		busy = NULL;
	if (!busy)
		return 0;
	err_set(e, -EBUSY, "%s is busy: %s", rq->name, busy);
	return err_hint(e, "Wait for it; `ecachectl status %s` shows when it is done.", rq->name);
}

static bool in_group(int sock, gid_t group)
{
	gid_t groups[1024];
	socklen_t len = sizeof(groups);
	size_t i;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, groups, &len))
		return false;
	for (i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

bool server_may_look(const struct daemon *d, int sock, uid_t *uid)
{
	struct ipc_peer peer;

	if (ipc_peer(sock, &peer))
		return false;
	*uid = peer.uid;
	return !peer.uid || (d->have_group && (peer.gid == d->group || in_group(sock, d->group)));
}

static int may_ask(struct daemon *d, int sock, const struct request *rq, struct err *e)
{
	struct ipc_peer peer;
	int rc;

	rc = ipc_peer(sock, &peer);
	if (rc)
		return err_sys(e, rc, "cannot tell who is asking");
	if (!ratelimit_take(&d->limit, peer.uid, now_ms())) {
		err_set(e, -EAGAIN, "too many requests");
		return err_hint(e, "At most %d a second.", RATELIMIT_PER_S);
	}
	if (!peer.uid)
		return 0;
	if (request_public(rq->verb) && d->have_group &&
	    (peer.gid == d->group || in_group(sock, d->group)))
		return 0;
	err_set(e, -EACCES, "only root may %s%s", request_verb_name(rq->verb),
		request_public(rq->verb) ? ", and members of group " GROUP : "");
	log_warn("uid %u was refused %s", peer.uid, request_verb_name(rq->verb));
	return e->rc;
}

/* answer_error - from the loop: one short packet into an empty socket never waits. */
static void answer_error(int sock, const struct err *e)
{
	struct talk t = { .sock = sock };

	talk_error(&t, e);
}

static int handle(struct client *c, struct json_object *msg, int fd, struct err *e)
{
	struct daemon *d = c->d;
	struct request rq;
	bool with = fd >= 0;
	int rc, sock;

	rc = request_read(msg, &rq, e);
	if (!rc && request_takes_fd(rq.verb) != with)
		rc = err_set(e, -EINVAL, "%s takes %s descriptor", request_verb_name(rq.verb), with ? "no" : "a");
	if (rc)
		return rc;
	rq.fd = fd;
	rc = may_ask(d, c->sock, &rq, e);
	if (!rc)
		rc = may_start(d, &rq, e);
	if (rc)
		return rc;
	sock = fcntl(c->sock, F_DUPFD_CLOEXEC, 3);
	if (sock < 0)
		return err_sys(e, -errno, "cannot serve");
	return start_job(d, &rq, sock, e);
}

static int on_request(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct client *c = userdata;
	struct err e = ERR_INIT;
	struct json_object *msg;
	int rc, with;

	(void)s;
	(void)revents;
	rc = ipc_recv(fd, &msg, &with, 0);
	if (rc == -ETIMEDOUT)
		return 0;
	if (rc == -EBADMSG)
		err_set(&e, rc, "the request is not one JSON object of at most %d bytes", IPC_MAX);
	else if (!rc)
		handle(c, msg, with, &e);
	if (e.rc)
		answer_error(c->sock, &e);
	if (with >= 0)
		close(with);		/* the worker has its own */
	json_object_put(msg);
	client_free(c, false);
	return 0;
}

static int on_silent(sd_event_source *s, uint64_t usec, void *userdata)
{
	(void)s;
	(void)usec;
	client_free(userdata, false);
	return 0;
}

static int add_client(struct daemon *d, int sock)
{
	struct client *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->d = d;
	c->sock = sock;
	c->next = d->clients;
	d->clients = c;
	d->nr_clients++;
	rc = sd_event_add_io(d->event, &c->io, sock, EPOLLIN, on_request, c);
	if (rc >= 0)
		rc = sd_event_add_time_relative(d->event, &c->timer, CLOCK_BOOTTIME, PROTO_REQUEST_MS * 1000ULL, 0,
						on_silent, c);
	if (rc < 0)
		client_free(c, true);
	return rc < 0 ? rc : 0;
}

static int on_connect(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;
	int sock;

	(void)s;
	(void)revents;
	sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock < 0)
		return 0;
	if (d->nr_clients >= CLIENTS_MAX || add_client(d, sock))
		close(sock);
	return 0;
}

int server_start(struct daemon *d, struct err *e)
{
	struct group *g = getgrnam(GROUP);
	int rc;

	d->have_group = g;
	d->group = g ? g->gr_gid : 0;
	if (!g)
		log_warn("there is no group %s: only root may ask", GROUP);
	rc = ipc_listen(d->conf.control_socket, g ? 0660 : 0600, g ? GROUP : NULL, e);
	if (rc < 0)
		return rc;
	d->listen_fd = rc;
	rc = sd_event_add_io(d->event, &d->listen, d->listen_fd, EPOLLIN, on_connect, d);
	return rc < 0 ? err_sys(e, rc, "cannot serve %s", d->conf.control_socket) : 0;
}

void server_stop(struct daemon *d)
{
	struct client *c, *next;

	for (c = d->clients, d->clients = NULL; c; c = next) {
		next = c->next;
		client_drop(c, false);
	}
	d->listen = sd_event_source_disable_unref(d->listen);
	if (d->listen_fd >= 0) {
		unlink(d->conf.control_socket);
		close(d->listen_fd);
	}
	d->listen_fd = -1;
}
