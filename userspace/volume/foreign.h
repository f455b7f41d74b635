/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_FOREIGN_H
#define ECACHE_FOREIGN_H

#include "../common/err.h"
#include "../common/secret.h"

/*
 * What only a header of cryptsetup's has, on its way into our hands and, if that fails, back: keyslots. @path as in
 * header.h.
 */

/*
 * foreign_key - the volume key behind @passphrase, by any keyslot, into @key (empty before; empty after a failure).
 * Takes the time and the memory (a GiB is usual) that the keyslots' functions are meant to take. -EKEYREJECTED: no
 * keyslot opens with it.
 */
int foreign_key(const char *path, const struct secret *passphrase, struct secret *key, struct err *e);

/* foreign_drop_keyslots - all, and their areas overwritten. Idempotent; what an interrupted one left still works. */
int foreign_drop_keyslots(const char *path, struct err *e);

/* foreign_drop_token - our token out again: the header works as it did before. Idempotent. */
int foreign_drop_token(const char *path, struct err *e);

#endif
