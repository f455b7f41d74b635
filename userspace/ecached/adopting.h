/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_ADOPTING_H
#define ECACHED_ADOPTING_H

#include "../volume/device.h"
#include "job.h"

/*
 * The steps of adopt in its intent record, each the step about to be done. Until "keyslots" a failure, a Ctrl-C or a
 * kill is undone: the header loses its token again and works as before. From "keyslots" on, which is only reached when
 * the KMS has given back the key that the header's digest proves, and pin, state and audit record are on disk, the rest
 * is done, as often as it takes. With the keyslots kept there is no such step.
 *
 * In "wrap" the record's grant is the one to encrypt with; it is retired in the same step, and the record then has the
 * volume's.
 */
#define ADOPT_WRAP "wrap"
#define ADOPT_GRANT "grant"
#define ADOPT_TOKEN "token"
#define ADOPT_PIN "pin"		/* and state */
#define ADOPT_AUDIT "audit"
#define ADOPT_KEYSLOTS "keyslots"
#define ADOPT_RETIRE "retire"	/* of the undo: only a grant is left to be retired */

/*
 * adopt_recover - forward from "keyslots" (returns 1), else back (0). @device: open on it, or NULL: opened here.
 *	Idempotent. -EAGAIN and @last as in create_undo().
 */
int adopt_recover(const struct env *env, struct talk *t, const char *name, struct intent *i, struct device *device,
		  bool last, struct err *e);

#endif
