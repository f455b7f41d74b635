// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/clock.h"
#include "../common/json.h"
#include "../common/log.h"
#include "../volume/device.h"
#include "../volume/keyid.h"
#include "granting.h"
#include "loaded.h"
#include "regranting.h"
#include "retire.h"
#include "unwrap.h"

#define OWNERS_GRANT_MS 60000

struct regranting {
	const struct env *env;
	struct talk *talk;
	const struct request *rq;
	struct loaded v;
	struct intent intent;
	struct granted granted;
	char request_id[REQUEST_ID_SIZE];
	bool away;		/* the grantee is another host */
};

/* check_away - this host loses the volume: not while it has it open. */
static int check_away(struct regranting *r, struct err *e)
{
	const char *name = r->rq->name;
	struct mapping m;
	int rc;

	rc = mapping_get(&r->env->dm, name, &m, e);
	if (rc || !m.exists)
		return rc;
	err_set(e, -EBUSY, "%s is open here, and the grant would be %s's", name, r->rq->host);
	return err_hint(e, "First: ecachectl close %s", name);
}

static int begin(struct regranting *r, struct err *e)
{
	struct intent *i = &r->intent;

	i->verb = INTENT_REGRANT;
	strcpy(i->step, REGRANT_GRANT);
	strcpy(i->cache_id, r->v.pin.cache_id);
	strcpy(i->luks_uuid, r->v.pin.luks_uuid);
	strcpy(i->device, r->v.pin.device);
	strcpy(i->key_arn, r->v.pin.key_arn);
	device_major_minor(&r->v.device, i->dev_major_minor);
	return job_begin(r->env, r->rq->name, i, e);
}

static int get_grant(struct regranting *r, struct err *e)
{
	const struct grant_ask ask = {
		.name = r->rq->name,
		.kms_key = r->v.pin.key_arn,
		.key_arn = r->v.pin.key_arn,
		.cache_id = r->v.pin.cache_id,
		.luks_uuid = r->v.pin.luks_uuid,
		.grantee = r->away ? r->rq->host : NULL,
		.old_grant_id = r->v.header.token.grant_id,
	};

	if (*r->rq->grant_id) {
		strcpy(r->granted.id, r->rq->grant_id);
		return 0;
	}
	talk_progress(r->talk, "asking the KMS for a grant");
	return granting(r->env, r->talk, &ask, &r->intent, &r->granted, e);
}

/* prove - the grant unwraps this volume's key, or it is not taken. */
static int prove(struct regranting *r, struct err *e)
{
	const struct token *tok = &r->v.header.token;
	const struct unwrap u = {
		.name = r->rq->name,
		.key_arn = r->v.pin.key_arn,
		.cache_id = r->v.pin.cache_id,
		.luks_uuid = r->v.pin.luks_uuid,
		.blob = tok->blob,
		.blob_len = tok->blob_len,
		.key_size = tok->key_size,
		.grant_token = *r->granted.token ? r->granted.token : NULL,
		.retry_until_ms = now_ms() + (*r->rq->grant_id ? OWNERS_GRANT_MS : UNWRAP_YOUNG_MS),
	};
	struct secret key = SECRET_INIT;
	int rc;

	rc = unwrap_key(r->env, r->talk, &u, &key, r->request_id, e);
	if (!rc)
		rc = header_verify_key(r->v.device.path, &key, e);
	secret_wipe(&key);
	return rc;
}

/*
 * store - what the header says now is what this host knows; the mark of the revocation goes
 * with it. With @away the grant is another host's, and open says so here.
 */
static int store(const struct env *env, const char *name, struct state *s, const struct header *h, bool own,
		 const char *away, struct err *e)
{
	state_adopt_header(s, h);
	strcpy(s->grant_id, h->token.grant_id);
	s->grant_created = own ? time(NULL) : 0;
	s->ok_without_token = false;
	s->is_revoked = false;
	memset(&s->revoked, 0, sizeof(s->revoked));
	if (away) {
		s->is_revoked = true;
		s->revoked.at = time(NULL);
		strcpy(s->revoked.verdict, "revoked");
		snprintf(s->revoked.reason, sizeof(s->revoked.reason), "its grant was given to %s", away);
	}
	return state_store(env->state_dir, name, s, e);
}

static int commit(struct regranting *r, struct err *e)
{
	struct token *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return err_sys(e, -ENOMEM, "cannot write the token of %s", r->rq->name);
	if (talk_lost(r->talk)) {
		rc = err_set(e, -ECANCELED, "interrupted");
		goto out;
	}
	strcpy(r->intent.step, REGRANT_TOKEN);
	rc = intent_step(r->env->intent_dir, r->rq->name, &r->intent, e);
	if (rc)
		goto out;
	*t = r->v.header.token;
	strcpy(t->grant_id, r->granted.id);
	rc = header_write_token(r->v.device.path, t, e);
	if (!rc)
		rc = pin_header(&r->v.pin, r->v.device.path, &r->v.header, e);
	if (!rc)
		rc = store(r->env, r->rq->name, &r->v.state, &r->v.header, !*r->rq->grant_id,
			   r->away ? r->rq->host : NULL, e);
out:
	free(t);
	return rc;
}

static void record(struct regranting *r, const char *old_grant)
{
	struct json_object *fields = json_object_new_object();

	js_put_string(fields, "key_arn", r->v.pin.key_arn);
	js_put_string(fields, "grant_id", r->granted.id);
	js_put_string(fields, "old_grant_id", old_grant);
	if (r->away)
		js_put_string(fields, "host", r->rq->host);
	js_put(fields, "own_grant", json_object_new_boolean(!*r->rq->grant_id));
	js_put(fields, "epoch", json_object_new_int64((int64_t)r->v.header.epoch));
	if (r->granted.requests)
		js_put(fields, "requests", json_object_get(r->granted.requests));
	job_audit_must(r->env, "regrant", r->rq->name, fields, r->request_id);
}

/*
 * retire_old - one grant a cache; an old one that still stands (local revoke, a grant of
 * the owner's) is ended, if it can be.
 */
static void retire_old(struct regranting *r, const char *old_grant)
{
	struct err e = ERR_INIT;

	if (!strcmp(old_grant, r->granted.id))
		return;
	if (retire_grant(r->env, r->talk, r->v.pin.key_arn, old_grant, &e))
		log_info("%s: the old grant %s could not be retired: %s", r->rq->name, old_grant, e.what);
}

/*
 * give_up - after a failure: back, unless the new token is on the disk already and the rest
 * could be finished after all.
 */
static int give_up(struct regranting *r, int rc, struct err *e)
{
	struct err undo = ERR_INIT;
	int done;

	done = regrant_recover(r->env, r->talk, r->rq->name, &r->intent, false, &undo);
	if (done == 1)
		return 0;
	if (done < 0) {
		log_err("regrant of %s is not undone yet: %s", r->rq->name, undo.what);
		err_hint(e, "Not all is undone yet: %.400s", undo.what);
	}
	return rc;
}

static int regrant(struct regranting *r, struct err *e)
{
	char old_grant[KMS_GRANT_ID_MAX + 1];
	int rc;

	strcpy(old_grant, r->v.header.token.grant_id);
	rc = begin(r, e);
	if (rc)
		return rc;
	rc = get_grant(r, e);
	/* Only the other host can try a grant of its own: its open will. */
	if (!rc && !r->away)
		rc = prove(r, e);
	if (!rc)
		rc = commit(r, e);
	if (rc)
		return give_up(r, rc, e);
	record(r, old_grant);
	retire_old(r, old_grant);
	return intent_end(r->env->intent_dir, r->rq->name, e);
}

int job_regrant(struct job *j, struct err *e)
{
	struct regranting *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_sys(e, -ENOMEM, "cannot regrant %s", j->rq->name);
	r->env = j->env;
	r->talk = j->talk;
	r->rq = j->rq;
	r->v.device = (struct device)DEVICE_INIT;
	r->away = *r->rq->host && strcmp(r->rq->host, r->env->conf->host_principal);
	rc = loaded_volume(r->env, r->rq->name, &r->v, e);
	if (!rc && r->away)
		rc = check_away(r, e);
	if (!rc)
		rc = regrant(r, e);
	if (!rc) {
		js_put_string(j->result, "host", r->away ? r->rq->host : r->env->conf->host_principal);
		js_put_string(j->result, "name", r->rq->name);
		js_put_string(j->result, "key_arn", r->v.pin.key_arn);
		js_put_string(j->result, "grant_id", r->granted.id);
	}
	json_object_put(r->granted.requests);
	device_close(&r->v.device);
	free(r);
	return rc;
}

/*
 * forward - 1 when the new token is in the header: the state follows (again, if need be).
 *	0: it was not written. The epoch tells, and for a grant of our own making its id,
 *	also when the state was written and only the record's end was not.
 */
static int forward(const struct env *env, const char *name, const struct intent *i, struct err *e)
{
	struct {
		struct pin pin;
		struct state state;
		struct header header;
		struct device device;
	} *w = calloc(1, sizeof(*w));
	bool have_state, newer, named;
	int rc;

	if (!w)
		return err_sys(e, -ENOMEM, "cannot look at %s", name);
	w->device = (struct device)DEVICE_INIT;
	rc = job_pin(env, name, &w->pin, e);
	if (rc)
		goto out;
	rc = state_load(env->state_dir, name, &w->state, e);
	have_state = !rc;
	if (rc && rc != -ENOENT)
		goto out;
	rc = loaded_device(env, name, i->device, &w->device, e);
	if (!rc)
		rc = pin_header(&w->pin, w->device.path, &w->header, e);
	if (rc)
		goto out;
	newer = !have_state || w->header.epoch > w->state.epoch;
	named = *i->grant_id && !strcmp(w->header.token.grant_id, i->grant_id);
	if (strcmp(w->header.luks_uuid, i->luks_uuid) || !(newer || named))
		goto out;
	/* Given to another host: the record does not know, and open will hear it from the KMS. */
	rc = store(env, name, &w->state, &w->header, *i->grant_id, NULL, e);
	if (!rc)
		rc = 1;
out:
	device_close(&w->device);
	free(w);
	return rc;
}

int regrant_recover(const struct env *env, struct talk *t, const char *name, struct intent *i, bool last,
		    struct err *e)
{
	int rc = 0;

	if (!strcmp(i->step, REGRANT_TOKEN)) {
		rc = forward(env, name, i, e);
		if (rc < 0)
			return rc;
		if (rc) {
			job_audit_must(env, "regrant-finished", name, NULL, NULL);
			rc = intent_end(env->intent_dir, name, e);
			return rc ? rc : 1;
		}
	}
	if (*i->grant_id)
		rc = retire_for_good(env, t, name, i->key_arn, i->grant_id, last, e);
	if (rc) {
		strcpy(i->step, REGRANT_RETIRE);
		intent_step(env->intent_dir, name, i, NULL);
		return rc;
	}
	job_audit_must(env, "regrant-undone", name, NULL, NULL);
	return intent_end(env->intent_dir, name, e);
}
