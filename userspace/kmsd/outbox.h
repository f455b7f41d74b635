/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_OUTBOX_H
#define KMSD_OUTBOX_H

#include "buf.h"
#include "common/err.h"
#include "kms/queue.h"

/*
 * Messages on their way to a queue of SQS, or of a service that speaks its JSON protocol. A thread of its own sends
 * them, one after the other. Whoever puts one in never waits for the network: what finds the outbox full, and what the
 * queue does not take in OUTBOX_TRIES, is lost; the losses are counted, and are one error in the journal a minute.
 */
#define OUTBOX_MAX 1024
#define OUTBOX_TRIES 3

struct outbox;

struct outbox_config {
	const char *url;
	const char *credentials;	/* a shared credentials file, its profile "default"; read for each message */
	const char *region;		/* this service's */
	unsigned int timeout_ms;	/* of one try */
	unsigned int pause_ms;		/* after the first try that failed; twice as long after the next */
};

/* outbox_open - -ENOENT, -EPERM and the like when the credentials cannot be read. */
int outbox_open(const struct outbox_config *c, struct outbox **out, struct err *e);

/* outbox_close - what waits is sent first, each message tried once, for OUTBOX_CLOSE_MS and one timeout at most. */
#define OUTBOX_CLOSE_MS 5000
void outbox_close(struct outbox *o);

/* outbox_put - a copy of it. */
void outbox_put(struct outbox *o, const struct buf *message);

/* outbox_count - messages so far. */
void outbox_count(struct outbox *o, unsigned long *sent, unsigned long *lost);

#endif
