/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_BACKUPS_H
#define ECACHE_BACKUPS_H

#include <limits.h>
#include <stdint.h>

#include "content.h"
#include "name.h"

/*
 * What this host knows of the backups it made: DIR/UUID.json, written when one is complete. Nothing needs it to
 * restore, but it has the sum that tells a damaged image.
 */
struct backup {
	char luks_uuid[LUKS_UUID_LEN + 1];	/* of the image */
	char volume[VOLUME_NAME_MAX + 1];
	char cache_id[CACHE_ID_MAX + 1];
	char file[PATH_MAX];			/* where it was written */
	char key_arn[KMS_ARN_MAX + 1];
	char sha256[CONTENT_SUM_LEN + 1];
	int64_t bytes;				/* of the volume's data area */
	int64_t stored;				/* of these, in the image */
	int64_t created;			/* seconds */
	int64_t paused_ms;			/* how long the volume stood still */
};

int backup_store(const char *dir, const struct backup *b, struct err *e);

/* backup_load - -ENOENT, -EBADMSG. */
int backup_load(const char *dir, const char *luks_uuid, struct backup *b, struct err *e);

/* backup_each - @fn for the uuid of each, sorted; as pin_each(). */
int backup_each(const char *dir, int (*fn)(void *ctx, const char *luks_uuid), void *ctx, struct err *e);

/* backup_put - its members into an object, as the file and `list --backups --json` have them. -ENOMEM. */
struct json_object;
int backup_put(struct json_object *o, const struct backup *b);

#endif
