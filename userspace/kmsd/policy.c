// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "ident.h"

#define ACTION_MAX 128
#define POLICY_DEPTH_MAX 10

/* for_each_string - over one string or an array of them; the caller has checked the types. */
static struct json_object *nth(struct json_object *o, size_t i)
{
	if (json_object_is_type(o, json_type_array))
		return i < json_object_array_length(o) ? json_object_array_get_idx(o, i) : NULL;
	return i ? NULL : o;
}

/* clean_strings - one string or a non-empty array of strings, without NULs and policy variables. */
static bool clean_strings(struct json_object *o)
{
	struct json_object *s;
	size_t i;

	for (i = 0; (s = nth(o, i)); i++) {
		const char *text;

		if (!json_object_is_type(s, json_type_string))
			return false;
		text = json_object_get_string(s);
		if (!*text || strlen(text) != (size_t)json_object_get_string_len(s) || strstr(text, "${"))
			return false;
	}
	/* A JSON null inside an array ends the walk early: count again. */
	return i && (!json_object_is_type(o, json_type_array) || i == json_object_array_length(o));
}

static bool action_ok(const char *s)
{
	const char *colon = strchr(s, ':');

	if (!strcmp(s, "*"))
		return true;
	if (!colon || colon == s || !colon[1] || strlen(s) >= ACTION_MAX)
		return false;
	for (; *s; s++)
		if (s != colon && !isalnum((unsigned char)*s) && !strchr("*?-", *s))
			return false;
	return true;
}

static bool principal_ok(const char *s)
{
	struct arn arn;

	if (!strcmp(s, "*") || ident_account_ok(s))
		return true;
	if (!arn_parse(s, &arn) || *arn.region || !ident_account_ok(arn.account) || strpbrk(s, "*?"))
		return false;
	if (!strcmp(arn.service, "iam"))
		return !strcmp(arn.resource, "root") || !strncmp(arn.resource, "user/", 5) ||
		       !strncmp(arn.resource, "role/", 5);
	return !strcmp(arn.service, "sts") && !strncmp(arn.resource, "assumed-role/", 13);
}

static int parse_principal(struct policy_statement *st, struct json_object *o, bool negated, struct err *e)
{
	st->not_principals = negated;
	/* Whom an Allow for "all but those" would let in, nobody could say: AWS refuses it too. */
	if (negated && !st->deny)
		return err_set(e, -EINVAL, "NotPrincipal wants Effect \"Deny\"");
	if (json_object_is_type(o, json_type_string) && !strcmp(json_object_get_string(o), "*")) {
		st->everyone = true;
		return 0;
	}
	if (!json_object_is_type(o, json_type_object))
		return err_set(e, -EINVAL, "Principal wants \"*\" or an object");
	json_object_object_foreach(o, kind, names) {
		struct json_object *name;

		if (!clean_strings(names))
			return err_set(e, -EINVAL, "Principal \"%.32s\" wants a string or a list of strings", kind);
		/* No service ever calls us as itself: such a principal is legal and matches nobody. */
		if (!strcmp(kind, "Service"))
			continue;
		if (strcmp(kind, "AWS"))
			return err_set(e, -EINVAL, "unknown kind of Principal \"%.32s\"", kind);
		st->principals = names;
		for (size_t i = 0; (name = nth(names, i)); i++) {
			if (!principal_ok(json_object_get_string(name)))
				return err_set(e, -EINVAL, "bad principal \"%.256s\"", json_object_get_string(name));
			if (!strcmp(json_object_get_string(name), "*"))
				st->everyone = true;
		}
	}
	return 0;
}

static int parse_effect(struct policy_statement *st, struct json_object *o, bool negated, struct err *e)
{
	const char *effect = json_object_is_type(o, json_type_string) ? json_object_get_string(o) : "";

	(void)negated;
	st->deny = !strcmp(effect, "Deny");
	if (!st->deny && strcmp(effect, "Allow"))
		return err_set(e, -EINVAL, "Effect wants \"Allow\" or \"Deny\"");
	return 0;
}

static int parse_action(struct policy_statement *st, struct json_object *o, bool negated, struct err *e)
{
	struct json_object *s;

	if (!clean_strings(o))
		return err_set(e, -EINVAL, "Action wants a string or a list of strings");
	for (size_t i = 0; (s = nth(o, i)); i++)
		if (!action_ok(json_object_get_string(s)))
			return err_set(e, -EINVAL, "bad action \"%.128s\"", json_object_get_string(s));
	st->actions = o;
	st->not_actions = negated;
	return 0;
}

static int parse_resource(struct policy_statement *st, struct json_object *o, bool negated, struct err *e)
{
	if (!clean_strings(o))
		return err_set(e, -EINVAL, "Resource wants a string or a list of strings");
	st->resources = o;
	st->not_resources = negated;
	return 0;
}

static int parse_condition(struct policy_statement *st, struct json_object *o, bool negated, struct err *e)
{
	(void)negated;
	st->conditions = o;
	return condition_check(o, e);
}

static int parse_sid(struct policy_statement *st, struct json_object *o, bool negated, struct err *e)
{
	(void)st;
	(void)negated;
	return json_object_is_type(o, json_type_string) ? 0 : err_set(e, -EINVAL, "Sid wants a string");
}

/* In this order: what NotPrincipal may mean depends on the Effect. */
static const struct policy_element {
	const char *name;
	const char *opposite;	/* may stand in its place; NULL: none */
	int (*parse)(struct policy_statement *st, struct json_object *o, bool negated, struct err *e);
	bool required;
	bool key_only;
} elements[] = {
	{ "Sid", NULL, parse_sid, false, false },
	{ "Effect", NULL, parse_effect, true, false },
	{ "Principal", "NotPrincipal", parse_principal, true, true },
	{ "Action", "NotAction", parse_action, true, false },
	{ "Resource", "NotResource", parse_resource, true, false },
	{ "Condition", NULL, parse_condition, false, false },
};

#define NR_ELEMENTS (sizeof(elements) / sizeof(*elements))

static int check_elements(struct json_object *o, enum policy_kind kind, struct err *e)
{
	json_object_object_foreach(o, name, value) {
		bool known = false;

		(void)value;
		for (unsigned int i = 0; i < NR_ELEMENTS; i++)
			if (!strcmp(elements[i].name, name) ||
			    (elements[i].opposite && !strcmp(elements[i].opposite, name)))
				known = !elements[i].key_only || kind == POLICY_OF_KEY;
		if (!known)
			return err_set(e, -EINVAL, "unknown or unsupported element \"%.32s\"", name);
	}
	return 0;
}

static int parse_element(const struct policy_element *el, struct policy_statement *st, struct json_object *o,
			 struct err *e)
{
	struct json_object *value, *opposite;
	bool has = json_object_object_get_ex(o, el->name, &value);
	bool negated = el->opposite && json_object_object_get_ex(o, el->opposite, &opposite);

	if (has && negated)
		return err_set(e, -EINVAL, "%s and %s exclude each other", el->name, el->opposite);
	if (has || negated)
		return el->parse(st, has ? value : opposite, negated, e);
	return el->required ? err_set(e, -EINVAL, "%s is missing", el->name) : 0;
}

static int parse_statement(struct policy_statement *st, struct json_object *o, enum policy_kind kind, struct err *e)
{
	int rc;

	if (!json_object_is_type(o, json_type_object))
		return err_set(e, -EINVAL, "not an object");
	/* All elements are looked at, so that an opaque statement still has its Effect. */
	rc = check_elements(o, kind, e);
	for (unsigned int i = 0; i < NR_ELEMENTS; i++) {
		int bad = 0;

		if (!elements[i].key_only || kind == POLICY_OF_KEY)
			bad = parse_element(&elements[i], st, o, rc ? NULL : e);
		if (bad && !rc)
			rc = bad;
	}
	return rc;
}

static int parse_document(struct policy *p, enum policy_kind kind, bool strict, struct err *e)
{
	struct json_object *list, *o;
	const char *version;

	json_object_object_foreach(p->document, name, value) {
		(void)value;
		if (strict && strcmp(name, "Version") && strcmp(name, "Id") && strcmp(name, "Statement"))
			return err_set(e, -EINVAL, "unknown element \"%.32s\"", name);
	}
	if (json_object_object_get_ex(p->document, "Version", &o) && strict) {
		version = json_object_is_type(o, json_type_string) ? json_object_get_string(o) : "";
		if (strcmp(version, "2012-10-17") && strcmp(version, "2008-10-17"))
			return err_set(e, -EINVAL, "Version wants \"2012-10-17\"");
	}
	if (!json_object_object_get_ex(p->document, "Statement", &list) || !list)
		return err_set(e, -EINVAL, "Statement is missing");
	/* Not by nth(), which ends at a null: the Deny behind it must count, or the document be refused. */
	p->nr = json_object_is_type(list, json_type_array) ? (unsigned int)json_object_array_length(list) : 1;
	p->statement = calloc((size_t)p->nr + 1, sizeof(*p->statement));
	if (!p->statement)
		return err_sys(e, -ENOMEM, "policy");
	for (unsigned int i = 0; i < p->nr; i++) {
		int rc = parse_statement(&p->statement[i], nth(list, i), kind, e);

		if (rc && strict)
			return err_prefix(e, "statement %u", i + 1);
		p->statement[i].opaque = rc != 0;
	}
	return 0;
}

int policy_parse(const char *text, enum policy_kind kind, bool strict, struct policy *out, struct err *e)
{
	size_t len = strlen(text);
	int rc;

	memset(out, 0, sizeof(*out));
	if (len > POLICY_BYTES_MAX)
		return err_set(e, -EINVAL, "a policy has at most %d bytes", POLICY_BYTES_MAX);
	rc = js_parse(text, len, POLICY_DEPTH_MAX, &out->document, e);
	if (!rc)
		rc = parse_document(out, kind, strict, e);
	if (rc)
		policy_free(out);
	return rc;
}

void policy_free(struct policy *p)
{
	free(p->statement);
	json_object_put(p->document);
	memset(p, 0, sizeof(*p));
}

static bool any_action(struct json_object *patterns, const char *action)
{
	char lower[2][ACTION_MAX] = { { 0 } };
	struct json_object *s;

	for (size_t i = 0; (s = nth(patterns, i)); i++) {
		const char *const text[2] = { json_object_get_string(s), action };

		for (unsigned int t = 0; t < 2; t++) {
			unsigned int n = 0;

			for (; text[t][n] && n < ACTION_MAX - 1; n++)
				lower[t][n] = (char)tolower((unsigned char)text[t][n]);
			lower[t][n] = '\0';
		}
		if (glob_match(lower[0], lower[1]))
			return true;
	}
	return false;
}

static bool any_resource(struct json_object *patterns, const char *resource)
{
	struct json_object *s;

	for (size_t i = 0; (s = nth(patterns, i)); i++)
		if (glob_match(json_object_get_string(s), resource))
			return true;
	return false;
}

enum who { WHO_NOT, WHO_ACCOUNT, WHO_CALLER };

static enum who principal_is(const char *name, const struct policy_query *q)
{
	struct arn arn;

	if (!strcmp(name, q->principal) || (q->session && !strcmp(name, q->session)))
		return WHO_CALLER;
	if (!strcmp(name, q->account))
		return WHO_ACCOUNT;
	if (arn_parse(name, &arn) && !strcmp(arn.service, "iam") && !strcmp(arn.account, q->account) &&
	    !strcmp(arn.resource, "root"))
		return WHO_ACCOUNT;
	return WHO_NOT;
}

static enum who statement_is_for(const struct policy_statement *st, const struct policy_query *q)
{
	enum who best = WHO_NOT;
	struct json_object *s;

	if (st->everyone)
		return st->not_principals ? WHO_NOT : WHO_CALLER;
	for (size_t i = 0; st->principals && (s = nth(st->principals, i)); i++) {
		enum who who = principal_is(json_object_get_string(s), q);

		if (who > best)
			best = who;
	}
	/* Only who is named is left out: naming the account leaves out none of its principals. */
	if (st->not_principals)
		return best == WHO_CALLER ? WHO_NOT : WHO_CALLER;
	return best;
}

unsigned int policy_eval(const struct policy *p, enum policy_kind kind, const struct policy_query *q)
{
	unsigned int says = 0;

	for (unsigned int i = 0; i < p->nr; i++) {
		const struct policy_statement *st = &p->statement[i];
		enum who who = kind == POLICY_OF_KEY ? statement_is_for(st, q) : WHO_CALLER;

		if (st->opaque) {
			says |= st->deny ? POLICY_DENIES : 0;
			continue;
		}
		if (who == WHO_NOT || any_action(st->actions, q->action) == st->not_actions ||
		    any_resource(st->resources, q->resource) == st->not_resources)
			continue;
		if (st->conditions && !condition_holds(st->conditions, q->env, st->deny))
			continue;
		if (st->deny)
			says |= POLICY_DENIES;
		else
			says |= who == WHO_CALLER ? POLICY_ALLOWS : POLICY_DELEGATES;
	}
	return says;
}

bool policy_uses(const struct policy *p, const char *prefix)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct policy_statement *st = &p->statement[i];

		if (!st->opaque && st->conditions && condition_uses(st->conditions, prefix))
			return true;
	}
	return false;
}

int policy_principals(const struct policy *p, int (*fn)(void *ctx, const char *principal), void *ctx)
{
	struct json_object *s;

	for (unsigned int i = 0; i < p->nr; i++) {
		for (size_t j = 0; p->statement[i].principals && (s = nth(p->statement[i].principals, j)); j++) {
			const char *name = json_object_get_string(s);
			int rc = strcmp(name, "*") ? fn(ctx, name) : 0;

			if (rc)
				return rc;
		}
	}
	return 0;
}
