/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_CLOSE_H
#define ECACHED_CLOSE_H

#include "job.h"

/*
 * volume_close - the orderly end of a mapping; none is success. A swap volume is taken out of use first, and before
 *	anything is touched it is made sure that there is room for what is in it: -ENOMEM. -EBUSY: in use.
 */
int volume_close(const struct env *env, const char *name, struct err *e);

#endif
