// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/ipc.h"
#include "../common/log.h"
#include "../common/priority.h"
#include "activity.h"
#include "metrics.h"
#include "scrape.h"
#include "scrape_http.h"
#include "scrape_queue.h"
#include "status.h"
#include "worker.h"

#define GROUP "ecache"

struct connection {
	struct scrapes *s;
	int sock;		/* valid while its slot of the queue is used */
	sd_event_source *io;
};

struct scrapes {
	struct daemon *d;
	int listen_fd;
	sd_event_source *listen;
	sd_event_source *timer;
	struct scrape_queue queue;
	struct connection connection[SCRAPE_CLIENTS];
	uint64_t served, cut, refused;
};

/* What a worker is given. */
struct errand {
	int sock;
	uid_t uid;
};

static void look(struct scrapes *s);

/* listen_to - whatever else the loop has to do comes first. */
static int listen_to(struct scrapes *s, sd_event_source **source, int fd, sd_event_io_handler_t handler, void *arg)
{
	int rc = sd_event_add_io(s->d->event, source, fd, EPOLLIN, handler, arg);

	return rc < 0 ? rc : sd_event_source_set_priority(*source, SD_EVENT_PRIORITY_IDLE);
}

/* let_go - of a slot that the queue has freed. */
static void let_go(struct connection *c, bool keep_sock)
{
	c->io = sd_event_source_disable_unref(c->io);
	if (!keep_sock)
		close(c->sock);
}

static void refuse(struct scrapes *s, struct connection *c)
{
	s->refused++;
	let_go(c, false);
}

/* The worker. */

struct volumes {
	struct json_object **o;
	size_t nr;
};

static int take(void *arg, struct json_object *volume)
{
	struct volumes *v = arg;
	void *more = volume ? realloc(v->o, (v->nr + 1) * sizeof(*v->o)) : NULL;

	if (!more) {
		json_object_put(volume);
		return -ENOMEM;
	}
	v->o = more;
	v->o[v->nr++] = volume;
	return 0;
}

static const char *activity_of(const void *ctx, const char *name)
{
	return activity(ctx, name);
}

static void count_teardowns(const struct daemon *d, struct metrics_view *v)
{
	const struct tear_order *o;
	int64_t waits, now = now_ms();

	v->teardowns_running = worker_count(d, WORKER_TEAR);
	for (o = d->tears.first; o; o = o->next) {
		waits = now - o->verdict_ms;
		v->teardowns_waiting++;
		if (waits > v->oldest_wait_ms)
			v->oldest_wait_ms = waits;
	}
}

/* make_page - nothing is freed but by the end of the process. */
static int make_page(struct daemon *d, char **page, size_t *len, struct err *e)
{
	struct json_object *result = json_object_new_object();
	struct volumes all = { 0 };
	struct talk nobody = TALK_NONE;
	const struct status_view status = {
		.env = &d->env, .watch = &d->watch, .events = &d->events, .problem = d->problem,
		.activity = activity_of, .ctx = d, .take = take, .arg = &all,
	};
	struct metrics_view v = {
		.watch = &d->watch, .net_asked = d->net.asked, .net_up = d->net.up, .net_failures = d->net.failures,
		.scrapes_served = d->scrapes->served, .scrapes_cut = d->scrapes->cut,
		.scrapes_refused = d->scrapes->refused,
	};
	int rc;

	rc = result ? status_answer(&status, &nobody, "", result, e) : err_sys(e, -ENOMEM, "cannot make a page");
	if (rc)
		return rc;
	v.volume = all.o;
	v.nr = all.nr;
	v.agent = json_object_object_get(result, "agent");
	count_teardowns(d, &v);
	return metrics_page(&v, page, len, e);
}

static void too_late(int sig)
{
	(void)sig;
	_exit(WORKER_LATER);
}

static int run(struct daemon *d, void *arg, int sock)
{
	const struct errand *errand = arg;
	struct err e = ERR_INIT;
	char *page;
	size_t len;
	int rc;

	(void)sock;
	priority_ordinary();
	signal(SIGALRM, too_late);
	alarm(SCRAPE_LIMIT_S);
	rc = make_page(d, &page, &len, &e);
	if (rc)
		log_warn("metrics: %s", e.what);
	else
		rc = scrape_http(errand->sock, page, len, &e);
	return rc ? WORKER_FAILED : WORKER_OK;
}

/* The loop. */

static void done(struct daemon *d, const char *name, void *arg, int status)
{
	const struct errand *errand = arg;
	struct scrapes *s = d->scrapes;

	(void)name;
	if (!s)
		return;
	if (status == WORKER_OK)
		s->served++;
	else
		s->cut++;
	scrape_queue_ended(&s->queue, errand->uid);
	look(s);
}

/* serve - takes the socket over; it is the worker's alone. */
static int serve(struct scrapes *s, int sock, uid_t uid)
{
	struct worker_spec spec = {
		.kind = WORKER_LOOK, .name = "", .activity = "serving metrics", .killable = true, .sock = -1,
		.run = run, .done = done,
	};
	struct errand *errand = malloc(sizeof(*errand));
	int rc = -ENOMEM;

	if (errand) {
		*errand = (struct errand){ .sock = sock, .uid = uid };
		spec.arg = errand;
		rc = worker_start(s->d, &spec, NULL);
	}
	close(sock);
	return rc;
}

static void look(struct scrapes *s)
{
	int64_t now = now_ms(), due;
	uid_t uid;
	int slot;

	while ((slot = scrape_queue_silent(&s->queue, now)) >= 0)
		refuse(s, &s->connection[slot]);
	while ((slot = scrape_queue_take(&s->queue, now, &uid)) >= 0) {
		let_go(&s->connection[slot], true);
		if (serve(s, s->connection[slot].sock, uid)) {
			scrape_queue_ended(&s->queue, uid);
			s->refused++;
		}
	}
	due = scrape_queue_due(&s->queue);
	if (due == INT64_MAX) {
		sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(s->timer, due > 0 ? (uint64_t)due * 1000 : 0);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	look(userdata);
	return 0;
}

static int on_byte(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct connection *c = userdata;
	struct scrapes *s = c->s;
	int slot = (int)(c - s->connection);
	char byte;

	(void)revents;
	if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
		scrape_queue_remove(&s->queue, slot);
		let_go(c, false);
	} else {
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		scrape_queue_ready(&s->queue, slot);
	}
	look(s);
	return 0;
}

static int add(struct scrapes *s, int sock, uid_t uid)
{
	int out, slot = scrape_queue_add(&s->queue, uid, now_ms(), &out);
	struct connection *c;
	int rc;

	if (out >= 0)
		refuse(s, &s->connection[out]);
	if (slot < 0)
		return -EAGAIN;
	c = &s->connection[slot];
	*c = (struct connection){ .s = s, .sock = sock };
	rc = listen_to(s, &c->io, sock, on_byte, c);
	if (rc < 0) {
		scrape_queue_remove(&s->queue, slot);
		let_go(c, true);
	}
	return rc < 0 ? rc : 0;
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct scrapes *s = userdata;
	uid_t uid;
	int sock;

	(void)source;
	(void)revents;
	sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock < 0)
		return 0;
	if (!server_may_look(s->d, sock, &uid) || add(s, sock, uid)) {
		s->refused++;
		close(sock);
	}
	look(s);
	return 0;
}

static int start(struct scrapes *s, struct err *e)
{
	struct daemon *d = s->d;
	int rc;

	rc = ipc_listen_stream(d->conf.metrics_socket, d->have_group ? 0660 : 0600, d->have_group ? GROUP : NULL, e);
	if (rc < 0)
		return rc;
	s->listen_fd = rc;
	rc = listen_to(s, &s->listen, s->listen_fd, on_connect, s);
	if (rc >= 0)
		rc = sd_event_add_time(d->event, &s->timer, CLOCK_BOOTTIME, UINT64_MAX, 0, on_timer, s);
	return rc < 0 ? err_sys(e, rc, "cannot serve %s", d->conf.metrics_socket) : 0;
}

void scrapes_start(struct daemon *d)
{
	struct err e = ERR_INIT;

	if (!*d->conf.metrics_socket)
		return;
	d->scrapes = calloc(1, sizeof(*d->scrapes));
	if (!d->scrapes) {
		log_err("no metrics: no memory");
		return;
	}
	d->scrapes->d = d;
	d->scrapes->listen_fd = -1;
	if (start(d->scrapes, &e)) {
		log_err("no metrics: %s", e.what);
		scrapes_stop(d);
	}
}

void scrapes_stop(struct daemon *d)
{
	struct scrapes *s = d->scrapes;
	int i;

	if (!s)
		return;
	for (i = 0; i < SCRAPE_CLIENTS; i++) {
		if (s->queue.slot[i].used)
			let_go(&s->connection[i], false);
	}
	sd_event_source_disable_unref(s->timer);
	sd_event_source_disable_unref(s->listen);
	if (s->listen_fd >= 0) {
		unlink(d->conf.metrics_socket);
		close(s->listen_fd);
	}
	free(s);
	d->scrapes = NULL;
}

void scrapes_close_fds(const struct daemon *d)
{
	const struct scrapes *s = d->scrapes;
	int i;

	if (!s)
		return;
	close(s->listen_fd);
	for (i = 0; i < SCRAPE_CLIENTS; i++) {
		if (s->queue.slot[i].used)
			close(s->connection[i].sock);
	}
}
