// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/log.h"
#include "names.h"

int name_path(const char *dir, const char *name, const char *suffix, char path[PATH_MAX], struct err *e)
{
	int rc = volume_name_check(name, e);

	if (rc)
		return rc;
	if (snprintf(path, PATH_MAX, "%s/%s%s", dir, name, suffix) >= PATH_MAX)
		return err_sys(e, -ENAMETOOLONG, "%.64s...", dir);
	return 0;
}

/* strip - the volume's name of a file, false when it is none's. */
static bool strip(const char *file, const char *suffix, char name[VOLUME_NAME_MAX + 1])
{
	size_t len = strlen(file), tail = strlen(suffix);

	if (len <= tail || len - tail > VOLUME_NAME_MAX || strcmp(file + len - tail, suffix))
		return false;
	memcpy(name, file, len - tail);
	name[len - tail] = '\0';
	return !volume_name_check(name, NULL);
}

int name_each(const char *dir, const char *suffix, int (*fn)(void *ctx, const char *name), void *ctx, struct err *e)
{
	char name[VOLUME_NAME_MAX + 1];
	struct dirent **files;
	int nr, i, rc = 0;

	nr = scandir(dir, &files, NULL, alphasort);
	if (nr < 0)
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot list %s", dir);
	for (i = 0; i < nr; i++) {
		if (!rc && files[i]->d_name[0] != '.') {
			if (strip(files[i]->d_name, suffix, name))
				rc = fn(ctx, name);
			else
				log_warn("%s/%s is not a volume's file, skipped", dir, files[i]->d_name);
		}
		free(files[i]);
	}
	free(files);
	return rc;
}
