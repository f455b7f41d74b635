/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_LOCK_H
#define ECACHED_LOCK_H

#include "env.h"

/*
 * volume_lock - the lock of a volume's records (and of changing it), a file under lock_dir;
 *	tried @tries times, 100 ms apart. Returns the descriptor that holds it (close it,
 *	or exit), -EBUSY, or another errno.
 */
int volume_lock(const struct env *env, const char *name, int tries);

#endif
