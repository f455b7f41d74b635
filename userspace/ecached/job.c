// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/agentconf.h"
#include "../common/conf.h"
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

/* blame - the volume's line of the two that do not go together; the other may be in ecached.conf. */
static void blame(const struct env *env, const char *name, const char *key, struct err *e)
{
	char path[PATH_MAX];
	unsigned int nr;

	snprintf(path, sizeof(path), "%s/%s", env->pin_dir, name);
	nr = conf_line(path, key);
	if (!nr)
		nr = conf_line(path, "probe-interval");
	if (nr)
		err_prefix(e, "%s:%u, with ecached.conf", path, nr);
	else
		err_prefix(e, "%s, with ecached.conf", path);
}

int job_policies(const struct env *env, const char *name, const struct pin *p, struct policies *out, struct err *e)
{
	const char *key;
	int rc;

	*out = policies_over(&p->policy, &env->conf->policy);
	rc = policies_check(out, env->watchdog_s, &key, e);
	if (rc)
		blame(env, name, key, e);
	return rc;
}

int job_has_grant(const char *name, const struct pin *p, struct err *e)
{
	if (p->kind != VOLUME_BOOT_SWAP)
		return 0;
	return err_set(e, -EINVAL, "%s has no grant: its key is a random one of each boot", name);
}

bool job_only_retires(const struct intent *i)
{
	return i->verb == INTENT_BACKUP || !strncmp(i->step, "retire", strlen("retire"));
}

static int check_intent(const struct env *env, const char *name, bool opening, struct err *e)
{
	struct intent i;
	int rc = intent_load(env->intent_dir, name, &i, e);

	if (rc == -ENOENT || (!rc && opening && job_only_retires(&i)))
		return 0;
	if (rc)
		return rc;
	err_set(e, -EBUSY, "an unfinished %s of %s is on record (step %s)", intent_verb_name(i.verb), name, i.step);
	return err_hint(e, "ecached finishes or undoes it by itself, every minute; `journalctl -u ecached` says what it waits for.");
}

int job_no_intent(const struct env *env, const char *name, struct err *e)
{
	return check_intent(env, name, false, e);
}

int job_may_open(const struct env *env, const char *name, struct err *e)
{
	return check_intent(env, name, true, e);
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

int job_audit_anyway(const struct env *env, const char *event, const char *name, struct json_object *fields,
		     const char *request_id, struct err *e)
{
	return append(env, true, event, name, fields, request_id, e);
}

void job_audit_must(const struct env *env, const char *event, const char *name, struct json_object *fields,
		    const char *request_id)
{
	struct err e = ERR_INIT;

	if (job_audit_anyway(env, event, name, fields, request_id, &e))
		log_err("audit record %s of %s is missing: %s", event, name, e.what);
}

void saved_path(const struct env *env, const char *name, const char *luks_uuid, char *out, size_t size)
{
	snprintf(out, size, "%s/%s-%s.img", env->saved_dir, name, luks_uuid);
}
