/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_REOPEN_H
#define ECACHED_REOPEN_H

#include "daemon.h"

/*
 * volume_reopen - the KMS allows the key of a locked volume again: opens it in a worker, starts
 *	the unit that the lock has stopped, and tells the hook; watch_reopened() hears the
 *	outcome.
 */
void volume_reopen(struct daemon *d, struct watch_volume *v);

#endif
