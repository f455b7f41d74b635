/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_NAME_H
#define ECACHE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/err.h"

/*
 * The identities of Documentation/formats.md. Each check refuses everything but the exact form, so
 * that a name that passed may be put into a path, a dm table, a message or a log line as it is.
 */
#define VOLUME_NAME_MAX	63
#define CACHE_ID_MAX	64
#define LUKS_UUID_LEN	36
#define DM_UUID_PREFIX	"ECACHE-"
#define DM_UUID_MAX	(sizeof(DM_UUID_PREFIX) - 1 + LUKS_UUID_LEN + 1 + VOLUME_NAME_MAX)
#define GRANT_NAME_MAX	128

/*
 * 1-63 characters [a-z0-9][a-z0-9_-]*, not "control" (device-mapper's own node). -EINVAL with the
 * reason in @e.
 */
int volume_name_check(const char *name, struct err *e);

/* 1-64 characters [A-Za-z0-9][A-Za-z0-9_-]*. */
int cache_id_check(const char *id, struct err *e);

/* RFC 9562 version 4, lowercase, 36 characters. */
int luks_uuid_check(const char *uuid, struct err *e);

/* arn:PARTITION:kms:REGION:ACCOUNT:key/ID, never an alias; at most KMS_ARN_MAX characters. */
int key_arn_check(const char *arn, struct err *e);

/* luks_uuid_make - a random one, from the kernel's generator. */
void luks_uuid_make(char uuid[LUKS_UUID_LEN + 1]);

/* dm_uuid_make - "ECACHE-<luks uuid>-<volume name>"; both parts must have been checked. */
void dm_uuid_make(const char *luks_uuid, const char *name, char out[DM_UUID_MAX + 1]);

/* dm_uuid_parse - its reverse; -EINVAL when @dm_uuid is not exactly of that form. */
int dm_uuid_parse(const char *dm_uuid, char luks_uuid[LUKS_UUID_LEN + 1],
		  char name[VOLUME_NAME_MAX + 1]);

/* grant_name_make - "ecache:<cache id>:<purpose>"; @purpose is "volume" or "backup-<uuid>". */
void grant_name_make(const char *cache_id, const char *purpose, char out[GRANT_NAME_MAX + 1]);

#endif
