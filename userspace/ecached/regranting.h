/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_REGRANTING_H
#define ECACHED_REGRANTING_H

#include "job.h"

/*
 * The steps of regrant in its intent record. Nothing is written before the new grant has
 * unwrapped the key; the new token is the point of no return, and it is one atomic write:
 * before it the volume is as it was, after it the rest is finished.
 */
#define REGRANT_GRANT "grant"	/* the creator's calls and the proof of the grant */
#define REGRANT_TOKEN "token"	/* header, then state */
#define REGRANT_RETIRE "retire"	/* of the undo: only the new grant is left to be retired */

/*
 * regrant_recover - after a crash: forward when the header has its new token (returns 1),
 *	else back (0). Idempotent. @last as in create_undo().
 */
int regrant_recover(const struct env *env, struct talk *t, const char *name, struct intent *i, bool last,
		    struct err *e);

#endif
