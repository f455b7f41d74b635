// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/ipc.h"
#include "../common/log.h"
#include "../common/memory.h"
#include "../common/priority.h"
#include "lock.h"
#include "talk.h"
#include "worker.h"

#define LOCK_TRIES 50		/* of 100 ms: a worker of the daemon before us that is just dying */

struct worker {
	struct worker *next;
	struct daemon *d;
	struct worker_spec spec;	/* name points to the array below */
	char name[VOLUME_NAME_MAX + 1];
	pid_t pid;
	sd_event_source *source;
	bool killed;
};

static struct worker *find(const struct daemon *d, const char *name, enum worker_kind kind)
{
	struct worker *w;

	for (w = d->workers; w; w = w->next) {
		if (w->spec.kind == kind && !w->killed && *name && !strcmp(w->name, name))
			return w;
	}
	return NULL;
}

const char *worker_busy(const struct daemon *d, const char *name)
{
	struct worker *w = find(d, name, WORKER_TEAR);

	if (!w)
		w = find(d, name, WORKER_CHANGE);
	return w ? w->spec.activity : NULL;
}

unsigned int worker_count(const struct daemon *d, enum worker_kind kind)
{
	struct worker *w;
	unsigned int n = 0;

	for (w = d->workers; w; w = w->next)
		n += w->spec.kind == kind;
	return n;
}

bool worker_kill(struct daemon *d, const char *name)
{
	struct worker *w = find(d, name, WORKER_CHANGE);

	if (!w)
		return true;
	if (!w->spec.killable)
		return false;
	w->killed = true;
	kill(w->pid, SIGKILL);
	return true;
}

void workers_hang_up(struct daemon *d)
{
	struct worker *w;

	for (w = d->workers; w; w = w->next) {
		if (w->spec.sock >= 0)
			shutdown(w->spec.sock, SHUT_RDWR);
	}
}

void workers_close_socks(const struct daemon *d)
{
	const struct worker *w;

	for (w = d->workers; w; w = w->next) {
		if (w->spec.sock >= 0)
			close(w->spec.sock);
	}
}

static void say_locked(int sock, const char *name, int rc)
{
	struct talk t = { .sock = sock };
	struct err e = ERR_INIT;

	err_sys(&e, rc, "cannot lock %s", name);
	if (rc == -EBUSY)
		err_hint(&e, "A worker of an earlier ecached still hangs on it, most likely in a disk that does not answer.");
	log_err("%s", e.what);
	talk_error(&t, &e);
}

/*
 * child - the worker itself; never returns. The parent's signals and descriptors are not
 * for it.
 */
static void child(struct daemon *d, const struct worker_spec *spec, pid_t parent)
{
	sigset_t none;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(WORKER_LATER);
	/* Answers stay as quick as the loop; supervisors and hooks are children of the others. */
	if (spec->kind != WORKER_LOOK)
		priority_ordinary();
	memory_lock(MEMORY_TOUCHED);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	server_close_fds(d);
	if (spec->kind == WORKER_CHANGE) {
		rc = volume_lock(&d->env, spec->name, LOCK_TRIES);	/* held until the process ends */
		if (rc < 0) {
			say_locked(spec->sock, spec->name, rc);
			_exit(WORKER_FAILED);
		}
	}
	_exit(spec->run(d, spec->arg, spec->sock));
}

static void unlink_worker(struct worker *w)
{
	struct worker **p;

	for (p = &w->d->workers; *p != w; p = &(*p)->next)
		;
	*p = w->next;
	w->d->nr_workers--;
}

/* tell_crash - the client of a worker that died without a last word. */
static void tell_crash(const struct worker *w)
{
	struct talk t = { .sock = w->spec.sock };
	struct err e = ERR_INIT;

	err_set(&e, -EIO, "the process that was %s %s died", w->spec.activity, w->name);
	err_hint(&e, "What it left is finished or undone now; `ecachectl status %s` shows the outcome.", w->name);
	talk_error(&t, &e);
}

static int on_exit_of(sd_event_source *s, const siginfo_t *si, void *userdata)
{
	struct worker *w = userdata;
	struct daemon *d = w->d;
	int status = si->si_code == CLD_EXITED ? si->si_status : WORKER_CRASHED;

	(void)s;
	unlink_worker(w);
	if (status == WORKER_CRASHED && !w->killed)
		log_err("worker %s %s died of signal %d", w->spec.activity, w->name, si->si_status);
	if (status == WORKER_CRASHED && w->spec.sock >= 0)
		tell_crash(w);
	if (w->spec.sock >= 0)
		close(w->spec.sock);
	if (w->spec.done)
		w->spec.done(d, w->name, w->spec.arg, status);
	free(w->spec.arg);
	sd_event_source_unref(w->source);
	free(w);
	return 0;
}

static int refuse(const struct worker_spec *spec, int rc)
{
	if (spec->sock >= 0)
		close(spec->sock);
	free(spec->arg);
	return rc;
}

int worker_start(struct daemon *d, const struct worker_spec *spec, struct err *e)
{
	const char *busy = spec->kind == WORKER_CHANGE ? worker_busy(d, spec->name) : NULL;
	pid_t parent = getpid();
	struct worker *w;
	int rc;

	if (busy) {
		err_set(e, -EBUSY, "%s is busy: %s", spec->name, busy);
		err_hint(e, "Wait for it; `ecachectl status %s` shows when it is done.", spec->name);
		return refuse(spec, -EBUSY);
	}
	if (d->nr_workers >= WORKERS_MAX && spec->kind != WORKER_TEAR)
		return refuse(spec, err_set(e, -EAGAIN, "too much is going on at once, try again"));
	w = calloc(1, sizeof(*w));
	if (!w)
		return refuse(spec, err_sys(e, -ENOMEM, "cannot start a worker"));
	w->d = d;
	w->spec = *spec;
	snprintf(w->name, sizeof(w->name), "%s", spec->name);
	w->spec.name = w->name;
	w->pid = fork();
	if (!w->pid)
		child(d, &w->spec, parent);
	if (w->pid < 0) {
		free(w);
		return refuse(spec, err_sys(e, -EAGAIN, "cannot start a worker"));
	}
	rc = sd_event_add_child(d->event, &w->source, w->pid, WEXITED, on_exit_of, w);
	if (rc < 0) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
		free(w);
		return refuse(spec, err_sys(e, rc, "cannot watch a worker"));
	}
	w->next = d->workers;
	d->workers = w;
	d->nr_workers++;
	return 0;
}
