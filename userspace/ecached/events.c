// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "../common/jitter.h"
#include "events.h"

void events_start(struct events *ev, uint64_t seed, int64_t now_ms)
{
	memset(ev, 0, sizeof(*ev));
	ev->on = true;
	ev->random = seed ? seed : 1;
	ev->due_ms = now_ms + jitter_up_to(&ev->random, EVENTS_START_MS);
}

int64_t events_due(const struct events *ev)
{
	return ev->on && !ev->in_flight ? ev->due_ms : INT64_MAX;
}

void events_asked(struct events *ev, int64_t now_ms)
{
	ev->in_flight = true;
	ev->asked_ms = now_ms;
}

static int64_t backoff(struct events *ev)
{
	int64_t most = 1000;
	unsigned int i;

	for (i = 1; i < ev->failures && most < EVENTS_BACKOFF_MAX_MS; i++)
		most *= 2;
	if (most > EVENTS_BACKOFF_MAX_MS)
		most = EVENTS_BACKOFF_MAX_MS;
	return most / 2 + jitter_up_to(&ev->random, most / 2);
}

static void failed(struct events *ev, const struct kms_answer *a, int64_t now_ms)
{
	if (!ev->failures++)
		ev->failing_ms = now_ms;
	snprintf(ev->why, sizeof(ev->why), "%s", *a->message ? a->message : kms_transport_name(a->transport));
	ev->due_ms = now_ms + backoff(ev);
}

bool events_answered(struct events *ev, const struct net_answer *a, int64_t now_ms)
{
	const struct net_events *n = &a->events;

	ev->in_flight = false;
	if (a->a.transport != KMS_ANSWERED || a->a.http_status != 200 || *a->a.code) {
		failed(ev, &a->a, now_ms);
		return false;
	}
	ev->failures = 0;
	ev->failing_ms = 0;
	ev->ok_ms = now_ms;
	snprintf(ev->why, sizeof(ev->why), "%s", n->left ? a->a.message : "");
	ev->due_ms = ev->asked_ms + (n->messages ? EVENTS_LEAST_MS : EVENTS_EMPTY_MS);
	ev->count.messages += n->messages;
	ev->count.unread += n->unread;
	return true;
}

void events_note(struct events *ev, bool ours)
{
	if (ours)
		ev->count.ours++;
	else
		ev->count.others++;
}

/* tell_failure - that it fails, that it fails still, that it does no more. */
static int tell_failure(struct events *ev, int64_t now_ms, char *text, size_t size)
{
	if (ev->told && !ev->failures && !*ev->why) {
		ev->told = false;
		snprintf(text, size, "events are heard again");
		return LOG_NOTICE;
	}
	if ((ev->failures < EVENTS_FAILURES_TOLD && (ev->failures || !*ev->why)) ||
	    (ev->told && now_ms - ev->told_ms < EVENTS_TELL_AGAIN_MS))
		return -1;
	ev->told = true;
	ev->told_ms = now_ms;
	if (ev->failures)
		snprintf(text, size, "no events are heard, only probes notice a revocation: %s", ev->why);
	else
		snprintf(text, size, "events come again and again, since they cannot be deleted: %s", ev->why);
	return LOG_WARNING;
}

int events_tell(struct events *ev, int64_t now_ms, char *text, size_t size)
{
	const struct events_count *c = &ev->count, *said = &ev->said;
	int level = tell_failure(ev, now_ms, text, size);

	if (level >= 0 || c->ours == said->ours || (ev->said_ms && now_ms - ev->said_ms < EVENTS_TELL_MS))
		return level;
	snprintf(text, size, "events: %llu about keys here, %llu about others, %llu messages that are none",
		 (unsigned long long)(c->ours - said->ours), (unsigned long long)(c->others - said->others),
		 (unsigned long long)(c->unread - said->unread));
	ev->said = ev->count;
	ev->said_ms = now_ms;
	return LOG_INFO;
}
