/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_SWAP_H
#define ECACHE_SWAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../common/err.h"

/*
 * A volume that is a swap area. Taking it off brings everything in it back into memory, so there must be room first: a
 * swapoff that runs out of memory lets the kernel kill processes.
 */
#define SWAP_PRIORITY_MAX 32767
#define SWAP_PRIORITY_ANY (-1)	/* the kernel's choice: after all others */

struct swap_area {
	bool on;
	uint64_t used;		/* bytes of it in use */
	uint64_t elsewhere;	/* bytes free in the host's other swap areas */
};

/* swap_look - from @proc/swaps ("/proc"; tests give another), which waits for no disk. */
int swap_look(const char *proc, dev_t dev, struct swap_area *a, struct err *e);

/* swap_uses - whether the device is an active swap area. */
bool swap_uses(const char *proc, dev_t dev);

/*
 * swap_room - whether what @a holds has room in memory and in other swap areas: 0, or -ENOMEM with how much is missing,
 * where, and what to do. A control group (@cgroups: "/sys/fs/cgroup", version 2) whose processes may not hold more
 * than they have is as good a reason as a host without memory: there, too, the kernel would kill. An estimate:
 * memory that is taken while the area empties is not foreseen.
 */
int swap_room(const char *proc, const char *cgroups, const char *name, const struct swap_area *a, struct err *e);

/* swap_make - write a swap area's header on @path with mkswap(8). */
int swap_make(const char *path, struct err *e);

/* swap_on - @priority 0..SWAP_PRIORITY_MAX or SWAP_PRIORITY_ANY. -EINVAL: no swap area in it; on already: success. */
int swap_on(const char *proc, const char *path, dev_t dev, int priority, bool discards, struct err *e);

/*
 * swap_off - may take minutes, and for as long as the disk hangs; off already is success. -ENOMEM, -EINTR. The kernel
 * takes the caller for the first one to kill when memory runs out on the way; the area then stays on.
 */
int swap_off(const char *proc, const char *path, dev_t dev, struct err *e);

#endif
