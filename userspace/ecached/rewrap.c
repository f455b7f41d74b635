// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/clock.h"
#include "../common/json.h"
#include "../common/log.h"
#include "granting.h"
#include "loaded.h"
#include "retire.h"
#include "rewrapping.h"
#include "unwrap.h"

#define OWNERS_GRANT_MS 60000

struct rewrapping {
	const struct env *env;
	struct talk *talk;
	const struct request *rq;
	struct loaded v;
	struct token token;		/* the new one */
	struct intent intent;
	struct granted granted;
	int64_t ok_ms;			/* when the KMS allowed the new key */
	char request_id[REQUEST_ID_SIZE];
};

/* check - a volume that was revoked has to be granted again first, under the key that its owner took back. */
static int check(const struct rewrapping *r, struct err *e)
{
	const char *name = r->rq->name;

	if (!r->v.have_state || !r->v.state.is_revoked)
		return 0;
	err_set(e, -EKEYREVOKED, "%s was revoked: %s", name, r->v.state.revoked.reason);
	return err_hint(e, "Once the owner allows it again: ecachectl regrant %s, then rewrap.", name);
}

static int begin(struct rewrapping *r, struct err *e)
{
	const struct pin *pin = &r->v.pin;
	struct intent *i = &r->intent;

	i->verb = INTENT_REWRAP;
	strcpy(i->step, REWRAP_GRANT);
	strcpy(i->cache_id, pin->cache_id);
	strcpy(i->luks_uuid, pin->luks_uuid);
	strcpy(i->device, pin->device);
	strcpy(i->old_key_arn, pin->key_arn);
	/* An older header that was accepted names a grant from before. */
	strcpy(i->old_grant_id, r->v.have_state ? r->v.state.grant_id : r->v.header.token.grant_id);
	device_major_minor(&r->v.device, i->dev_major_minor);
	return job_begin(r->env, r->rq->name, i, e);
}

static int wrap_again(struct rewrapping *r, struct err *e)
{
	const struct token *old = &r->v.header.token;
	const struct grant_ask ask = {
		.name = r->rq->name,
		.kms_key = r->rq->kms_key,
		.cache_id = r->v.pin.cache_id,
		.luks_uuid = r->v.pin.luks_uuid,
		.grant_id = *r->rq->grant_id ? r->rq->grant_id : NULL,
		.from_key_arn = r->v.pin.key_arn,
		.from_blob = old->blob,
		.from_blob_len = old->blob_len,
	};

	talk_progress(r->talk, "asking the KMS for a grant on %s and the wrapped key", r->rq->kms_key);
	return granting(r->env, r->talk, &ask, &r->intent, &r->granted, e);
}

/* prove - the new grant and the new wrapping give this volume's key, or neither is taken. */
static int prove(struct rewrapping *r, struct err *e)
{
	const struct unwrap u = {
		.name = r->rq->name,
		.key_arn = r->intent.key_arn,
		.cache_id = r->v.pin.cache_id,
		.luks_uuid = r->v.pin.luks_uuid,
		.blob = r->granted.blob,
		.blob_len = r->granted.blob_len,
		.key_size = r->v.header.key_size,
		.grant_token = *r->granted.token ? r->granted.token : NULL,
		.retry_until_ms = now_ms() + (*r->rq->grant_id ? OWNERS_GRANT_MS : UNWRAP_YOUNG_MS),
	};
	struct secret key = SECRET_INIT;
	int rc;

	rc = unwrap_key(r->env, r->talk, &u, &key, r->request_id, e);
	if (!rc)
		rc = header_verify_key(r->v.device.path, &key, e);
	secret_wipe(&key);
	r->ok_ms = now_ms();
	return rc;
}

/*
 * follow - pin and state say what the header says now. The state is read again: a teardown may have
 *	marked it meanwhile, and its mark stays.
 */
static int follow(const struct env *env, const char *name, const struct intent *i, const struct header *h,
		  int64_t ok_ms, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_sys(e, -ENOMEM, "cannot remember the new key of %s", name);
	rc = pin_set_key(env->pin_dir, name, i->key_arn, e);
	if (!rc)
		rc = state_load(env->state_dir, name, s, e);
	if (rc && rc != -ENOENT)
		goto out;
	state_adopt_header(s, h);
	s->grant_created = *i->grant_id ? time(NULL) : 0;
	s->ok_without_token = false;
	if (ok_ms)
		state_note_ok_at(s, ok_ms);
	rc = state_store(env->state_dir, name, s, e);
out:
	free(s);
	return rc;
}

static void record(const struct env *env, const char *name, const struct intent *i, const struct header *h,
		   struct json_object *requests, const char *request_id)
{
	struct json_object *fields = json_object_new_object(), *token;

	js_put_string(fields, "key_arn", i->key_arn);
	js_put_string(fields, "grant_id", h->token.grant_id);
	js_put_string(fields, "old_key_arn", i->old_key_arn);
	js_put_string(fields, "old_grant_id", i->old_grant_id);
	js_put(fields, "own_grant", json_object_new_boolean(*i->grant_id));
	js_put(fields, "epoch", json_object_new_int64((int64_t)h->epoch));
	token = token_json(&h->token, NULL);
	if (token)
		js_put(fields, "token", token);
	if (requests)
		js_put(fields, "requests", json_object_get(requests));
	job_audit_must(env, "rewrap", name, fields, request_id);
}

/* committed - from here on only the old grant is unfinished; where that cannot be noted, a recovery does it again. */
static int committed(const struct env *env, const char *name, struct intent *i, struct err *e)
{
	strcpy(i->step, REWRAP_RETIRE_OLD);
	return intent_step(env->intent_dir, name, i, e);
}

static int commit(struct rewrapping *r, struct err *e)
{
	const struct env *env = r->env;
	const char *name = r->rq->name;
	struct token *t = &r->token;
	int rc;

	*t = r->v.header.token;
	strcpy(t->key_arn, r->intent.key_arn);
	strcpy(t->grant_id, r->granted.id);
	memcpy(t->blob, r->granted.blob, r->granted.blob_len);
	t->blob_len = r->granted.blob_len;
	rc = token_hash(t, r->intent.token_sha256, e);
	if (rc)
		return rc;
	/* As it is, once: what keeps the pin from being written must come up before the header says something else. */
	rc = pin_set_key(env->pin_dir, name, r->v.pin.key_arn, e);
	if (rc)
		return rc;
	if (talk_lost(r->talk))
		return err_set(e, -ECANCELED, "interrupted");
	strcpy(r->intent.step, REWRAP_TOKEN);
	rc = intent_step(env->intent_dir, name, &r->intent, e);
	if (!rc)
		rc = header_write_token(r->v.device.path, t, e);
	if (!rc)
		rc = header_load_as(r->v.device.path, r->v.pin.shape, &r->v.header, e);
	if (rc)
		return rc;
	if (strcmp(r->v.header.token_sha256, r->intent.token_sha256))
		return err_set(e, -EIO, "the token read back from %s is not the one that was written", r->v.pin.device);
	rc = follow(env, name, &r->intent, &r->v.header, r->ok_ms, e);
	if (rc)
		return rc;
	record(env, name, &r->intent, &r->v.header, r->granted.requests, r->request_id);
	return committed(env, name, &r->intent, e);
}

/*
 * give_up - after a failure: back, unless the new token is on the disk already and the rest
 * could be finished after all.
 */
static int give_up(struct rewrapping *r, int rc, struct err *e)
{
	struct err undo = ERR_INIT;
	int left;

	if (!strcmp(r->intent.step, REWRAP_RETIRE_OLD))
		return 0;
	left = rewrap_recover(r->env, r->talk, r->rq->name, &r->intent, false, &undo);
	if (!strcmp(r->intent.step, REWRAP_RETIRE_OLD))
		return 0;
	if (left) {
		log_err("rewrap of %s is not undone yet: %s", r->rq->name, undo.what);
		err_hint(e, "Not all is undone yet: %.400s", undo.what);
	}
	return rc;
}

static int rewrap(struct rewrapping *r, struct err *e)
{
	int rc;

	rc = begin(r, e);
	if (rc)
		return rc;
	rc = wrap_again(r, e);
	if (!rc)
		rc = prove(r, e);
	if (!rc)
		rc = commit(r, e);
	return rc ? give_up(r, rc, e) : 0;
}

int job_rewrap(struct job *j, struct err *e)
{
	struct rewrapping *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_sys(e, -ENOMEM, "cannot rewrap %s", j->rq->name);
	r->env = j->env;
	r->talk = j->talk;
	r->rq = j->rq;
	r->v.device = (struct device)DEVICE_INIT;
	rc = loaded_volume(r->env, r->rq->name, &r->v, e);
	if (!rc)
		rc = check(r, e);
	if (!rc)
		rc = rewrap(r, e);
	if (!rc) {
		js_put_string(j->result, "name", r->rq->name);
		js_put_string(j->result, "key_arn", r->intent.key_arn);
		js_put_string(j->result, "grant_id", r->granted.id);
		js_put_string(j->result, "old_key_arn", r->intent.old_key_arn);
		js_put_string(j->result, "old_grant_id", r->intent.old_grant_id);
	}
	json_object_put(r->granted.requests);
	device_close(&r->v.device);
	free(r);
	return rc;
}

/*
 * forward - 1 when the header has the token on record, and pin and state follow it now. 0: it was
 *	not written. Another volume on the device is neither: nothing is known of ours.
 */
static int forward(const struct env *env, const char *name, const struct intent *i, struct err *e)
{
	struct header *h = calloc(1, sizeof(*h));
	struct device d = DEVICE_INIT;
	struct pin p;
	int rc;

	if (!h)
		return err_sys(e, -ENOMEM, "cannot look at %s", name);
	rc = job_pin(env, name, &p, e);
	if (!rc)
		rc = loaded_device(env, name, i->device, &d, e);
	if (!rc)
		rc = header_load_as(d.path, p.shape, h, e);
	if (!rc && strcmp(h->luks_uuid, i->luks_uuid))
		rc = err_set(e, -EBADMSG, "%s does not hold %s now (LUKS uuid %s, not %s)", i->device, name,
			     h->luks_uuid, i->luks_uuid);
	if (rc || strcmp(h->token_sha256, i->token_sha256))
		goto out;
	rc = follow(env, name, i, h, 0, e);
	if (rc)
		goto out;
	record(env, name, i, h, NULL, NULL);
	rc = 1;
out:
	device_close(&d);
	free(h);
	return rc;
}

/* retire_old - the last of it. */
static int retire_old(const struct env *env, struct talk *t, const char *name, const struct intent *i, bool last,
		      struct err *e)
{
	struct json_object *fields;
	int rc = 0;

	if (*i->old_grant_id)
		rc = retire_for_good(env, t, name, i->old_key_arn, i->old_grant_id, last, e);
	if (rc)
		return rc;
	fields = json_object_new_object();
	js_put_string(fields, "old_key_arn", i->old_key_arn);
	js_put_string(fields, "old_grant_id", i->old_grant_id);
	job_audit_must(env, "rewrap-finished", name, fields, NULL);
	return intent_end(env->intent_dir, name, e);
}

static int back(const struct env *env, struct talk *t, const char *name, struct intent *i, bool last, struct err *e)
{
	char grant_name[GRANT_NAME_MAX + 1];
	int rc = 0;

	if (*i->grant_id) {
		rc = retire_for_good(env, t, name, i->key_arn, i->grant_id, last, e);
	} else if (*i->key_arn) {
		/* Unless it is the owner's: it may have been made in the moment of a kill -9. */
		grant_name_make(i->cache_id, "volume", grant_name);
		log_info("%s: if the KMS lists a grant named %s on %s, it is left of this rewrap: retire it", name,
			 grant_name, i->key_arn);
	}
	if (rc) {
		strcpy(i->step, REWRAP_RETIRE);
		intent_step(env->intent_dir, name, i, NULL);
		return rc;
	}
	job_audit_must(env, "rewrap-undone", name, NULL, NULL);
	return intent_end(env->intent_dir, name, e);
}

int rewrap_recover(const struct env *env, struct talk *t, const char *name, struct intent *i, bool last,
		   struct err *e)
{
	int rc;

	if (!strcmp(i->step, REWRAP_RETIRE_OLD))
		return retire_old(env, t, name, i, last, e);
	if (!strcmp(i->step, REWRAP_TOKEN)) {
		rc = forward(env, name, i, e);
		if (rc < 0)
			return rc;
		if (rc) {
			rc = committed(env, name, i, e);
			return rc ? rc : err_set(e, -EAGAIN, "%s is under its new key; the old grant is retired next",
						 name);
		}
	}
	return back(env, t, name, i, last, e);
}
