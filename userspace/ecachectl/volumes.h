/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_VOLUMES_H
#define ECACHECTL_VOLUMES_H

#include "verb.h"

/* What list and status share: ask for volumes, print each. */
struct volumes_args {
	bool json;
	bool backups;		/* list only */
};

enum volumes_form { VOLUMES_LIST, VOLUMES_STATUS };

int volumes_show(const struct verb *v, int argc, char **argv, const char *request, enum volumes_form form);

/* backups_show - `list --backups`. */
int backups_show(bool json);

#endif
