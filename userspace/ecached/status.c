// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/agentconf.h"
#include "../common/clock.h"
#include "../common/json.h"
#include "../volume/swap.h"
#include "mappings.h"
#include "proto.h"
#include "report.h"
#include "status.h"
#include "watch_clock.h"
#include "watching.h"

struct names {
	char (*name)[VOLUME_NAME_MAX + 1];
	size_t nr;
};

/* One volume while its packet is made. */
struct volume_view {
	const char *name;
	int pin_rc, state_rc, intent_rc;
	struct err pin_err, state_err, intent_err;
	struct pin pin;
	struct state state;
	struct intent intent;
	int policy_rc;
	struct err policy_err;
	struct policies policies;
	const struct mapping *mapping;
	const struct watch_volume *watched;
	bool held;
	bool dm_silent;
};

static int add_name(void *ctx, const char *name)
{
	struct names *n = ctx;
	void *more;
	size_t i;

	for (i = 0; i < n->nr; i++) {
		if (!strcmp(n->name[i], name))
			return 0;
	}
	more = realloc(n->name, (n->nr + 1) * sizeof(*n->name));
	if (!more)
		return -ENOMEM;
	n->name = more;
	strncpy(n->name[n->nr], name, VOLUME_NAME_MAX);
	n->name[n->nr++][VOLUME_NAME_MAX] = '\0';
	return 0;
}

/* all_names - of pins, unfinished work and mappings. */
static int all_names(const struct env *env, const struct mappings *maps, struct names *n, struct err *e)
{
	size_t i;
	int rc;

	rc = pin_each(env->pin_dir, add_name, n, e);
	if (!rc)
		rc = intent_each(env->intent_dir, add_name, n, e);
	for (i = 0; i < maps->nr && !rc; i++)
		rc = add_name(n, maps->m[i].name);
	return rc;
}

static const char *state_word(const struct volume_view *v, const char *activity)
{
	const struct mapping *m = v->mapping;

	if (activity)
		return activity;
	if (!v->intent_rc && (v->pin_rc || !job_only_retires(&v->intent)))
		return "unfinished";
	if (v->dm_silent)
		return "unknown";
	if (m && m->is_ecache && m->status.state == DM_STATE_ACTIVE)
		return "open";
	if (m && m->is_ecache && m->status.state == DM_STATE_LOCKED)
		return "locked";
	if (m || (!v->state_rc && v->state.is_revoked))
		return "revoked";
	return v->pin_rc ? "broken" : "closed";
}

/* lease_waits - a mapping takes its lease when it is made. */
static bool lease_waits(const struct volume_view *v)
{
	const struct mapping *m = v->mapping;

	if (!m || !m->is_ecache || m->status.state != DM_STATE_ACTIVE)
		return false;
	return (m->status.lease >= 0) != (policies_lease_of(&v->policies) > 0);
}

static void put_unfinished(struct json_object *o, const struct volume_view *v)
{
	struct json_object *u;

	if (v->intent_rc)
		return;
	u = json_object_new_object();
	js_put_string(u, "verb", intent_verb_name(v->intent.verb));
	js_put_string(u, "step", v->intent.step);
	js_put(o, "unfinished", u);
}

static void put_problem(struct json_object *o, const struct volume_view *v)
{
	const struct mapping *m = v->mapping;
	char text[ERR_TEXT + 64];

	if (v->pin_rc)
		snprintf(text, sizeof(text), "pin: %s%s", v->pin_err.what,
			 v->watched ? "; what it said before stays" : "");
	else if (v->state_rc && v->state_rc != -ENOENT)
		snprintf(text, sizeof(text), "state: %s", v->state_err.what);
	else if (!v->intent_rc)
		snprintf(text, sizeof(text), "unfinished %s at step %s; ecached goes on trying",
			 intent_verb_name(v->intent.verb), v->intent.step);
	else if (v->intent_rc != -ENOENT)
		snprintf(text, sizeof(text), "unfinished work is on record, but: %s", v->intent_err.what);
	else if (v->dm_silent)
		snprintf(text, sizeof(text), "device-mapper does not answer");
	else if (m && strcmp(m->luks_uuid, v->pin.luks_uuid))
		snprintf(text, sizeof(text), "the mapping has LUKS uuid %s, the pin %s", m->luks_uuid,
			 v->pin.luks_uuid);
	else if (v->policy_rc)
		snprintf(text, sizeof(text), "policy: %s", v->policy_err.what);
	else if (v->watched && v->watched->key_lost)
		snprintf(text, sizeof(text), "the kernel took the key (%s); it reopens when the KMS answers ok",
			 m && m->is_ecache ? m->status.reason : "-");
	else if (v->watched && v->watched->locked && v->watched->stays_locked)
		snprintf(text, sizeof(text), "locked, and after-lock=stay: `ecachectl open %s` opens it", v->name);
	else if (lease_waits(v))
		snprintf(text, sizeof(text), "lease: what the file says takes effect when it is closed and opened again");
	else if (m && (!m->is_ecache || m->status.state >= DM_STATE_REVOKING))
		snprintf(text, sizeof(text), "torn down, but still held open (open count %d)", m->open_count);
	else
		return;
	js_put_string(o, "problem", text);
}

static void put_target(struct json_object *o, const struct mapping *m)
{
	const struct dm_status *s;
	struct json_object *t;

	if (!m || !m->is_ecache)
		return;
	s = &m->status;
	t = json_object_new_object();
	js_put_string(t, "state", dm_state_name(s->state));
	js_put_string(t, "engine", s->engine);
	js_put_string(t, "driver", s->driver);
	js_put(t, "generic", json_object_new_boolean(!!strstr(s->driver, "generic")));
	js_put_string(t, "key_id", s->key_id);
	js_put(t, "reads", json_object_new_int64((int64_t)s->reads));
	js_put(t, "writes", json_object_new_int64((int64_t)s->writes));
	js_put(t, "read_sectors", json_object_new_int64((int64_t)s->read_sectors));
	js_put(t, "write_sectors", json_object_new_int64((int64_t)s->write_sectors));
	js_put(t, "inline", json_object_new_int64((int64_t)s->inline_ios));
	js_put(t, "deferred", json_object_new_int64((int64_t)s->deferred));
	js_put(t, "errors", json_object_new_int64((int64_t)s->errors));
	if (s->lease >= 0)
		js_put(t, "lease", json_object_new_int64(s->lease));
	js_put_string(t, "reason", s->reason);
	js_put(t, "open_count", json_object_new_int(m->open_count));
	js_put(t, "suspended", json_object_new_boolean(m->suspended));
	js_put(o, "target", t);
}

/* realtime_of - seconds since the epoch of a moment on CLOCK_BOOTTIME. */
static int64_t realtime_of(int64_t boot_ms)
{
	return time(NULL) - (now_ms() - boot_ms) / 1000;
}

static void put_probe(struct json_object *o, const struct watch_volume *w, bool held)
{
	const struct watched *more = w ? w->data : NULL;
	struct json_object *p;

	if (!w || !w->probed)
		return;
	p = json_object_new_object();
	js_put_string(p, "verdict", verdict_name(w->verdict));
	js_put_string(p, "why", verdict_why_name(w->why));
	js_put(p, "at", json_object_new_int64(realtime_of(w->evidence.at_ms)));
	if (w->verdict != VERDICT_OK)
		js_put_string(p, "reason", w->evidence.reason);
	if (w->vcase.denials)
		js_put(p, "denials", json_object_new_int64(w->vcase.denials));
	if (more && w->why == VERDICT_WHY_DENIED && listed_name(more->listed))
		js_put_string(p, "grant", listed_name(more->listed));
	if (held)
		js_put(p, "held", json_object_new_boolean(true));
	js_put_string(p, "code", w->evidence.code);
	js_put_string(p, "request_id", w->evidence.request_id);
	js_put(o, "probe", p);
}

static void put_state(struct json_object *o, const struct volume_view *v)
{
	const struct state *s = &v->state;
	struct json_object *r;
	int64_t ok = 0;

	if (!v->state_rc) {
		js_put_string(o, "grant_id", s->grant_id);
		js_put(o, "epoch", json_object_new_int64((int64_t)s->epoch));
		ok = s->has_last_ok ? s->last_ok.realtime : 0;
	}
	if (v->watched && v->watched->ok_ms && realtime_of(v->watched->ok_ms) > ok)
		ok = realtime_of(v->watched->ok_ms);
	if (ok)
		js_put(o, "last_ok", json_object_new_int64(ok));
	if (v->state_rc || !s->is_revoked)
		return;
	r = json_object_new_object();
	js_put(r, "at", json_object_new_int64(s->revoked.at));
	js_put_string(r, "verdict", s->revoked.verdict);
	js_put_string(r, "reason", s->revoked.reason);
	js_put_string(r, "request_id", s->revoked.request_id);
	js_put(o, "revoked", r);
}

static void put_pin(struct json_object *o, const struct pin *p)
{
	js_put_string(o, "kind", volume_kind_name(p->kind));
	js_put_string(o, "device", p->device);
	js_put_string(o, "cache_id", p->cache_id);
	js_put_string(o, "luks_uuid", p->luks_uuid);
	js_put_string(o, "key_arn", p->key_arn);
	if (*p->unit)
		js_put_string(o, "unit", p->unit);
	if (p->shape != HEADER_CREATED)
		js_put(o, "adopted", json_object_new_boolean(true));
	if (p->kind != VOLUME_BOOT_SWAP)
		js_put(o, "revocable", json_object_new_boolean(p->shape != HEADER_WITH_KEYSLOTS));
}

static void put_policies(struct json_object *o, const struct policies *p, const struct watch_volume *w)
{
	struct json_object *policy = json_object_new_object();

	js_put_string(policy, "on_revoke", policy_name(p->on_revoke));
	js_put_string(policy, "on_disabled", policy_name(p->on_disabled));
	js_put_string(policy, "unreachable", p->fail_after ? "fail-after" : "hold");
	if (p->fail_after)
		js_put(policy, "fail_after", json_object_new_int64(p->fail_after));
	if (p->lease)
		js_put(policy, "lease", json_object_new_int64(p->lease));
	js_put_string(policy, "after_lock", after_lock_name(p->after_lock));
	js_put(policy, "probe_interval", json_object_new_int64(p->probe_interval));
	js_put(policy, "teardown_deadline", json_object_new_int64(p->teardown_deadline));
	if (*p->hook)
		js_put_string(policy, "hook", p->hook);
	if (w && watch_fails_at(w) != INT64_MAX)
		js_put(policy, "fails_at", json_object_new_int64(realtime_of(watch_fails_at(w))));
	js_put(o, "policy", policy);
}

static void put_swap(struct json_object *o, const struct mapping *m)
{
	struct json_object *s;
	struct swap_area a;

	if (!m || swap_look("/proc", m->dev, &a, NULL))
		return;
	s = json_object_new_object();
	js_put(s, "on", json_object_new_boolean(a.on));
	js_put(s, "used", json_object_new_int64((int64_t)a.used));
	js_put(o, "swap", s);
}

static void look(const struct env *env, struct volume_view *v)
{
	v->pin_rc = pin_load(env->pin_dir, v->name, &v->pin, &v->pin_err);
	if (!v->pin_rc)
		v->policy_rc = job_policies(env, v->name, &v->pin, &v->policies, &v->policy_err);
	v->state_rc = state_load(env->state_dir, v->name, &v->state, &v->state_err);
	v->intent_rc = intent_load(env->intent_dir, v->name, &v->intent, &v->intent_err);
}

static int send_volume(const struct status_view *view, struct talk *t, struct volume_view *v, struct err *e)
{
	struct json_object *o = talk_message(PROTO_VOLUME), *report;
	const char *activity = view->activity ? view->activity(view->ctx, v->name) : NULL;
	char mapping[sizeof("/dev/mapper/") + VOLUME_NAME_MAX];

	look(view->env, v);
	js_put_string(o, "name", v->name);
	js_put_string(o, "state", state_word(v, activity));
	if (v->mapping) {
		snprintf(mapping, sizeof(mapping), "/dev/mapper/%s", v->name);
		js_put_string(o, "mapping", mapping);
	}
	if (!v->pin_rc) {
		put_pin(o, &v->pin);
		put_policies(o, &v->policies, v->watched);
	}
	if (!v->pin_rc && v->pin.kind != VOLUME_DATA)
		put_swap(o, v->mapping);
	put_state(o, v);
	put_probe(o, v->watched, v->held);
	put_target(o, v->mapping);
	report = report_load(view->env, v->name);
	if (report)
		js_put(o, "teardown", report);
	put_unfinished(o, v);
	put_problem(o, v);
	return view->take ? view->take(view->arg, o) : talk_send(t, o, e);
}

static bool known(const struct names *n, const char *name)
{
	size_t i;

	for (i = 0; i < n->nr; i++) {
		if (!strcmp(n->name[i], name))
			return true;
	}
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int send_all(const struct status_view *view, struct talk *t, const struct names *n,
		    const struct mappings *maps, const char *name, struct err *e)
{
	struct volume_view *v = malloc(sizeof(*v));
	int rc = 0;
	size_t i;

	if (!v)
		return err_sys(e, -ENOMEM, "cannot look at the volumes");
	for (i = 0; i < n->nr && !rc; i++) {
		if (*name && strcmp(name, n->name[i]))
			continue;
		memset(v, 0, sizeof(*v));
		v->name = n->name[i];
		v->mapping = mappings_find(maps, v->name);
		v->watched = watch_find(view->watch, v->name);
		v->held = v->watched && watch_held(view->watch, v->watched);
		v->dm_silent = !maps->complete && !v->mapping;
		rc = send_volume(view, t, v, e);
	}
	free(v);
	return rc;
}

static const char *hearing(const struct events *ev)
{
	if (ev->failures)
		return "failing";
	return ev->ok_ms ? "listening" : "starting";
}

/* put_events - whether the queue is heard, and how much of what came was about keys here. */
static void put_events(struct json_object *agent, const struct status_view *view)
{
	const struct events *ev = view->events;
	struct json_object *o;

	if (!ev->on)
		return;
	o = json_object_new_object();
	js_put_string(o, "queue", view->env->conf->events_queue);
	js_put_string(o, "state", hearing(ev));
	if (ev->ok_ms)
		js_put(o, "last_ok", json_object_new_int64(realtime_of(ev->ok_ms)));
	if (ev->failures)
		js_put(o, "since", json_object_new_int64(realtime_of(ev->failing_ms)));
	if (*ev->why)
		js_put_string(o, "problem", ev->why);
	js_put(o, "messages", json_object_new_int64((int64_t)ev->count.messages));
	js_put(o, "unread", json_object_new_int64((int64_t)ev->count.unread));
	js_put(o, "ours", json_object_new_int64((int64_t)ev->count.ours));
	js_put(o, "others", json_object_new_int64((int64_t)ev->count.others));
	js_put(agent, "events", o);
}

int status_answer(const struct status_view *view, struct talk *t, const char *name, struct json_object *result,
		  struct err *e)
{
	struct json_object *agent = json_object_new_object();
	struct mappings maps;
	struct names n = { 0 };
	int rc;

	rc = mappings_get(&view->env->dm, STATUS_DM_MS, &maps);
	if (rc)
		return err_sys(e, rc, "cannot ask device-mapper");
	rc = all_names(view->env, &maps, &n, e);
	if (rc)
		goto out;
	if (*name && !known(&n, name)) {
		rc = err_set(e, -ENOENT, "there is no volume %s on this host", name);
		err_hint(e, "`ecachectl list` shows the volumes.");
		goto out;
	}
	if (n.nr)
		qsort(n.name, n.nr, sizeof(*n.name), by_name);
	rc = send_all(view, t, &n, &maps, name, e);
	js_put_string(agent, "version", ECACHE_VERSION);
	js_put(agent, "watched", json_object_new_int64((int64_t)watch_count(view->watch)));
	js_put(agent, "brake", json_object_new_boolean(view->watch->brake.engaged));
	put_events(agent, view);
	if (*view->problem)
		js_put_string(agent, "problem", view->problem);
	js_put(result, "agent", json_object_get(agent));
out:
	json_object_put(agent);
	mappings_free(&maps);
	free(n.name);
	return rc;
}
