// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/fsio.h"
#include "../common/json.h"
#include "../common/log.h"
#include "report.h"

#define REPORT_MAX (64 * 1024)

static void report_path(const struct env *env, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s.json", env->report_dir, name);
}

static int write_report(const struct env *env, const char *name, struct json_object *o, struct err *e)
{
	char path[PATH_MAX];
	const char *text;
	size_t len;

	report_path(env, name, path, sizeof(path));
	text = o ? js_text(o, &len) : NULL;
	return text ? fsio_replace(path, text, len, 0600, e) : err_sys(e, -ENOMEM, "cannot write %s", path);
}

int report_keep(const struct env *env, const struct tear *t, const struct teardown_report *r, struct err *e)
{
	struct json_object *o = teardown_json(r);
	int rc;

	js_put(o, "at", json_object_new_int64(time(NULL)));
	js_put_string(o, "policy", policy_name(t->policy));
	js_put_string(o, "verdict", t->verdict);
	js_put_string(o, "reason", t->reason);
	js_put_string(o, "request_id", t->request_id);
	rc = write_report(env, t->name, o, e);
	json_object_put(o);
	return rc;
}

struct json_object *report_load(const struct env *env, const char *name)
{
	struct json_object *o = NULL;
	char path[PATH_MAX], *text;
	size_t len;

	report_path(env, name, path, sizeof(path));
	if (fsio_read(path, REPORT_MAX, &text, &len, NULL))
		return NULL;
	if (js_parse(text, len, 8, &o, NULL))
		o = NULL;
	free(text);
	return o;
}

static const char *text_of(struct json_object *o, const char *member)
{
	struct json_object *m = json_object_object_get(o, member);

	return json_object_is_type(m, json_type_string) ? json_object_get_string(m) : "";
}

/*
 * stopped_unit - whether the last lock of this boot found the unit running, and no reopen has
 *	started it since: a unit that the operator had stopped stays stopped.
 */
static bool stopped_unit(struct json_object *report)
{
	struct json_object *steps = json_object_object_get(report, "steps"), *s;
	size_t i;

	if (strcmp(text_of(report, "policy"), "lock") || json_object_object_get(report, "restarted") ||
	    !json_object_is_type(steps, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(steps); i++) {
		s = json_object_array_get_idx(steps, i);
		if (!strcmp(text_of(s, "name"), teardown_step_name(TEARDOWN_STOP)))
			return strcmp(text_of(s, "outcome"), "skipped");
	}
	return false;
}

bool report_unit_to_start(const struct env *env, const char *name)
{
	struct json_object *report = report_load(env, name);
	struct err e = ERR_INIT;
	bool yes;

	yes = report && stopped_unit(report);
	if (yes && !js_put(report, "restarted", json_object_new_boolean(true)) && write_report(env, name, report, &e))
		log_err("%s: the teardown's report could not be kept: %s", name, e.what);
	json_object_put(report);
	return yes;
}
