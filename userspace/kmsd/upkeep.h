/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_UPKEEP_H
#define KMSD_UPKEEP_H

#include "service.h"

/*
 * upkeep - what time alone brings about, done before any request sees the keys: those whose waiting period is over are
 * deleted, those whose automatic rotation is due get new material, and an event goes out for each. A negative errno
 * when it cannot be done: no request may be answered then, for it could use a key that ought to be gone.
 */
int upkeep(struct service *svc, int64_t now_ms);

#endif
