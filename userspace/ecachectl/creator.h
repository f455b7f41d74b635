/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_CREATOR_H
#define ECACHECTL_CREATOR_H

#include <json-c/json.h>

#include "../common/err.h"
#include "call.h"
#include "verb.h"

/*
 * The creator's part of create, regrant and rewrap (DescribeKey, CreateGrant,
 * GenerateDataKeyWithoutPlaintext and ReEncrypt) and the RevokeGrant of revoke --grant, with the
 * credentials of whoever runs ecachectl. They never leave this process; ecached gets the
 * key ARN, the grant and the wrapped key.
 */
struct creator {
	const char *profile;		/* --creator-profile */
	const char *credentials;	/* --creator-credentials FILE */
};

#define CREATOR_PROFILE(type) \
	{ "creator-profile", "PROFILE", "AWS profile of the creator (default: environment, then AWS_PROFILE)", \
	  OPT_STRING, offsetof(type, creator.profile) }

#define CREATOR_CREDENTIALS(type) \
	{ "creator-credentials", "FILE", "the creator's AWS credentials file", \
	  OPT_STRING, offsetof(type, creator.credentials) }

/* creator_ask - a struct call_ops.ask; @ctx is the struct creator. */
int creator_ask(void *ctx, struct call *c, const char *what, struct json_object *msg, struct err *e);

#endif
