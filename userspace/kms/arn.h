/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_ARN_H
#define ECACHE_ARN_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/err.h"

/* Amazon resource names, checked strictly: what passes holds no character that needs quoting anywhere. */

#define ARN_PRINCIPAL_MAX 256

/* arn_check_key - "arn:PARTITION:kms:REGION:ACCOUNT:key/ID", never an alias. -EINVAL with the reason. */
int arn_check_key(const char *arn, struct err *e);

/* arn_check_key_name - what names a key to people: its id, "alias/NAME", or the ARN of either. -EINVAL. */
int arn_check_key_name(const char *name, struct err *e);

/* arn_check_principal - an IAM user or role, "arn:PARTITION:iam::ACCOUNT:user/..."; never a session. -EINVAL. */
int arn_check_principal(const char *arn, struct err *e);

/* arn_check_region - "eu-west-1": what may stand in a region field or a host name. -EINVAL. */
int arn_check_region(const char *region, struct err *e);

/* arn_in_region - whether an ARN of any resource names this region. */
bool arn_in_region(const char *arn, const char *region);

/*
 * arn_principal_of_caller - the user or role behind the ARN that GetCallerIdentity gave: an assumed-role session
 * becomes its role. -EINVAL for what cannot hold a grant (the root user, federated users); -ENOSPC. The path of a role
 * ("role/team/NAME") cannot be told: the ARNs of sessions leave it out.
 */
int arn_principal_of_caller(const char *caller, char *out, size_t size, struct err *e);

#endif
