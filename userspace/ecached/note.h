/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_NOTE_H
#define ECACHED_NOTE_H

#include "daemon.h"

/*
 * Records of what the loop learns, written in its order by one worker at a time, which takes
 * all there are: they may wait for a disk, and a hundred verdicts at once must not be a
 * hundred processes that wait for one another's lock.
 */
#define NOTES_MAX 4096		/* a disk that hangs must not cost all memory */

/*
 * notes_verdict - a volume's verdict: the audit log when it @changed, and the state's last
 *	OK, which is skipped rather than waited for when a worker holds the volume. -ENOMEM,
 *	-EAGAIN: too many, again later.
 */
int notes_verdict(struct daemon *d, const struct watch_volume *v, bool changed);

/* notes_mark - a teardown that has to wait: the next start must know of it. */
int notes_mark(struct daemon *d, const struct tear_order *o);

/* notes_pump - begin to write, if nobody does. */
void notes_pump(struct daemon *d);
void notes_forget(struct daemon *d);

#endif
