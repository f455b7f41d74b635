/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_UPKEEP_H
#define KMSD_UPKEEP_H

#include "call.h"

/*
 * upkeep - what time alone brings about, done before any request sees the keys: those whose waiting period is over are
 * deleted, those whose automatic rotation is due get new material. FAULT_INTERNAL when it cannot be done: a request
 * must not use a key that ought to be gone.
 */
enum fault upkeep(struct call *c);

#endif
