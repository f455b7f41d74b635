// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "../common/fsio.h"
#include "device.h"
#include "inuse.h"
#include "mounts.h"
#include "swap.h"

struct text {
	char *out;
	size_t size;
};

__attribute__((format(printf, 2, 3)))
static void say(struct text *t, const char *fmt, ...)
{
	size_t used = strlen(t->out);
	va_list ap;

	if (used && used + 3 < t->size)
		used += snprintf(t->out + used, t->size - used, ", ");
	va_start(ap, fmt);
	vsnprintf(t->out + used, t->size - used, fmt, ap);
	va_end(ap);
}

/* read_line - the first line of a small file, false when there is none. */
static bool read_line(const char *path, char *line, size_t size)
{
	char *text;
	size_t len;

	if (fsio_read(path, 4096, &text, &len, NULL))
		return false;
	snprintf(line, size, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
	return true;
}

static void say_mounts(struct text *t, const char *proc, dev_t rdev, const char *who)
{
	struct mount_list list;
	size_t i;

	if (mounts_find(proc, rdev, &list, NULL))
		return;
	for (i = 0; i < list.nr; i++) {
		if (list.mounts[i].own)
			say(t, "%smounted on %s", who, list.mounts[i].path);
		else
			say(t, "%smounted on %s in the namespace of process %d", who, list.mounts[i].path,
			    (int)list.mounts[i].pid);
	}
	mount_list_free(&list);
	if (swap_uses(proc, rdev))
		say(t, "%sswap", who);
}

static void say_holders(struct text *t, const char *dir, const char *who)
{
	char path[1024], name[128];
	struct dirent *d;
	DIR *holders;

	snprintf(path, sizeof(path), "%.400s/holders", dir);
	holders = opendir(path);
	if (!holders)
		return;
	while ((d = readdir(holders))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.400s/holders/%.255s/dm/name", dir, d->d_name);
		if (read_line(path, name, sizeof(name)))
			say(t, "%sheld by %s (%s)", who, d->d_name, name);
		else
			say(t, "%sheld by %s", who, d->d_name);
	}
	closedir(holders);
}

static void say_partitions(struct text *t, const char *proc, const char *dir)
{
	char path[1024], who[300], devno[32];
	unsigned int maj, min;
	struct dirent *d;
	DIR *disk;

	disk = opendir(dir);
	if (!disk)
		return;
	while ((d = readdir(disk))) {
		snprintf(path, sizeof(path), "%.400s/%.255s/partition", dir, d->d_name);
		if (d->d_name[0] == '.' || !read_line(path, devno, sizeof(devno)))
			continue;
		snprintf(path, sizeof(path), "%.400s/%.255s/dev", dir, d->d_name);
		if (!read_line(path, devno, sizeof(devno)) || sscanf(devno, "%u:%u", &maj, &min) != 2)
			continue;
		snprintf(who, sizeof(who), "partition %.255s ", d->d_name);
		snprintf(path, sizeof(path), "%.400s/%.255s", dir, d->d_name);
		say_mounts(t, proc, makedev(maj, min), who);
		say_holders(t, path, who);
	}
	closedir(disk);
}

void inuse_describe(const char *proc, const char *sys, dev_t rdev, char *out, size_t size)
{
	struct text t = { .out = out, .size = size };
	char dir[512];

	out[0] = '\0';
	if (!rdev)
		return;
	snprintf(dir, sizeof(dir), "%s/dev/block/%u:%u", sys, major(rdev), minor(rdev));
	say_mounts(&t, proc, rdev, "");
	say_holders(&t, dir, "");
	say_partitions(&t, proc, dir);
}

void device_users(dev_t rdev, char *out, size_t size)
{
	inuse_describe("/proc", "/sys", rdev, out, size);
}
