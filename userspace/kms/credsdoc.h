/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_CREDSDOC_H
#define ECACHE_CREDSDOC_H

#include "../common/err.h"
#include "provider.h"

/* The documents in which credentials arrive, read where they lie; what is found points into them. Pure. */

/* credsdoc_process - {"Version":1,"AccessKeyId":S,"SecretAccessKey":S,"SessionToken"?:S,"Expiration"?:S}. -EBADMSG. */
int credsdoc_process(char *text, size_t len, struct found *out, struct err *e);

/*
 * credsdoc_endpoint - a container's or the instance's {"AccessKeyId":S,"SecretAccessKey":S,"Token":S,"Expiration":S}; a
 * "Code" that is there must be "Success". -EBADMSG.
 */
int credsdoc_endpoint(char *text, size_t len, struct found *out, struct err *e);

/* credsdoc_sts - the <Credentials> of STS's XML. -EBADMSG. */
int credsdoc_sts(const char *text, size_t len, struct found *out, struct err *e);

/* credsdoc_time - "2026-11-26T14:00:00Z", a fraction of a second and +01:00 allowed, as Unix time (> 0). -EINVAL. */
int credsdoc_time(const char *text, size_t len, int64_t *out);

#endif
