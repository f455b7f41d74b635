/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_SIGV4_H
#define KMSD_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "crypto.h"
#include "fault.h"
#include "http.h"
#include "ident.h"

/*
 * AWS Signature Version 4, the verifying side: who signed this request, and is it what he signed? Only the
 * Authorization header is understood (no presigned URLs). In order: sigv4_parse(), sigv4_check_scope(), then, with
 * the secret of the access key that the request names, sigv4_check_signature().
 */
#define SIGV4_SKEW_MS (5 * 60 * 1000)
#define SIGV4_SIGNED_HEADERS_MAX 1024

struct sigv4 {
	char access_key[129];
	char scope_date[9];			/* YYYYMMDD */
	char region[REGION_SIZE];
	char service[33];
	char signed_headers[SIGV4_SIGNED_HEADERS_MAX];	/* "a;b;c", lowercase, sorted */
	uint8_t signature[SHA256_SIZE];
	char date[17];				/* YYYYMMDDTHHMMSSZ, from X-Amz-Date or Date */
	int64_t date_ms;
};

/* sigv4_parse - FAULT_MISSING_TOKEN, FAULT_INCOMPLETE_SIGNATURE or FAULT_INVALID_SIGNATURE, the reason in @why. */
enum fault sigv4_parse(const struct http_request *rq, struct sigv4 *sig, struct err *why);

/* sigv4_check_scope - is it for this region and service, and of this moment (+- SIGV4_SKEW_MS)? */
enum fault sigv4_check_scope(const struct sigv4 *sig, const char *region, const char *service, int64_t now_ms,
			     struct err *why);

/* sigv4_check_signature - constant-time; FAULT_INVALID_SIGNATURE, or FAULT_INTERNAL when out of memory. */
enum fault sigv4_check_signature(const struct sigv4 *sig, const struct http_request *rq, const char *secret_key,
				 struct err *why);

/* sigv4_compute - the signature that @rq should carry, by everything in @sig but the signature. 0 or negative errno. */
int sigv4_compute(const struct sigv4 *sig, const struct http_request *rq, const char *secret_key,
		  uint8_t out[SHA256_SIZE]);

#endif
