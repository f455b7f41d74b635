/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_CREATING_H
#define ECACHED_CREATING_H

#include "../volume/device.h"
#include "job.h"

/*
 * The steps of create as its intent record names them: the step about to be done. One list
 * for the doing and the undoing; what a failure, a Ctrl-C or a kill -9 of either program
 * leaves is undone by the same function, create_undo(), from the record alone.
 */
enum create_step {
	CREATE_GRANT,		/* the creator's calls */
	CREATE_UNWRAP,
	CREATE_SAVE,		/* --force: the first 1 MiB */
	CREATE_FORMAT,		/* header, token, read back, digest */
	CREATE_PIN,		/* pin and state */
	CREATE_AUDIT,
	CREATE_ACTIVATE,
	CREATE_RETIRE,		/* of the undo: all is clean here, the grant is left */
	CREATE_STEPS
};

const char *create_step_name(enum create_step s);
int create_step_of(const char *name);	/* -EINVAL */

/* create_check_free - nothing of that name: no pin, no mapping, no unfinished work. */
int create_check_free(const struct env *env, const char *name, struct err *e);

/*
 * create_undo - backwards from the step in @i: mapping, state, pin, header (the saved one
 *	back, else wiped; only a header that carries the intent's own uuid, or blank
 *	space under a saved one, is touched), grant, and the intent last. @device: open
 *	on it, or NULL: opened here. Idempotent. -EAGAIN: the grant could not be retired
 *	now, the intent stays at step "retire". @last: when the KMS refuses (not: is
 *	away), give the grant up with an alarm that names it.
 */
int create_undo(const struct env *env, struct talk *t, const char *name, struct intent *i, struct device *device,
		bool last, struct err *e);

#endif
