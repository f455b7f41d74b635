/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_LOCK_H
#define ECACHED_LOCK_H

#include <stdbool.h>

#include "env.h"

/*
 * volume_lock - the lock of a volume's records (and of changing it), a file under lock_dir;
 *	tried @tries times, 100 ms apart. Returns the descriptor that holds it (close it,
 *	or exit), -EBUSY, or another errno.
 */
int volume_lock(const struct env *env, const char *name, int tries);

/*
 * tear_lock - held by a teardown's supervisor for as long as it lives: -EBUSY, there is one.
 * tear_is_locked - whether there is one, maybe of an ecached before this one. Never waits.
 */
int tear_lock(const struct env *env, const char *name);
bool tear_is_locked(const struct env *env, const char *name);

#endif
