// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../common/clock.h"
#include "../common/ipc.h"
#include "../common/json.h"
#include "../common/log.h"
#include "proto.h"
#include "talk.h"

struct json_object *talk_message(const char *type)
{
	struct json_object *msg = json_object_new_object();

	js_put_string(msg, PROTO_TYPE, type);
	return msg;
}

void talk_where(struct json_object *msg, const struct agentconf *conf)
{
	if (conf->kms_endpoint)
		js_put_string(msg, "endpoint", conf->kms_endpoint);
	if (conf->sts_endpoint)
		js_put_string(msg, "sts_endpoint", conf->sts_endpoint);
	if (conf->kms_ca_file)
		js_put_string(msg, "ca_file", conf->kms_ca_file);
	js_put(msg, "fips", json_object_new_boolean(conf->use_fips));
	js_put(msg, "dualstack", json_object_new_boolean(conf->use_dualstack));
	js_put_string(msg, "region", conf->region);
}

int talk_send(struct talk *t, struct json_object *msg, struct err *e)
{
	int rc;

	if (!msg)
		return err_sys(e, -ENOMEM, "cannot answer");
	if (t->sock < 0 || t->gone) {
		json_object_put(msg);
		return err_sys(e, -ENOTCONN, "cannot answer");
	}
	rc = ipc_send(t->sock, msg, -1);
	json_object_put(msg);
	if (!rc)
		return 0;
	t->gone = true;
	return err_sys(e, rc, "cannot answer ecachectl");
}

void talk_progress(struct talk *t, const char *fmt, ...)
{
	struct json_object *msg;
	char text[ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	msg = talk_message(PROTO_PROGRESS);
	js_put_string(msg, "text", text);
	talk_send(t, msg, NULL);
}

void talk_progress_of(struct talk *t, const char *text, uint64_t done, uint64_t total, int64_t ms)
{
	struct json_object *msg = talk_message(PROTO_PROGRESS);

	js_put_string(msg, "text", text);
	js_put(msg, "done", json_object_new_int64((int64_t)done));
	js_put(msg, "total", json_object_new_int64((int64_t)total));
	js_put(msg, "ms", json_object_new_int64(ms));
	talk_send(t, msg, NULL);
}

static bool is_answer(struct json_object *msg, const char *want)
{
	struct json_object *o = json_object_object_get(msg, PROTO_ANSWER);

	return json_object_is_type(o, json_type_string) && !strcmp(json_object_get_string(o), want);
}

/*
 * take - one message out of turn: only "cancel" may come, anything else ends the
 * conversation.
 */
static void take(struct talk *t)
{
	struct json_object *msg;

	if (ipc_recv(t->sock, &msg, NULL, 0) || !is_answer(msg, PROTO_ANSWER_CANCEL))
		t->gone = true;
	else
		t->cancelled = true;
	json_object_put(msg);
}

bool talk_sleep(struct talk *t, int ms)
{
	int64_t end = now_ms() + ms, left;
	struct pollfd p = { .events = POLLIN };

	while (!t->gone && !t->cancelled) {
		left = end - now_ms();
		if (left < 0)
			left = 0;
		p.fd = t->sock;		/* -1 is skipped by poll(): a plain sleep */
		p.revents = 0;
		if (poll(&p, 1, (int)left) > 0)
			take(t);
		else if (now_ms() >= end)
			return false;
	}
	return true;
}

bool talk_lost(struct talk *t)
{
	return talk_sleep(t, 0);
}

/* told_failure - the words of the other side, bounded and as its own. */
static int told_failure(struct json_object *msg, struct err *e)
{
	const char *what = "the creator's part failed", *hint = "";
	const struct js_member members[] = {
		{ "what", JS_STRING, JS_OPTIONAL, 0, ERR_TEXT, .string = &what },
		{ "hint", JS_STRING, JS_OPTIONAL, 0, ERR_TEXT, .string = &hint },
		{ .name = NULL }
	};

	if (js_read_some(msg, members, NULL))
		return err_set(e, -EBADMSG, "ecachectl sent a bad message");
	err_set(e, -EPERM, "%s", what);
	err_hint(e, "%s", hint);
	return -EPERM;
}

int talk_answer(struct talk *t, const char *want, struct json_object **msg, struct err *e)
{
	int rc;

	if (t->sock < 0 || t->gone)
		return err_set(e, -ENOTCONN, "ecachectl is gone");
	if (t->cancelled)
		return err_set(e, -ECANCELED, "interrupted");
	rc = ipc_recv(t->sock, msg, NULL, PROTO_ANSWER_MS);
	if (rc) {
		t->gone = true;
		return err_sys(e, rc, "ecachectl is gone");
	}
	if (is_answer(*msg, want))
		return 0;
	if (is_answer(*msg, PROTO_ANSWER_CANCEL)) {
		t->cancelled = true;
		rc = err_set(e, -ECANCELED, "interrupted");
	} else if (is_answer(*msg, PROTO_ANSWER_FAILED)) {
		rc = told_failure(*msg, e);
	} else {
		t->gone = true;
		rc = err_set(e, -EBADMSG, "ecachectl sent something else than '%s'", want);
	}
	json_object_put(*msg);
	*msg = NULL;
	return rc;
}

int talk_ack(struct talk *t, struct err *e)
{
	return talk_send(t, talk_message(PROTO_ACK), e);
}

void talk_result(struct talk *t, struct json_object *result)
{
	js_put_string(result, PROTO_TYPE, PROTO_RESULT);
	talk_send(t, result, NULL);
}

void talk_error(struct talk *t, const struct err *e)
{
	struct json_object *msg = talk_message(PROTO_ERROR);

	js_put_string(msg, "what", e->what);
	js_put_string(msg, "hint", e->hint);
	js_put(msg, "errno", json_object_new_int(-e->rc));
	talk_send(t, msg, NULL);
}
