/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_NAMES_H
#define ECACHE_NAMES_H

#include <limits.h>

#include "../common/err.h"
#include "name.h"

/* Directories of one file a volume: DIR/NAME + suffix. */

/* name_path - checks the name, so that it cannot leave the directory. -EINVAL, -ENAMETOOLONG. */
int name_path(const char *dir, const char *name, const char *suffix, char path[PATH_MAX], struct err *e);

/*
 * name_each - call @fn for every name with a file in @dir, sorted; hidden files are skipped, others that are no
 * volume's are logged. Stops at the first non-zero return and returns it. A missing directory holds none.
 */
int name_each(const char *dir, const char *suffix, int (*fn)(void *ctx, const char *name), void *ctx, struct err *e);

#endif
