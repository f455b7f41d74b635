/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_PROVIDER_H
#define ECACHE_PROVIDER_H

#include "creds.h"
#include "profile.h"
#include "request.h"

/* Private to the providers of credentials (creds*.c). */

/* What looking in one place gave; FAILED: there should be some, and *e says why there are none. */
enum look { FOUND, NOT_HERE, FAILED };

/* Credentials as they were found, where they were found. */
struct found {
	struct span access_key_id;
	struct span secret_access_key;
	struct span session_token;	/* .at NULL or empty: none */
	int64_t expires_s;		/* Unix time; 0: never */
};

/* provider_keep - copy into the one buffer of @out; @where for errors. FOUND or FAILED. */
enum look provider_keep(struct creds *out, const struct found *f, const char *where, struct err *e);

enum provider_rights {
	RIGHTS_SECRET,	/* of a file with secrets: root's or ours, not for others */
	RIGHTS_PUBLIC,	/* others may read it, not write */
	RIGHTS_ANY,	/* a token that somebody else put there */
};

/* provider_read - a whole file of at most @max bytes into locked memory; -ENOENT when it is not there. */
int provider_read(const char *path, enum provider_rights rights, size_t max, struct secret *text, struct err *e);

/*
 * provider_get - a request to an endpoint of this host's surroundings, which has no DNS name worth trusting, no TLS and
 * no proxy: twice at most, each within net->metadata_ms. 0 when an answer came.
 */
int provider_get(const struct creds_net *net, struct request *rq, struct response *rs, struct err *e);

/* provider_plain - whether @text holds printable ASCII without blanks only, so that it can stand in a header. */
bool provider_plain(const char *text, size_t len);

/* The providers; each returns as enum look says. */
enum look creds_of_environment(struct creds *out, struct err *e);
enum look creds_of_process(const struct creds_source *src, const struct span *command, struct creds *out,
			   struct err *e);
enum look creds_of_container(const struct creds_source *src, struct creds *out, struct err *e);
enum look creds_of_imds(const struct creds_source *src, struct creds *out, struct err *e);

/* A role to be had; NULL: the default. */
struct role_request {
	struct span arn;
	struct span session_name;
	struct span external_id;
	struct span duration_seconds;
};

/* creds_of_web_identity - AssumeRoleWithWebIdentity, the token file read each time. */
enum look creds_of_web_identity(const struct creds_source *src, const struct role_request *role, const char *token_file,
				struct creds *out, struct err *e);

/* creds_of_role - AssumeRole with the credentials in @io, which become the role's. */
enum look creds_of_role(const struct creds_source *src, const struct role_request *role, struct creds *io,
			struct err *e);

#endif
