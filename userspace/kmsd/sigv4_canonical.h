/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_SIGV4_CANONICAL_H
#define KMSD_SIGV4_CANONICAL_H

#include "buf.h"
#include "http.h"

/*
 * sigv4_canonical - append the canonical form of @rq that a signature covers. @signed_headers is the list of the
 * Authorization header. 0, -ENOENT when a signed header is not in the request, -ENOMEM, -EIO.
 */
int sigv4_canonical(const struct http_request *rq, const char *signed_headers, struct buf *out);

#endif
