/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NET_SANDBOX_H
#define NET_SANDBOX_H

#include "../common/err.h"

/*
 * sandbox_enter - for this process and all it forks, for ever: no new privileges, and a filter that refuses (EPERM)
 * what parsing answers of a network never needs and an intruder would: running programs, looking into other processes,
 * keys, mounts, modules, namespaces, BPF. The unit's own SystemCallFilter= is stricter; this one holds without it.
 */
int sandbox_enter(struct err *e);

#endif
