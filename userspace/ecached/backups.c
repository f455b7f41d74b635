// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/json.h"
#include "../common/log.h"
#include "../volume/backups.h"
#include "job.h"
#include "proto.h"

/* tell - one packet a backup; a record that cannot be read is said in the log and left out. */
static int tell(void *ctx, const char *luks_uuid)
{
	struct backup *b = malloc(sizeof(*b));
	struct err e = ERR_INIT;
	struct job *j = ctx;
	struct json_object *msg;
	int rc = 0;

	if (!b)
		return -ENOMEM;
	if (backup_load(j->env->backup_dir, luks_uuid, b, &e)) {
		log_err("%s", e.what);
	} else {
		msg = talk_message(PROTO_VOLUME);
		if (backup_put(msg, b) ||
		    js_put(msg, "present", json_object_new_boolean(!access(b->file, F_OK)))) {
			json_object_put(msg);
			msg = NULL;
		}
		rc = talk_send(j->talk, msg, NULL);
	}
	free(b);
	return rc;
}

int job_backups(struct job *j, struct err *e)
{
	int rc = backup_each(j->env->backup_dir, tell, j, e);

	return rc ? err_sys(e, rc, "cannot list the backups") : 0;
}
