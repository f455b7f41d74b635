/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_CHILD_H
#define ECACHE_CHILD_H

#include <stddef.h>

/*
 * For a process just forked from the daemon, which goes on by itself without exec: no descriptor of the daemon but
 * those in @keep (ascending order not needed, at most 8), no signal handler or mask of its, ended by SIGKILL only
 * (systemd's SIGTERM to the daemon's cgroup must not end a teardown), a name of its own, its memory locked, and no
 * logging (the journal's descriptor is among the closed).
 */
void child_settle(const char *name, const int *keep, size_t nr);

#endif
