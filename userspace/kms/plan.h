/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_PLAN_H
#define ECACHE_PLAN_H

#include "../common/err.h"
#include "profile.h"

/*
 * How a profile leads to credentials: a source, and the roles that are assumed from there, one after the other. Made of
 * the files' texts alone, without looking anywhere else; spans point into them.
 */

#define PLAN_ROLES 5		/* as long a chain as anybody can follow */
#define PLAN_NAME 128

enum plan_source {
	PLAN_KEYS,		/* .from's own */
	PLAN_PROCESS,		/* .from's credential_process */
	PLAN_WEB_IDENTITY,	/* .from's role, by its token file */
	PLAN_ENVIRONMENT,	/* the last three: a credential_source */
	PLAN_CONTAINER,
	PLAN_IMDS,
};

struct plan {
	enum plan_source source;
	struct profile from;
	struct profile role[PLAN_ROLES];	/* role_arn and what goes with it; [0] is the first to assume */
	unsigned int nr;
};

/* What is searched: of two texts the first counts. .at NULL: none. */
struct plan_texts {
	struct span text[2];
};

/*
 * plan_make - -ENOENT when there is no such profile or nothing in it that leads to credentials (then @e says nothing),
 * -ELOOP for a chain that comes back to where it was or is longer than PLAN_ROLES, -EOPNOTSUPP for a way that is not
 * gone here (SSO, login, MFA), -EINVAL for settings that contradict each other.
 */
int plan_make(const struct plan_texts *texts, const char *profile, struct plan *out, struct err *e);

#endif
