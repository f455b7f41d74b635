/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_PRINCIPAL_H
#define KMSD_PRINCIPAL_H

#include "service.h"

/* Who can call: users and roles, their ARNs and their credentials. */

#define PRINCIPAL_SESSION "static"	/* the session name of a role whose credentials are in a file */

/* principal_arn - "arn:aws:iam::ACCOUNT:user/NAME" or ":role/NAME". */
void principal_arn(const struct service *svc, const struct principal *p, char out[ARN_SIZE]);

/* principal_session_arn - for a role "arn:aws:sts::ACCOUNT:assumed-role/NAME/static"; for a user "". */
void principal_session_arn(const struct service *svc, const struct principal *p, char out[ARN_SIZE]);

/*
 * principal_by_arn - the user or role (or role behind a session) of that ARN; -ENOENT also for other accounts. The
 * caller frees @out in any case.
 */
int principal_by_arn(const struct service *svc, const char *arn, struct principal *out);

/* principal_new_credentials - a fresh access key into @p, its secret wrapped in @p and in plain in @secret. */
int principal_new_credentials(const struct service *svc, struct principal *p, char secret[SECRET_KEY_SIZE]);

/* principal_secret - the secret access key in plain; the caller wipes it. */
int principal_secret(const struct service *svc, const struct principal *p, char secret[SECRET_KEY_SIZE]);

/* principal_set_via - "elasticache" stands for "elasticache.REGION.amazonaws.com". */
int principal_set_via(const struct service *svc, struct principal *p, const char *via, struct err *e);

/*
 * principal_service - of a principal that calls on behalf of a service: the service as grants name it,
 * "elasticache.amazonaws.com" for "elasticache.REGION.amazonaws.com". False when it calls for itself.
 */
bool principal_service(const struct principal *p, char out[VIA_SIZE]);

/*
 * principal_source_arn - the resource on whose behalf a service calls, as AWS's services say it: header
 * X-Amz-Source-Arn, which the signature covers. NULL when there is none or @p does not call for a service.
 */
const char *principal_source_arn(const struct http_request *rq, const struct principal *p);

#endif
