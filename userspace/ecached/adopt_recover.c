// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/json.h"
#include "../common/log.h"
#include "../volume/foreign.h"
#include "adopting.h"
#include "creating.h"
#include "trace.h"

/* open_device - only one that carries the uuid is ours to write to: -ENOENT. */
static int open_device(const struct env *env, const struct intent *i, struct device *d, struct err *e)
{
	int rc;

	rc = device_open(d, i->device, env->device_flags, e);
	if (rc)
		return rc;
	return trace_is(d, i->luks_uuid) ? 0 : err_set(e, -ENOENT, "%s does not carry the LUKS uuid %s any more",
						       i->device, i->luks_uuid);
}

static int remember(const struct env *env, const char *name, const struct device *d, struct err *e)
{
	struct {
		struct state state;
		struct header header;
	} *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return err_sys(e, -ENOMEM, "no memory to finish %s", name);
	rc = state_load(env->state_dir, name, &w->state, e);
	if (!rc)
		rc = header_load_as(d->path, HEADER_ADOPTED, &w->header, e);
	if (!rc) {
		state_adopt_header(&w->state, &w->header);
		rc = state_store(env->state_dir, name, &w->state, e);
	}
	free(w);
	return rc;
}

static int forward(const struct env *env, const char *name, const struct intent *i, const struct device *d,
		   struct err *e)
{
	struct json_object *fields;
	int rc;

	rc = foreign_drop_keyslots(d->path, e);
	if (!rc)
		rc = remember(env, name, d, e);
	if (rc)
		return rc;
	fields = json_object_new_object();
	js_put_string(fields, "luks_uuid", i->luks_uuid);
	job_audit_must(env, "adopt-keyslots-removed", name, fields, NULL);
	rc = intent_end(env->intent_dir, name, e);
	return rc ? rc : 1;
}

static bool at_or_after(const struct intent *i, const char *first)
{
	static const char *const order[] = { ADOPT_WRAP, ADOPT_GRANT, ADOPT_TOKEN, ADOPT_PIN, ADOPT_AUDIT };
	size_t s;
	bool seen = false;

	for (s = 0; s < sizeof(order) / sizeof(*order); s++) {
		seen |= !strcmp(order[s], first);
		if (!strcmp(order[s], i->step))
			return seen;
	}
	return false;
}

static void record(const struct env *env, const char *name, const struct intent *i)
{
	struct json_object *fields = json_object_new_object();

	js_put_string(fields, "step", i->step);
	js_put_string(fields, "luks_uuid", i->luks_uuid);
	js_put_string(fields, "key_arn", i->key_arn);
	js_put_string(fields, "grant_id", i->grant_id);
	job_audit_must(env, "adopt-undone", name, fields, NULL);
}

static int back(const struct env *env, struct talk *t, const char *name, struct intent *i, const struct device *d,
		bool last, struct err *e)
{
	int rc = 0;

	if (at_or_after(i, ADOPT_PIN))
		rc = undo_files(env, name, i, e);
	if (!rc && at_or_after(i, ADOPT_TOKEN) && d)
		rc = foreign_drop_token(d->path, e);
	if (!rc)
		rc = undo_grant(env, t, name, i, last, e);
	if (rc == -EAGAIN && strcmp(i->step, ADOPT_RETIRE)) {
		strcpy(i->step, ADOPT_RETIRE);
		intent_step(env->intent_dir, name, i, NULL);
	}
	if (rc)
		return rc;
	record(env, name, i);
	return intent_end(env->intent_dir, name, e);
}

int adopt_recover(const struct env *env, struct talk *t, const char *name, struct intent *i, struct device *device,
		  bool last, struct err *e)
{
	bool keyslots = !strcmp(i->step, ADOPT_KEYSLOTS);
	struct device own = DEVICE_INIT, *d = device;
	int rc;

	/*
	 * What was read may not be what a power cut leaves, if the write of it failed: once more, or the token could
	 * go in one life and the keyslots in the next.
	 */
	rc = intent_step(env->intent_dir, name, i, e);
	if (rc)
		return rc;
	if (!d && (keyslots || at_or_after(i, ADOPT_TOKEN))) {
		rc = open_device(env, i, &own, e);
		d = rc ? NULL : &own;
		/* A device that is another one now has nothing of ours; going forward would need it. */
		if (rc == -ENOENT && !keyslots) {
			log_info("%s: %s", name, e->what);
			rc = 0;
		}
	}
	if (!rc)
		rc = keyslots ? forward(env, name, i, d, e) : back(env, t, name, i, d, last, e);
	device_close(&own);
	return rc;
}
