/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_SWAPPING_H
#define ECACHED_SWAPPING_H

#include "open.h"

/*
 * Volumes that the host swaps to. Open means: swapped to, so that open and close, a unit, and a volume that comes back
 * after a lock all do the same, and the refusal for want of memory stands where the swapoff is. Rejected: swapon and
 * swapoff by a .swap unit; it would have to be told of a reopening, and its swapoff asks nobody for room.
 */

/* swap_start - swap to the volume, which is ACTIVE; nothing to do for other kinds, or when it is done already. */
int swap_start(const struct env *env, const char *name, const struct pin *p, struct err *e);

/*
 * boot_swap_open - a boot-swap: a new random key, a new mapping, a new swap area; @h becomes what a header would say.
 *	-EEXIST: the device holds something.
 */
int boot_swap_open(const struct env *env, const char *name, const struct pin *p, const char *device, struct header *h,
		   struct err *e);

/* boot_swap_create, boot_swap_destroy - the verbs for it: all there is of such a volume is its pin. */
int boot_swap_create(struct job *j, struct err *e);
int boot_swap_destroy(struct job *j, const struct pin *p, struct err *e);

#endif
