/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_WORKERS_H
#define KMSD_WORKERS_H

#include "service.h"

/*
 * Threads that answer requests, while one other thread does all that is about sockets. Each has a connection to the
 * database of its own, and shares everything else of the service. A job goes to whoever is free and comes back on the
 * list that workers_reap() returns; the descriptor says when.
 */
#define WORKERS_MAX 64

struct job {
	void (*run)(struct job *job, struct service *svc);	/* in a worker's thread */
	struct job *next;
};

struct workers;

/* workers_start - @nr threads (1..WORKERS_MAX); @svc must outlive them. */
int workers_start(struct workers **out, const struct service *svc, unsigned int nr, struct err *e);

/* workers_stop - waits for the jobs that run; those that wait are not begun, and none comes back any more. */
void workers_stop(struct workers *w);

void workers_submit(struct workers *w, struct job *job);

/* workers_fd - readable when jobs are finished. */
int workers_fd(const struct workers *w);

/* workers_reap - the finished jobs, oldest first; NULL: none. */
struct job *workers_reap(struct workers *w);

#endif
