// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "trace.h"

/*
 * The LUKS2 on-disk format's binary header: magic (another one in the second copy), uuid.
 * Our metadata areas are 16 KiB.
 */
#define MAGIC_LEN 6
#define UUID_OFFSET 168
#define UUID_LEN 40
#define COPY_LEN (UUID_OFFSET + UUID_LEN)
#define SECOND_COPY (16 * 1024)

static int read_copy(int fd, off_t off, const char *magic, char uuid[LUKS_UUID_LEN + 1])
{
	char buf[COPY_LEN];
	int rc;

	rc = pread_all(fd, buf, sizeof(buf), off);
	if (rc)
		return rc == -ENODATA ? -ENOENT : -EIO;
	if (memcmp(buf, magic, MAGIC_LEN) || buf[UUID_OFFSET + LUKS_UUID_LEN])
		return -ENOENT;
	memcpy(uuid, buf + UUID_OFFSET, LUKS_UUID_LEN);
	uuid[LUKS_UUID_LEN] = '\0';
	return luks_uuid_check(uuid, NULL) ? -ENOENT : 0;
}

int trace_uuid(const struct device *d, char uuid[LUKS_UUID_LEN + 1])
{
	int rc = read_copy(d->fd, 0, "LUKS\xba\xbe", uuid);

	return rc == -ENOENT ? read_copy(d->fd, SECOND_COPY, "SKUL\xba\xbe", uuid) : rc;
}

bool trace_is(const struct device *d, const char *luks_uuid)
{
	char uuid[LUKS_UUID_LEN + 1];

	return !trace_uuid(d, uuid) && !strcmp(uuid, luks_uuid);
}
