// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench_cell.h"

#define KIB 1024
#define MIB (1024 * 1024)

const struct bench_cell bench_cells[] = {
	{ "4k-randread-1", "4 KiB random read, depth 1", "randread", 4 * KIB, 1, true, false },
	{ "4k-randread-32", "4 KiB random read, depth 32", "randread", 4 * KIB, 32, true, false },
	{ "4k-randwrite-1", "4 KiB random write, depth 1", "randwrite", 4 * KIB, 1, false, true },
	{ "4k-randwrite-32", "4 KiB random write, depth 32", "randwrite", 4 * KIB, 32, false, true },
	{ "4k-mixed-32", "4 KiB random, 70 % read, 30 % write, depth 32", "randrw", 4 * KIB, 32, true, true },
	{ "64k-read", "64 KiB sequential read, depth 8", "read", 64 * KIB, 8, true, false },
	{ "64k-write", "64 KiB sequential write, depth 8", "write", 64 * KIB, 8, false, true },
	{ "1m-read", "1 MiB sequential read, depth 8", "read", MIB, 8, true, false },
	{ "1m-write", "1 MiB sequential write, depth 8", "write", MIB, 8, false, true },
	{ .name = NULL },
};

/* in_list - @name is one of the words of @list. */
static bool in_list(const char *list, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		if (strcspn(p, ",") == len && !strncmp(p, name, len))
			return true;
	}
	return false;
}

static unsigned int words(const char *list)
{
	unsigned int n = 1;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

int bench_choose_cells(struct bench *b, const char *list, struct err *e)
{
	char all[ERR_TEXT / 2] = "";
	const struct bench_cell *c;

	b->nr_cells = 0;
	for (c = bench_cells; c->name; c++) {
		if (*all)
			strcat(all, ", ");
		strcat(all, c->name);
		if (!list || in_list(list, c->name))
			b->cells[b->nr_cells++] = c;
	}
	/* One that is there twice, or not at all, makes the counts differ. */
	if (!list || words(list) == b->nr_cells)
		return 0;
	err_set(e, -EINVAL, "'%.64s' is no list of cells", list);
	return err_hint(e, "There are %s.", all);
}

int bench_find(const struct bench *b, enum bench_kind kind)
{
	unsigned int i;

	for (i = 0; i < b->nr_targets; i++) {
		if (b->targets[i].kind == kind)
			return (int)i;
	}
	return -1;
}
