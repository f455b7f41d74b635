/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_HEADER_JSON_H
#define ECACHE_HEADER_JSON_H

#include <libcryptsetup.h>

#include "../common/err.h"
#include "header.h"

/* The JSON area of a LUKS2 header, as libcryptsetup gives it: attacker-controlled, read strictly. For header.c only. */
#define HEADER_DIGEST_HASH	 "sha256"
#define HEADER_DIGEST_ITERATIONS 1000

/* header_json_digest - the value of digest 0. */
int header_json_digest(struct crypt_device *cd, char digest[TOKEN_DIGEST_MAX + 1], struct err *e);

/*
 * header_json_check - that nothing is there but what belongs to the shape; fills sector_size, data_offset, keyslots,
 * digest and token.
 */
int header_json_check(struct crypt_device *cd, enum header_shape shape, struct header *h, struct err *e);

#endif
