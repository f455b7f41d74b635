/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_DAEMON_H
#define ECACHED_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "../common/agentconf.h"
#include "../volume/audit.h"
#include "env.h"
#include "events.h"
#include "ratelimit.h"
#include "tear_queue.h"
#include "watch.h"

/*
 * ecached: one process with an event loop that never waits (for a disk, for the KMS, for a
 * user), and a forked worker for everything that may. The loop's only blocking work is
 * reading small files of /etc and /var and asking device-mapper for information, which
 * waits for nothing; calls of the KMS go to ecache-net over sockets in the loop.
 *
 *	server.c	accepts, reads one request, checks who asks, starts the worker
 *	worker.c	forks; at most one worker changes a volume at a time; reaps
 *	watching.c	the watcher's questions (netcall.c) and orders (tears.c; reopen)
 *	listening.c	the queue of events, whose hints the watcher gets
 *	audithead.c	the audit log's end, and its rotation
 *	scrape.c	metrics for Prometheus
 *	volumes.c	which volumes are open and so watched; unfinished work
 *
 * The loop's memory is what workers see: they are forked with a copy, and tell by files, by
 * the client's socket and by their exit status.
 */
struct worker;
struct client;
struct netcall;
struct note;
struct recovery;
struct scrapes;

struct daemon {
	sd_event *event;
	const char *config;		/* path */
	struct agentconf conf;
	char problem[1200];		/* with the configuration, since the last reload; "" none */
	struct env env;
	struct revoker revoker;
	struct watch watch;
	struct events events;		/* of the queue */
	int64_t listed_ms;		/* when a list of grants may be asked for again */
	struct ratelimit limit;
	gid_t group;			/* of status and list */
	bool have_group;
	bool stopping;

	int listen_fd;
	sd_event_source *listen;
	struct client *clients;
	unsigned int nr_clients;
	struct worker *workers;
	unsigned int nr_workers;
	struct netcall *calls;
	struct {
		bool asked, up;		/* the last question of all was answered */
		uint64_t failures;
	} net;				/* ecache-net, for metrics */
	struct scrapes *scrapes;	/* NULL: none are served */
	struct tear_queue tears;
	int ahead;			/* socket to the revoker, for keys of teardowns that wait; -1 none yet */
	sd_event_source *ahead_io;
	struct note *notes;		/* records to be written */
	unsigned int nr_notes;
	bool noting;			/* a worker is at it */
	struct recovery *recoveries;
	sd_event_source *watch_timer;
	sd_event_source *listen_timer;
	sd_event_source *scan_timer;
	struct audit audit;		/* to see where it was rotated; workers open their own */
	bool head_busy, head_again;	/* somebody looks at it now; and is to do so once more */
	sd_event_source *head_timer;
};

/* server.c */
int server_start(struct daemon *d, struct err *e);
void server_stop(struct daemon *d);
void server_close_fds(const struct daemon *d);	/* in a worker: nothing that only the loop should hold */
/* server_may_look - root, or in group ecache: who may see a status. *uid: who it is. */
bool server_may_look(const struct daemon *d, int sock, uid_t *uid);

/* volumes.c */
int volumes_scan(struct daemon *d, struct err *e);	/* all mappings and intents; at start and every minute */
void volumes_refresh(struct daemon *d, const char *name);	/* one of them changed */
void volumes_forget(struct daemon *d);

#endif
