// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../common/ipc.h"
#include "../ecached/proto.h"
#include "call.h"
#include "verb.h"

static struct json_object *must(struct json_object *o)
{
	if (!o)
		abort();	/* json-c returns NULL only when there is no memory */
	return o;
}

/* What goes to ecached first. */
struct request {
	struct json_object *msg;
	int fd;			/* -1 none */
	int stop;		/* of struct call */
};

struct json_object *call_request(const char *verb, const char *name)
{
	struct json_object *msg = must(json_object_new_object());

	call_add_string(msg, PROTO_VERB, verb);
	call_add_string(msg, "name", name);
	return msg;
}

void call_add_string(struct json_object *msg, const char *key, const char *value)
{
	if (value)
		json_object_object_add(msg, key, must(json_object_new_string(value)));
}

void call_add_number(struct json_object *msg, const char *key, unsigned int value)
{
	if (value)
		json_object_object_add(msg, key, must(json_object_new_int64(value)));
}

void call_add_flag(struct json_object *msg, const char *key, bool value)
{
	if (value)
		json_object_object_add(msg, key, must(json_object_new_boolean(true)));
}

const char *call_str(struct json_object *msg, const char *key)
{
	struct json_object *o = json_object_object_get(msg, key);

	return json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;
}

int call_signals(struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_sys(e, -errno, "cannot block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? err_sys(e, -errno, "cannot watch signals") : fd;
}

static int send_cancel(struct call *c, struct err *e)
{
	struct json_object *msg = must(json_object_new_object());
	int rc;

	call_add_string(msg, PROTO_ANSWER, PROTO_ANSWER_CANCEL);
	rc = ipc_send(c->sock, msg, -1);
	json_object_put(msg);
	return rc ? err_sys(e, rc, "cannot reach ecached to cancel") : 0;
}

/*
 * on_signal - the first one asks ecached to undo; with the second the connection drops and
 * ecached undoes alone.
 */
static int on_signal(struct call *c, struct err *e)
{
	struct signalfd_siginfo info;

	if (read(c->signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (c->cancelled)
		return err_set(e, -EINTR, "interrupted; ecached undoes the rest");
	c->cancelled = true;
	progress_break(&c->progress, stderr);
	fprintf(stderr, "ecachectl: interrupted, undoing (once more: do not wait for it)\n");
	return send_cancel(c, e);
}

static int on_stop(struct call *c, struct err *e)
{
	c->stop = -1;
	c->cancelled = true;
	return send_cancel(c, e);
}

/* wait_readable - until the socket has something; signals are served meanwhile. */
static int wait_readable(struct call *c, struct err *e)
{
	struct pollfd p[3] = {
		{ .fd = c->sock, .events = POLLIN },
		{ .fd = c->signals, .events = POLLIN },
		{ .fd = c->stop, .events = POLLIN },
	};
	int rc;

	for (;;) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return err_sys(e, -errno, "cannot wait for ecached");
		if (p[2].revents) {
			p[2].fd = -1;
			p[2].revents = 0;
			rc = on_stop(c, e);
			if (rc)
				return rc;
		}
		if (p[1].revents) {
			rc = on_signal(c, e);
			if (rc)
				return rc;
		}
		if (p[0].revents)
			return 0;
	}
}

static int64_t number_of(struct json_object *msg, const char *key)
{
	return json_object_get_int64(json_object_object_get(msg, key));
}

static void show_progress(struct call *c, struct json_object *msg)
{
	const char *text = call_str(msg, "text");

	if (json_object_object_get(msg, "total")) {
		progress_show(&c->progress, stderr, progress_columns(STDERR_FILENO), text ? text : "",
			      number_of(msg, "done"), number_of(msg, "total"), number_of(msg, "ms"));
		return;
	}
	progress_break(&c->progress, stderr);
	fprintf(stderr, "ecachectl: %s\n", text ? text : "");
}

/* receive - the next message but progress, which is printed. */
static int receive(struct call *c, struct json_object **msg, struct err *e)
{
	const char *type;
	int rc;

	for (;;) {
		rc = wait_readable(c, e);
		if (rc)
			return rc;
		rc = ipc_recv(c->sock, msg, NULL, -1);
		c->ended = !!rc;
		if (rc == -ECONNRESET) {
			err_set(e, rc, "ecached ended the connection in the middle");
			return err_hint(e, "Look at `journalctl -u ecached`; what was half done is undone at its next start.");
		}
		if (rc)
			return err_sys(e, rc, "bad answer from ecached");
		type = call_str(*msg, PROTO_TYPE);
		if (!type || strcmp(type, PROTO_PROGRESS)) {
			progress_break(&c->progress, stderr);
			return 0;
		}
		show_progress(c, *msg);
		json_object_put(*msg);
	}
}

/* remote_error - ecached's error message, its last word, into @e. */
static int remote_error(struct call *c, struct json_object *msg, struct err *e)
{
	const char *what = call_str(msg, "what"), *hint = call_str(msg, "hint");
	int64_t number = json_object_get_int64(json_object_object_get(msg, "errno"));

	c->ended = true;
	err_set(e, number > 0 && number < 4096 ? -(int)number : -EIO, "%s", what ? what : "unknown failure");
	if (hint && *hint)
		err_hint(e, "%s", hint);
	return e->rc;
}

int call_tell(struct call *c, struct json_object *answer, struct err *e)
{
	struct json_object *msg;
	const char *type;
	int rc;

	rc = ipc_send(c->sock, answer, -1);
	json_object_put(answer);
	if (rc)
		return err_sys(e, rc, "cannot answer ecached");
	rc = receive(c, &msg, e);
	if (rc)
		return rc;
	type = call_str(msg, PROTO_TYPE);
	if (!type || strcmp(type, PROTO_ACK))
		rc = type && !strcmp(type, PROTO_ERROR) ? remote_error(c, msg, e) : err_set(e, -EBADMSG,
			"unexpected answer from ecached: %s", type ? type : "none");
	else if (c->cancelled)
		rc = err_set(e, -ECANCELED, "interrupted");
	json_object_put(msg);
	return rc;
}

static int tell_failed(struct call *c, const struct err *why, struct err *e)
{
	struct json_object *msg = must(json_object_new_object());
	int rc;

	call_add_string(msg, PROTO_ANSWER, PROTO_ANSWER_FAILED);
	call_add_string(msg, "what", why->what);
	call_add_string(msg, "hint", why->hint);
	rc = ipc_send(c->sock, msg, -1);
	json_object_put(msg);
	return rc ? err_sys(e, rc, "cannot answer ecached") : 0;
}

/*
 * serve_ask - a failure of ours goes to ecached, which undoes and ends with its error; but
 *	when ecached itself ended the conversation there is nobody to tell.
 */
static int serve_ask(struct call *c, const struct call_ops *ops, void *ctx, struct json_object *msg, struct err *e)
{
	struct err why = ERR_INIT;
	const char *what = call_str(msg, PROTO_ASK);
	int rc;

	if (!ops || !ops->ask || !what)
		return err_set(e, -EBADMSG, "unexpected question from ecached");
	rc = ops->ask(ctx, c, what, msg, &why);
	if (!rc || rc == -ECANCELED)
		return 0;
	if (!c->ended)
		return tell_failed(c, &why, e);
	*e = why;
	return rc;
}

/* serve - one message; 1 at the end. */
static int serve(struct call *c, const struct call_ops *ops, void *ctx, struct json_object *msg, struct err *e)
{
	const char *type = call_str(msg, PROTO_TYPE);

	if (!type)
		return err_set(e, -EBADMSG, "answer without a type from ecached");
	if (!strcmp(type, PROTO_RESULT))
		return 1;
	if (!strcmp(type, PROTO_ERROR))
		return remote_error(c, msg, e);
	if (!strcmp(type, PROTO_ASK))
		return serve_ask(c, ops, ctx, msg, e);
	if (strcmp(type, PROTO_VOLUME) || !ops || !ops->volume)
		return err_set(e, -EBADMSG, "unexpected answer from ecached: %s", type);
	ops->volume(ctx, msg);
	return 0;
}

static int run(struct call *c, const struct request *rq, const struct call_ops *ops, void *ctx,
	       struct json_object **result, struct err *e)
{
	struct json_object *msg;
	int rc;

	rc = ipc_send(c->sock, rq->msg, rq->fd);
	if (rc)
		return err_sys(e, rc, "cannot send the request to ecached");
	for (;;) {
		rc = receive(c, &msg, e);
		if (rc)
			return rc;
		rc = serve(c, ops, ctx, msg, e);
		if (rc > 0 && result)
			*result = json_object_get(msg);
		json_object_put(msg);
		if (rc)
			return rc > 0 ? 0 : rc;
	}
}

static int call(const struct request *rq, const struct call_ops *ops, void *ctx, bool cancellable,
		struct json_object **result, struct err *e)
{
	const char *path = getenv("ECACHED_SOCKET");
	struct call c = { .sock = -1, .signals = -1, .stop = rq->stop };
	struct err why = ERR_INIT;
	int rc;

	c.sock = ipc_connect(path ? path : ECACHED_SOCKET, &why);
	if (c.sock < 0) {
		/* The errno of the connect would look like one of ecached's. */
		rc = err_set(e, -ENOTCONN, "%s", why.what);
		err_hint(e, "Is ecached running (`systemctl status ecached`), and are you root or in the group ecache?");
		goto put;
	}
	if (cancellable) {
		c.signals = call_signals(e);
		if (c.signals < 0) {
			rc = c.signals;
			goto close;
		}
	}
	rc = run(&c, rq, ops, ctx, result, e);
	if (c.signals >= 0)
		close(c.signals);
close:
	close(c.sock);
put:
	json_object_put(rq->msg);
	return rc;
}

int call_run(struct json_object *request, const struct call_ops *ops, void *ctx, bool cancellable,
	     struct json_object **result, struct err *e)
{
	const struct request rq = { .msg = request, .fd = -1, .stop = -1 };

	return call(&rq, ops, ctx, cancellable, result, e);
}

int call_run_with_fd(struct json_object *request, int fd, const struct call_ops *ops, void *ctx,
		     struct json_object **result, struct err *e)
{
	const struct request rq = { .msg = request, .fd = fd, .stop = -1 };

	return call(&rq, ops, ctx, true, result, e);
}

int call_until(struct json_object *request, int stop, struct err *e)
{
	const struct request rq = { .msg = request, .fd = -1, .stop = stop };

	return call(&rq, NULL, NULL, false, NULL, e);
}

int call_with_fd(struct json_object *request, int fd, struct json_object **result, struct err *e)
{
	const struct request rq = { .msg = request, .fd = fd, .stop = -1 };

	return call(&rq, NULL, NULL, false, result, e);
}

int call_fail(const struct err *e, bool json)
{
	struct json_object *o, *in;

	fprintf(stderr, "ecachectl: %s\n", e->what);
	if (*e->hint)
		fprintf(stderr, "           %s\n", e->hint);
	if (!json)
		return EXIT_FAILED;
	o = must(json_object_new_object());
	in = must(json_object_new_object());
	call_add_string(in, "what", e->what);
	call_add_string(in, "hint", e->hint);
	call_add_number(in, "errno", -e->rc);
	json_object_object_add(o, "error", in);
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	return EXIT_FAILED;
}

int call_simple(struct json_object *request, bool json, struct json_object **result)
{
	struct err e = ERR_INIT;

	if (call_run(request, NULL, NULL, false, result, &e))
		return call_fail(&e, json);
	return EXIT_OK;
}
