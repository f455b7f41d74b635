/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_REQUEST_H
#define ECACHED_REQUEST_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include "../common/err.h"
#include "../kms/arn.h"
#include "../volume/name.h"
#include "../volume/pin.h"

/*
 * A request of ecachectl, read strictly: every member known to its verb, in form and in
 * range.
 */
enum request_verb {
	REQUEST_CREATE,
	REQUEST_OPEN,
	REQUEST_CLOSE,
	REQUEST_STATUS,
	REQUEST_LIST,
	REQUEST_REVOKE,
	REQUEST_REGRANT,
	REQUEST_REWRAP,
	REQUEST_RESIZE,
	REQUEST_DESTROY,
	REQUEST_DUMP,
	REQUEST_CONFIRM,
	REQUEST_UNWRAP,
	REQUEST_DOCTOR,
	REQUEST_ADOPT,
	REQUEST_REPAIR,
	REQUEST_BACKUP,
	REQUEST_RESTORE,
	REQUEST_BACKUPS,
	REQUEST_NR
};

/* More volumes than one host has, and less than a packet (IPC_MAX). */
#define REQUEST_VOLUMES_MAX (700 * (VOLUME_NAME_MAX + 1))

/* Of a passphrase: all that a sealed memfd of ours may hold, and more than a keyslot was ever given. */
#define REQUEST_SECRET_MAX (64 * 1024)

/* An image on its way is FILE with this behind it. How long a backup may freeze a file system, seconds. */
#define REQUEST_PARTIAL ".partial"
#define REQUEST_FREEZE 60
#define REQUEST_FREEZE_MAX 86400

struct request {
	enum request_verb verb;
	char name[VOLUME_NAME_MAX + 1];		/* "" when absent */
	char device[PATH_MAX];			/* absolute, "" when absent */
	char kms_key[KMS_ARN_MAX + 1];		/* "" default-key (create) */
	char cache_id[CACHE_ID_MAX + 1];	/* "" make one */
	char grant_id[KMS_GRANT_ID_MAX + 1];	/* "" create one */
	char unit[PIN_UNIT_MAX + 1];
	unsigned int sector_size;		/* bytes */
	unsigned int key_size;			/* bytes */
	bool allow_discards;
	enum volume_kind kind;			/* from "swap" and "kms_key" */
	bool force;				/* create: over what is there; resize: not knowing what is */
	uint64_t size;				/* resize: bytes, 0 as much as the device has */
	bool discard;				/* destroy: also what is behind the header */
	bool no_open;
	bool accept_older_header;
	bool revoke_grant;			/* revoke: the grant in the KMS, too */
	char host[ARN_PRINCIPAL_MAX + 1];	/* regrant: the grantee, "" this host */
	char volumes[REQUEST_VOLUMES_MAX + 1];	/* confirm: names separated by commas */
	bool to_file;				/* unwrap: a regular file may take the key */
	bool keep_keyslots;			/* adopt */
	unsigned int secret_bytes;		/* adopt: of the passphrase in the sealed memfd that came along */
	char file[PATH_MAX];			/* backup, restore: absolute */
	unsigned int max_freeze;		/* backup: seconds */
	int fd;					/* unwrap, adopt: the descriptor that came along; -1 none */
};

/* request_read - -EBADMSG (no request at all), -EINVAL (what is wrong is in @e). */
int request_read(struct json_object *msg, struct request *rq, struct err *e);

const char *request_verb_name(enum request_verb v);

/* request_takes_fd - does a descriptor come with it? Never with another. */
bool request_takes_fd(enum request_verb v);

/* request_public - may a member of group ecache ask this? Everything else is root's. */
bool request_public(enum request_verb v);

#endif
