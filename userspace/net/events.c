// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../kms/answer.h"
#include "events.h"

/* anybody_waits - ecached has not hung up: restarted, or tired of us. */
static bool anybody_waits(int sock)
{
	struct pollfd pfd = { .fd = sock, .events = POLLRDHUP };

	return poll(&pfd, 1, 0) <= 0 || !(pfd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* say - the reason, and what to do about it, as the answer's message: ecached shows it to people. */
static void say(struct net_answer *ans, const struct err *e)
{
	char text[2 * ERR_TEXT + 4];

	snprintf(text, sizeof(text), "%s%s%s", e->what, *e->hint ? "; " : "", e->hint);
	answer_set_message(&ans->a, text, strlen(text));
}

/* receive - ten at a time, unless ten are too large: then one, and those that were too large come again later. */
static int receive(struct kms *k, const struct queue *q, struct queue_batch *b, struct net_answer *ans, struct err *e)
{
	int rc = queue_receive(k, q, QUEUE_WAIT_S, QUEUE_BATCH, b, &ans->a, e);

	if (rc == -EMSGSIZE)
		rc = queue_receive(k, q, 0, 1, b, &ans->a, e);
	return rc;
}

static bool known(const struct net_events *n, const struct event *ev)
{
	unsigned int i;

	for (i = 0; i < n->nr; i++) {
		if (!memcmp(&n->look[i], ev, sizeof(*ev)))
			return true;
	}
	return false;
}

/* read_all - where to look; the same place once. */
static void read_all(const struct queue_batch *b, struct net_events *n)
{
	struct event *ev;
	unsigned int i;

	n->messages = b->nr;
	for (i = 0; i < b->nr; i++) {
		ev = &n->look[n->nr];
		switch (event_parse(b->message[i].body, b->message[i].len, ev)) {
		case EVENT_LOOK:
			if (known(n, ev))
				memset(ev, 0, sizeof(*ev));
			else
				n->nr++;
			break;
		case EVENT_UNREAD:
			n->unread++;
			break;
		case EVENT_OTHER:
			break;
		}
	}
}

static void delete_all(struct kms *k, const struct queue *q, const struct queue_batch *b, struct net_answer *ans)
{
	struct err e = ERR_INIT;
	struct kms_answer a;

	queue_delete(k, q, b, &ans->events.left, &a, &e);
	if (ans->events.left)
		say(ans, &e);
}

static int find_queue(const struct agentconf *conf, struct queue *q, struct err *e)
{
	if (!*conf->events_queue)
		return err_set(e, -EINVAL, "ecache-net was started without events-queue in ecached.conf");
	q->url = conf->events_queue;
	return queue_place(q->url, conf->events_endpoint, conf->region, &q->place, e);
}

void events_wait(struct kms *k, const struct agentconf *conf, int sock, struct net_answer *ans, struct err *e)
{
	struct queue_batch b;
	struct queue q;
	int rc;

	if (find_queue(conf, &q, e)) {
		ans->a.transport = KMS_NOT_ASKED;
		say(ans, e);
		return;
	}
	signal(SIGTERM, SIG_DFL);
	rc = receive(k, &q, &b, ans, e);
	signal(SIGTERM, SIG_IGN);
	if (rc) {
		say(ans, e);
		return;
	}
	if (b.nr && anybody_waits(sock)) {
		read_all(&b, &ans->events);
		delete_all(k, &q, &b, ans);
	}
	queue_batch_free(&b);
}
