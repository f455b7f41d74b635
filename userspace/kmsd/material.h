/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_MATERIAL_H
#define KMSD_MATERIAL_H

#include "blob.h"
#include "service.h"

/* Key material: 32 random bytes, in the database only wrapped by the root secret under its key's and its own name. */

/* material_new - fresh material of key @key_id, wrapped, and its id. It is not in the database yet. */
int material_new(const struct service *svc, const char *key_id, char id[HEX_ID_SIZE],
		 uint8_t wrapped[WRAPPED_MATERIAL_SIZE]);

/*
 * material_load - in plain; the caller wipes it. -ENOENT when the key has no such material, -EBADMSG when the root
 * secret does not open it.
 */
int material_load(const struct service *svc, const char *key_id, const char *id, uint8_t out[KEY_MATERIAL_SIZE]);

/* material_rotate - give the key fresh material for what is encrypted from now on. In a transaction of the caller's. */
int material_rotate(const struct service *svc, const char *key_id, enum rotation how, int64_t now_ms);

#endif
