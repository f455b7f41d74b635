/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_TALK_H
#define ECACHED_TALK_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include "../common/agentconf.h"
#include "../common/err.h"

/*
 * A job's side of the conversation with ecachectl (proto.h). A job of ecached's own
 * (reopen, recovery) has no client: then progress goes nowhere and asking fails with
 * -ENOTCONN. Nothing here kills a job: a lost client is seen when the job looks.
 */
struct talk {
	int sock;		/* -1: no client */
	bool gone;		/* the client hung up */
	bool cancelled;		/* it sent "cancel" */
};

#define TALK_NONE { .sock = -1 }

void talk_progress(struct talk *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* talk_progress_of - @done of @total bytes of what @text says, since @ms. */
void talk_progress_of(struct talk *t, const char *text, uint64_t done, uint64_t total, int64_t ms);

/*
 * talk_lost - whether the client gave up (cancel, hangup); never waits. False without a
 * client.
 */
bool talk_lost(struct talk *t);

/* talk_sleep - up to @ms, ending early with true when the client gives up. */
bool talk_sleep(struct talk *t, int ms);

/* talk_send - a message (taken over). */
int talk_send(struct talk *t, struct json_object *msg, struct err *e);

/*
 * talk_answer - wait for the answer @want to an ask; *msg is put by the caller. The
 *	client's own failure ("failed") is in @e as it told it. -ECANCELED, -ECONNRESET,
 *	-ETIMEDOUT, -EBADMSG.
 */
int talk_answer(struct talk *t, const char *want, struct json_object **msg, struct err *e);

int talk_ack(struct talk *t, struct err *e);

/* The last word; both take what they are given and are silent when the client is gone. */
void talk_result(struct talk *t, struct json_object *result);
void talk_error(struct talk *t, const struct err *e);

/* talk_message - {"type": @type}; NULL on no memory, which js_put() and talk_send() pass on. */
struct json_object *talk_message(const char *type);

/* talk_where - say in an ask where the KMS is. */
void talk_where(struct json_object *msg, const struct agentconf *conf);

#endif
