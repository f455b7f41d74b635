// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "common/json.h"
#include "common/log.h"
#include "inject_state.h"
#include "jsonw.h"
#include "sts.h"

#define COUNT_MAX 1000000
#define DELAY_MAX_MS (10 * 60 * 1000)
#define GRANT_DELAY_MAX_MS (60 * 60 * 1000)
#define OFFSET_MAX_MS (INT64_C(10) * 365 * 24 * 3600 * 1000)

static int find_kind(const char *name, enum inject_kind *out, struct err *e)
{
	for (unsigned int i = 0; i < INJECT_KINDS; i++) {
		if (!strcmp(inject_kind_name((enum inject_kind)i), name)) {
			*out = (enum inject_kind)i;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "there is no fault \"%s\"", name);
}

/* copy - a member that names something; @size holds whatever js_read() let through. */
static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static int add_fault(struct inject *in, struct json_object *rq, struct jsonw *w, struct err *e)
{
	const char *what = NULL, *kind = "", *operation = NULL, *principal = NULL, *key = NULL;
	int64_t count = INJECT_FOREVER, percent = 100, delay = 0;
	struct inject_rule r = { .hits = 0 };
	bool slow;
	struct js_member members[] = {
		{ "do", JS_STRING, 0, 1, 32, .string = &what },
		{ "kind", JS_STRING, 0, 1, 32, .string = &kind },
		{ "operation", JS_STRING, JS_OPTIONAL, 1, INJECT_NAME_SIZE - 1, .string = &operation },
		{ "principal", JS_STRING, JS_OPTIONAL, 1, PRINCIPAL_NAME_SIZE - 1, .string = &principal },
		{ "key", JS_STRING, JS_OPTIONAL, 1, ARN_SIZE - 1, .string = &key },
		{ "count", JS_INT, JS_OPTIONAL, 1, COUNT_MAX, .number = &count },
		{ "percent", JS_INT, JS_OPTIONAL, 1, 100, .number = &percent },
		{ "delay-ms", JS_INT, JS_OPTIONAL, 1, DELAY_MAX_MS, .number = &delay },
		{ "done", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &r.done },
		{ 0 },
	};
	int rc = js_read(rq, members, e);

	if (!rc)
		rc = find_kind(kind, &r.kind, e);
	if (rc)
		return rc;
	if (operation && !operation_find(operation) && strcmp(operation, sts_operation()->name))
		return err_set(e, -EINVAL, "there is no operation \"%s\"", operation);
	slow = r.kind == INJECT_SLOW;
	if (slow != !!delay)
		return err_set(e, -EINVAL, "delay-ms belongs to the fault \"slow\"");
	if (in->nr_rules == INJECT_RULES_MAX)
		return err_set(e, -ENOSPC, "there are %d faults already", INJECT_RULES_MAX);
	copy(r.operation, sizeof(r.operation), operation);
	copy(r.principal, sizeof(r.principal), principal);
	copy(r.key, sizeof(r.key), key);
	r.left = count;
	r.percent = (unsigned int)percent;
	r.delay_ms = (unsigned int)delay;
	r.id = in->next_id++;
	in->rule[in->nr_rules++] = r;
	jsonw_int(w, "id", r.id);
	return 0;
}

static int set_number(struct json_object *rq, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	const char *what = NULL;
	struct js_member members[] = {
		{ "do", JS_STRING, 0, 1, 32, .string = &what },
		{ "ms", JS_INT, 0, min, max, .number = out },
		{ 0 },
	};

	return js_read(rq, members, e);
}

static int set_grant_delay(struct inject *in, struct json_object *rq, struct jsonw *w, struct err *e)
{
	(void)w;
	return set_number(rq, 0, GRANT_DELAY_MAX_MS, &in->grant_delay_ms, e);
}

static int set_clock_offset(struct inject *in, struct json_object *rq, struct jsonw *w, struct err *e)
{
	(void)w;
	return set_number(rq, -OFFSET_MAX_MS, OFFSET_MAX_MS, &in->clock_offset_ms, e);
}

static int set_throttle(struct inject *in, struct json_object *rq, struct jsonw *w, struct err *e)
{
	const char *what = NULL, *class = NULL;
	int64_t rate = 0;
	struct js_member members[] = {
		{ "do", JS_STRING, 0, 1, 32, .string = &what },
		{ "class", JS_STRING, 0, 1, 64, .string = &class },
		{ "rate", JS_INT, 0, 0, RATES_MAX, .number = &rate },
		{ 0 },
	};
	int rc = js_read(rq, members, e);

	(void)w;
	if (!rc && rates_override(in->rates, class, rate))
		rc = err_set(e, -ENOENT, "there is no class of requests \"%s\"", class);
	return rc;
}

static int set_pending_deletion(struct inject *in, struct json_object *rq, struct jsonw *w, struct err *e)
{
	const char *what = NULL, *exception = "";
	struct js_member members[] = {
		{ "do", JS_STRING, 0, 1, 32, .string = &what },
		{ "exception", JS_STRING, 0, 1, 64, .string = &exception },
		{ 0 },
	};
	int rc = js_read(rq, members, e);
	bool disabled;

	(void)w;
	if (rc)
		return rc;
	disabled = !strcmp(exception, fault_name(FAULT_DISABLED));
	if (!disabled && strcmp(exception, fault_name(FAULT_INVALID_STATE)))
		return err_set(e, -EINVAL, "pending-deletion wants %s or %s", fault_name(FAULT_DISABLED),
			       fault_name(FAULT_INVALID_STATE));
	in->pending_is_disabled = disabled;
	return 0;
}

static void put_rule(struct jsonw *w, const struct inject_rule *r)
{
	jsonw_open(w, NULL, '{');
	jsonw_int(w, "id", r->id);
	jsonw_string(w, "kind", inject_kind_name(r->kind));
	if (*r->operation)
		jsonw_string(w, "operation", r->operation);
	if (*r->principal)
		jsonw_string(w, "principal", r->principal);
	if (*r->key)
		jsonw_string(w, "key", r->key);
	if (r->left != INJECT_FOREVER)
		jsonw_int(w, "count", r->left);
	if (r->percent != 100)
		jsonw_int(w, "percent", r->percent);
	if (r->delay_ms)
		jsonw_int(w, "delay-ms", r->delay_ms);
	if (r->done)
		jsonw_bool(w, "done", true);
	jsonw_int(w, "hits", (int64_t)r->hits);
	jsonw_close(w, '}');
}

static void put_rate(void *ctx, const char *class, int64_t per_second, bool overridden)
{
	struct jsonw *w = ctx;

	if (per_second == RATES_UNLIMITED)
		return;
	jsonw_open(w, NULL, '{');
	jsonw_string(w, "class", class);
	jsonw_int(w, "rate", per_second);
	jsonw_bool(w, "injected", overridden);
	jsonw_close(w, '}');
}

static int list(struct inject *in, struct json_object *rq, struct jsonw *w, struct err *e)
{
	const char *what = NULL;
	struct js_member members[] = {
		{ "do", JS_STRING, 0, 1, 32, .string = &what },
		{ 0 },
	};
	int rc = js_read(rq, members, e);

	if (rc)
		return rc;
	jsonw_int(w, "grant-delay-ms", in->grant_delay_ms);
	jsonw_int(w, "clock-offset-ms", in->clock_offset_ms);
	jsonw_string(w, "pending-deletion", fault_name(in->pending_is_disabled ? FAULT_DISABLED : FAULT_INVALID_STATE));
	jsonw_open(w, "faults", '[');
	for (unsigned int i = 0; i < in->nr_rules; i++)
		put_rule(w, &in->rule[i]);
	jsonw_close(w, ']');
	jsonw_open(w, "rates", '[');
	rates_each(in->rates, put_rate, w);
	jsonw_close(w, ']');
	return 0;
}

/* clear - one fault, or everything. */
static int clear(struct inject *in, struct json_object *rq, struct jsonw *w, struct err *e)
{
	const char *what = NULL;
	int64_t id = 0;
	struct js_member members[] = {
		{ "do", JS_STRING, 0, 1, 32, .string = &what },
		{ "id", JS_INT, JS_OPTIONAL, 1, UINT32_MAX, .number = &id },
		{ 0 },
	};
	int rc = js_read(rq, members, e);

	(void)w;
	if (rc)
		return rc;
	for (unsigned int i = 0; id && i < in->nr_rules; i++) {
		if (in->rule[i].id == id) {
			inject_remove_rule(in, i);
			return 0;
		}
	}
	if (id)
		return err_set(e, -ENOENT, "there is no fault %d", (int)id);
	in->nr_rules = 0;
	in->grant_delay_ms = 0;
	in->clock_offset_ms = 0;
	in->pending_is_disabled = false;
	inject_forget_gone(in, in->nr_gone);
	rates_restore(in->rates);
	return 0;
}

static const struct verb {
	const char *name;
	int (*func)(struct inject *in, struct json_object *rq, struct jsonw *w, struct err *e);
} verbs[] = {
	{ "fault", add_fault },
	{ "grant-delay", set_grant_delay },
	{ "clock-offset", set_clock_offset },
	{ "throttle", set_throttle },
	{ "pending-deletion", set_pending_deletion },
	{ "list", list },
	{ "clear", clear },
};

static int dispatch(struct inject *in, struct json_object *rq, struct jsonw *w, struct err *e)
{
	struct json_object *o;
	const char *name = "";

	if (json_object_object_get_ex(rq, "do", &o) && json_object_is_type(o, json_type_string))
		name = json_object_get_string(o);
	for (unsigned int i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return verbs[i].func(in, rq, w, e);
	return err_set(e, -EINVAL, "\"do\" wants fault, grant-delay, clock-offset, throttle, pending-deletion, list or clear");
}

/* printable - the error quotes the request, which may be cut inside a character. */
static void printable(char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

void inject_command(struct inject *in, const char *line, size_t len, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);
	struct json_object *rq = NULL;
	struct err e = ERR_INIT;
	int rc = js_parse(line, len, 2, &rq, &e);

	jsonw_open(&w, NULL, '{');
	if (!rc) {
		pthread_mutex_lock(&in->lock);
		rc = dispatch(in, rq, &w, &e);
		pthread_mutex_unlock(&in->lock);
	}
	if (rc) {
		printable(e.what);
		jsonw_string(&w, "error", e.what);
	} else {
		log_info("admin: %s", js_text(rq, NULL));
	}
	jsonw_bool(&w, "ok", !rc);
	jsonw_close(&w, '}');
	json_object_put(rq);
}
