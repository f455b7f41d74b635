/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_DOCTOR_WORLD_H
#define ECACHECTL_DOCTOR_WORLD_H

/*
 * For tests of doctor's checks: a whole host as files below a scratch directory, and ecached's answers as JSON. Include
 * after common/test.h.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/json.h"
#include "../volume/scratch.h"
#include "doctor.h"

/* world - an empty host: every check has to say that it cannot tell. */
static inline struct doctor world(struct scratch *s)
{
	return (struct doctor){
		.root = s->dir, .owner = getuid(), .conf_error = "no configuration", .agent_error = "nobody answers",
	};
}

static inline void parents(const char *path)
{
	char part[512], *p;

	snprintf(part, sizeof(part), "%s", path);
	for (p = part + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(part, 0755);
		*p = '/';
	}
}

/* put - the file @path of the host, with its directories; mode 0600. */
static inline void put(struct scratch *s, const char *path, const char *text)
{
	FILE *f;

	parents(scratch_path(s, path + 1));
	f = fopen(s->path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(s->path, 0600), 0);
}

static inline void put_dir(struct scratch *s, const char *path)
{
	char with[256];

	snprintf(with, sizeof(with), "%s/", path);
	parents(scratch_path(s, with + 1));
}

static inline void put_link(struct scratch *s, const char *path, const char *target)
{
	parents(scratch_path(s, path + 1));
	unlink(s->path);
	assert_int_equal(symlink(target, s->path), 0);
}

/* put_disk - sda, and its first partition sda1, as sysfs shows them. */
static inline void put_disk(struct scratch *s, const char *name)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "/sys/devices/block/%s/%s1/partition", name, name);
	put(s, path, "1\n");
	snprintf(path, sizeof(path), "/sys/class/block/%s", name);
	snprintf(target, sizeof(target), "../../devices/block/%s", name);
	put_link(s, path, target);
	snprintf(path, sizeof(path), "/sys/class/block/%s1", name);
	snprintf(target, sizeof(target), "../../devices/block/%s/%s1", name, name);
	put_link(s, path, target);
}

/* put_dm - a mapping @name with @uuid on one device @below, which may be NULL. */
static inline void put_dm(struct scratch *s, const char *name, const char *dm_name, const char *uuid, const char *below)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/block/%s/dm/uuid", name);
	put(s, path, uuid);
	snprintf(path, sizeof(path), "/sys/class/block/%s/dm/name", name);
	put(s, path, dm_name);
	if (!below)
		return;
	snprintf(path, sizeof(path), "/sys/class/block/%s/slaves/%s", name, below);
	put_link(s, path, "../../nowhere");
}

/* answer - JSON with ' for "; owned by the caller. */
static inline struct json_object *answer(const char *text)
{
	struct json_object *o;
	char copy[4096];
	size_t i, len = strlen(text);

	assert_true(len < sizeof(copy));
	for (i = 0; i <= len; i++)
		copy[i] = text[i] == '\'' ? '"' : text[i];
	assert_int_equal(js_parse(copy, len, 16, &o, NULL), 0);
	return o;
}

/*
 * expect - the check @name finds @outcome and says @text in it; a remedy is there when
 * there is something to do, and none when all is well.
 */
static inline void expect(const struct doctor *d, const char *name, enum outcome outcome, const char *text)
{
	struct finding f;

	if (!doctor_check(d, name, &f))
		fail_msg("there is no check %s", name);
	if (f.outcome != outcome)
		fail_msg("%s: %s, not %s: %s", name, outcome_name(f.outcome), outcome_name(outcome), f.found);
	if (!strstr(f.found, text))
		fail_msg("%s: nothing of '%s' in: %s", name, text, f.found);
	if (outcome != DOCTOR_OK && !f.remedy)
		fail_msg("%s: no remedy for: %s", name, f.found);
	if (outcome == DOCTOR_OK)
		assert_null(f.remedy);
}

#endif
