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
#include "watching.h"
#include "worker.h"

struct note {
	char name[VOLUME_NAME_MAX + 1];
	char luks_uuid[LUKS_UUID_LEN + 1];
	enum verdict verdict;
	enum verdict_why why;
	int64_t ok_ms;
	bool changed;
	char reason[WATCH_REASON_MAX + 1];
	char request_id[80];
};

static void note_ok(const struct env *env, const struct note *n)
{
	struct state *s = calloc(1, sizeof(*s));
	struct err e = ERR_INIT;
	int lock = volume_lock(env, n->name, 1);
	int rc;

	if (!s || lock < 0)
		goto out;	/* who holds the lock writes the state himself */
	rc = state_load(env->state_dir, n->name, s, &e);
	if (!rc && !s->is_revoked && !strcmp(s->luks_uuid, n->luks_uuid) && state_ok_this_boot(s) < n->ok_ms) {
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

static int run(struct daemon *d, void *arg, int sock)
{
	const struct note *n = arg;
	struct json_object *fields;

	(void)sock;
	if (n->changed) {
		fields = json_object_new_object();
		js_put_string(fields, "verdict", verdict_name(n->verdict));
		js_put_string(fields, "why", verdict_why_name(n->why));
		if (n->verdict != VERDICT_OK)
			js_put_string(fields, "reason", n->reason);
		job_audit_must(&d->env, "verdict", n->name, fields, *n->request_id ? n->request_id : NULL);
	}
	if (n->verdict == VERDICT_OK)
		note_ok(&d->env, n);
	return WORKER_OK;
}

int note_verdict(struct daemon *d, const struct watch_volume *v, bool changed)
{
	struct note *n = calloc(1, sizeof(*n));
	const struct worker_spec spec = {
		.kind = WORKER_NOTE, .name = v->name, .activity = "noting", .sock = -1, .run = run, .arg = n,
	};
	const struct watched *more = v->data;

	if (!n)
		return -ENOMEM;
	strcpy(n->name, v->name);
	strcpy(n->luks_uuid, more->luks_uuid);
	n->verdict = v->verdict;
	n->why = v->why;
	n->ok_ms = v->ok_ms;
	n->changed = changed;
	memcpy(n->reason, v->evidence.reason, sizeof(n->reason));
	memcpy(n->request_id, v->evidence.request_id, sizeof(n->request_id));
	return worker_start(d, &spec, NULL);
}
