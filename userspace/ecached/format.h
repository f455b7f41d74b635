/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_FORMAT_H
#define ECACHED_FORMAT_H

#include "../common/secret.h"
#include "../volume/header.h"
#include "granting.h"

struct format_spec {
	const char *path;		/* of the device or image, unclaimed */
	const char *shown;		/* its name in messages */
	const char *key_arn;
	const char *cache_id;
	const char *luks_uuid;
	unsigned int sector_size;	/* bytes */
	const struct granted *granted;
};

/*
 * format_header - header and token, written, read back through the checks that open makes, and the key tried
 *	against the digest on the disk. After a failure there may be a part of a header.
 */
int format_header(const struct format_spec *f, const struct secret *key, struct token *t, struct header *h,
		  struct err *e);

#endif
