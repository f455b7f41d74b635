// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "trace.h"

/*
 * The LUKS2 on-disk format's binary header: magic (another one in the second copy), label, uuid,
 * subsystem. Our metadata areas are 16 KiB.
 */
#define MAGIC_LEN 6
#define LABEL_OFFSET 24
#define UUID_OFFSET 168
#define SUBSYSTEM_OFFSET 208
#define SUBSYSTEM_LEN 48
#define COPY_LEN (SUBSYSTEM_OFFSET + SUBSYSTEM_LEN)
#define SECOND_COPY (16 * 1024)

/* What a copy says; label and subsystem are anybody's words, and end where their fields do. */
struct copy {
	char uuid[LUKS_UUID_LEN + 1];
	char label[TRACE_LABEL_MAX + 1];
	bool ours;
};

static int read_copy(int fd, off_t off, const char *magic, struct copy *c)
{
	char buf[COPY_LEN];
	size_t i;
	int rc;

	rc = pread_all(fd, buf, sizeof(buf), off);
	if (rc)
		return rc == -ENODATA ? -ENOENT : -EIO;
	if (memcmp(buf, magic, MAGIC_LEN) || buf[UUID_OFFSET + LUKS_UUID_LEN])
		return -ENOENT;
	memcpy(c->uuid, buf + UUID_OFFSET, LUKS_UUID_LEN);
	c->uuid[LUKS_UUID_LEN] = '\0';
	for (i = 0; i < TRACE_LABEL_MAX && buf[LABEL_OFFSET + i]; i++)
		c->label[i] = buf[LABEL_OFFSET + i] > ' ' && buf[LABEL_OFFSET + i] < 0x7f ? buf[LABEL_OFFSET + i] : '?';
	c->label[i] = '\0';
	c->ours = !strncmp(buf + SUBSYSTEM_OFFSET, "ecache", SUBSYSTEM_LEN);
	return luks_uuid_check(c->uuid, NULL) ? -ENOENT : 0;
}

static int read_either(const struct device *d, struct copy *c)
{
	int rc = read_copy(d->fd, 0, "LUKS\xba\xbe", c);

	return rc == -ENOENT ? read_copy(d->fd, SECOND_COPY, "SKUL\xba\xbe", c) : rc;
}

int trace_uuid(const struct device *d, char uuid[LUKS_UUID_LEN + 1])
{
	struct copy c;
	int rc = read_either(d, &c);

	if (!rc)
		strcpy(uuid, c.uuid);
	return rc;
}

int trace_ours(const struct device *d, char uuid[LUKS_UUID_LEN + 1], char label[TRACE_LABEL_MAX + 1])
{
	struct copy c;
	int rc = read_either(d, &c);

	if (rc || !c.ours)
		return rc ? rc : -ENOENT;
	strcpy(uuid, c.uuid);
	strcpy(label, c.label);
	return 0;
}

bool trace_is(const struct device *d, const char *luks_uuid)
{
	char uuid[LUKS_UUID_LEN + 1];

	return !trace_uuid(d, uuid) && !strcmp(uuid, luks_uuid);
}
