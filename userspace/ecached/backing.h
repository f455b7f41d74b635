/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_BACKING_H
#define ECACHED_BACKING_H

#include "job.h"

/*
 * The steps of backup in its intent record. Before "publish" everything is undone; from it on, FILE is complete and
 * verified, and what is left to do is done.
 */
#define BACKUP_GRANT "grant"	/* the creator's calls, the image's key */
#define BACKUP_COPY "copy"	/* FILE.partial: header, freeze, data, read back */
#define BACKUP_PUBLISH "publish"	/* its name, and the end of its grant */
#define BACKUP_RETIRE "retire"	/* of the undo: only the grant is left */

/* backup_partial - what @file is called while it is not complete. */
void backup_partial(const char *file, char out[PATH_MAX]);

/*
 * backup_recover - from the record alone, whoever died: thaw, remove the partial image (one that carries the
 *	record's uuid, or nothing), retire the grant (0); or forward (1). Idempotent. -EAGAIN: the grant could not
 *	be retired now. @last as in create_undo().
 */
int backup_recover(const struct env *env, struct talk *t, const char *name, struct intent *i, bool last,
		   struct err *e);

#endif
