// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/json.h"
#include "job.h"

int job_close(struct job *j, struct err *e)
{
	const char *name = j->rq->name;
	struct mapping m;
	struct pin pin;
	int rc;

	rc = mapping_get(&j->env->dm, name, &m, e);
	if (!rc && m.exists)
		rc = mapping_close(&j->env->dm, name, e);
	else if (!rc)
		rc = job_pin(j->env, name, &pin, e);	/* neither open nor known: a mistyped name */
	if (rc)
		return rc;
	if (m.exists)
		job_audit_must(j->env, "close", name, NULL, NULL);
	js_put_string(j->result, "name", name);
	js_put(j->result, "already", json_object_new_boolean(!m.exists));
	return 0;
}
