// SPDX-License-Identifier: GPL-2.0-or-later
#include "condition.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define CONTEXT_KEY "kms:EncryptionContext:"
#define CONTEXT_KEYS "kms:EncryptionContextKeys"

bool glob_match(const char *pattern, const char *s)
{
	const char *star = NULL, *retry = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = s;
		} else if (*pattern == '?' || *pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star;
			s = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* arn_like - as glob_match(), but a '*' never reaches over one of an ARN's first five colons. */
static bool arn_like(const char *pattern, const char *s)
{
	for (unsigned int i = 0; i < 5; i++) {
		char part[2][129];
		size_t n = strcspn(pattern, ":"), m = strcspn(s, ":");

		if (!pattern[n] || !s[m] || n >= sizeof(part[0]) || m >= sizeof(part[1]))
			return false;
		memcpy(part[0], pattern, n);
		memcpy(part[1], s, m);
		part[0][n] = '\0';
		part[1][m] = '\0';
		if (!glob_match(part[0], part[1]))
			return false;
		pattern += n + 1;
		s += m + 1;
	}
	return glob_match(pattern, s);
}

static bool same(const char *a, const char *b)
{
	return !strcmp(a, b);
}

static bool same_ignoring_case(const char *a, const char *b)
{
	return !strcasecmp(a, b);
}

struct cond_operator {
	const char *name;
	bool (*matches)(const char *wanted, const char *given);	/* NULL: Null */
	bool negated;
	bool boolean;		/* its one value is "true" or "false" */
};

static const struct cond_operator operators[] = {
	{ "StringEquals", same, false, false },
	{ "StringNotEquals", same, true, false },
	{ "StringEqualsIgnoreCase", same_ignoring_case, false, false },
	{ "StringLike", glob_match, false, false },
	{ "StringNotLike", glob_match, true, false },
	{ "ArnEquals", arn_like, false, false },
	{ "ArnLike", arn_like, false, false },
	{ "Bool", same_ignoring_case, false, true },
	{ "Null", NULL, false, true },
};

enum cond_set { SET_NONE, SET_ALL, SET_ANY };

struct cond_key {
	const char *name;
	bool multi;	/* a request may give it several values: needs ForAllValues: or ForAnyValue: */
};

static const struct cond_key keys[] = {
	{ "aws:PrincipalAccount", false },
	{ "aws:PrincipalArn", false },
	{ "kms:CallerAccount", false },
	{ "kms:EncryptionContextKeys", true },
	{ "kms:GrantConstraintType", false },
	{ "kms:GranteePrincipal", false },
	{ "kms:GrantIsForAWSResource", false },
	{ "kms:GrantOperations", true },
	{ "kms:RequestAlias", false },
	{ "kms:RetiringPrincipal", false },
	{ "kms:ViaService", false },
};

bool condition_set(struct condition_env *env, const char *key, const char *value)
{
	if (env->nr == CONDITION_VALUES_MAX)
		return false;
	env->value[env->nr].key = key;
	env->value[env->nr].value = value;
	env->nr++;
	return true;
}

/* parse_operator - "ForAllValues:StringEqualsIfExists" into its three parts; NULL when not understood. */
static const struct cond_operator *parse_operator(const char *s, enum cond_set *set, bool *if_exists)
{
	*set = SET_NONE;
	if (!strncmp(s, "ForAllValues:", 13)) {
		*set = SET_ALL;
		s += 13;
	} else if (!strncmp(s, "ForAnyValue:", 12)) {
		*set = SET_ANY;
		s += 12;
	}
	for (unsigned int i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		size_t n = strlen(operators[i].name);

		if (strncmp(s, operators[i].name, n))
			continue;
		*if_exists = !strcmp(s + n, "IfExists") && operators[i].matches;
		if (!s[n] || *if_exists)
			return &operators[i];
	}
	return NULL;
}

static const struct cond_key *find_key(const char *name)
{
	static const struct cond_key context_key = { CONTEXT_KEY, false };

	if (!strncasecmp(name, CONTEXT_KEY, strlen(CONTEXT_KEY)))
		return name[strlen(CONTEXT_KEY)] ? &context_key : NULL;
	for (unsigned int i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcasecmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool value_ok(struct json_object *v)
{
	if (json_object_is_type(v, json_type_boolean))
		return true;
	/* A policy variable would be compared as plain text: refuse it instead. */
	return json_object_is_type(v, json_type_string) && !strstr(json_object_get_string(v), "${") &&
	       strlen(json_object_get_string(v)) == (size_t)json_object_get_string_len(v);
}

static bool values_ok(struct json_object *v)
{
	if (!json_object_is_type(v, json_type_array))
		return value_ok(v);
	for (size_t i = 0; i < json_object_array_length(v); i++)
		if (!value_ok(json_object_array_get_idx(v, i)))
			return false;
	return json_object_array_length(v) > 0;
}

static bool is_boolean(struct json_object *v)
{
	return !json_object_is_type(v, json_type_array) && (same_ignoring_case(json_object_get_string(v), "true") ||
							    same_ignoring_case(json_object_get_string(v), "false"));
}

static int check_operator(const char *name, struct json_object *block, struct err *e)
{
	bool if_exists;
	enum cond_set set;
	const struct cond_operator *op = parse_operator(name, &set, &if_exists);

	if (!op)
		return err_set(e, -EINVAL, "unknown condition operator \"%.64s\"", name);
	if (!json_object_is_type(block, json_type_object))
		return err_set(e, -EINVAL, "condition operator \"%.64s\" wants an object of condition keys", name);
	json_object_object_foreach(block, key, values) {
		const struct cond_key *k = find_key(key);

		if (!k)
			return err_set(e, -EINVAL, "unknown condition key \"%.128s\"", key);
		if (k->multi && set == SET_NONE && op->matches)
			return err_set(e, -EINVAL, "condition key \"%s\" wants ForAllValues: or ForAnyValue:", key);
		if (!values_ok(values))
			return err_set(e, -EINVAL, "condition key \"%.128s\" wants a string or a list of strings", key);
		if (op->boolean && !is_boolean(values))
			return err_set(e, -EINVAL, "condition operator \"%s\" wants \"true\" or \"false\"", name);
	}
	return 0;
}

int condition_check(struct json_object *conditions, struct err *e)
{
	if (!json_object_is_type(conditions, json_type_object))
		return err_set(e, -EINVAL, "Condition is not an object");
	json_object_object_foreach(conditions, name, block) {
		int rc = check_operator(name, block, e);

		if (rc)
			return rc;
	}
	return 0;
}

/* matches_any - does @given match one of the policy's values? */
static bool matches_any(const struct cond_operator *op, struct json_object *values, const char *given)
{
	if (!json_object_is_type(values, json_type_array))
		return op->matches(json_object_get_string(values), given);
	for (size_t i = 0; i < json_object_array_length(values); i++)
		if (op->matches(json_object_get_string(json_object_array_get_idx(values, i)), given))
			return true;
	return false;
}

struct tally {
	unsigned int given;	/* values the request has for the key */
	unsigned int matched;	/* how many of them the operator accepts */
};

static void count(struct tally *t, const struct cond_operator *op, struct json_object *values, const char *given)
{
	t->given++;
	if (op->matches && matches_any(op, values, given) != op->negated)
		t->matched++;
}

static void count_context(struct tally *t, const struct cond_operator *op, const char *key, struct json_object *values,
			  const struct context *ctx)
{
	bool names = !strcasecmp(key, CONTEXT_KEYS);
	size_t prefix = strlen(CONTEXT_KEY);

	if (!names && strncasecmp(key, CONTEXT_KEY, prefix))
		return;
	for (unsigned int i = 0; ctx && i < ctx->nr; i++) {
		if (names)
			count(t, op, values, ctx->pair[i].key);
		else if (!strcasecmp(ctx->pair[i].key, key + prefix))
			count(t, op, values, ctx->pair[i].value);
	}
}

static bool key_holds(const char *name, const char *key, struct json_object *values, const struct condition_env *env,
		      bool deny)
{
	struct tally t = { 0, 0 };
	bool if_exists;
	enum cond_set set;
	const struct cond_operator *op = parse_operator(name, &set, &if_exists);

	for (unsigned int i = 0; i < env->nr; i++)
		if (!strcasecmp(env->value[i].key, key))
			count(&t, op, values, env->value[i].value);
	count_context(&t, op, key, values, env->context);

	if (!op->matches)
		return same_ignoring_case(json_object_get_string(values), "true") == !t.given;
	if (set == SET_ALL)
		return t.matched == t.given;
	if (set == SET_ANY)
		return t.matched > 0;
	if (!t.given)
		return if_exists || op->negated;
	return deny ? t.matched > 0 : t.matched == t.given;
}

bool condition_holds(struct json_object *conditions, const struct condition_env *env, bool deny)
{
	json_object_object_foreach(conditions, name, block) {
		json_object_object_foreach(block, key, values)
			if (!key_holds(name, key, values, env, deny))
				return false;
	}
	return true;
}
