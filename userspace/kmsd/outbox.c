// SPDX-License-Identifier: GPL-2.0-or-later
#include "outbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "jsonw.h"
#include "kms/creds.h"
#include "kms/request.h"

#define LOG_EVERY_MS 60000

struct outbox {
	char *url;
	char *credentials;
	struct queue_place place;
	unsigned int timeout_ms, pause_ms;
	pthread_t thread;
	struct transport *transport;	/* the thread's */
	int64_t log_ms;			/* the thread's: when losses may be logged again */

	pthread_mutex_t lock;		/* what follows; never held while anything is sent or logged */
	pthread_cond_t wake;
	struct buf ring[OUTBOX_MAX];	/* @nr from @first on */
	unsigned int first, nr;
	unsigned long sent, lost, logged;
	char why[ERR_TEXT];		/* the last one was lost */
	bool closing;
	int64_t close_ms;		/* until when messages are sent then */
};

static int read_credentials(const struct outbox *o, struct creds *out, struct err *e)
{
	const struct creds_source source = { .kind = CREDS_FILE, .file = o->credentials, .profile = "default" };

	return creds_load(&source, out, e);
}

/* send_signed - -EIO when the queue refuses it. */
static int send_signed(struct outbox *o, const struct creds *creds, const struct buf *body, struct err *e)
{
	const struct request rq = {
		.endpoint = &o->place.endpoint,
		.service = "sqs",
		.region = o->place.region,
		.creds = creds,
		.content_type = "application/x-amz-json-1.0",
		.target = "AmazonSQS.SendMessage",
		.body = body->data,
		.body_len = body->len,
		.timeout_ms = o->timeout_ms,
	};
	struct response rs;
	int rc = transport_send(o->transport, &rq, &rs, e);

	if (!rc && rs.status != 200)
		rc = err_set(e, -EIO, "HTTP status %d, \"%.*s\"", rs.status, rs.len > 120 ? 120 : (int)rs.len, rs.body);
	return rc;
}

/* try_once - credentials are read anew, so that new ones are picked up. */
static int try_once(struct outbox *o, const char *message, struct err *e)
{
	struct buf body = BUF_INIT;
	struct jsonw w = JSONW_INIT(&body);
	struct creds creds;
	int rc;

	jsonw_open(&w, NULL, '{');
	jsonw_string(&w, "QueueUrl", o->url);
	jsonw_string(&w, "MessageBody", message);
	jsonw_close(&w, '}');
	if (body.failed)
		return err_sys(e, -ENOMEM, "message");
	rc = read_credentials(o, &creds, e);
	if (!rc) {
		rc = send_signed(o, &creds, &body, e);
		creds_wipe(&creds);
	}
	buf_wipe(&body);
	return rc;
}

/* wait_until - with the lock held; @ms of the monotonic clock, or a wakeup. */
static void wait_until(struct outbox *o, int64_t ms)
{
	const struct timespec ts = { ms / 1000, (ms % 1000) * 1000000 };

	pthread_cond_timedwait(&o->wake, &o->lock, &ts);
}

/* may_retry - after the pause; not when the outbox is being closed. */
static bool may_retry(struct outbox *o, unsigned int tries)
{
	int64_t until = monotonic_ms() + ((int64_t)o->pause_ms << (tries - 1));
	bool yes;

	pthread_mutex_lock(&o->lock);
	while (!o->closing && tries < OUTBOX_TRIES && monotonic_ms() < until)
		wait_until(o, until);
	yes = !o->closing && tries < OUTBOX_TRIES;
	pthread_mutex_unlock(&o->lock);
	return yes;
}

static void lose(struct outbox *o, const char *why)
{
	o->lost++;
	snprintf(o->why, sizeof(o->why), "%s", why);
}

static void deliver(struct outbox *o, const struct buf *message)
{
	unsigned int tries = 0;
	struct err e;
	int rc;

	do {
		e = (struct err)ERR_INIT;
		rc = try_once(o, message->data, &e);
	} while (rc && may_retry(o, ++tries));
	pthread_mutex_lock(&o->lock);
	if (rc)
		lose(o, e.what);
	else
		o->sent++;
	pthread_mutex_unlock(&o->lock);
}

/* log_losses - of the last minute, or at the end those that are left. */
static void log_losses(struct outbox *o, bool last)
{
	unsigned long nr;
	char why[sizeof(o->why)];

	if (!last && monotonic_ms() < o->log_ms)
		return;
	pthread_mutex_lock(&o->lock);
	nr = o->lost - o->logged;
	o->logged = o->lost;
	memcpy(why, o->why, sizeof(why));
	pthread_mutex_unlock(&o->lock);
	if (!nr)
		return;
	log_err("%lu event%s not delivered to the queue %s: %s", nr, nr > 1 ? "s" : "", o->url, why);
	o->log_ms = monotonic_ms() + LOG_EVERY_MS;
}

/* take - the oldest message, to be wiped; false: none came before losses are due to be logged, or the outbox closes. */
static bool take(struct outbox *o, struct buf *out)
{
	bool got;

	pthread_mutex_lock(&o->lock);
	if (!o->nr && !o->closing && o->lost != o->logged)
		wait_until(o, o->log_ms);
	else
		while (!o->nr && !o->closing)
			pthread_cond_wait(&o->wake, &o->lock);
	got = o->nr && (!o->closing || monotonic_ms() < o->close_ms);
	if (got) {
		*out = o->ring[o->first];
		o->ring[o->first] = (struct buf)BUF_INIT;
		o->first = (o->first + 1) % OUTBOX_MAX;
		o->nr--;
	}
	pthread_mutex_unlock(&o->lock);
	return got;
}

static bool is_closing(struct outbox *o)
{
	bool yes;

	pthread_mutex_lock(&o->lock);
	yes = o->closing;
	pthread_mutex_unlock(&o->lock);
	return yes;
}

static void *run(void *ctx)
{
	struct outbox *o = ctx;
	struct buf message;

	for (;;) {
		if (take(o, &message)) {
			deliver(o, &message);
			buf_wipe(&message);
		} else if (is_closing(o)) {
			return NULL;
		}
		log_losses(o, false);
	}
}

static int start(struct outbox *o, struct err *e)
{
	pthread_condattr_t attr;
	int rc;

	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->wake, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&o->thread, NULL, run, o);
	if (!rc)
		return 0;
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->lock);
	return err_sys(e, -rc, "no thread to send events");
}

static int prepare(struct outbox *o, const struct outbox_config *c, struct err *e)
{
	struct creds creds;
	int rc = queue_place(c->url, NULL, c->region, &o->place, e);

	if (rc)
		return rc;
	o->url = strdup(c->url);
	o->credentials = strdup(c->credentials);
	o->timeout_ms = c->timeout_ms;
	o->pause_ms = c->pause_ms;
	if (!o->url || !o->credentials)
		return err_sys(e, -ENOMEM, "queue");
	rc = read_credentials(o, &creds, e);
	if (rc)
		return rc;
	creds_wipe(&creds);
	o->transport = transport_open(e);
	return o->transport ? 0 : -EIO;
}

static void destroy(struct outbox *o)
{
	transport_close(o->transport);
	free(o->credentials);
	free(o->url);
	free(o);
}

int outbox_open(const struct outbox_config *c, struct outbox **out, struct err *e)
{
	struct outbox *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return err_sys(e, -ENOMEM, "queue");
	rc = prepare(o, c, e);
	if (!rc)
		rc = start(o, e);
	if (rc)
		destroy(o);
	else
		*out = o;
	return rc;
}

void outbox_close(struct outbox *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->closing = true;
	o->close_ms = monotonic_ms() + OUTBOX_CLOSE_MS;
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	pthread_join(o->thread, NULL);
	for (; o->nr; o->nr--) {
		lose(o, "the server stops");
		buf_wipe(&o->ring[o->first]);
		o->first = (o->first + 1) % OUTBOX_MAX;
	}
	log_losses(o, true);
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->lock);
	destroy(o);
}

void outbox_put(struct outbox *o, const struct buf *message)
{
	struct buf copy = BUF_INIT;

	if (message->failed)
		copy.failed = true;
	else
		buf_add(&copy, message->data, message->len);
	pthread_mutex_lock(&o->lock);
	if (copy.failed) {
		lose(o, "out of memory");
	} else if (o->nr == OUTBOX_MAX) {
		lose(o, "too many wait");
	} else {
		o->ring[(o->first + o->nr) % OUTBOX_MAX] = copy;
		o->nr++;
		copy = (struct buf)BUF_INIT;
	}
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	buf_wipe(&copy);
}

void outbox_count(struct outbox *o, unsigned long *sent, unsigned long *lost)
{
	pthread_mutex_lock(&o->lock);
	*sent = o->sent;
	*lost = o->lost;
	pthread_mutex_unlock(&o->lock);
}
