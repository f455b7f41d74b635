// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/json.h"
#include "../common/log.h"
#include "../volume/state.h"
#include "job.h"
#include "lock.h"
#include "note.h"
#include "tear.h"
#include "tears.h"
#include "watching.h"
#include "worker.h"

struct note {
	struct note *next;
	char name[VOLUME_NAME_MAX + 1];
	struct tear_order *mark;	/* a teardown's mark, and nothing else; NULL: a verdict */
	char luks_uuid[LUKS_UUID_LEN + 1];
	char grant_id[KMS_GRANT_ID_MAX + 1];
	enum verdict verdict;
	enum verdict_why why;
	int64_t ok_ms;
	bool changed;
	char reason[WATCH_REASON_MAX + 1];
	char request_id[80];
};

/* What one worker takes: the parent frees the note by note, this is only where they begin. */
struct batch {
	struct note *first;
};

/* note_ok - of the grant that was asked about: another one, made meanwhile, has yet to answer without its token. */
static void note_ok(const struct env *env, const struct note *n)
{
	struct state *s = calloc(1, sizeof(*s));
	struct err e = ERR_INIT;
	int lock = volume_lock(env, n->name, 1);
	int rc;

	if (!s || lock < 0)
		goto out;	/* who holds the lock writes the state himself */
	rc = state_load(env->state_dir, n->name, s, &e);
	if (!rc && !s->is_revoked && !strcmp(s->luks_uuid, n->luks_uuid) && !strcmp(s->grant_id, n->grant_id) &&
	    state_ok_this_boot(s) < n->ok_ms) {
		s->ok_without_token = true;
		state_note_ok_at(s, n->ok_ms);
		rc = state_store(env->state_dir, n->name, s, &e);
	}
	if (rc)
		log_err("%s: last OK not recorded: %s", n->name, e.what);
out:
	if (lock >= 0)
		close(lock);
	free(s);
}

static void note_mark(const struct env *env, const struct note *n)
{
	struct err e = ERR_INIT;
	struct tear t;

	tear_of(n->mark, &t);
	if (tear_mark(env, &t, &e))
		log_err("%s: %s", n->name, e.what);
}

static void note_verdict(const struct env *env, const struct note *n)
{
	struct json_object *fields;

	if (n->changed) {
		fields = json_object_new_object();
		js_put_string(fields, "verdict", verdict_name(n->verdict));
		js_put_string(fields, "why", verdict_why_name(n->why));
		if (n->verdict != VERDICT_OK)
			js_put_string(fields, "reason", n->reason);
		job_audit_must(env, "verdict", n->name, fields, *n->request_id ? n->request_id : NULL);
	}
	if (n->verdict == VERDICT_OK)
		note_ok(env, n);
}

/* run - the marks first: they are what a death of the daemon would cost. */
static int run(struct daemon *d, void *arg, int sock)
{
	const struct batch *b = arg;
	const struct note *n;

	(void)sock;
	for (n = b->first; n; n = n->next) {
		if (n->mark)
			note_mark(&d->env, n);
	}
	for (n = b->first; n; n = n->next) {
		if (!n->mark)
			note_verdict(&d->env, n);
	}
	return WORKER_OK;
}

static void free_notes(struct daemon *d, struct note *n)
{
	struct note *next;

	for (; n; n = next) {
		next = n->next;
		free(n->mark);
		free(n);
		d->nr_notes--;
	}
}

static void done(struct daemon *d, const char *name, void *arg, int status)
{
	struct batch *b = arg;

	(void)name;
	(void)status;
	d->noting = false;
	free_notes(d, b->first);
	notes_pump(d);
}

void notes_pump(struct daemon *d)
{
	struct batch *b;
	struct worker_spec spec = {
		.kind = WORKER_NOTE, .name = "", .activity = "noting", .sock = -1, .run = run, .done = done,
	};

	if (d->noting || !d->notes)
		return;
	b = malloc(sizeof(*b));
	if (!b)
		return;
	b->first = d->notes;
	spec.arg = b;
	d->noting = !worker_start(d, &spec, NULL);
	if (d->noting)
		d->notes = NULL;
}

static struct note *add(struct daemon *d, const char *name)
{
	struct note *n = calloc(1, sizeof(*n)), **p;

	if (!n)
		return NULL;
	strcpy(n->name, name);
	for (p = &d->notes; *p; p = &(*p)->next)
		;
	*p = n;
	d->nr_notes++;
	return n;
}

/* newest - of this volume, among those that no worker has taken yet. */
static struct note *newest(struct daemon *d, const char *name)
{
	struct note *n, *found = NULL;

	for (n = d->notes; n; n = n->next) {
		if (!n->mark && !strcmp(n->name, name))
			found = n;
	}
	return found;
}

int notes_verdict(struct daemon *d, const struct watch_volume *v, bool changed)
{
	const struct watched *more = v->data;
	struct note *n = changed ? NULL : newest(d, v->name);

	if (n && n->verdict == v->verdict && !strcmp(n->grant_id, v->grant_id)) {
		n->ok_ms = v->ok_ms;
		return 0;
	}
	if (d->nr_notes >= NOTES_MAX)
		return -EAGAIN;
	n = add(d, v->name);
	if (!n)
		return -ENOMEM;
	strcpy(n->luks_uuid, more->luks_uuid);
	strcpy(n->grant_id, v->grant_id);
	n->verdict = v->verdict;
	n->why = v->why;
	n->ok_ms = v->ok_ms;
	n->changed = changed;
	memcpy(n->reason, v->evidence.reason, sizeof(n->reason));
	memcpy(n->request_id, v->evidence.request_id, sizeof(n->request_id));
	return 0;
}

int notes_mark(struct daemon *d, const struct tear_order *o)
{
	struct tear_order *copy = malloc(sizeof(*copy));
	struct note *n = copy ? add(d, o->name) : NULL;

	if (!n) {
		free(copy);
		return -ENOMEM;
	}
	*copy = *o;
	n->mark = copy;
	return 0;
}

void notes_forget(struct daemon *d)
{
	free_notes(d, d->notes);
	d->notes = NULL;
}
