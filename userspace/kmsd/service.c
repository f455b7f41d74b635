// SPDX-License-Identifier: GPL-2.0-or-later
#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "trail.h"
#include "call.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "events.h"
#include "principal.h"
#include "sigv4.h"
#include "sts.h"
#include "upkeep.h"

#define TARGET_PREFIX "TrentService."
#define JSON_DEPTH_MAX 8

int64_t service_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* identify - find the principal behind the access key; one that is disabled is as unknown as one that never was. */
static enum fault identify(struct call *c, const struct sigv4 *sig)
{
	int rc = store_principal_by_access_key(c->svc->store, sig->access_key, &c->caller);

	if (rc && rc != -ENOENT)
		return call_internal(c, rc);
	/* There are no temporary credentials here, so no session token is one of ours. */
	if (rc || c->caller.disabled || http_header(c->http, "X-Amz-Security-Token"))
		return call_fail(c, FAULT_UNRECOGNIZED_CLIENT, "The security token included in the request is invalid.");
	return FAULT_NONE;
}

/* wall_ms - the time that clients see here. */
static int64_t wall_ms(const struct call *c)
{
	return c->now_ms + inject_clock_offset_ms(c->svc->inject);
}

static enum fault authenticate(struct call *c, const char *service)
{
	char secret[SECRET_KEY_SIZE];
	struct err why = ERR_INIT;
	struct sigv4 sig;
	enum fault f = sigv4_parse(c->http, &sig, &why);
	int rc;

	if (f)
		return call_fail(c, f, "%s", why.what);
	f = identify(c, &sig);
	if (f)
		return f;
	f = sigv4_check_scope(&sig, c->svc->region, service, wall_ms(c), &why);
	if (f)
		return call_fail(c, f, "%s", why.what);
	rc = principal_secret(c->svc, &c->caller, secret);
	if (!rc)
		f = sigv4_check_signature(&sig, c->http, secret, &why);
	explicit_bzero(secret, sizeof(secret));
	if (rc)
		return call_internal(c, rc);
	if (f)
		return call_fail(c, f, "%s", why.what);
	principal_arn(c->svc, &c->caller, c->caller_arn);
	principal_session_arn(c->svc, &c->caller, c->session_arn);
	c->authenticated = true;
	return FAULT_NONE;
}

/* read_json - a Plaintext inside gets a second copy here, which free_input() wipes. */
static enum fault read_json(struct call *c)
{
	struct err why = ERR_INIT;
	int rc = js_parse(c->http->body ? c->http->body : "", c->http->body_len, JSON_DEPTH_MAX, &c->in, &why);

	if (rc == -ENOMEM)
		return call_internal(c, rc);
	return rc ? call_fail(c, FAULT_SERIALIZATION, "%s", why.what) : FAULT_NONE;
}

static enum fault prepare_kms(struct call *c, const char *target)
{
	enum fault f = authenticate(c, "kms");

	if (f)
		return f;
	c->op = operation_find(target + strlen(TARGET_PREFIX));
	if (!c->op)
		return call_fail(c, FAULT_UNKNOWN_OPERATION, "Operation %.64s is not supported",
				 target + strlen(TARGET_PREFIX));
	return read_json(c);
}

static enum fault prepare(struct call *c, bool *sts)
{
	const char *target = http_header(c->http, "X-Amz-Target");
	const char *type = http_header(c->http, "Content-Type");
	static const char form[] = "application/x-www-form-urlencoded";
	enum fault f;

	*sts = !target && type && !strncasecmp(type, form, strlen(form));
	if (strcmp(c->http->method, "POST") || strcmp(c->http->target, "/"))
		return call_fail(c, FAULT_UNKNOWN_OPERATION, "Requests are POST to /");
	if (c->http->body_len > HTTP_BODY_MAX)
		return call_fail(c, FAULT_TOO_LARGE, "A request has at most %d bytes", HTTP_BODY_MAX);
	if (*sts) {
		f = authenticate(c, "sts");
		return f ? f : sts_prepare(c);
	}
	if (!target || strncmp(target, TARGET_PREFIX, strlen(TARGET_PREFIX)))
		return call_fail(c, FAULT_UNKNOWN_OPERATION, "X-Amz-Target does not name an operation of this service");
	return prepare_kms(c, target);
}

/* strike - what inject_pick() wants to become of the request, whatever else would have. */
static enum fault strike(struct call *c, enum fault f)
{
	if (c->fate.fault == FAULT_INTERNAL || (c->fate.undone && !c->fate.fault))
		return call_fail(c, FAULT_INTERNAL, "The request could not be processed; it can be retried");
	if (c->fate.fault == FAULT_DEPENDENCY_TIMEOUT)
		return call_fail(c, FAULT_DEPENDENCY_TIMEOUT, "Something that the request depends on did not answer in time");
	if (c->fate.fault == FAULT_KEY_UNAVAILABLE)
		return call_fail(c, FAULT_KEY_UNAVAILABLE, "The key is not available; the request can be retried");
	if (c->fate.fault == FAULT_THROTTLING)
		return call_fail(c, FAULT_THROTTLING, "Rate exceeded");
	return f;
}

static enum fault run(struct call *c)
{
	struct store *s = c->svc->store;
	int rc = upkeep(c->svc, c->now_ms);
	enum fault f;

	if (rc)
		return call_internal(c, rc);
	if (!rates_take(c->svc->rates, c->op->name, monotonic_ms()))
		return call_fail(c, FAULT_THROTTLING, "Rate exceeded");
	rc = c->op->writes ? store_begin(s) : store_begin_read(s);
	if (rc)
		return call_internal(c, rc);
	f = c->op->func(c);
	c->fate = inject_pick(c->svc->inject, c->op->name, c->caller.name, c->key_arn);
	if (!c->op->writes) {
		store_end_read(s);
		return strike(c, f);
	}
	rc = store_end(s, f || c->fate.undone ? -ECANCELED : 0);
	/* What was not made durable must not be reported as done. */
	if (!f && rc && !c->fate.undone)
		f = call_internal(c, rc);
	return strike(c, f);
}

/* record - an event carries the very record of the audit log, so that the two are known to be of one call. */
static void record(const struct call *c)
{
	struct service *svc = c->svc;
	struct buf text = BUF_INIT;

	if (!c->op || !c->authenticated || (!svc->trail && !svc->events))
		return;
	trail_format(c, &text);
	if (svc->events)
		events_call(c, &text);
	if (svc->trail)
		trail_write(svc->trail, c, &text);
	buf_wipe(&text);
}

static void put_error(struct call *c, bool sts)
{
	struct jsonw w = JSONW_INIT(&c->out);

	buf_wipe(&c->out);
	if (sts) {
		sts_put_error(c, &c->out);
		return;
	}
	jsonw_open(&w, NULL, '{');
	jsonw_string(&w, "__type", fault_name(c->fault));
	jsonw_string(&w, "message", c->message);
	jsonw_close(&w, '}');
}

/* free_input - json-c frees without wiping, so wipe the one member that is a secret. */
static void free_input(struct call *c)
{
	struct json_object *plain;
	union {
		const char *in;
		char *out;
	} text;

	if (c->in && json_object_object_get_ex(c->in, "Plaintext", &plain) &&
	    json_object_is_type(plain, json_type_string)) {
		text.in = json_object_get_string(plain);
		explicit_bzero(text.out, (size_t)json_object_get_string_len(plain));
	}
	json_object_put(c->in);
	c->in = NULL;
}

void service_handle(struct service *svc, const struct http_request *rq, struct http_reply *reply)
{
	struct call c = { .svc = svc, .http = rq, .now_ms = svc->clock_ms() };
	bool sts = false;

	if (ident_new_uuid(c.request_id))
		call_internal(&c, -EIO);
	if (!c.fault)
		c.fault = prepare(&c, &sts);
	if (!c.fault)
		c.fault = run(&c);
	record(&c);
	if (c.fault) {
		log_debug("request %s: %s: %s: %s", c.request_id, c.op ? c.op->name : "?", fault_name(c.fault),
			  c.message);
		put_error(&c, sts);
	}
	memset(reply, 0, sizeof(*reply));
	reply->status = sts ? fault_query_status(c.fault) : fault_status(c.fault);
	reply->content_type = sts ? "text/xml" : "application/x-amz-json-1.1";
	memcpy(reply->request_id, c.request_id, sizeof(reply->request_id));
	reply->date_ms = wall_ms(&c);
	reply->mishap = c.fate.mishap;
	reply->delay_ms = c.fate.delay_ms;
	reply->body = c.out;
	free_input(&c);
	principal_free(&c.caller);
}
