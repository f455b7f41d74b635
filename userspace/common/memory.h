/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_MEMORY_H
#define ECACHE_MEMORY_H

#include <stdbool.h>

/*
 * Programs that open and end swap must not need it, and none that holds a key for a moment may leave it there: their
 * memory is locked (VmLck in /proc/PID/status), so that none of it is ever in swap (VmSwap).
 */
enum memory_lock {
	MEMORY_WHOLE,		/* everything, at once: not even the program's text will have to be read again */
	MEMORY_TOUCHED,		/* what is there, and what is touched from now on: for a short life, or threads */
};

/*
 * memory_lock - of the calling process; a fork does not inherit it, so each child calls it again. Also
 * memory_io(false). -EPERM: RLIMIT_MEMLOCK is not infinity and cannot be raised; -ENOMEM.
 */
int memory_lock(enum memory_lock how);

/*
 * memory_io - whether the kernel may start I/O to find memory for this process and its later children (with
 * CAP_SYS_RESOURCE; without, it always may). Who writes a page to swap that way waits in there for its disk, which
 * may be the one that is to be taken away. But swapoff has to be allowed: without I/O an allocation that finds no
 * memory waits for others to free some, without end and without anybody being killed for it.
 */
void memory_io(bool allowed);

#endif
