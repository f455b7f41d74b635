/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_REWRAPPING_H
#define ECACHED_REWRAPPING_H

#include "job.h"

/*
 * The steps of rewrap in its intent record. The volume's key stays, so an open volume stays open.
 * Nothing is written before the new grant has unwrapped the key from the new wrapping. The new token
 * in the header is the point of no return: one atomic write, whose hash is on record before. Before
 * it the volume is as it was; after it pin and state follow, on whatever file systems they lie.
 *
 * The old grant stands until the watcher asks under the new key, which it does when the step
 * "retire-old" is on record and the job has ended: a denial must never be about a grant that we
 * ended ourselves.
 */
#define REWRAP_GRANT "grant"		/* the creator's calls and the proof of the grant */
#define REWRAP_TOKEN "token"		/* header, then pin, then state */
#define REWRAP_RETIRE_OLD "retire-old"	/* all is under the new key; only the old grant is left */
#define REWRAP_RETIRE "retire"		/* of the undo: only the new grant is left */

/*
 * rewrap_recover - one step: forward when the header has its new token (-EAGAIN: the old grant is
 *	the next time's), else back. Idempotent. @last as in create_undo().
 */
int rewrap_recover(const struct env *env, struct talk *t, const char *name, struct intent *i, bool last,
		   struct err *e);

#endif
