/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_CREDCACHE_H
#define ECACHE_CREDCACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/err.h"
#include "../common/secret.h"
#include "creds.h"

/*
 * Temporary credentials that outlive the worker of ecache-net that got them. One page set, made by the parent before it
 * forks, locked and left out of core dumps as every secret; the parent wipes it when it ends. What does not expire is
 * not kept: a file is read again each time, so that no copy of it outlives a worker.
 *
 * A worker may be killed at any instruction. The lock is the kernel's (a record lock on the memfd), which ends with its
 * holder; a mutex in the pages would need repair, and is a list of pointers that another process can write. Credentials
 * go into the one of two places that nobody reads, and one word says which is read: half of a copy is never seen. Who
 * cannot have the lock soon does without the cache.
 */
struct credcache {
	struct secret pages;
};

#define CREDCACHE_INIT { .pages = SECRET_INIT }

/* credcache_open, credcache_close - by the parent. */
int credcache_open(struct credcache *c, struct err *e);
void credcache_close(struct credcache *c);

/* All of the following take a NULL cache for an empty one that keeps nothing. */

/* credcache_get - a copy; false when there are none. The caller looks at the expiry. */
bool credcache_get(struct credcache *c, struct creds *out);

/* credcache_put - keep @creds, if they expire, in place of what is there, and end a claim. */
void credcache_put(struct credcache *c, const struct creds *creds);

/* credcache_drop - forget credentials that turned out to be bad, unless others are there by now. */
void credcache_drop(struct credcache *c, const char *access_key_id);

/*
 * credcache_claim - true: it is this process's to get new ones, and no other's until it calls credcache_put() or
 * credcache_unclaim(), or ends. The kernel's lock, too.
 */
bool credcache_claim(struct credcache *c);
void credcache_unclaim(struct credcache *c);

#endif
