/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_REQUEST_ENV_H
#define KMSD_REQUEST_ENV_H

#include "authz.h"
#include "tag.h"

/* The values that a request gives to the condition keys of policies. Must not be copied: values point into it. */
struct request_env {
	struct condition_env env;
	struct tag_list tags;		/* of the key */
	struct alias *aliases;		/* of the key */
	char now[32], epoch[24];
	char user_id[UNIQUE_ID_SIZE + 16];
	char pending_days[24], rotation_days[24];
};

/* request_env_fill - what caller and request say; 0, or -E2BIG when there is no room. */
int request_env_fill(struct call *c, const struct authz *a, struct request_env *out);

/*
 * request_env_add_key - what the key says. Tags and aliases are looked up only when one of the policies has a condition
 * about them: every Decrypt comes by here. -E2BIG, -ENOMEM, -EIO.
 */
int request_env_add_key(struct call *c, const struct key *k, const struct policy *of_key, const struct policy *own,
			struct request_env *out);

void request_env_free(struct request_env *e);

#endif
