// SPDX-License-Identifier: GPL-2.0-or-later
#include "workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* All of it is locked into memory, so not the 8 MiB of the default. */
#define STACK_SIZE (1024 * 1024)

struct queue {
	struct job *first;
	struct job **end;
};

struct worker {
	struct workers *all;
	struct service svc;	/* the service, with a store of this thread's own */
	pthread_t thread;
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue waiting;	/* under the lock */
	struct queue finished;	/* under the lock */
	bool stopping;		/* under the lock */
	int event_fd;
	unsigned int nr;
	struct worker worker[WORKERS_MAX];
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void queue_put(struct queue *q, struct job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

static struct job *queue_get(struct queue *q)
{
	struct job *job = q->first;

	if (job) {
		q->first = job->next;
		if (!q->first)
			q->end = &q->first;
		job->next = NULL;
	}
	return job;
}

static struct job *next_job(struct workers *w)
{
	struct job *job = NULL;

	pthread_mutex_lock(&w->lock);
	while (!w->stopping && !w->waiting.first)
		pthread_cond_wait(&w->more, &w->lock);
	if (!w->stopping)
		job = queue_get(&w->waiting);
	pthread_mutex_unlock(&w->lock);
	return job;
}

static void finish(struct workers *w, struct job *job)
{
	bool first;

	pthread_mutex_lock(&w->lock);
	first = !w->finished.first;
	queue_put(&w->finished, job);
	pthread_mutex_unlock(&w->lock);
	if (first)
		eventfd_write(w->event_fd, 1);
}

static void *work(void *arg)
{
	struct worker *me = arg;
	struct job *job;

	while ((job = next_job(me->all))) {
		job->run(job, &me->svc);
		finish(me->all, job);
	}
	return NULL;
}

static int start_one(struct workers *w, const struct service *svc, const pthread_attr_t *attr, struct err *e)
{
	struct worker *me = &w->worker[w->nr];
	int rc;

	me->all = w;
	me->svc = *svc;
	rc = store_clone(svc->store, &me->svc.store, e);
	if (rc)
		return rc;
	rc = pthread_create(&me->thread, attr, work, me);
	if (rc) {
		store_close(me->svc.store);
		return err_sys(e, -rc, "cannot start a thread");
	}
	w->nr++;
	return 0;
}

int workers_start(struct workers **out, const struct service *svc, unsigned int nr, struct err *e)
{
	struct workers *w = calloc(1, sizeof(*w));
	pthread_attr_t attr;
	int rc;

	if (!w)
		return err_sys(e, -ENOMEM, "threads");
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	queue_init(&w->waiting);
	queue_init(&w->finished);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = w->event_fd < 0 ? err_sys(e, -errno, "eventfd") : 0;
	while (!rc && w->nr < nr)
		rc = start_one(w, svc, &attr, e);
	pthread_attr_destroy(&attr);
	if (rc)
		workers_stop(w);
	else
		*out = w;
	return rc;
}

void workers_stop(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned int i = 0; i < w->nr; i++) {
		pthread_join(w->worker[i].thread, NULL);
		store_close(w->worker[i].svc.store);
	}
	if (w->event_fd >= 0)
		close(w->event_fd);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void workers_submit(struct workers *w, struct job *job)
{
	pthread_mutex_lock(&w->lock);
	queue_put(&w->waiting, job);
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}

int workers_fd(const struct workers *w)
{
	return w->event_fd;
}

struct job *workers_reap(struct workers *w)
{
	eventfd_t count;
	struct job *done;

	/* Before the list is taken: what is put there later says so again. */
	eventfd_read(w->event_fd, &count);
	pthread_mutex_lock(&w->lock);
	done = w->finished.first;
	queue_init(&w->finished);
	pthread_mutex_unlock(&w->lock);
	return done;
}
