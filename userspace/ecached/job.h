/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_JOB_H
#define ECACHED_JOB_H

#include <json-c/json.h>

#include "../common/err.h"
#include "../volume/intent.h"
#include "../volume/mapping.h"
#include "../volume/pin.h"
#include "../volume/state.h"
#include "env.h"
#include "request.h"
#include "talk.h"

struct watch;

/*
 * A job: one verb on one volume, from beginning to end, in a process forked for it
 * (worker.h). It may wait for disks, the KMS and the user; nothing waits for it. Returns 0
 * and fills @result (an object made by the caller), or a negative errno with @e told and
 * nothing half-made.
 */
struct job {
	const struct env *env;
	struct talk *talk;
	const struct request *rq;
	const struct watch *watch;	/* as it was at the fork; confirm only */
	struct json_object *result;
};

int job_create(struct job *j, struct err *e);
int job_open(struct job *j, struct err *e);
int job_close(struct job *j, struct err *e);
int job_revoke(struct job *j, struct err *e);
int job_regrant(struct job *j, struct err *e);
int job_rewrap(struct job *j, struct err *e);
int job_resize(struct job *j, struct err *e);
int job_destroy(struct job *j, struct err *e);
int job_dump(struct job *j, struct err *e);
int job_confirm(struct job *j, struct err *e);
int job_unwrap(struct job *j, struct err *e);
int job_doctor(struct job *j, struct err *e);
int job_adopt(struct job *j, struct err *e);
int job_repair(struct job *j, struct err *e);
int job_backup(struct job *j, struct err *e);
int job_restore(struct job *j, struct err *e);
int job_backups(struct job *j, struct err *e);

/* job_pin - the pin, with a hint when there is none. */
int job_pin(const struct env *env, const char *name, struct pin *p, struct err *e);

/*
 * job_policies - a volume's policies: its own over ecached.conf's. -EINVAL when they do not go
 *	together, or not with this host; *out is valid all the same.
 */
int job_policies(const struct env *env, const char *name, const struct pin *p, struct policies *out, struct err *e);

/* job_has_grant - -EINVAL for a volume whose key is no KMS's. */
int job_has_grant(const char *name, const struct pin *p, struct err *e);

/* job_no_intent - -EBUSY when unfinished work of create, destroy, regrant or rewrap is on record. */
int job_no_intent(const struct env *env, const char *name, struct err *e);

/*
 * job_only_retires - nothing of the volume is unfinished, only a grant is still to be retired, or a
 *	backup's image to be removed: no reason to keep the volume closed, or unwatched. Such steps
 *	are called "retire...".
 */
bool job_only_retires(const struct intent *i);

/* job_may_open - as job_no_intent(), but for such a record. */
int job_may_open(const struct env *env, const char *name, struct err *e);

/*
 * job_begin - the first intent record; a failure leaves none (a record whose directory
 * could not be synced may be there).
 */
int job_begin(const struct env *env, const char *name, const struct intent *i, struct err *e);

/*
 * job_audit - a record with @fields (taken over, may be NULL). job_audit_anyway and _must are
 *	for what is done anyway: the log's reserve is spent on it, and with _must a failure
 *	is logged, not returned.
 */
int job_audit(const struct env *env, const char *event, const char *name, struct json_object *fields,
	      const char *request_id, struct err *e);
int job_audit_anyway(const struct env *env, const char *event, const char *name, struct json_object *fields,
		     const char *request_id, struct err *e);
void job_audit_must(const struct env *env, const char *event, const char *name, struct json_object *fields,
		    const char *request_id);

/* saved_path - where create --force keeps what it overwrote. */
void saved_path(const struct env *env, const char *name, const char *luks_uuid, char *out, size_t size);

#endif
