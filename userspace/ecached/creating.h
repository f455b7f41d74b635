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
	CREATE_SOURCE,		/* restore: grant and key of the backup */
	CREATE_GRANT,		/* the creator's calls */
	CREATE_UNWRAP,
	CREATE_SAVE,		/* --force: the first 1 MiB */
	CREATE_FORMAT,		/* header, token, read back, digest */
	CREATE_FILL,		/* restore: what was in the backup */
	CREATE_PIN,		/* pin and state */
	CREATE_AUDIT,
	CREATE_ACTIVATE,
	CREATE_RELEASE,		/* "retire-source", restore: the volume is whole, the backup's grant is left */
	CREATE_RETIRE,		/* of the undo: all is clean here, the grants are left */
	CREATE_STEPS
};

const char *create_step_name(enum create_step s);
int create_step_of(const char *name);	/* -EINVAL */

/* Where the content of a new volume comes from: restore. */
struct create_source {
	/* prepare - its grant into @i as source_*; its key, tried, stays here. */
	int (*prepare)(struct create_source *s, struct intent *i, struct err *e);
	/* fill - onto a device whose header is written; on its disk and read back. */
	int (*fill)(struct create_source *s, const struct device *d, const struct header *h, const struct secret *key,
		    struct err *e);
	/* describe - for the audit record. */
	void (*describe)(struct create_source *s, struct json_object *fields);
};

/*
 * create_volume - create, @rq being the new volume's, from @source or (NULL) with nothing in it.
 *	*source_grant_left: the volume is whole, but the source's grant could not be retired yet; ecached goes on
 *	trying.
 */
int create_volume(struct job *j, const struct request *rq, struct create_source *source, bool *source_grant_left,
		  struct err *e);

/* create_check_free - nothing of that name: no pin, no mapping, no unfinished work. */
int create_check_free(const struct env *env, const char *name, struct err *e);

/* create_check_kms_key - there is a key to ask for, and somebody to grant it to. */
int create_check_kms_key(const struct env *env, const struct request *rq, struct err *e);

/*
 * undo_files, undo_grant - what adopt undoes in the same way. undo_files: state and pin, if they carry the uuid.
 *	undo_grant: -EAGAIN until the KMS takes the intent's grant back, or @last.
 */
int undo_files(const struct env *env, const char *name, const struct intent *i, struct err *e);
int undo_grant(const struct env *env, struct talk *t, const char *name, const struct intent *i, bool last,
	       struct err *e);

/*
 * create_undo - backwards from the step in @i: mapping, state, pin, header (the saved one back, else wiped; only a
 *	header that carries the intent's own uuid, or blank space under a saved one, is touched), grants, and the
 *	intent last; at step "retire-source" only the source's grant. @device: open on it, or NULL: opened here.
 *	Idempotent. -EAGAIN: the grant could not be retired now, the intent stays at step "retire". @last: when the
 *	KMS refuses (not: is away), give the grant up with an alarm that names it.
 */
int create_undo(const struct env *env, struct talk *t, const char *name, struct intent *i, struct device *device,
		bool last, struct err *e);

#endif
