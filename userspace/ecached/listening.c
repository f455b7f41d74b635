// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "../common/clock.h"
#include "../common/log.h"
#include "listening.h"
#include "netcall.h"
#include "watching.h"

/* What ecache-net may take: its worker's limit (net/server.h), and some. */
#define LISTEN_MS 50000

static void listen_next(struct daemon *d);

/* tell - what the log is to hear of it; few words, whoever fills the queue. */
static void tell(struct daemon *d)
{
	char text[700];
	int level = events_tell(&d->events, now_ms(), text, sizeof(text));

	if (level >= 0)
		log_fields(level, text, "ECACHE_EVENT", "events", NULL);
}

static void heard(struct daemon *d, const char *subject, const struct net_answer *a)
{
	int64_t now = now_ms();
	unsigned int i, nr;

	(void)subject;
	if (events_answered(&d->events, a, now)) {
		for (i = 0; i < a->events.nr; i++) {
			const struct event *ev = &a->events.look[i];

			nr = watch_hint(&d->watch, ev->key_arn, ev->grant_id, now);
			events_note(&d->events, nr);
			log_debug("event %s, %s %s: %u volumes", ev->name, ev->key_arn, ev->grant_id, nr);
		}
		if (a->events.nr)
			watching_kick(d);
	}
	tell(d);
	listen_next(d);
}

static void ask(struct daemon *d)
{
	const struct net_request rq = { .op = "events" };
	struct net_answer none = { .a = { .transport = KMS_NOT_ASKED, .message = "no memory for a question" } };

	events_asked(&d->events, now_ms());
	if (netcall_start_for(d, &rq, "", LISTEN_MS, heard))
		events_answered(&d->events, &none, now_ms());
}

static int on_listen_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)usec;
	if (events_due(&d->events) <= now_ms())
		ask(d);
	listen_next(d);
	return 0;
}

static void listen_next(struct daemon *d)
{
	int64_t due = d->stopping ? INT64_MAX : events_due(&d->events);

	if (due == INT64_MAX) {
		sd_event_source_set_enabled(d->listen_timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(d->listen_timer, (uint64_t)due * 1000);
	sd_event_source_set_enabled(d->listen_timer, SD_EVENT_ONESHOT);
}

int listening_start(struct daemon *d, struct err *e)
{
	uint64_t seed;
	int rc;

	if (!*d->conf.events_queue)
		return 0;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return err_sys(e, -errno, "no random numbers");
	events_start(&d->events, seed, now_ms());
	rc = sd_event_add_time(d->event, &d->listen_timer, CLOCK_BOOTTIME, UINT64_MAX, 0, on_listen_timer, d);
	if (rc < 0)
		return err_sys(e, rc, "cannot make a timer");
	listen_next(d);
	log_info("listening for events at %s", d->conf.events_queue);
	return 0;
}

void listening_stop(struct daemon *d)
{
	d->events.on = false;
	d->listen_timer = sd_event_source_disable_unref(d->listen_timer);
}
