// SPDX-License-Identifier: GPL-2.0-or-later
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "keyref.h"
#include "lines.h"

struct events {
	struct lines *file;	/* NULL: none */
	struct outbox *queue;	/* NULL: none */
};

int events_open(const char *path, const struct outbox_config *queue, struct events **out, struct err *e)
{
	struct events *ev = calloc(1, sizeof(*ev));
	int rc = 0;

	if (!ev)
		return err_sys(e, -ENOMEM, "events");
	if (path)
		rc = lines_open(path, &ev->file, e);
	if (!rc && queue)
		rc = outbox_open(queue, &ev->queue, e);
	if (rc)
		events_close(ev);
	else
		*out = ev;
	return rc;
}

int events_reopen(struct events *ev, struct err *e)
{
	return ev->file ? lines_reopen(ev->file, e) : 0;
}

void events_close(struct events *ev)
{
	if (!ev)
		return;
	outbox_close(ev->queue);
	lines_close(ev->file);
	free(ev);
}

/* begin - up to the resources, which are to follow. */
static void begin(struct jsonw *w, const struct service *svc, const char *type, int64_t now_ms)
{
	char id[KEY_ID_SIZE] = "", when[32];
	time_t t = (time_t)(now_ms / 1000);
	struct tm tm;

	if (ident_new_uuid(id))
		w->b->failed = true;
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	jsonw_open(w, NULL, '{');
	jsonw_string(w, "version", "0");
	jsonw_string(w, "id", id);
	jsonw_string(w, "detail-type", type);
	jsonw_string(w, "source", "aws.kms");
	jsonw_string(w, "account", svc->account);
	jsonw_string(w, "time", when);
	jsonw_string(w, "region", svc->region);
	jsonw_open(w, "resources", '[');
}

static void send_event(struct events *ev, const char *type, struct buf *line)
{
	int rc = 0;

	if (ev->queue)
		outbox_put(ev->queue, line);
	if (ev->file)
		rc = lines_append(ev->file, line);
	if (rc)
		log_err("an event (%s) is lost: %s", type, strerror(-rc));
	buf_wipe(line);
}

void events_call(const struct call *c, const struct buf *record)
{
	struct buf line = BUF_INIT;
	struct jsonw w = JSONW_INIT(&line);

	if (!c->op->writes)
		return;
	begin(&w, c->svc, EVENT_CALL, c->now_ms);
	jsonw_close(&w, ']');
	if (record->failed)
		line.failed = true;
	else
		jsonw_raw(&w, "detail", record->data);
	jsonw_close(&w, '}');
	send_event(c->svc->events, EVENT_CALL, &line);
	if (!c->fault && !strcmp(c->op->name, "RotateKeyOnDemand"))
		events_key(c->svc, EVENT_KEY_ROTATION, strrchr(c->key_arn, '/') + 1, c->now_ms);
}

void events_key(const struct service *svc, const char *type, const char *key_id, int64_t now_ms)
{
	struct buf line = BUF_INIT;
	struct jsonw w = JSONW_INIT(&line);
	char arn[ARN_SIZE];

	if (!svc->events)
		return;
	keyref_arn(svc, key_id, arn);
	begin(&w, svc, type, now_ms);
	jsonw_string(&w, NULL, arn);
	jsonw_close(&w, ']');
	jsonw_open(&w, "detail", '{');
	jsonw_string(&w, "key-id", key_id);
	jsonw_close(&w, '}');
	jsonw_close(&w, '}');
	send_event(svc->events, type, &line);
}
