/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_CONDITION_H
#define KMSD_CONDITION_H

#include <stdbool.h>
#include <json-c/json.h>

#include "common/err.h"
#include "context.h"
#include "store.h"

/*
 * The Condition element of a policy statement: { operator: { key: value or [values] } }. Operators: String...,
 * Arn..., Numeric..., Date..., Bool and Null; with ForAllValues: or ForAnyValue: before and IfExists behind. Those of
 * addresses and binaries are not there. Operators and keys: see condition.c.
 */

#define CONDITION_VALUES_MAX 128

/* The values that a request gives to condition keys. A key with several values is there several times. */
struct condition_env {
	struct condition_value {
		const char *key;
		const char *value;
	} value[CONDITION_VALUES_MAX];
	unsigned int nr;
	const struct context *context;	/* behind kms:EncryptionContext:NAME and ...ContextKeys; may be NULL */
	const struct tag_list *request_tags;	/* aws:RequestTag/NAME and aws:TagKeys; may be NULL */
	const struct tag_list *resource_tags;	/* aws:ResourceTag/NAME; may be NULL */
};

/* condition_set - add a value; false when the table is full: the caller must refuse the request. */
bool condition_set(struct condition_env *env, const char *key, const char *value);

/* condition_check - whether a Condition element is understood; -EINVAL with the reason in @e. */
int condition_check(struct json_object *conditions, struct err *e);

/*
 * condition_holds - all operators and keys of an element that condition_check() accepted. @deny says what the
 * statement does: where a request gives one key two values and the operator expects one, an Allow needs both to
 * match, a Deny one.
 */
bool condition_holds(struct json_object *conditions, const struct condition_env *env, bool deny);

/* condition_uses - whether a key that begins with @prefix is in an element that condition_check() accepted. */
bool condition_uses(struct json_object *conditions, const char *prefix);

/*
 * condition_operator_at, condition_key_at - in a fixed order; NULL at the end. A key that ends with ':' or '/' wants a
 * name of the customer's behind it; @several: a request may give it several values. For tests and documentation.
 */
const char *condition_operator_at(unsigned int i);
const char *condition_key_at(unsigned int i, bool *several);

/* glob_match - '*' any run, '?' any one character. */
bool glob_match(const char *pattern, const char *s);

#endif
