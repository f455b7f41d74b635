/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_CREDS_H
#define ECACHE_CREDS_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/err.h"
#include "../common/secret.h"

/*
 * Where AWS credentials come from, in this order: the environment (if allowed), then the profile of the shared
 * credentials and config files. (Container, IMDS, web identity, assumed roles: later; a struct creds_source can name
 * them.)
 */
struct creds_source {
	bool environment;	/* look at AWS_ACCESS_KEY_ID ... first; ecachectl only, never a daemon */
	const char *file;	/* shared credentials file; NULL: AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials */
	const char *profile;	/* NULL: AWS_PROFILE if environment, else "default" */
};

/* The three values live in one locked buffer that creds_wipe() clears. session_token is "" when there is none. */
struct creds {
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	int64_t expires_s;	/* Unix time; 0: never, as far as is known */
	struct secret store;
};

/* creds_load - -ENOENT with the places looked at in @e; refuses a credentials file readable by others. */
int creds_load(const struct creds_source *src, struct creds *out, struct err *e);
void creds_wipe(struct creds *c);

#endif
