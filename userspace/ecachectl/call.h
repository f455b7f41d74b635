/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_CALL_H
#define ECACHECTL_CALL_H

#include <stdbool.h>
#include <json-c/json.h>

#include "../common/err.h"
#include "progress.h"

/* One command's conversation with ecached (ecached/proto.h). */
struct call {
	int sock;
	int signals;		/* signalfd of SIGINT and SIGTERM, -1: they end the process as usual */
	int stop;		/* readable: the caller gives up; left unread. -1: never, or told already */
	bool cancelled;		/* ecached was told to give up */
	bool ended;		/* ecached said its last word or is gone */
	struct progress progress;
};

struct call_ops {
	/* volume - one packet of list or status; NULL: an error if one comes. */
	void (*volume)(void *ctx, struct json_object *msg);
	/*
	 * ask - answer with call_tell(); a failure is told to ecached by the caller. NULL:
	 * an error if asked.
	 */
	int (*ask)(void *ctx, struct call *c, const char *what, struct json_object *msg, struct err *e);
};

/*
 * call_run - send @request (taken over), serve what ecached asks, return its result (put by
 *	the caller; NULL allowed). The failure that ecached reports is in @e. With
 *	@cancellable, SIGINT and SIGTERM ask ecached to undo and the call goes on until
 *	it did; the second signal ends at once. -ENOTCONN: ecached cannot be reached.
 */
int call_run(struct json_object *request, const struct call_ops *ops, void *ctx, bool cancellable,
	     struct json_object **result, struct err *e);

/* call_run_with_fd - call_run(), cancellable, with a descriptor beside the request, which stays the caller's. */
int call_run_with_fd(struct json_object *request, int fd, const struct call_ops *ops, void *ctx,
		     struct json_object **result, struct err *e);

/* call_signals - SIGINT and SIGTERM as a descriptor to read or wait for, and no longer otherwise; -errno. */
int call_signals(struct err *e);

/*
 * call_until - without asks and volumes; when @stop becomes readable (nothing is read) ecached is asked to undo, and
 *	the call goes on until it did.
 */
int call_until(struct json_object *request, int stop, struct err *e);

/* call_with_fd - a request with a descriptor (which stays the caller's), without asks and volumes. */
int call_with_fd(struct json_object *request, int fd, struct json_object **result, struct err *e);

/*
 * call_tell - one answer (taken over) and ecached's ack for it; -ECANCELED when the user
 * gave up meanwhile.
 */
int call_tell(struct call *c, struct json_object *answer, struct err *e);

/*
 * call_request - {"verb":…, "name":…}; NULL name: none. Aborts on no memory, like the
 * helpers below.
 */
struct json_object *call_request(const char *verb, const char *name);
void call_add_string(struct json_object *msg, const char *key, const char *value);	/* NULL: left out */
void call_add_number(struct json_object *msg, const char *key, unsigned int value);	/* 0: left out */
void call_add_flag(struct json_object *msg, const char *key, bool value);		/* false: left out */

/* call_str - a string member, owned by @msg; NULL when it is missing or no string. */
const char *call_str(struct json_object *msg, const char *key);

/*
 * call_simple - a request without asks and volumes: its result, or the error on stderr (and
 * stdout with @json).
 */
int call_simple(struct json_object *request, bool json, struct json_object **result);

/*
 * call_fail - print @e for a person, with @json also as an object on stdout; returns
 * EXIT_FAILED.
 */
int call_fail(const struct err *e, bool json);

#endif
