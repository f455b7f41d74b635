// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/log.h"
#include "audithead.h"
#include "worker.h"

#define EVERY_US (3600 * 1000000ULL)

static void tell(const char *message, const char *hex, uint64_t seq)
{
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)seq);
	log_fields(LOG_INFO, message, "ECACHE_EVENT", "audit-head", "ECACHE_AUDIT_HEAD", hex,
		   "ECACHE_AUDIT_SEQ", number, NULL);
}

static void tell_now(struct audit *a)
{
	char hex[AUDIT_HASH_LEN + 1];
	struct err e = ERR_INIT;
	uint64_t seq;

	if (audit_head(a, hex, &seq, &e))
		log_err("audit log: %s", e.what);
	else
		tell("audit log head", hex, seq);
}

/*
 * look - in a worker, since it waits for the log's lock and for the disk; the daemon's descriptor was inherited, and
 * shows what was rotated.
 */
static int look(struct daemon *d, void *arg, int sock)
{
	char hex[AUDIT_HASH_LEN + 1];
	struct err e = ERR_INIT;
	uint64_t seq;

	(void)arg;
	(void)sock;
	if (audit_rotated(&d->audit)) {
		if (audit_link(&d->audit, hex, &seq, &e)) {
			log_err("audit log: rotated, but the new one does not say yet how the old one ended: %s",
				e.what);
			return WORKER_FAILED;
		}
		tell("audit log rotated: head of the old one", hex, seq);
	}
	tell_now(&d->audit);
	return WORKER_OK;
}

/* hold - the file that has the name now. No more than reading the configuration does. */
static void hold(struct daemon *d)
{
	struct audit now = { .fd = open(d->env.audit_log, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) };

	now.path = now.fd < 0 ? NULL : strdup(d->env.audit_log);
	if (now.path) {
		audit_close(&d->audit);
		d->audit = now;
	} else {
		audit_close(&now);
	}
}

/* looked - after a failure the old one is held, to be followed the next time. */
static void looked(struct daemon *d, const char *name, void *arg, int status)
{
	(void)name;
	(void)arg;
	d->head_busy = false;
	if (status == WORKER_OK)
		hold(d);
	if (d->head_again && !d->stopping)
		audithead_look(d);
}

void audithead_look(struct daemon *d)
{
	const struct worker_spec spec = {
		.kind = WORKER_NOTE, .name = "", .activity = "telling the audit log's head", .sock = -1, .run = look,
		.done = looked,
	};
	struct err e = ERR_INIT;

	d->head_again = d->head_busy;
	if (d->head_busy)
		return;
	if (d->audit.fd < 0)
		hold(d);
	if (d->audit.fd < 0)
		return;
	d->head_busy = !worker_start(d, &spec, &e);
	if (!d->head_busy)
		log_err("audit log: its head cannot be told: %s", e.what);
}

static int on_hour(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)usec;
	if (!d->stopping)
		audithead_look(d);
	sd_event_source_set_time_relative(s, EVERY_US);
	return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

void audithead_start(struct daemon *d)
{
	struct err e = ERR_INIT;

	if (audit_open(&d->audit, d->env.audit_log, &e))
		log_err("audit log: %s", e.what);
	else
		tell_now(&d->audit);
	if (sd_event_add_time_relative(d->event, &d->head_timer, CLOCK_BOOTTIME, EVERY_US, 0, on_hour, d) < 0)
		log_warn("audit log: its head is told at reloads only");
}

void audithead_stop(struct daemon *d)
{
	sd_event_source_unref(d->head_timer);
	audit_close(&d->audit);
}
