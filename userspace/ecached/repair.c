// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "../common/json.h"
#include "recover.h"

/*
 * repair: what ecached does by itself at its start and every minute, now, and the one who asks hears what it waits
 * for. The same function from the same record, and one step of it as there: what a step leaves, the watcher has to
 * see before the next.
 */
int job_repair(struct job *j, struct err *e)
{
	struct intent *i = calloc(1, sizeof(*i));
	const char *name = j->rq->name;
	struct err why = ERR_INIT;
	int rc;

	if (!i)
		return err_sys(e, -ENOMEM, "cannot repair %s", name);
	rc = intent_load(j->env->intent_dir, name, i, e);
	if (rc) {
		if (rc == -EBADMSG)
			err_hint(e, "What was going on is not known: see `ecachectl dump` and the audit log, then move "
				 "the record away.");
		goto out;
	}
	js_put_string(j->result, "name", name);
	js_put_string(j->result, "verb", intent_verb_name(i->verb));
	js_put_string(j->result, "step", i->step);
	if (recover_intent(j->env, name, false, &why))
		js_put_string(j->result, "waits_for", why.what);
out:
	free(i);
	return rc;
}
