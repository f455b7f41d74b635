/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_UNIT_H
#define ECACHE_UNIT_H

#include <stdint.h>

#include "../common/err.h"

/* Ending a systemd unit, and starting one. They wait, so they run in a child. @until_ms is CLOCK_BOOTTIME. */

/*
 * unit_stop - StopUnit over D-Bus, and wait until it is inactive or failed. -ENOENT: no such unit is loaded, or it
 * was down; -ETIMEDOUT; -ECONNREFUSED, ... when systemd cannot be asked.
 */
int unit_stop(const char *unit, int64_t until_ms, struct err *e);

/* unit_start - StartUnit over D-Bus; does not wait for it to be up. */
int unit_start(const char *unit, struct err *e);

/*
 * unit_kill - cgroup.kill of the unit's control group, found by name in @cgroups ("/sys/fs/cgroup"; tests give
 * another) below slices only, so without asking anybody; waits until it is empty. -ENOENT: there is none,
 * -ETIMEDOUT.
 */
int unit_kill(const char *cgroups, const char *unit, int64_t until_ms, struct err *e);

#endif
