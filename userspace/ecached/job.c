// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>

#include "../common/agentconf.h"
#include "../common/log.h"
#include "../volume/audit.h"
#include "job.h"

int job_pin(const struct env *env, const char *name, struct pin *p, struct err *e)
{
	int rc = pin_load(env->pin_dir, name, p, e);

	if (rc == -ENOENT) {
		err_set(e, rc, "there is no volume %s on this host (no %s/%s)", name, env->pin_dir, name);
		err_hint(e, "`ecachectl list` shows the volumes. For a volume from another host, copy its pin file first.");
	}
	return rc;
}

int job_policies(const struct env *env, const char *name, const struct pin *p, struct policies *out, struct err *e)
{
	int rc;

	*out = policies_over(&p->policy, &env->conf->policy);
	rc = policies_check(out, env->watchdog_s, e);
	if (rc)
		err_prefix(e, "%s/%s, with ecached.conf", env->pin_dir, name);
	return rc;
}

int job_has_grant(const char *name, const struct pin *p, struct err *e)
{
	if (p->kind != VOLUME_BOOT_SWAP)
		return 0;
	return err_set(e, -EINVAL, "%s has no grant: its key is a random one of each boot", name);
}

int job_no_intent(const struct env *env, const char *name, struct err *e)
{
	struct intent i;
	int rc = intent_load(env->intent_dir, name, &i, e);

	if (rc == -ENOENT)
		return 0;
	if (rc)
		return rc;
	err_set(e, -EBUSY, "an unfinished %s of %s is on record (step %s)", intent_verb_name(i.verb), name, i.step);
	return err_hint(e, "ecached finishes or undoes it by itself, every minute; `journalctl -u ecached` says what it waits for.");
}

int job_begin(const struct env *env, const char *name, const struct intent *i, struct err *e)
{
	int rc = intent_begin(env->intent_dir, name, i, e);

	if (rc && rc != -EEXIST)
		intent_end(env->intent_dir, name, NULL);
	return rc;
}

static int append(const struct env *env, bool must, const char *event, const char *name, struct json_object *fields,
		  const char *request_id, struct err *e)
{
	struct audit a = AUDIT_INIT;
	int rc;

	rc = audit_open(&a, env->audit_log, e);
	if (!rc) {
		rc = (must ? audit_append_must : audit_append)(&a, event, name, fields, request_id, e);
		audit_close(&a);
	}
	json_object_put(fields);
	return rc;
}

int job_audit(const struct env *env, const char *event, const char *name, struct json_object *fields,
	      const char *request_id, struct err *e)
{
	return append(env, false, event, name, fields, request_id, e);
}

void job_audit_must(const struct env *env, const char *event, const char *name, struct json_object *fields,
		    const char *request_id)
{
	struct err e = ERR_INIT;

	if (append(env, true, event, name, fields, request_id, &e))
		log_err("audit record %s of %s is missing: %s", event, name, e.what);
}

void saved_path(const struct env *env, const char *name, const char *luks_uuid, char *out, size_t size)
{
	snprintf(out, size, "%s/%s-%s.img", env->saved_dir, name, luks_uuid);
}
