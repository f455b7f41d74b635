// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/json.h"
#include "answer.h"
#include "verdict.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ERROR_DEPTH 8

static const char *const transports[] = {
	[KMS_ANSWERED] = "answered",
	[KMS_NO_CREDENTIALS] = "no-credentials",
	[KMS_NO_ANSWER] = "no-answer",
	[KMS_BAD_ANSWER] = "bad-answer",
	[KMS_NOT_ASKED] = "not-asked",
};

static const char *const states[] = {
	[KMS_STATE_NONE] = "",
	[KMS_STATE_CREATING] = "Creating",
	[KMS_STATE_ENABLED] = "Enabled",
	[KMS_STATE_DISABLED] = "Disabled",
	[KMS_STATE_PENDING_DELETION] = "PendingDeletion",
	[KMS_STATE_PENDING_IMPORT] = "PendingImport",
	[KMS_STATE_PENDING_REPLICA_DELETION] = "PendingReplicaDeletion",
	[KMS_STATE_UNAVAILABLE] = "Unavailable",
	[KMS_STATE_UPDATING] = "Updating",
	[KMS_STATE_UNKNOWN] = "Unknown",
};

const char *kms_transport_name(enum kms_transport t)
{
	return (size_t)t < COUNT(transports) ? transports[t] : "unknown";
}

const char *kms_key_state_name(enum kms_key_state s)
{
	return (size_t)s < COUNT(states) ? states[s] : "Unknown";
}

enum kms_key_state kms_key_state_of(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(states); i++) {
		if (!strcmp(name, states[i]))
			return i;
	}
	return KMS_STATE_UNKNOWN;
}

void answer_set_code(struct kms_answer *a, const char *type)
{
	size_t len = strcspn(type, ":"), n = 0;
	const char *hash = memrchr(type, '#', len);
	const char *p = hash ? hash + 1 : type;

	for (; p < type + len && n < sizeof(a->code) - 1; p++) {
		if (isalnum((unsigned char)*p) || strchr("._-", *p))
			a->code[n++] = *p;
	}
	a->code[n] = '\0';
}

void answer_set_message(struct kms_answer *a, const char *text, size_t len)
{
	size_t i;

	if (len > sizeof(a->message) - 1)
		len = sizeof(a->message) - 1;
	for (i = 0; i < len; i++)
		a->message[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
	a->message[len] = '\0';
}

void answer_of_json_error(struct kms_answer *a, const char *body, size_t len)
{
	const char *type = "", *message = "";
	const struct js_member members[] = {
		{ "__type", JS_STRING, JS_OPTIONAL, 0, 1024, .string = &type },
		{ "Message", JS_STRING, JS_OPTIONAL | JS_NULLABLE, 0, 65536, .string = &message },
		{ "message", JS_STRING, JS_OPTIONAL | JS_NULLABLE, 0, 65536, .string = &message },
		{ .name = NULL },
	};
	struct json_object *o;

	if (js_parse(body, len, ERROR_DEPTH, &o, NULL))
		return;
	if (!js_read_some(o, members, NULL)) {
		answer_set_code(a, type);
		answer_set_message(a, message, strlen(message));
	}
	json_object_put(o);
}

bool xml_element(const char *body, size_t len, const char *name, struct span *out)
{
	char open[40], close[40];
	const char *start, *end, *stop = body + len;

	if (snprintf(open, sizeof(open), "<%s>", name) >= (int)sizeof(open) ||
	    snprintf(close, sizeof(close), "</%s>", name) >= (int)sizeof(close))
		return false;
	start = memmem(body, len, open, strlen(open));
	if (!start)
		return false;
	start += strlen(open);
	end = memmem(start, stop - start, close, strlen(close));
	if (!end || memmem(start, stop - start, open, strlen(open)))
		return false;
	*out = (struct span){ start, end - start };
	return true;
}

bool xml_span(const char *body, size_t len, const char *name, struct span *out)
{
	return xml_element(body, len, name, out) && !memchr(out->at, '<', out->len) &&
	       !memchr(out->at, '&', out->len) && !memchr(out->at, '\0', out->len);
}

bool xml_text(const char *body, size_t len, const char *name, char *out, size_t size)
{
	struct span s;

	if (!xml_span(body, len, name, &s) || s.len >= size)
		return false;
	memcpy(out, s.at, s.len);
	out[s.len] = '\0';
	return true;
}

void answer_of_xml_error(struct kms_answer *a, const char *body, size_t len)
{
	char code[sizeof(a->code)], message[sizeof(a->message)];

	if (!xml_text(body, len, "Code", code, sizeof(code)))
		return;
	answer_set_code(a, code);
	if (xml_text(body, len, "Message", message, sizeof(message)))
		answer_set_message(a, message, strlen(message));
}

/* hint_for - what to do about it. What we did not even ask says so itself. */
static const char *hint_for(const struct kms_answer *a, enum verdict_why why)
{
	if (!strcmp(a->code, "LimitExceededException"))
		return "there are as many as there may be: retire what is not needed, or have the quota raised";
	switch (why) {
	case VERDICT_WHY_DENIED:
		return "the grant or the permission is missing or was taken back; the key's owner can see who may what";
	case VERDICT_WHY_DISABLED:
		return "the key's owner can enable it again";
	case VERDICT_WHY_PENDING_DELETION:
		return "the key's owner can cancel the deletion until its date";
	case VERDICT_WHY_PENDING_IMPORT:
		return "the key's owner has to import its key material again";
	case VERDICT_WHY_DELETED:
		return "check the key's id and region; a deleted key cannot come back";
	case VERDICT_WHY_NO_CREDENTIALS:
	case VERDICT_WHY_CREDENTIALS:
		return "check the credentials (file, profile, expiry)";
	case VERDICT_WHY_CLOCK:
		return "check this host's clock";
	case VERDICT_WHY_NO_ANSWER:
		return "check the endpoint and the way to it";
	case VERDICT_WHY_BAD_ANSWER:
		return "is that endpoint a KMS? A proxy may be in between";
	case VERDICT_WHY_CIPHERTEXT:
		return "the wrapped key is damaged, or belongs to another volume or cache";
	case VERDICT_WHY_WRONG_KEY:
		return "the wrapped key needs another KMS key";
	case VERDICT_WHY_KEY_UNAVAILABLE:
		return "wait: the key is being made or changed, or the store that it lies in does not answer";
	case VERDICT_WHY_THROTTLED:
		return "wait; if it stays so, ask less often (probe-interval=), or have the quota raised";
	case VERDICT_WHY_SERVICE:
		return "wait: it is the KMS's own trouble, which its operator finds by the request id";
	case VERDICT_WHY_GRANT_TOKEN:
		return "the token's grant is gone, or another KMS's: ecachectl regrant makes a new one";
	case VERDICT_WHY_REQUEST:
		return a->transport == KMS_ANSWERED ? "does that KMS know this request? An older one may not" : "";
	case VERDICT_WHY_NONE:
		break;
	}
	return "";
}

static int return_code(const struct kms_answer *a, enum verdict v, enum verdict_why why)
{
	if (a->transport == KMS_NOT_ASKED)
		return -EINVAL;
	/* A quota that will not pass by waiting. */
	if (!strcmp(a->code, "LimitExceededException"))
		return -EPERM;
	switch (v) {
	case VERDICT_UNREACHABLE:
		return why == VERDICT_WHY_BAD_ANSWER ? -EBADMSG : -EAGAIN;
	case VERDICT_AGENT_FAULT:
		return why == VERDICT_WHY_REQUEST || why == VERDICT_WHY_GRANT_TOKEN ? -EPERM : -EKEYREJECTED;
	default:
		return -EPERM;
	}
}

int answer_explain(const struct kms_answer *a, const char *op, const char *subject, struct err *e)
{
	char reason[ERR_TEXT], status[32];
	enum verdict_why why;
	enum verdict v = verdict_of_probe(a, &why);
	const char *hint = hint_for(a, why);
	int rc = return_code(a, v, why);

	/* Without an answer the transport has said already what is wrong. */
	if (a->transport == KMS_ANSWERED) {
		snprintf(status, sizeof(status), "HTTP status %d", a->http_status);
		snprintf(reason, sizeof(reason), "%.63s%s%.300s%s%.79s%s", a->code[0] ? a->code : status,
			 a->message[0] ? ": " : "", a->message, a->request_id[0] ? " (request id " : "", a->request_id,
			 a->request_id[0] ? ")" : "");
		err_set(e, rc, "%s", reason);
	} else if (e && !e->what[0]) {
		/* From ecache-net: the reason came as the message. */
		err_set(e, rc, "%s", a->message[0] ? a->message : kms_transport_name(a->transport));
	} else if (e) {
		e->rc = rc;
	}
	err_prefix(e, "%s%s%.100s", op, *subject ? " of " : "", subject);
	if (*hint && e && !e->hint[0])
		err_hint(e, "%s", hint);
	return rc;
}
