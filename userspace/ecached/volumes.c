// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/clock.h"
#include "../common/log.h"
#include "../volume/intent.h"
#include "../volume/mapping.h"
#include "../volume/swap.h"
#include "activity.h"
#include "job.h"
#include "recover.h"
#include "report.h"
#include "tears.h"
#include "watching.h"
#include "worker.h"

#define RETRY_MS 60000
#define LAST_TRY 10		/* a KMS that refuses to retire a grant has had that many minutes to know it */

struct recovery {
	struct recovery *next;
	char name[VOLUME_NAME_MAX + 1];
	unsigned int tries;
	int64_t due_ms;
	bool running;
};

struct recover_arg {
	char name[VOLUME_NAME_MAX + 1];
	bool last;
};

static struct recovery *find_recovery(struct daemon *d, const char *name)
{
	struct recovery *r;

	for (r = d->recoveries; r; r = r->next) {
		if (!strcmp(r->name, name))
			return r;
	}
	return NULL;
}

static void drop_recovery(struct daemon *d, struct recovery *r)
{
	struct recovery **p;

	for (p = &d->recoveries; *p != r; p = &(*p)->next)
		;
	*p = r->next;
	free(r);
}

/* forget_recovery - somebody else has finished it. */
static void forget_recovery(struct daemon *d, const char *name)
{
	struct recovery *r = find_recovery(d, name);

	if (r && !r->running)
		drop_recovery(d, r);
}

static int run_recovery(struct daemon *d, void *arg, int sock)
{
	const struct recover_arg *a = arg;
	struct err e = ERR_INIT;
	int rc;

	(void)sock;
	rc = recover_intent(&d->env, a->name, a->last, &e);
	if (!rc)
		return WORKER_OK;
	log_fields(LOG_WARNING, e.what, "ECACHE_VOLUME", a->name, "ECACHE_EVENT", "unfinished", NULL);
	return WORKER_LATER;
}

static void recovery_done(struct daemon *d, const char *name, void *arg, int status)
{
	struct recovery *r = find_recovery(d, name);

	(void)arg;
	if (!r)
		return;
	r->running = false;
	r->due_ms = now_ms() + RETRY_MS;
	if (status == WORKER_OK) {
		log_info("%s: what was interrupted is finished", name);
		drop_recovery(d, r);
	}
	volumes_refresh(d, name);	/* key and grant may be others now */
}

/* recover - at once the first time, then every minute while it cannot be finished. */
static void recover(struct daemon *d, const char *name)
{
	struct recovery *r = find_recovery(d, name);
	struct worker_spec spec = {
		.kind = WORKER_CHANGE, .name = name, .activity = "recovering", .sock = -1, .run = run_recovery,
		.done = recovery_done,
	};
	struct recover_arg *a;

	if (d->stopping || activity(d, name))
		return;
	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			return;
		snprintf(r->name, sizeof(r->name), "%s", name);
		r->next = d->recoveries;
		d->recoveries = r;
	}
	if (r->running || r->due_ms > now_ms())
		return;
	a = calloc(1, sizeof(*a));
	if (!a)
		return;
	strcpy(a->name, r->name);
	a->last = ++r->tries >= LAST_TRY;
	spec.arg = a;
	r->running = !worker_start(d, &spec, NULL);
}

static bool locked_by_policy(const struct env *env, const char *name)
{
	struct json_object *report = report_load(env, name), *o;
	bool yes;

	o = report ? json_object_object_get(report, "policy") : NULL;
	yes = o && json_object_is_type(o, json_type_string) && !strcmp(json_object_get_string(o), "lock");
	json_object_put(report);
	return yes;
}

/* key_lost - the kernel took the key away by itself. */
static bool key_lost(const struct mapping *m)
{
	return !strcmp(m->status.reason, "lease-expired") || !strcmp(m->status.reason, "hibernation");
}

static int run_clean(struct daemon *d, void *arg, int sock)
{
	struct err e = ERR_INIT;

	(void)sock;
	if (!mapping_close(&d->env.dm, arg, &e)) {
		log_info("%s: removed the mapping of an open that was interrupted", (const char *)arg);
		return WORKER_OK;
	}
	log_err("%s: %s", (const char *)arg, e.what);
	return WORKER_FAILED;
}

/*
 * clean - a mapping without a key that no policy locked: an open that died between mapping
 * and key.
 */
static void clean(struct daemon *d, const char *name)
{
	const struct worker_spec spec = {
		.kind = WORKER_CHANGE, .name = name, .activity = "cleaning-up", .killable = true, .sock = -1,
		.run = run_clean, .arg = strdup(name),
	};

	if (spec.arg)
		worker_start(d, &spec, NULL);
}

/*
 * end_it - the state says revoked and there is a mapping: a teardown that was interrupted. A key
 *	that is still there has been due since the verdict; what is left without one may
 *	take its time.
 */
static void end_it(struct daemon *d, const struct mapping *m, const struct pin *p, const struct state *s)
{
	bool has_key = m->is_ecache && m->status.state == DM_STATE_ACTIVE;
	struct tear_order o = { .policy = POLICY_TEARDOWN, .verdict_ms = now_ms() };
	int64_t late = (time(NULL) - s->revoked.at) * 1000;
	const char *name = m->name;
	struct policies policies;

	if (has_key && late > 0)
		o.verdict_ms -= late;
	snprintf(o.name, sizeof(o.name), "%s", name);
	job_policies(&d->env, name, p, &policies, NULL);
	strcpy(o.unit, p->unit);
	strcpy(o.hook, policies.hook);
	o.deadline_ms = 1000LL * policies.teardown_deadline;
	strcpy(o.verdict, s->revoked.verdict);
	strcpy(o.reason, s->revoked.reason);
	strcpy(o.request_id, s->revoked.request_id);
	log_warn("%s is revoked but still mapped: tearing down", name);
	tears_add(d, &o);
}

/* refresh_boot_swap - nobody can take its key back, so there is nothing to watch. */
static void refresh_boot_swap(struct daemon *d, const struct mapping *m)
{
	if (m->is_ecache && m->status.state == DM_STATE_LOCKED && !m->open_count)
		clean(d, m->name);
}

static void refresh_mapped(struct daemon *d, const struct mapping *m, const struct pin *p, const struct state *s,
			   bool scanning)
{
	bool live = m->is_ecache && (m->status.state == DM_STATE_ACTIVE || m->status.state == DM_STATE_LOCKED);
	bool locked = live && m->status.state == DM_STATE_LOCKED;
	bool unused = locked && !m->open_count && !watch_find(&d->watch, m->name);

	if (strcmp(m->luks_uuid, p->luks_uuid)) {
		log_err("/dev/mapper/%s has LUKS uuid %s, its pin says %s: not watched", m->name, m->luks_uuid,
			p->luks_uuid);
		return;
	}
	if (s->is_revoked) {
		watching_remove(d, m->name);
		/*
		 * Not right after a teardown that left it: each try takes a deadline, and one a minute is enough. A
		 * swap area that a hung disk kept is ended by a later one.
		 */
		if (scanning && (!m->deferred_remove || swap_uses("/proc", m->dev)))
			end_it(d, m, p, s);
		return;
	}
	if (!live) {
		watching_remove(d, m->name);
		return;
	}
	if (unused && !key_lost(m) && !locked_by_policy(&d->env, m->name))
		clean(d, m->name);
	else if (watching_add(d, m, p, s))
		log_err("%s is open but cannot be watched: no memory", m->name);
}

/*
 * pin_from_state - a mistake in its file must not leave an open volume unwatched across a
 *	restart: what the state remembers was in agreement with the file when it opened.
 */
static void pin_from_state(struct pin *p, const struct state *s)
{
	pin_init(p);
	strcpy(p->cache_id, s->token.cache_id);
	strcpy(p->luks_uuid, s->luks_uuid);
	strcpy(p->key_arn, s->token.key_arn);
}

static void refresh(struct daemon *d, const char *name, bool scanning)
{
	struct {
		struct intent intent;
		struct pin pin;
		struct state state;
		struct mapping mapping;
	} *w;
	struct err e = ERR_INIT;

	if (d->stopping || activity(d, name))
		return;		/* again when it is done */
	w = calloc(1, sizeof(*w));
	if (!w)
		return;
	if (!intent_load(d->env.intent_dir, name, &w->intent, NULL)) {
		recover(d, name);
		if (!job_only_retires(&w->intent))
			goto out;
	} else {
		forget_recovery(d, name);
	}
	if (mapping_get(&d->env.dm, name, &w->mapping, &e)) {
		if (e.rc != -EEXIST)
			log_err("%s: %s", name, e.what);
	} else if (!w->mapping.exists) {
		watching_remove(d, name);
	} else if (pin_kind(d->env.pin_dir, name) == VOLUME_BOOT_SWAP) {
		refresh_boot_swap(d, &w->mapping);
	} else if (state_load(d->env.state_dir, name, &w->state, &e)) {
		log_err("%s is open but cannot be watched: %s", name, e.what);
	} else if (!pin_load(d->env.pin_dir, name, &w->pin, &e)) {
		refresh_mapped(d, &w->mapping, &w->pin, &w->state, scanning);
	} else if (watch_find(&d->watch, name)) {
		log_err("%s: what its file said before stays: %s", name, e.what);
	} else {
		log_err("%s: watched by what is remembered of its header, under the policies of ecached.conf: %s", name,
			e.what);
		pin_from_state(&w->pin, &w->state);
		refresh_mapped(d, &w->mapping, &w->pin, &w->state, scanning);
	}
out:
	free(w);
}

void volumes_refresh(struct daemon *d, const char *name)
{
	refresh(d, name, false);
	watching_kick(d);
}

struct scan {
	char (*name)[VOLUME_NAME_MAX + 1];
	size_t nr;
};

static int scan_name(struct scan *s, const char *name)
{
	void *more = realloc(s->name, (s->nr + 1) * sizeof(*s->name));

	if (!more)
		return -ENOMEM;
	s->name = more;
	snprintf(s->name[s->nr++], sizeof(*s->name), "%s", name);
	return 0;
}

static int scan_mapping(void *ctx, const char *name, const char *uuid)
{
	char luks_uuid[LUKS_UUID_LEN + 1], uuid_name[VOLUME_NAME_MAX + 1];

	if (!dm_uuid_parse(uuid, luks_uuid, uuid_name) && !strcmp(uuid_name, name))
		return scan_name(ctx, name);
	log_warn("the device-mapper name %s belongs to something else (uuid \"%s\")", name, uuid);
	return 0;
}

static int scan_intent(void *ctx, const char *name)
{
	return scan_name(ctx, name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/*
 * volumes_scan - most names come twice, of the mapping and of who watches it. Each is looked at
 *	once: with hundreds of volumes this is what the loop does longest.
 */
int volumes_scan(struct daemon *d, struct err *e)
{
	const struct dm *dm = &d->env.dm;
	struct scan s = { 0 };
	struct watch_volume *v;
	size_t i;
	int rc;

	rc = intent_each(d->env.intent_dir, scan_intent, &s, e);
	if (!rc)
		rc = dm->ops->each(dm->ctx, scan_mapping, &s, e);
	for (v = d->watch.volumes; v && !rc; v = v->next)
		rc = scan_name(&s, v->name);	/* may be gone behind our back */
	if (s.nr)
		qsort(s.name, s.nr, sizeof(*s.name), by_name);
	for (i = 0; i < s.nr && !rc; i++) {
		if (!i || strcmp(s.name[i], s.name[i - 1]))
			refresh(d, s.name[i], true);
	}
	free(s.name);
	watching_kick(d);
	return rc;
}

void volumes_forget(struct daemon *d)
{
	while (d->recoveries)
		drop_recovery(d, d->recoveries);
}
