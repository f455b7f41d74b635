/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_DESTROYING_H
#define ECACHED_DESTROYING_H

#include "../volume/device.h"
#include "job.h"

/*
 * The steps of destroy in its intent record; from the record on there is no way back, only
 * on.
 */
#define DESTROY_WIPE "wipe"	/* the header */
#define DESTROY_WIPE_ALL "wipe-all"	/* the same, and the next step is to discard the rest */
#define DESTROY_DISCARD "discard"
#define DESTROY_FORGET "forget"	/* pin, state, saved header */
#define DESTROY_RETIRE "retire"	/* the grant */

/*
 * destroy_finish - from the step in @i to the end. -EAGAIN: only the grant is left and
 *	could not be retired now. @refused (may be NULL) gets the KMS's words when it
 *	refuses to retire: the grant is then given up (it is the owner's, or gone). A discard is
 *	tried once: without the header nothing there can be read, so it holds nothing up. @undiscarded
 *	(may be NULL) says why it did not work.
 */
int destroy_finish(const struct env *env, struct talk *t, const char *name, struct intent *i, struct device *device,
		   struct err *refused, struct err *undiscarded, struct err *e);

#endif
