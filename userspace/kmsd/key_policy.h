/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_KEY_POLICY_H
#define KMSD_KEY_POLICY_H

#include "call.h"

/* A key has one policy, and that has this name. */
#define KEY_POLICY_NAME "default"

/*
 * key_policy_read - member Policy, or NULL when it is absent. FAULT_LIMIT_EXCEEDED when it is longer than a policy may
 * be, FAULT_VALIDATION when it is longer than any or has characters that policies do not have.
 */
enum fault key_policy_read(struct call *c, const char **policy);

/*
 * key_policy_check - a key policy that comes in: of known words, for principals that exist, and, unless
 * @bypass, one that lets its author change it again. c->key_arn names the key. FAULT_MALFORMED_POLICY.
 */
enum fault key_policy_check(struct call *c, const char *text, bool bypass);

#endif
