// SPDX-License-Identifier: GPL-2.0-or-later
#include "condition.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "order.h"

#define REQUEST_TAG "aws:RequestTag/"
#define RESOURCE_TAG "aws:ResourceTag/"
#define TAG_KEYS "aws:TagKeys"
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

enum cond_type {
	COND_TEXT,
	COND_BOOLEAN,	/* one value, "true" or "false" */
	COND_NULL,	/* the same; whether the request has the key at all */
	COND_NUMBER,
	COND_DATE,
};

struct cond_operator {
	const char *name;
	enum cond_type type;
	bool (*matches)(const char *wanted, const char *given);	/* texts and booleans */
	unsigned int accepts;	/* numbers and dates: what the given one may be to the wanted one, bits of enum order */
	bool negated;
};

static const struct cond_operator operators[] = {
	{ "StringEquals", COND_TEXT, same, 0, false },
	{ "StringNotEquals", COND_TEXT, same, 0, true },
	{ "StringEqualsIgnoreCase", COND_TEXT, same_ignoring_case, 0, false },
	{ "StringNotEqualsIgnoreCase", COND_TEXT, same_ignoring_case, 0, true },
	{ "StringLike", COND_TEXT, glob_match, 0, false },
	{ "StringNotLike", COND_TEXT, glob_match, 0, true },
	{ "ArnEquals", COND_TEXT, arn_like, 0, false },
	{ "ArnLike", COND_TEXT, arn_like, 0, false },
	{ "ArnNotEquals", COND_TEXT, arn_like, 0, true },
	{ "ArnNotLike", COND_TEXT, arn_like, 0, true },
	{ "Bool", COND_BOOLEAN, same_ignoring_case, 0, false },
	{ "Null", COND_NULL, NULL, 0, false },
	{ "NumericEquals", COND_NUMBER, NULL, ORDER_EQUAL, false },
	{ "NumericNotEquals", COND_NUMBER, NULL, ORDER_EQUAL, true },
	{ "NumericLessThan", COND_NUMBER, NULL, ORDER_LESS, false },
	{ "NumericLessThanEquals", COND_NUMBER, NULL, ORDER_LESS | ORDER_EQUAL, false },
	{ "NumericGreaterThan", COND_NUMBER, NULL, ORDER_GREATER, false },
	{ "NumericGreaterThanEquals", COND_NUMBER, NULL, ORDER_GREATER | ORDER_EQUAL, false },
	{ "DateEquals", COND_DATE, NULL, ORDER_EQUAL, false },
	{ "DateNotEquals", COND_DATE, NULL, ORDER_EQUAL, true },
	{ "DateLessThan", COND_DATE, NULL, ORDER_LESS, false },
	{ "DateLessThanEquals", COND_DATE, NULL, ORDER_LESS | ORDER_EQUAL, false },
	{ "DateGreaterThan", COND_DATE, NULL, ORDER_GREATER, false },
	{ "DateGreaterThanEquals", COND_DATE, NULL, ORDER_GREATER | ORDER_EQUAL, false },
};

enum cond_set { SET_NONE, SET_ALL, SET_ANY };

struct cond_key {
	const char *name;
	bool multi;	/* a request may give it several values: needs ForAllValues: or ForAnyValue: */
};

static const struct cond_key keys[] = {
	{ "aws:CurrentTime", false },
	{ "aws:EpochTime", false },
	{ "aws:PrincipalAccount", false },
	{ "aws:PrincipalArn", false },
	{ "aws:PrincipalType", false },
	{ "aws:SourceArn", false },
	{ TAG_KEYS, true },
	{ "aws:userid", false },
	{ "aws:username", false },
	{ "aws:ViaAWSService", false },
	{ "kms:BypassPolicyLockoutSafetyCheck", false },
	{ "kms:CallerAccount", false },
	{ "kms:CustomerMasterKeySpec", false },
	{ "kms:CustomerMasterKeyUsage", false },
	{ "kms:EncryptionAlgorithm", false },
	{ CONTEXT_KEYS, true },
	{ "kms:GrantConstraintType", false },
	{ "kms:GranteePrincipal", false },
	{ "kms:GrantIsForAWSResource", false },
	{ "kms:GrantOperations", true },
	{ "kms:KeyOrigin", false },
	{ "kms:KeySpec", false },
	{ "kms:KeyUsage", false },
	{ "kms:MultiRegion", false },
	{ "kms:ReEncryptOnSameKey", false },
	{ "kms:RequestAlias", false },
	{ "kms:ResourceAliases", true },
	{ "kms:RetiringPrincipal", false },
	{ "kms:RotationPeriodInDays", false },
	{ "kms:ScheduleKeyDeletionPendingWindowInDays", false },
	{ "kms:ViaService", false },
};

/* Keys with a name of the customer's behind them. */
static const struct cond_key prefixes[] = {
	{ CONTEXT_KEY, false },
	{ REQUEST_TAG, false },
	{ RESOURCE_TAG, false },
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
		*if_exists = !strcmp(s + n, "IfExists") && operators[i].type != COND_NULL;
		if (!s[n] || *if_exists)
			return &operators[i];
	}
	return NULL;
}

static bool begins(const char *s, const char *prefix)
{
	return !strncasecmp(s, prefix, strlen(prefix));
}

static const struct cond_key *find_key(const char *name)
{
	for (unsigned int i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (begins(name, prefixes[i].name))
			return name[strlen(prefixes[i].name)] ? &prefixes[i] : NULL;
	for (unsigned int i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcasecmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool value_ok(const struct cond_operator *op, struct json_object *v)
{
	const char *text = json_object_get_string(v);

	switch (op->type) {
	case COND_NUMBER:
		return json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double) ||
		       (json_object_is_type(v, json_type_string) && order_number_ok(text));
	case COND_DATE:
		return json_object_is_type(v, json_type_int) ||
		       (json_object_is_type(v, json_type_string) && order_date_ok(text));
	default:
		break;
	}
	if (json_object_is_type(v, json_type_boolean))
		return true;
	/* A policy variable would be compared as plain text: refuse it instead. */
	return json_object_is_type(v, json_type_string) && !strstr(text, "${") &&
	       strlen(text) == (size_t)json_object_get_string_len(v);
}

static bool values_ok(const struct cond_operator *op, struct json_object *v)
{
	if (!json_object_is_type(v, json_type_array))
		return value_ok(op, v);
	for (size_t i = 0; i < json_object_array_length(v); i++)
		if (!value_ok(op, json_object_array_get_idx(v, i)))
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
		if (k->multi && set == SET_NONE && op->type != COND_NULL)
			return err_set(e, -EINVAL, "condition key \"%s\" wants ForAllValues: or ForAnyValue:", key);
		if (!values_ok(op, values))
			return err_set(e, -EINVAL, "condition key \"%.128s\" wants %s for \"%s\"", key,
				       op->type == COND_NUMBER ? "numbers" : op->type == COND_DATE ? "dates" : "strings",
				       name);
		if ((op->type == COND_BOOLEAN || op->type == COND_NULL) && !is_boolean(values))
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

static bool matches(const struct cond_operator *op, struct json_object *value, const char *given)
{
	const char *wanted = json_object_get_string(value);

	switch (op->type) {
	case COND_NUMBER:
		return order_numbers(given, wanted) & op->accepts;
	case COND_DATE:
		return order_dates(given, wanted) & op->accepts;
	default:
		return op->matches(wanted, given);
	}
}

/* matches_any - does @given match one of the policy's values? */
static bool matches_any(const struct cond_operator *op, struct json_object *values, const char *given)
{
	if (!json_object_is_type(values, json_type_array))
		return matches(op, values, given);
	for (size_t i = 0; i < json_object_array_length(values); i++)
		if (matches(op, json_object_array_get_idx(values, i), given))
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
	if (op->type != COND_NULL && matches_any(op, values, given) != op->negated)
		t->matched++;
}

static void count_context(struct tally *t, const struct cond_operator *op, const char *key, struct json_object *values,
			  const struct context *ctx)
{
	bool names = !strcasecmp(key, CONTEXT_KEYS);

	if (!names && !begins(key, CONTEXT_KEY))
		return;
	for (unsigned int i = 0; ctx && i < ctx->nr; i++) {
		if (names)
			count(t, op, values, ctx->pair[i].key);
		else if (!strcasecmp(ctx->pair[i].key, key + strlen(CONTEXT_KEY)))
			count(t, op, values, ctx->pair[i].value);
	}
}

/* count_tags - of the request or the key, by the key's prefix; the request's names also by aws:TagKeys. */
static void count_tags(struct tally *t, const struct cond_operator *op, const char *key, struct json_object *values,
		       const struct condition_env *env)
{
	const struct tag_list *list = begins(key, RESOURCE_TAG) ? env->resource_tags : env->request_tags;
	bool names = !strcasecmp(key, TAG_KEYS);

	if (!list || (!names && !begins(key, REQUEST_TAG) && !begins(key, RESOURCE_TAG)))
		return;
	for (unsigned int i = 0; i < list->nr; i++) {
		if (names)
			count(t, op, values, list->tag[i].name);
		else if (!list->names_only && !strcasecmp(list->tag[i].name, strchr(key, '/') + 1))
			count(t, op, values, list->tag[i].value);
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
	count_tags(&t, op, key, values, env);

	if (op->type == COND_NULL)
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

bool condition_uses(struct json_object *conditions, const char *prefix)
{
	json_object_object_foreach(conditions, name, block) {
		(void)name;
		json_object_object_foreach(block, key, values) {
			(void)values;
			if (begins(key, prefix))
				return true;
		}
	}
	return false;
}

const char *condition_operator_at(unsigned int i)
{
	return i < sizeof(operators) / sizeof(*operators) ? operators[i].name : NULL;
}

const char *condition_key_at(unsigned int i, bool *several)
{
	const unsigned int nr = sizeof(keys) / sizeof(*keys), nr_prefixes = sizeof(prefixes) / sizeof(*prefixes);
	const struct cond_key *k = i < nr ? &keys[i] : i < nr + nr_prefixes ? &prefixes[i - nr] : NULL;

	*several = k && k->multi;
	return k ? k->name : NULL;
}
