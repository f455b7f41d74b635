// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#include "../kms/kms.h"
#include "../kms/arn.h"
#include "name.h"
#include "text.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

/* Sets of characters rather than isalnum(): a name's form must not depend on the locale. */
static bool made_of(const char *s, size_t min, size_t max, const char *first, const char *rest)
{
	size_t len = strnlen(s, max + 1);

	if (len < min || len > max || !strchr(first, s[0]))
		return false;
	return strspn(s + 1, rest) == len - 1;
}

int volume_name_check(const char *name, struct err *e)
{
	if (!made_of(name, 1, VOLUME_NAME_MAX, LOWER DIGIT, LOWER DIGIT "_-"))
		return err_set(e, -EINVAL, "\"%.80s\" is not a volume name (1-%d of a-z 0-9 _ -, no _ or - first)",
			       name, VOLUME_NAME_MAX);
	/* /dev/mapper/control is device-mapper itself. */
	if (!strcmp(name, "control"))
		return err_set(e, -EINVAL, "\"control\" is taken by device-mapper, choose another volume name");
	return 0;
}

int cache_id_check(const char *id, struct err *e)
{
	if (!made_of(id, 1, CACHE_ID_MAX, LOWER UPPER DIGIT, LOWER UPPER DIGIT "_-"))
		return err_set(e, -EINVAL, "\"%.80s\" is not a cache id (1-%d of A-Z a-z 0-9 _ -, no _ or - first)",
			       id, CACHE_ID_MAX);
	return 0;
}

int luks_uuid_check(const char *uuid, struct err *e)
{
	static const char form[] = "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx";
	size_t i;

	if (strnlen(uuid, LUKS_UUID_LEN + 1) != LUKS_UUID_LEN)
		goto bad;
	for (i = 0; i < LUKS_UUID_LEN; i++) {
		switch (form[i]) {
		case 'x':
			if (!strchr(DIGIT "abcdef", uuid[i]))
				goto bad;
			break;
		case 'v':
			if (!strchr("89ab", uuid[i]))
				goto bad;
			break;
		default:
			if (uuid[i] != form[i])
				goto bad;
		}
	}
	return 0;
bad:
	return err_set(e, -EINVAL, "\"%.80s\" is not a lowercase version 4 UUID", uuid);
}

int key_arn_check(const char *arn, struct err *e)
{
	int rc = strnlen(arn, KMS_ARN_MAX + 1) > KMS_ARN_MAX ?
			 err_set(e, -EINVAL, "the ARN of a KMS key has more than %d characters", KMS_ARN_MAX) :
			 arn_check_key(arn, e);

	if (rc)
		err_hint(e, "an alias can be moved to another key; give the key's own ARN");
	return rc;
}

void luks_uuid_make(char uuid[LUKS_UUID_LEN + 1])
{
	uuid_t u;

	uuid_generate_random(u);
	uuid_unparse_lower(u, uuid);
}

void dm_uuid_make(const char *luks_uuid, const char *name, char out[DM_UUID_MAX + 1])
{
	snprintf(out, DM_UUID_MAX + 1, DM_UUID_PREFIX "%s-%s", luks_uuid, name);
}

int dm_uuid_parse(const char *dm_uuid, char luks_uuid[LUKS_UUID_LEN + 1], char name[VOLUME_NAME_MAX + 1])
{
	const size_t prefix = strlen(DM_UUID_PREFIX);
	size_t len = strnlen(dm_uuid, DM_UUID_MAX + 1);

	luks_uuid[0] = '\0';
	name[0] = '\0';
	if (len > DM_UUID_MAX || len < prefix + LUKS_UUID_LEN + 2 || strncmp(dm_uuid, DM_UUID_PREFIX, prefix) ||
	    dm_uuid[prefix + LUKS_UUID_LEN] != '-')
		return -EINVAL;
	memcpy(luks_uuid, dm_uuid + prefix, LUKS_UUID_LEN);
	luks_uuid[LUKS_UUID_LEN] = '\0';
	text_copy(name, VOLUME_NAME_MAX + 1, dm_uuid + prefix + LUKS_UUID_LEN + 1);
	if (luks_uuid_check(luks_uuid, NULL) || volume_name_check(name, NULL)) {
		luks_uuid[0] = '\0';
		name[0] = '\0';
		return -EINVAL;
	}
	return 0;
}

void grant_name_make(const char *cache_id, const char *purpose, char out[GRANT_NAME_MAX + 1])
{
	snprintf(out, GRANT_NAME_MAX + 1, "ecache:%s:%s", cache_id, purpose);
}
