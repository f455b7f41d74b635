/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_RETIRE_H
#define ECACHED_RETIRE_H

#include "env.h"
#include "talk.h"
#include "unwrap.h"

/*
 * retire_grant - end a grant: by the creator in ecachectl while it is there, else as the
 *	grantee through ecache-net. 0 also when the KMS does not know the grant. -EAGAIN:
 *	no answer, try later. -EPERM: the KMS refuses, in its words.
 */
int retire_grant(const struct env *env, struct talk *t, const char *key_arn, const char *grant_id, struct err *e);

/*
 * retire_for_good - as retire_grant(), for undo and finish, which come again: -EAGAIN until it
 *	is done; when the KMS refuses and this is the @last time, the grant is given up (0)
 *	with an alarm that names it.
 */
int retire_for_good(const struct env *env, struct talk *t, const char *name, const char *key_arn,
		    const char *grant_id, bool last, struct err *e);

/*
 * revoke_grant_by_client - RevokeGrant by ecachectl, with the credentials of who runs it:
 *	this host has no such right, and should not. -EPERM with the KMS's words; -ENOTCONN
 *	and the like when ecachectl is gone.
 */
int revoke_grant_by_client(const struct env *env, struct talk *t, const char *key_arn, const char *grant_id,
			   char request_id[REQUEST_ID_SIZE], struct err *e);

#endif
