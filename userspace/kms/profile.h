/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_PROFILE_H
#define ECACHE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

/* A piece of the text that was parsed; not NUL-terminated. .at is NULL when absent. */
struct span {
	const char *at;
	size_t len;
};

/* What one profile of a shared credentials or config file says; nothing is copied out of the text. */
struct profile {
	struct span access_key_id;
	struct span secret_access_key;
	struct span session_token;
	struct span credential_process;
	struct span role_arn;
	struct span source_profile;
	struct span credential_source;
	struct span web_identity_token_file;
	struct span role_session_name;
	struct span external_id;
	struct span duration_seconds;
	const char *unsupported;	/* "sso_session", "mfa_serial"...: a way to credentials not gone */
};

/*
 * profile_find - the section "[NAME]" or "[profile NAME]" of @text; false when it is not there. A repeated section adds
 * to the first, of a repeated key the last counts; indented lines belong to a nested setting and are skipped.
 */
bool profile_find(const char *text, size_t len, const char *name, struct profile *out);

/* profile_merge - what @over says counts before what @p says. */
void profile_merge(struct profile *p, const struct profile *over);

bool span_is(const struct span *s, const char *text);

#endif
