/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_ACTIVITY_H
#define ECACHED_ACTIVITY_H

#include "daemon.h"

#define ACTIVITY_TEARING "tearing-down"
#define ACTIVITY_LOCKING "locking"
#define ACTIVITY_REOPENING "reopening"

/*
 * activity - what goes on with a volume now, queued teardowns included: a constant word,
 * NULL for nothing.
 */
const char *activity(const struct daemon *d, const char *name);

#endif
