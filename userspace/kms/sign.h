/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_SIGN_H
#define ECACHE_SIGN_H

#include "request.h"

#define SIGN_MAX 512

/*
 * sign_request - the Authorization header's value for @rq, a POST to "/" without headers of the caller's, at @rq->date.
 * libcurl signs what has no date of its own. It would sign this, too, but before 8.3 sends a caller's X-Amz-Date twice,
 * and AWS takes two for another header than the one that is signed. -EINVAL for other requests, -ENOMEM.
 */
int sign_request(const struct request *rq, char out[SIGN_MAX]);

#endif
