/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_INTENT_H
#define ECACHE_INTENT_H

#include <limits.h>

#include "../common/err.h"
#include "../kms/kms.h"
#include "name.h"
#include "token.h"

/*
 * The intent record: what a create, destroy, regrant, rewrap or adopt was about to do, durable before it does it,
 * so that after a kill -9 the undo (or the rest) can be finished. An empty string stands for null.
 * Of a backup: luks_uuid, key and grant are the image's, device is its file, dev_major_minor the
 * open volume's mapping. Of a restore: those of the new volume, and the backup's as source_*.
 */
#define INTENT_DIR "/var/lib/ecache/intents"
#define INTENT_STEP_MAX 31
#define INTENT_DEV_MAX 23

enum intent_verb {
	INTENT_CREATE, INTENT_DESTROY, INTENT_REGRANT, INTENT_REWRAP, INTENT_ADOPT, INTENT_BACKUP, INTENT_RESTORE
};

const char *intent_verb_name(enum intent_verb v);

struct intent {
	enum intent_verb verb;
	char step[INTENT_STEP_MAX + 1];		/* [a-z-]+, the step about to be done */
	char cache_id[CACHE_ID_MAX + 1];
	char luks_uuid[LUKS_UUID_LEN + 1];
	char device[PATH_MAX];
	char dev_major_minor[INTENT_DEV_MAX + 1];	/* "253:0" */
	char key_arn[KMS_ARN_MAX + 1];
	char grant_id[KMS_GRANT_ID_MAX + 1];
	char saved_header[PATH_MAX];
	/* Of a rewrap only; key_arn and grant_id are the new ones. */
	char old_key_arn[KMS_ARN_MAX + 1];
	char old_grant_id[KMS_GRANT_ID_MAX + 1];
	char token_sha256[TOKEN_HASH_LEN + 1];	/* of the token that is about to be written */
	char source_key_arn[KMS_ARN_MAX + 1];		/* restore: written only when there is one */
	char source_grant_id[KMS_GRANT_ID_MAX + 1];
};

/*
 * intent_begin - the first record of @name; -EEXIST when one is there (unfinished work: doctor
 * --repair).
 */
int intent_begin(const char *dir, const char *name, const struct intent *i, struct err *e);

/* intent_step - replace the record by one with another step (and grant id ...). */
int intent_step(const char *dir, const char *name, const struct intent *i, struct err *e);

/* intent_load - -ENOENT, -EBADMSG. */
int intent_load(const char *dir, const char *name, struct intent *i, struct err *e);

/* intent_end - remove it; a missing file is success. */
int intent_end(const char *dir, const char *name, struct err *e);

/* intent_each - as pin_each(). */
int intent_each(const char *dir, int (*fn)(void *ctx, const char *name), void *ctx, struct err *e);

#endif
