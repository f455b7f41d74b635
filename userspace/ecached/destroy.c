// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/fsio.h"
#include "../common/json.h"
#include "../common/log.h"
#include "close.h"
#include "destroying.h"
#include "retire.h"
#include "swapping.h"
#include "trace.h"

static int wipe(const struct env *env, const struct intent *i, struct device *device, struct err *e)
{
	struct device own = DEVICE_INIT;
	int rc = 0;

	if (!device) {
		rc = device_open(&own, i->device, env->device_flags, e);
		if (rc)
			return rc;
		device = &own;
	}
	device_unclaim(device);
	if (trace_is(device, i->luks_uuid))
		rc = header_wipe(device->path, e);
	device_close(&own);
	return rc;
}

/*
 * discard - of a device that is still claimed or can be claimed, and blank: the record may be an old one, and
 *	somebody else's data by now behind the zeros of our header.
 */
static int discard(const struct env *env, const struct intent *i, struct device *device, struct err *e)
{
	struct device own = DEVICE_INIT;
	int rc = 0;

	if (device)
		rc = device_reclaim(device, e);
	else
		rc = device_open(&own, i->device, env->device_flags, e);
	if (!device)
		device = &own;
	if (!rc)
		rc = device_check_blank(device, e);
	if (!rc)
		rc = device_discard(device, HEADER_BYTES, e);
	device_close(&own);
	return rc;
}

static int next_step(const struct env *env, const char *name, struct intent *i, const char *step, struct err *e)
{
	strcpy(i->step, step);
	return intent_step(env->intent_dir, name, i, e);
}

static int forget(const struct env *env, const char *name, const struct intent *i, struct err *e)
{
	char saved[PATH_MAX];
	struct pin p;
	int rc;

	saved_path(env, name, i->luks_uuid, saved, sizeof(saved));
	rc = fsio_unlink(saved, e);
	if (!rc)
		rc = state_remove(env->state_dir, name, e);
	if (rc)
		return rc;
	rc = pin_load(env->pin_dir, name, &p, NULL);
	if (!rc && strcmp(p.luks_uuid, i->luks_uuid))
		return 0;	/* the name means another volume by now */
	return pin_remove(env->pin_dir, name, e);
}

static int retire(const struct env *env, struct talk *t, const char *name, const struct intent *i,
		  struct err *refused, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	if (!*i->grant_id)
		return 0;
	rc = retire_grant(env, t, i->key_arn, i->grant_id, &why);
	if (!rc)
		return 0;
	if (rc == -EPERM) {
		log_fields(LOG_WARNING, why.what, "ECACHE_VOLUME", name, "ECACHE_EVENT", "grant-left", "ECACHE_GRANT",
			   i->grant_id, "ECACHE_KEY", i->key_arn, NULL);
		if (refused)
			*refused = why;
		return 0;
	}
	*e = why;
	return -EAGAIN;
}

int destroy_finish(const struct env *env, struct talk *t, const char *name, struct intent *i, struct device *device,
		   struct err *refused, struct err *undiscarded, struct err *e)
{
	bool all = !strcmp(i->step, DESTROY_WIPE_ALL);
	struct err why = ERR_INIT;
	int rc = 0;

	if (all || !strcmp(i->step, DESTROY_WIPE)) {
		rc = wipe(env, i, device, e);
		if (!rc)
			rc = next_step(env, name, i, all ? DESTROY_DISCARD : DESTROY_FORGET, e);
	}
	if (!rc && !strcmp(i->step, DESTROY_DISCARD)) {
		if (discard(env, i, device, &why))
			log_warn("%s: %s", name, why.what);
		if (undiscarded)
			*undiscarded = why;
		rc = next_step(env, name, i, DESTROY_FORGET, e);
	}
	if (!rc && !strcmp(i->step, DESTROY_FORGET)) {
		rc = forget(env, name, i, e);
		if (!rc)
			rc = next_step(env, name, i, DESTROY_RETIRE, e);
	}
	if (!rc)
		rc = retire(env, t, name, i, refused, e);
	if (rc)
		return rc;
	job_audit_must(env, "destroyed", name, NULL, NULL);
	return intent_end(env->intent_dir, name, e);
}

/*
 * grant_of - the state knows it; a new host learns it from the header; a damaged header
 * under no state has told nobody.
 */
static void grant_of(const struct env *env, const char *name, const struct device *d, struct intent *i)
{
	struct state *s = calloc(1, sizeof(*s));
	struct header *h = calloc(1, sizeof(*h));

	if (s && !state_load(env->state_dir, name, s, NULL))
		strcpy(i->grant_id, s->grant_id);
	else if (h && (!header_load(d->path, h, NULL) || !header_load_as(d->path, HEADER_WITH_KEYSLOTS, h, NULL)))
		strcpy(i->grant_id, h->token.grant_id);
	free(s);
	free(h);
}

static int prepare(struct job *j, const struct pin *pin, struct device *d, struct intent *i, struct err *e)
{
	const struct env *env = j->env;
	const char *name = j->rq->name;
	int rc;

	rc = volume_close(env, name, e);
	if (rc)
		return rc;
	rc = device_open(d, pin->device, env->device_flags, e);
	if (rc) {
		err_hint(e, "If the disk is gone for good: revoke the grant in the KMS and remove %s/%s.",
			 env->pin_dir, name);
		return rc;
	}
	if (!trace_is(d, pin->luks_uuid)) {
		err_set(e, -EBADMSG, "%s does not hold %s (no LUKS2 header with uuid %s)", pin->device, name,
			pin->luks_uuid);
		return err_hint(e, "Correct device= in %s/%s; nothing was changed.", env->pin_dir, name);
	}
	i->verb = INTENT_DESTROY;
	strcpy(i->step, j->rq->discard ? DESTROY_WIPE_ALL : DESTROY_WIPE);
	strcpy(i->cache_id, pin->cache_id);
	strcpy(i->luks_uuid, pin->luks_uuid);
	strcpy(i->device, pin->device);
	strcpy(i->key_arn, pin->key_arn);
	device_major_minor(d, i->dev_major_minor);
	grant_of(env, name, d, i);
	return 0;
}

static int record(const struct env *env, const char *name, const struct intent *i, struct err *e)
{
	struct json_object *fields = json_object_new_object();

	js_put_string(fields, "luks_uuid", i->luks_uuid);
	js_put_string(fields, "key_arn", i->key_arn);
	js_put_string(fields, "grant_id", i->grant_id);
	js_put_string(fields, "device", i->device);
	return job_audit(env, "destroy", name, fields, NULL, e);
}

static int destroy(struct job *j, struct intent *i, struct device *d, struct err *e)
{
	struct err refused = ERR_INIT, undiscarded = ERR_INIT, later = ERR_INIT;
	const struct env *env = j->env;
	const char *name = j->rq->name;
	struct talk none = TALK_NONE;	/* who destroys brings no creator's credentials */
	char note[2 * ERR_TEXT + 128] = "";
	size_t len = 0;
	int rc;

	rc = record(env, name, i, e);
	if (!rc)
		rc = job_begin(env, name, i, e);
	if (rc)
		return rc;
	if (j->rq->discard)
		talk_progress(j->talk, "wiping the header and discarding the rest of %s", i->device);
	rc = destroy_finish(env, &none, name, i, d, &refused, &undiscarded, &later);
	if (rc && rc != -EAGAIN) {
		*e = later;
		return rc;
	}
	if (undiscarded.rc)
		len = snprintf(note, sizeof(note), "not discarded: %s%s", undiscarded.what,
			       rc || refused.rc ? "; " : "");
	if (rc == -EAGAIN)
		snprintf(note + len, sizeof(note) - len, "the grant is not retired yet, ecached goes on trying: %s",
			 later.what);
	else if (refused.rc)
		snprintf(note + len, sizeof(note) - len, "the KMS did not let this host retire the grant: %s",
			 refused.what);
	if (*note)
		js_put_string(j->result, "note", note);
	return 0;
}

int job_destroy(struct job *j, struct err *e)
{
	struct intent *i = calloc(1, sizeof(*i));
	struct device d = DEVICE_INIT;
	struct pin pin;
	int rc;

	if (!i)
		return err_sys(e, -ENOMEM, "cannot destroy %s", j->rq->name);
	rc = job_pin(j->env, j->rq->name, &pin, e);
	if (!rc)
		rc = job_no_intent(j->env, j->rq->name, e);
	if (!rc && pin.kind == VOLUME_BOOT_SWAP) {
		free(i);
		return boot_swap_destroy(j, &pin, e);
	}
	if (!rc)
		rc = prepare(j, &pin, &d, i, e);
	if (!rc)
		rc = destroy(j, i, &d, e);
	if (!rc) {
		js_put_string(j->result, "name", j->rq->name);
		js_put_string(j->result, "grant_id", i->grant_id);
	}
	device_close(&d);
	free(i);
	return rc;
}
