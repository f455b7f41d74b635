/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_SCRATCH_H
#define ECACHE_SCRATCH_H

/* For tests: a directory of their own, removed with what is in it. Include after common/test.h. */

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct scratch {
	char dir[64];
	char path[512];		/* scratch_path()'s last answer */
};

static inline int scratch_make(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	strcpy(s->dir, "/tmp/ecache-test-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	*state = s;
	return 0;
}

static inline int scratch_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int scratch_drop(void **state)
{
	struct scratch *s = *state;

	nftw(s->dir, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
	return 0;
}

static inline const char *scratch_path(struct scratch *s, const char *name)
{
	snprintf(s->path, sizeof(s->path), "%s/%s", s->dir, name);
	return s->path;
}

/* scratch_write - file @name with @text. */
static inline void scratch_write(struct scratch *s, const char *name, const char *text)
{
	FILE *f = fopen(scratch_path(s, name), "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* scratch_read - its content, at most 64 KiB, to be freed. */
static inline char *scratch_read(struct scratch *s, const char *name)
{
	char *buf = calloc(1, 65536);
	FILE *f = fopen(scratch_path(s, name), "re");

	assert_non_null(f);
	assert_true(fread(buf, 1, 65535, f) < 65535);
	fclose(f);
	return buf;
}

#define scratch_test(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)

#endif
