/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_STATE_H
#define KMSD_STATE_H

#include "service.h"

/*
 * The state directory, of mode 0700: database, root secret, audit log, credentials of principals. It is made all or
 * nothing: "DIR.new" is filled and then renamed, so that an interrupted "init" leaves no half-made KMS.
 */
#define STATE_DIR_DEFAULT "/var/lib/ecache-kmsd"
#define STATE_DATABASE "kms.db"
#define STATE_ROOT_SECRET "root.secret"
#define STATE_TRAIL "cloudtrail.log"
#define STATE_LOCK "lock"
#define STATE_CREDENTIALS "credentials"
#define STATE_REGION_DEFAULT "local-1"
#define STATE_ADMIN "admin"

/*
 * state_create - -EEXIST when there is a state already. @root is for root_open(), NULL: a file in @dir. @account NULL:
 * a random one.
 */
int state_create(const char *dir, const char *root, const char *account, const char *region, struct err *e);

/* state_open - database, root secret, account and region, checked against each other. */
int state_open(struct service *svc, const char *dir, const char *root, struct err *e);

/* state_lock - hold the directory for a server; -EBUSY when another has it. Returns the descriptor to keep. */
int state_lock(const char *dir, struct err *e);

void state_close(struct service *svc);

/* state_path - "DIR/NAME", to be freed; NULL when out of memory. */
char *state_path(const char *dir, const char *name);

#endif
