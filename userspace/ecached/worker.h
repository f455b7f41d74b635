/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WORKER_H
#define ECACHED_WORKER_H

#include "daemon.h"

/*
 * A worker is a child forked for one piece of work that may wait. It dies with the daemon
 * (PR_SET_PDEATHSIG): what it left is in the intent record, and the next start finds it. A
 * worker that changes a volume holds the volume's lock file, so that a daemon started again
 * cannot meet one of its predecessor's that hangs in the kernel.
 */
#define WORKERS_MAX 64

enum worker_kind {
	WORKER_LOOK,		/* changes nothing: any number */
	WORKER_NOTE,		/* writes records only */
	WORKER_CHANGE,		/* one a volume, under its lock */
	WORKER_TEAR,		/* ends access: never waits for a lock */
};

/* What the child ends with. */
enum {
	WORKER_OK = 0,
	WORKER_FAILED = 1,
	WORKER_LATER = 2,	/* not finished, to be tried again */
	WORKER_CRASHED = -1,	/* as the parent sees it */
};

struct worker_spec {
	enum worker_kind kind;
	const char *name;	/* volume, "" none */
	const char *activity;	/* "opening": for status; a constant */
	bool killable;		/* may be killed for a teardown: what it leaves, a retry mends */
	int sock;		/* the client's, taken over; -1 none */
	/* run - in the child; returns the exit status. */
	int (*run)(struct daemon *d, void *arg, int sock);
	void *arg;		/* heap, freed by the parent when the worker ended (the child only reads it); NULL */
	/* done - in the parent, after the worker is off the list. May be NULL. */
	void (*done)(struct daemon *d, const char *name, void *arg, int status);
};

/*
 * worker_start - takes sock and arg over in any case. -EBUSY: another one changes the
 * volume; -EAGAIN: too many or no fork.
 */
int worker_start(struct daemon *d, const struct worker_spec *spec, struct err *e);

/* worker_busy - the activity of whoever changes or tears the volume now; NULL. */
const char *worker_busy(const struct daemon *d, const char *name);

unsigned int worker_count(const struct daemon *d, enum worker_kind kind);

/*
 * worker_kill - the killable one that changes @name, at once; false when there is one that
 * is not killable.
 */
bool worker_kill(struct daemon *d, const char *name);

/* workers_close_socks - in a new worker: the sockets of the others' clients. */
void workers_close_socks(const struct daemon *d);

/* workers_hang_up - tell all who talk to a client that it is gone (they undo and end). */
void workers_hang_up(struct daemon *d);

#endif
