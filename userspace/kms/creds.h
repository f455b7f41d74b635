/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_CREDS_H
#define ECACHE_CREDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/err.h"
#include "../common/secret.h"

struct transport;
struct endpoint;
struct memo;

/*
 * Where AWS credentials come from. CREDS_CHAIN goes the way of AWS's tools: the environment, the profile, and, if
 * .environment, what its variables say of web identity, a container, the instance. The others look in one place only,
 * so that a daemon's identity does not change because a file is missing.
 */
enum creds_kind {
	CREDS_CHAIN,
	CREDS_FILE,		/* the keys of a profile */
	CREDS_PROFILE,		/* whatever a profile says, roles too, but no program */
	CREDS_PROCESS,		/* that, and its credential_process */
	CREDS_WEB_IDENTITY,
	CREDS_CONTAINER,
	CREDS_IMDS,
};

/* What providers need that ask somebody. All borrowed. */
struct creds_net {
	struct transport *transport;
	const struct endpoint *sts;
	const char *region;
	const char *ca_file;		/* may be NULL */
	struct memo *memo;
	unsigned int metadata_ms;	/* one attempt at a container's endpoint or IMDS; 0: 2000 */
	unsigned int sts_ms;		/* one attempt at STS; 0: 8000 */
};

/* Strings are borrowed; NULL: not set. */
struct creds_source {
	enum creds_kind kind;
	bool environment;		/* look at AWS's variables; ecachectl only, never a daemon */
	/* shared credentials file; NULL: AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, and the config beside it */
	const char *file;
	const char *profile;		/* NULL: AWS_PROFILE if environment, else "default" */
	const char *role_arn;		/* web identity */
	const char *role_session_name;	/* NULL: "dm-ecache" */
	const char *web_identity_token_file;
	const char *container_uri;	/* "/PATH" at 169.254.170.2, or a whole URI */
	const char *container_token_file;
	const char *imds_endpoint;	/* NULL: http://169.254.169.254 */
	/* a credential_process is run by this, whose output (at most 64 KiB) fills @out; NULL: by a child of ours */
	int (*run)(void *ctx, const char *command, size_t len, struct secret *out, struct err *e);
	void *run_ctx;
	const struct creds_net *net;	/* NULL: what has to ask somebody is refused */
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
