// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "../common/json.h"
#include "../common/log.h"
#include "adopting.h"
#include "close.h"
#include "creating.h"
#include "retire.h"
#include "trace.h"

#define CLOSE_TRIES 50		/* of 100 ms: udev may hold a new mapping open for a moment */

static const char *const steps[CREATE_STEPS] = {
	[CREATE_SOURCE] = "source",
	[CREATE_GRANT] = "grant",
	[CREATE_UNWRAP] = "unwrap",
	[CREATE_SAVE] = "save",
	[CREATE_FORMAT] = "format",
	[CREATE_FILL] = "fill",
	[CREATE_PIN] = "pin",
	[CREATE_AUDIT] = "audit",
	[CREATE_ACTIVATE] = "activate",
	[CREATE_RELEASE] = "retire-source",
	[CREATE_RETIRE] = "retire",
};

const char *create_step_name(enum create_step s)
{
	return steps[s];
}

int create_step_of(const char *name)
{
	int s;

	for (s = 0; s < CREATE_STEPS; s++) {
		if (!strcmp(steps[s], name))
			return s;
	}
	return -EINVAL;
}

static int undo_mapping(const struct env *env, const char *name, const struct intent *i, struct err *e)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	struct mapping m;
	int tries, rc;

	for (tries = 0; ; tries++) {
		rc = mapping_get(&env->dm, name, &m, e);
		if (rc == -EEXIST)
			return 0;	/* somebody else's */
		if (rc || !m.exists || strcmp(m.luks_uuid, i->luks_uuid))
			return rc;
		rc = volume_close(env, name, e);
		if (rc != -EBUSY || tries == CLOSE_TRIES)
			return rc;
		nanosleep(&pause, NULL);
	}
}

/*
 * undo_files - only what carries the uuid of this create: the name may have come to mean
 * another volume.
 */
int undo_files(const struct env *env, const char *name, const struct intent *i, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));
	struct pin p;
	int rc;

	if (!s)
		return err_sys(e, -ENOMEM, "cannot undo create of %s", name);
	rc = state_load(env->state_dir, name, s, e);
	if (!rc && !strcmp(s->luks_uuid, i->luks_uuid))
		rc = state_remove(env->state_dir, name, e);
	free(s);
	if (rc && rc != -ENOENT)
		return rc;
	rc = pin_load(env->pin_dir, name, &p, e);
	if (!rc && !strcmp(p.luks_uuid, i->luks_uuid))
		rc = pin_remove(env->pin_dir, name, e);
	return rc == -ENOENT ? 0 : rc;
}

/*
 * put_back - the device as it was. A format that was cut short leaves our uuid in one of
 *	the header's copies, or zeros; anything else on the device is not ours, whatever
 *	the record says.
 */
static int put_back(const struct intent *i, struct device *d, struct err *e)
{
	bool ours = trace_is(d, i->luks_uuid), saved;

	saved = *i->saved_header && !access(i->saved_header, F_OK);
	if (saved && (ours || !device_check_blank(d, NULL)))
		return device_restore(d, i->saved_header, e);
	return ours ? header_wipe(d->path, e) : 0;
}

static int undo_header(const struct env *env, const struct intent *i, struct device *device, struct err *e)
{
	struct device own = DEVICE_INIT;
	char dev[24];
	int rc;

	if (device)
		return put_back(i, device, e);
	rc = device_open(&own, i->device, env->device_flags, e);
	if (rc)
		return rc;
	device_major_minor(&own, dev);
	if (strcmp(dev, i->dev_major_minor))
		log_info("%s is now %s, was %s: trusting the uuid in its header", i->device, dev, i->dev_major_minor);
	device_unclaim(&own);
	rc = put_back(i, &own, e);
	device_close(&own);
	return rc;
}

/* undo_source - the grant of the backup that was being restored. */
static int undo_source(const struct env *env, struct talk *t, const char *name, const struct intent *i, bool last,
		       struct err *e)
{
	if (!*i->source_key_arn)
		return 0;
	if (*i->source_grant_id)
		return retire_for_good(env, t, name, i->source_key_arn, i->source_grant_id, last, e);
	if (create_step_of(i->step) == CREATE_SOURCE)
		log_info("%s: if the KMS lists a grant on %s whose name ends in the backup's uuid, it is left of this restore: retire it",
			 name, i->source_key_arn);
	return 0;
}

/*
 * undo_grant - a grant that the KMS will not let us retire is tried again until @last; a
 *	step "grant" without an id may hide one that was made in the moment of a kill -9.
 */
int undo_grant(const struct env *env, struct talk *t, const char *name, const struct intent *i, bool last,
	       struct err *e)
{
	bool wrap = !strcmp(i->step, ADOPT_WRAP);
	char grant_name[GRANT_NAME_MAX + 1];
	int rc;

	grant_name_make(i->cache_id, wrap ? "adopt" : "volume", grant_name);
	if (!*i->key_arn)
		return 0;
	if (!*i->grant_id) {
		if (wrap || create_step_of(i->step) == CREATE_GRANT)
			log_info("%s: if the KMS lists a grant named %s on %s, it is left of this %s: retire it", name,
				 grant_name, i->key_arn, intent_verb_name(i->verb));
		return 0;
	}
	rc = retire_for_good(env, t, name, i->key_arn, i->grant_id, last, e);
	if (rc)
		err_hint(e, "Everything on this host is undone; ecached goes on trying to retire the grant.");
	return rc;
}

static void record(const struct env *env, const char *name, const struct intent *i)
{
	struct json_object *fields = json_object_new_object();

	js_put_string(fields, "step", i->step);
	js_put_string(fields, "luks_uuid", i->luks_uuid);
	js_put_string(fields, "key_arn", i->key_arn);
	js_put_string(fields, "grant_id", i->grant_id);
	job_audit_must(env, "create-undone", name, fields, NULL);
}

int create_undo(const struct env *env, struct talk *t, const char *name, struct intent *i, struct device *device,
		bool last, struct err *e)
{
	int step = create_step_of(i->step), rc = 0;

	if (step < 0)
		return err_set(e, step, "intent record of %s has an unknown step '%s'", name, i->step);
	if (step == CREATE_RELEASE) {
		rc = undo_source(env, t, name, i, last, e);
		return rc ? rc : intent_end(env->intent_dir, name, e);
	}
	if (step != CREATE_RETIRE) {
		if (step >= CREATE_ACTIVATE)
			rc = undo_mapping(env, name, i, e);
		if (!rc && step >= CREATE_PIN)
			rc = undo_files(env, name, i, e);
		if (!rc && step >= CREATE_FORMAT)
			rc = undo_header(env, i, device, e);
		if (!rc && *i->saved_header)
			rc = fsio_unlink(i->saved_header, e);
		if (rc)
			return rc;
	}
	rc = undo_source(env, t, name, i, last, e);
	if (!rc)
		rc = undo_grant(env, t, name, i, last, e);
	if (rc == -EAGAIN && step != CREATE_RETIRE) {
		strcpy(i->step, steps[CREATE_RETIRE]);
		*i->saved_header = '\0';
		intent_step(env->intent_dir, name, i, NULL);
	}
	if (rc)
		return rc;
	record(env, name, i);
	return intent_end(env->intent_dir, name, e);
}
