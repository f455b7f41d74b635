/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_HEADER_LUKS_H
#define ECACHE_HEADER_LUKS_H

#include <libcryptsetup.h>

#include "../common/err.h"

/* A crypt device whose messages we catch: the last error explains a failure, everything goes to the debug log. */
struct luks {
	struct crypt_device *cd;
	char last[256];
};

/* luks_load - a LUKS2 header in memory, to be freed. */
int luks_load(struct luks *l, const char *path, struct err *e);
void luks_free(struct luks *l);

/* luks_err - what libcryptsetup said, or else what the number means. */
int luks_err(struct luks *l, struct err *e, int rc, const char *what);

#endif
