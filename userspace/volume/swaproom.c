// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/fsio.h"
#include "swap.h"

#define SLACK (16ULL << 20)	/* for the work itself */
#define DEPTH 16
#define FILE_MAX (64 * 1024)

/* The control group that lacks most. */
struct lack {
	uint64_t used, elsewhere;
	uint64_t missing;
	uint64_t max;
	char path[PATH_MAX];
};

/* number_in - the number behind @word at the beginning of a line; false when there is none. */
static bool number_in(const char *text, const char *word, uint64_t *out)
{
	size_t len = strlen(word);
	const char *line;

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, word, len))
			return sscanf(line + len, " %" SCNu64, out) == 1;
	}
	return false;
}

/* read_number - false also for "max", and for what cannot be read: such a group limits nothing. */
static bool read_number(const char *dir, const char *file, const char *word, uint64_t *out)
{
	char path[PATH_MAX + 64], *text;
	bool found;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (fsio_read(path, FILE_MAX, &text, &len, NULL))
		return false;
	found = number_in(text, word, out);
	free(text);
	return found;
}

static uint64_t beyond(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* weigh - a group's limit counts its file pages, too, which make room. */
static void weigh(struct lack *l, const char *dir)
{
	uint64_t max, current, swapped, file = 0, more = 0, missing;

	if (!read_number(dir, "memory.max", "", &max) || !read_number(dir, "memory.current", "", &current) ||
	    !read_number(dir, "memory.swap.current", "", &swapped))
		return;
	read_number(dir, "memory.stat", "inactive_file", &file);
	read_number(dir, "memory.stat", "active_file", &more);
	if (swapped > l->used)
		swapped = l->used;	/* the rest is in other areas */
	missing = beyond(beyond(current, file + more) + swapped, max);
	missing = beyond(missing, l->elsewhere);
	if (missing <= l->missing)
		return;
	l->missing = missing;
	l->max = max;
	snprintf(l->path, sizeof(l->path), "%s", dir);
}

/* walk - limits of a group hold for those below it, too, so each is weighed by itself. */
static void walk(struct lack *l, const char *dir, int depth)
{
	char below[PATH_MAX];
	struct dirent *d;
	DIR *list;

	weigh(l, dir);
	list = depth ? opendir(dir) : NULL;
	while (list && (d = readdir(list))) {
		if (d->d_name[0] == '.' || (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN) ||
		    snprintf(below, sizeof(below), "%s/%s", dir, d->d_name) >= (int)sizeof(below))
			continue;
		walk(l, below, depth - 1);
	}
	if (list)
		closedir(list);
}

static unsigned long long mib(uint64_t bytes)
{
	return (bytes + (1 << 20) - 1) >> 20;
}

static int group_room(const char *cgroups, const char *name, const struct swap_area *a, struct err *e)
{
	struct lack *l = calloc(1, sizeof(*l));
	int rc = 0;

	if (!l)
		return err_set(e, -ENOMEM, "out of memory");
	l->used = a->used;
	l->elsewhere = a->elsewhere;
	walk(l, cgroups, DEPTH);
	if (l->missing) {
		rc = err_set(e, -ENOMEM, "%s cannot end: of its content, %llu MiB have no room in the control group %.200s, "
			     "whose memory.max is %llu MiB", name, mib(l->missing), l->path, mib(l->max));
		err_hint(e, "Stop what runs there, or give it that much more memory (systemctl set-property --runtime UNIT "
			 "MemoryMax=), then again.");
	}
	free(l);
	return rc;
}

int swap_room(const char *proc, const char *cgroups, const char *name, const struct swap_area *a, struct err *e)
{
	uint64_t available, missing;

	if (!a->on || !a->used)
		return 0;
	if (!read_number(proc, "meminfo", "MemAvailable:", &available))
		return err_set(e, -EIO, "%s/meminfo does not say how much memory is available", proc);
	missing = beyond(a->used + SLACK, available * 1024 + a->elsewhere);
	if (!missing)
		return group_room(cgroups, name, a, e);
	err_set(e, -ENOMEM, "%s cannot end: it holds %llu MiB of what processes have swapped, and there is no room for %llu MiB "
		"of it", name, mib(a->used), mib(missing));
	return err_hint(e, "End what needs so much memory, or add another swap area, then again. What cannot wait: "
			"`ecachectl revoke %s` ends it with what is in it.", name);
}
