/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_CREDENTIALS_H
#define KMSD_CREDENTIALS_H

#include <stdbool.h>

#include "common/err.h"

/*
 * credentials_write - an AWS shared credentials file of mode 0600 with one profile. @replace: an older file of that
 * path is replaced; otherwise -EEXIST.
 */
int credentials_write(const char *path, const char *profile, const char *access_key, const char *secret, bool replace,
		      struct err *e);

#endif
