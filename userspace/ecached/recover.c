// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "../common/log.h"
#include "adopting.h"
#include "backing.h"
#include "creating.h"
#include "destroying.h"
#include "recover.h"
#include "regranting.h"
#include "rewrapping.h"

int recover_intent(const struct env *env, const char *name, bool last, struct err *e)
{
	struct intent *i = calloc(1, sizeof(*i));
	struct talk none = TALK_NONE;
	int rc;

	if (!i)
		return err_sys(e, -ENOMEM, "cannot recover %s", name);
	rc = intent_load(env->intent_dir, name, i, e);
	if (rc) {
		rc = rc == -ENOENT ? 0 : rc;
		goto out;
	}
	log_info("%s: finishing a %s at step %s", name, intent_verb_name(i->verb), i->step);
	switch (i->verb) {
	case INTENT_CREATE:
	case INTENT_RESTORE:
		rc = create_undo(env, &none, name, i, NULL, last, e);
		break;
	case INTENT_DESTROY:
		rc = destroy_finish(env, &none, name, i, NULL, NULL, NULL, e);
		break;
	case INTENT_REGRANT:
		rc = regrant_recover(env, &none, name, i, last, e);
		break;
	case INTENT_ADOPT:
		rc = adopt_recover(env, &none, name, i, NULL, last, e);
		break;
	case INTENT_REWRAP:
		rc = rewrap_recover(env, &none, name, i, last, e);
		break;
	case INTENT_BACKUP:
		rc = backup_recover(env, &none, name, i, last, e);
		break;
	}
out:
	free(i);
	return rc > 0 ? 0 : rc;
}
