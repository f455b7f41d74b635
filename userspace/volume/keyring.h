/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_KEYRING_H
#define ECACHE_KEYRING_H

#include <stdint.h>

#include "../common/err.h"
#include "../common/secret.h"

/*
 * The kernel keyring as a way into dm: a logon key (userspace can never read it back) in this
 * thread's own keyring, which ends with the thread even if we are killed.
 */
#define KEYRING_DESC_MAX 63

struct keyring_key {
	int32_t serial;		/* 0 when none */
	char desc[KEYRING_DESC_MAX + 1];
};

/*
 * keyring_add - add logon key "ecache:<luks uuid>" to the thread keyring. -EDQUOT (kernel.keys
 * quota), -ENOSYS, -EINVAL.
 */
int keyring_add(struct keyring_key *k, const char *luks_uuid, const struct secret *key,
		struct err *e);

/*
 * keyring_drop - revoke and unlink; safe on an empty one and twice. After it nobody can find or use
 * the key.
 */
void keyring_drop(struct keyring_key *k);

#endif
