// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../volume/mounts.h"
#include "doctor_block.h"
#include "doctor_tree.h"

#define DEPTH_MAX 8
#define SYS "/sys/class/block"
#define MOUNTS_MAX (256 * 1024)

/* A walk from a device down to the disks that it is made of. */
struct walk {
	const struct doctor *d;
	char name[BLOCK_NAME_MAX + 1];
	int depth;
	enum block_kind kind;
	struct block_disks *disks;	/* NULL: the kind only */
	bool any;			/* something was below */
};

static void walk_block(struct walk *w);
static void walk_file(struct walk *w, const char *path);

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void set_name(struct walk *w, const char *name)
{
	snprintf(w->name, sizeof(w->name), "%.*s", BLOCK_NAME_MAX, name);
}

struct by_dm_name {
	const struct doctor *d;
	const char *want;
	char name[BLOCK_NAME_MAX + 1];
};

static void match_dm_name(void *ctx, const char *name)
{
	struct by_dm_name *b = ctx;
	char text[256];

	if (tree_read(b->d, text, sizeof(text), SYS "/%s/dm/name", name) && !strcmp(text, b->want))
		snprintf(b->name, sizeof(b->name), "%.*s", BLOCK_NAME_MAX, name);
}

/*
 * name_of_node - links are followed by name, so that a test needs no device nodes; without
 * udev, /dev/mapper has none.
 */
static void name_of_node(struct walk *w, const char *node)
{
	char path[PATH_MAX], link[PATH_MAX];
	struct by_dm_name b = { .d = w->d };
	int i;

	snprintf(path, sizeof(path), "%s", node);
	for (i = 0; i < DEPTH_MAX && tree_link(w->d, link, sizeof(link), "%s", path); i++) {
		if (*link == '/')
			strcpy(path, link);
		else
			snprintf(path, sizeof(path), "/dev/%.*s", PATH_MAX - 6, last_part(link));
	}
	set_name(w, last_part(path));
	if (tree_exists(w->d, SYS "/%s", w->name))
		return;
	b.want = last_part(path);
	tree_each(w->d, SYS, match_dm_name, &b);
	if (*b.name)
		strcpy(w->name, b.name);
}

static void worsen(struct walk *w, enum block_kind kind)
{
	if (kind > w->kind)
		w->kind = kind;
}

/* leaf - nothing is below: a disk, or memory. */
static void leaf(struct walk *w, enum block_kind kind)
{
	struct block_disks *s = w->disks;
	unsigned int i;

	worsen(w, kind);
	if (!s || kind == BLOCK_MEMORY)
		return;
	for (i = 0; i < s->nr; i++) {
		if (!strcmp(s->name[i], w->name))
			return;
	}
	if (s->nr < BLOCK_DISKS_MAX)
		strcpy(s->name[s->nr++], w->name);
}

/* below - the same walk on something below; what it says counts for what is above, if that is no cipher itself. */
static void below(struct walk *w, void (*step)(struct walk *w, const char *what), const char *what)
{
	struct walk next = { .d = w->d, .depth = w->depth + 1, .disks = w->disks };

	w->any = true;
	step(&next, what);
	worsen(w, next.kind);
}

static void step_name(struct walk *w, const char *name)
{
	set_name(w, name);
	walk_block(w);
}

static void step_node(struct walk *w, const char *node)
{
	name_of_node(w, node);
	walk_block(w);
}

static void each_slave(void *ctx, const char *name)
{
	below(ctx, step_name, name);
}

/* walk_partition - the disk that it is part of, by where sysfs keeps it: .../sda/sda1. */
static bool walk_partition(struct walk *w)
{
	char link[PATH_MAX], *slash;

	if (!tree_exists(w->d, SYS "/%s/partition", w->name) || !tree_link(w->d, link, sizeof(link), SYS "/%s",
									   w->name))
		return false;
	slash = strrchr(link, '/');
	if (!slash)
		return false;
	*slash = '\0';
	below(w, step_name, last_part(link));
	return true;
}

/* Memory, unless a disk takes what is too much; the file is missing where that cannot be. */
static void walk_zram(struct walk *w)
{
	char backing[PATH_MAX];

	if (!tree_read(w->d, backing, sizeof(backing), SYS "/%s/backing_dev", w->name) || !strcmp(backing, "none"))
		leaf(w, BLOCK_MEMORY);
	else if (*backing == '/')
		below(w, step_node, backing);
	else
		leaf(w, BLOCK_UNKNOWN);
}

/* own_kind - what a mapping's uuid says, whatever it is on; false: what it is on says. */
static bool own_kind(const struct walk *w, enum block_kind *kind)
{
	char uuid[256];

	if (!tree_read(w->d, uuid, sizeof(uuid), SYS "/%s/dm/uuid", w->name))
		return false;
	*kind = *uuid ? BLOCK_ENCRYPTED : BLOCK_UNKNOWN;	/* without one it may be anything */
	return !*uuid || !strncmp(uuid, "ECACHE-", 7) || !strncmp(uuid, "CRYPT-", 6);
}

static void walk_block(struct walk *w)
{
	char text[PATH_MAX], slaves[PATH_MAX];
	enum block_kind kind;

	if (w->depth > DEPTH_MAX || !tree_exists(w->d, SYS "/%s", w->name)) {
		leaf(w, BLOCK_UNKNOWN);
		return;
	}
	if (!strncmp(w->name, "zram", 4)) {
		walk_zram(w);
		return;
	}
	if (!strncmp(w->name, "ram", 3)) {
		leaf(w, BLOCK_MEMORY);
		return;
	}
	if (tree_read(w->d, text, sizeof(text), SYS "/%s/loop/backing_file", w->name)) {
		below(w, walk_file, text);
		return;
	}
	snprintf(slaves, sizeof(slaves), SYS "/%s/slaves", w->name);
	tree_each(w->d, slaves, each_slave, w);
	if (!w->any && !walk_partition(w))
		leaf(w, BLOCK_PLAIN);
	if (own_kind(w, &kind))
		w->kind = kind;
}

/* A line of mountinfo: "36 35 98:0 /root /mount/point opts shared:1 - ext4 /dev/sda1 rw". */
struct mount_line {
	char number[32];
	char point[PATH_MAX];
	char type[64];
	char source[PATH_MAX];
};

static bool parse_mount(const char *line, struct mount_line *m)
{
	const char *dash;

	if (sscanf(line, "%*s %*s %31s %*s %4095s", m->number, m->point) != 2)
		return false;
	dash = strstr(line, " - ");
	if (!dash || sscanf(dash, " - %63s %4095s", m->type, m->source) != 2)
		return false;
	mounts_unescape(m->point);
	mounts_unescape(m->source);
	return true;
}

static bool is_below(const char *path, const char *point)
{
	size_t len = strlen(point);

	if (!strcmp(point, "/"))
		return *path == '/';
	return !strncmp(path, point, len) && (path[len] == '/' || !path[len]);
}

/* mount_of - the one that @path is on: the deepest mount point above it, of several the last. */
static bool mount_of(const struct doctor *d, const char *path, struct mount_line *out)
{
	char *text = malloc(MOUNTS_MAX), *line, *rest = text;
	struct mount_line *m = malloc(sizeof(*m));
	size_t best = 0;

	if (text && m && tree_read(d, text, MOUNTS_MAX, "/proc/self/mountinfo")) {
		while ((line = strsep(&rest, "\n"))) {
			if (!parse_mount(line, m) || !is_below(path, m->point) || strlen(m->point) < best)
				continue;
			best = strlen(m->point);
			*out = *m;
		}
	}
	free(m);
	free(text);
	return best;
}

static bool name_of_number(struct walk *w, const char *number)
{
	char link[PATH_MAX];

	if (!tree_link(w->d, link, sizeof(link), "/sys/dev/block/%s", number))
		return false;
	set_name(w, last_part(link));
	return true;
}

static void walk_file(struct walk *w, const char *path)
{
	struct mount_line *m = malloc(sizeof(*m));

	set_name(w, path);
	if (!m || w->depth > DEPTH_MAX || !mount_of(w->d, path, m))
		worsen(w, BLOCK_UNKNOWN);
	else if (!strcmp(m->type, "tmpfs") || !strcmp(m->type, "ramfs"))
		worsen(w, BLOCK_MEMORY);
	else if (strncmp(m->number, "0:", 2) && name_of_number(w, m->number))
		walk_block(w);
	else if (*m->source == '/')	/* btrfs and the like have a number of their own */
		step_node(w, m->source);
	else
		worsen(w, BLOCK_UNKNOWN);
	free(m);
}

enum block_kind block_kind_of_node(const struct doctor *d, const char *node)
{
	struct walk w = { .d = d };

	step_node(&w, node);
	return w.kind;
}

enum block_kind block_kind_of_number(const struct doctor *d, const char *number)
{
	struct walk w = { .d = d };

	if (!name_of_number(&w, number))
		return BLOCK_UNKNOWN;
	walk_block(&w);
	return w.kind;
}

enum block_kind block_kind_of_file(const struct doctor *d, const char *path)
{
	struct walk w = { .d = d };

	walk_file(&w, path);
	return w.kind;
}

void block_disks_of_node(const struct doctor *d, const char *node, struct block_disks *out)
{
	struct walk w = { .d = d, .disks = out };

	out->nr = 0;
	step_node(&w, node);
}

void block_disks_of_file(const struct doctor *d, const char *path, struct block_disks *out)
{
	struct walk w = { .d = d, .disks = out };

	out->nr = 0;
	walk_file(&w, path);
}

const char *block_common(const struct block_disks *a, const struct block_disks *b)
{
	unsigned int i, j;

	for (i = 0; i < a->nr; i++) {
		for (j = 0; j < b->nr; j++) {
			if (!strcmp(a->name[i], b->name[j]))
				return a->name[i];
		}
	}
	return NULL;
}
