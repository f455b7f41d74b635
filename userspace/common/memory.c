// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "memory.h"

void memory_io(bool allowed)
{
	prctl(PR_SET_IO_FLUSHER, allowed ? 0 : 1, 0, 0, 0);
}

int memory_lock(enum memory_lock how)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int flags = MCL_CURRENT | MCL_FUTURE;
	struct rlimit now;

	memory_io(false);
	setrlimit(RLIMIT_MEMLOCK, &all);
	/* Under a limit, locking future memory would turn into allocations that fail. */
	if (getrlimit(RLIMIT_MEMLOCK, &now) || now.rlim_cur != RLIM_INFINITY)
		return -EPERM;
	if (how == MEMORY_TOUCHED)
		flags |= MCL_ONFAULT;
	return mlockall(flags) ? -errno : 0;
}
