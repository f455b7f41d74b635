// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/json.h"
#include "confirm.h"
#include "job.h"
#include "watch.h"

/*
 * The operator's word that a denial is meant, while the brake holds it. It counts for the
 * volumes that it names and for no others: what ecachectl showed may be old when it is
 * said. This job looks, refuses, and writes the record; the loop does it when the job is
 * done (watching_confirm()), and looks again.
 */
bool confirm_names(const char *list, const char *name)
{
	size_t len = strlen(name), n;

	for (; *list; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == len && !strncmp(list, name, len))
			return true;
	}
	return false;
}

static unsigned int count_names(const char *list)
{
	unsigned int n = !!*list;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

/* is_meant - the volumes that a confirm is about: the one named, or all that are denied now, proven or not yet. */
static bool is_meant(const struct request *rq, const struct watch_volume *v)
{
	return *rq->name ? !strcmp(rq->name, v->name) : v->verdict == VERDICT_SUSPECT && !v->ending;
}

static int check_held(const struct job *j, struct err *e)
{
	const char *name = j->rq->name;
	const struct watch_volume *v;

	if (!j->watch->brake.engaged) {
		err_set(e, -EINVAL, "the brake holds nothing, so there is nothing to confirm");
		return err_hint(e, "`ecachectl status` shows the verdicts. `ecachectl revoke NAME` ends a volume by "
				"hand.");
	}
	if (!*name)
		return 0;
	v = watch_find(j->watch, name);
	if (!v)
		return err_set(e, -ENOENT, "%s is not open on this host, so nothing of it is held", name);
	if (watch_held(j->watch, v))
		return 0;
	err_set(e, -EINVAL, "nothing proves that %s is revoked: verdict %s, %u denials in a row", name,
		verdict_name(v->verdict), v->vcase.denials);
	return err_hint(e, "It takes %d denials over %d s. `ecachectl revoke %s` ends it without.", VERDICT_DENIALS,
			VERDICT_SPAN_MS / 1000, name);
}

/* check_named - exactly the volumes that are meant, each by its name. */
static int check_named(const struct job *j, struct err *e)
{
	unsigned int meant = 0, named = count_names(j->rq->volumes);
	const struct watch_volume *v, *missing = NULL;

	for (v = j->watch->volumes; v; v = v->next) {
		if (!is_meant(j->rq, v))
			continue;
		meant++;
		if (!confirm_names(j->rq->volumes, v->name))
			missing = v;
	}
	if (missing)
		err_set(e, -ESTALE, "%s is denied, too, and was not named", missing->name);
	else if (meant != named)
		err_set(e, -ESTALE, "%u volumes are named, %u are denied now", named, meant);
	else
		return 0;
	return err_hint(e, "Nothing was done. `ecachectl confirm` shows what is denied now.");
}

static int record(const struct job *j, const struct watch_volume *v, struct err *e)
{
	struct json_object *fields = json_object_new_object();

	js_put_string(fields, "key_arn", watch_key_arn(v));
	js_put_string(fields, "reason", v->evidence.reason);
	js_put(fields, "proven", json_object_new_boolean(watch_held(j->watch, v)));
	js_put(fields, "denials", json_object_new_int64(v->vcase.denials));
	js_put(fields, "release", json_object_new_boolean(!*j->rq->name));
	return job_audit(j->env, "confirm", v->name, fields, *v->evidence.request_id ? v->evidence.request_id : NULL,
			 e);
}

static int confirm_all(struct job *j, struct json_object *list, struct err *e)
{
	const struct watch_volume *v;
	struct json_object *o;
	int rc;

	for (v = j->watch->volumes; v; v = v->next) {
		if (!is_meant(j->rq, v))
			continue;
		rc = record(j, v, e);
		if (rc)
			return rc;
		o = json_object_new_object();
		js_put_string(o, "name", v->name);
		js_put(o, "proven", json_object_new_boolean(watch_held(j->watch, v)));
		json_object_array_add(list, o);
	}
	return 0;
}

int job_confirm(struct job *j, struct err *e)
{
	struct json_object *list = json_object_new_array();
	int rc;

	js_put(j->result, "volumes", list);
	js_put(j->result, "released", json_object_new_boolean(!*j->rq->name));
	rc = check_held(j, e);
	if (!rc)
		rc = check_named(j, e);
	return rc ? rc : confirm_all(j, list, e);
}
