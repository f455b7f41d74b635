// SPDX-License-Identifier: GPL-2.0-or-later
/* What each operator makes of a request's values, and that nothing unknown is taken for known. */
#include "common/test.h"

#include <stdio.h>
#include <string.h>

#include "condition.h"

#define MANUAL "../Documentation/man/ecache-kmsd.8"

static void globs(void **state)
{
	static const struct {
		const char *pattern;
		const char *text;
		bool match;
	} cases[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "anything", true },
		{ "?", "", false },
		{ "?", "a", true },
		{ "?", "ab", false },
		{ "kms:*", "kms:Decrypt", true },
		{ "kms:*", "sts:Decrypt", false },
		{ "*crypt", "kms:Decrypt", true },
		{ "a*b*c", "aXbYc", true },
		{ "a*b*c", "aXbY", false },
		{ "a*b", "aab", true },
		{ "*ab*ab", "abab", true },
		{ "*ab*ab", "ab", false },
		{ "exact", "exac", false },
		{ "exact", "exactly", false },
		{ "[a]", "a", false },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (glob_match(cases[i].pattern, cases[i].text) != cases[i].match)
			fail_msg("\"%s\" on \"%s\"", cases[i].pattern, cases[i].text);
}

/* The request: one value each, two operations, no RetiringPrincipal; context Cache=a, cache=b, tier=gold. */
static bool holds(const char *conditions, bool deny)
{
	struct json_object *o = json_tokener_parse(conditions);
	struct json_object *pairs = json_tokener_parse("{\"Cache\":\"a\",\"cache\":\"b\",\"tier\":\"gold\"}");
	struct tag requested[] = { { "Tier", "gold" }, { "project", "x" } }, had[] = { { "Tier", "base" } };
	const struct tag_list request_tags = { .nr = 2, .tag = requested }, key_tags = { .nr = 1, .tag = had };
	struct context ctx;
	struct condition_env env = { .context = &ctx, .request_tags = &request_tags, .resource_tags = &key_tags };
	struct err e = ERR_INIT;
	bool yes;

	assert_int_equal(context_from_json(&ctx, pairs), 0);
	condition_set(&env, "kms:CallerAccount", "123456789012");
	condition_set(&env, "kms:ViaService", "elasticache.local-1.amazonaws.com");
	condition_set(&env, "kms:GranteePrincipal", "arn:aws:iam::123456789012:role/host");
	condition_set(&env, "kms:GrantOperations", "Decrypt");
	condition_set(&env, "kms:GrantOperations", "DescribeKey");
	condition_set(&env, "kms:GrantIsForAWSResource", "false");
	condition_set(&env, "kms:RotationPeriodInDays", "365");
	condition_set(&env, "aws:CurrentTime", "2020-09-13T12:26:40Z");
	condition_set(&env, "aws:EpochTime", "1600000000");
	if (condition_check(o, &e))
		fail_msg("%s: %s", conditions, e.what);
	yes = condition_holds(o, &env, deny);
	context_free(&ctx);
	json_object_put(pairs);
	json_object_put(o);
	return yes;
}

static void operators_and_keys(void **state)
{
	static const struct {
		const char *conditions;
		bool allow;	/* holds in an Allow statement */
		bool deny;	/* holds in a Deny statement */
	} cases[] = {
		{ "{}", true, true },
		{ "{\"StringEquals\":{\"kms:CallerAccount\":\"123456789012\"}}", true, true },
		{ "{\"StringEquals\":{\"kms:CallerAccount\":\"123456789013\"}}", false, false },
		{ "{\"StringEquals\":{\"kms:calleraccount\":[\"1\",\"123456789012\"]}}", true, true },
		{ "{\"StringNotEquals\":{\"kms:CallerAccount\":\"123456789012\"}}", false, false },
		{ "{\"StringNotEquals\":{\"kms:CallerAccount\":[\"1\",\"2\"]}}", true, true },
		{ "{\"StringNotEquals\":{\"kms:CallerAccount\":[\"1\",\"123456789012\"]}}", false, false },
		{ "{\"StringEqualsIgnoreCase\":{\"kms:ViaService\":\"ELASTICACHE.local-1.amazonaws.com\"}}", true,
		  true },
		{ "{\"StringEquals\":{\"kms:ViaService\":\"ELASTICACHE.local-1.amazonaws.com\"}}", false, false },
		{ "{\"StringLike\":{\"kms:ViaService\":\"elasticache.*.amazonaws.com\"}}", true, true },
		{ "{\"StringEquals\":{\"kms:ViaService\":\"elasticache.*.amazonaws.com\"}}", false, false },
		{ "{\"StringNotLike\":{\"kms:ViaService\":\"dax.*\"}}", true, true },
		{ "{\"ArnLike\":{\"kms:GranteePrincipal\":\"arn:aws:iam::*:role/*\"}}", true, true },
		{ "{\"ArnLike\":{\"kms:GranteePrincipal\":\"arn:*\"}}", false, false },
		{ "{\"ArnEquals\":{\"kms:GranteePrincipal\":\"arn:aws:iam::123456789012:role/host\"}}", true, true },
		{ "{\"Bool\":{\"kms:GrantIsForAWSResource\":\"false\"}}", true, true },
		{ "{\"Bool\":{\"kms:GrantIsForAWSResource\":true}}", false, false },
		/* a key that the request does not have */
		{ "{\"StringEquals\":{\"kms:RetiringPrincipal\":\"x\"}}", false, false },
		{ "{\"StringEqualsIfExists\":{\"kms:RetiringPrincipal\":\"x\"}}", true, true },
		{ "{\"StringNotEquals\":{\"kms:RetiringPrincipal\":\"x\"}}", true, true },
		{ "{\"Null\":{\"kms:RetiringPrincipal\":\"true\"}}", true, true },
		{ "{\"Null\":{\"kms:RetiringPrincipal\":\"false\"}}", false, false },
		{ "{\"Null\":{\"kms:ViaService\":\"false\"}}", true, true },
		{ "{\"Null\":{\"kms:ViaService\":true}}", false, false },
		/* several values */
		{ "{\"ForAllValues:StringEquals\":{\"kms:GrantOperations\":[\"Decrypt\",\"DescribeKey\",\"Encrypt\"]}}",
		  true, true },
		{ "{\"ForAllValues:StringEquals\":{\"kms:GrantOperations\":\"Decrypt\"}}", false, false },
		{ "{\"ForAnyValue:StringEquals\":{\"kms:GrantOperations\":\"Decrypt\"}}", true, true },
		{ "{\"ForAnyValue:StringEquals\":{\"kms:GrantOperations\":\"Encrypt\"}}", false, false },
		{ "{\"ForAllValues:StringNotEquals\":{\"kms:GrantOperations\":\"Encrypt\"}}", true, true },
		{ "{\"ForAllValues:StringNotEquals\":{\"kms:GrantOperations\":\"Decrypt\"}}", false, false },
		{ "{\"ForAllValues:StringEquals\":{\"kms:RetiringPrincipal\":\"x\"}}", true, true },
		{ "{\"ForAnyValue:StringEquals\":{\"kms:RetiringPrincipal\":\"x\"}}", false, false },
		/* the encryption context */
		{ "{\"StringEquals\":{\"kms:EncryptionContext:tier\":\"gold\"}}", true, true },
		{ "{\"StringEquals\":{\"kms:EncryptionContext:TIER\":\"gold\"}}", true, true },
		{ "{\"StringEquals\":{\"kms:EncryptionContext:tier\":\"Gold\"}}", false, false },
		{ "{\"StringEquals\":{\"kms:EncryptionContext:none\":\"x\"}}", false, false },
		/* one key in two spellings: an Allow wants both to fit, a Deny takes one */
		{ "{\"StringEquals\":{\"kms:EncryptionContext:cache\":\"a\"}}", false, true },
		{ "{\"StringEquals\":{\"kms:EncryptionContext:cache\":[\"a\",\"b\"]}}", true, true },
		{ "{\"ForAllValues:StringEquals\":{\"kms:EncryptionContextKeys\":[\"Cache\",\"cache\",\"tier\"]}}",
		  true, true },
		{ "{\"ForAllValues:StringEquals\":{\"kms:EncryptionContextKeys\":[\"cache\",\"tier\"]}}", false,
		  false },
		/* numbers: by value, and text that is none matches nothing */
		{ "{\"NumericEquals\":{\"kms:RotationPeriodInDays\":\"365\"}}", true, true },
		{ "{\"NumericEquals\":{\"kms:RotationPeriodInDays\":[7,365.0]}}", true, true },
		{ "{\"NumericNotEquals\":{\"kms:RotationPeriodInDays\":365}}", false, false },
		{ "{\"NumericLessThan\":{\"kms:RotationPeriodInDays\":365}}", false, false },
		{ "{\"NumericLessThan\":{\"kms:RotationPeriodInDays\":1000}}", true, true },
		{ "{\"NumericLessThanEquals\":{\"kms:RotationPeriodInDays\":365}}", true, true },
		{ "{\"NumericGreaterThan\":{\"kms:RotationPeriodInDays\":\"90\"}}", true, true },
		{ "{\"NumericGreaterThan\":{\"kms:RotationPeriodInDays\":\"3.65e2\"}}", false, false },
		{ "{\"NumericGreaterThanEquals\":{\"kms:RotationPeriodInDays\":\"3.65e2\"}}", true, true },
		{ "{\"NumericGreaterThan\":{\"kms:ViaService\":0}}", false, false },
		{ "{\"NumericNotEquals\":{\"kms:ViaService\":0}}", true, true },
		{ "{\"NumericLessThan\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":8}}", false, false },
		{ "{\"NumericLessThanIfExists\":{\"kms:ScheduleKeyDeletionPendingWindowInDays\":8}}", true, true },
		/* dates: the request is of 2020-09-13T12:26:40Z */
		{ "{\"DateLessThan\":{\"aws:CurrentTime\":\"2020-09-13T12:26:41Z\"}}", true, true },
		{ "{\"DateLessThan\":{\"aws:CurrentTime\":\"2020-09-13T12:26:40Z\"}}", false, false },
		{ "{\"DateLessThanEquals\":{\"aws:CurrentTime\":\"2020-09-13T12:26:40.000Z\"}}", true, true },
		{ "{\"DateEquals\":{\"aws:CurrentTime\":\"2020-09-13T14:26:40+02:00\"}}", true, true },
		{ "{\"DateEquals\":{\"aws:CurrentTime\":\"2020-09-13T07:56:40-04:30\"}}", true, true },
		{ "{\"DateEquals\":{\"aws:CurrentTime\":1600000000}}", true, true },
		{ "{\"DateEquals\":{\"aws:EpochTime\":\"2020-09-13T12:26:40Z\"}}", true, true },
		{ "{\"DateNotEquals\":{\"aws:CurrentTime\":\"1600000000\"}}", false, false },
		{ "{\"DateGreaterThan\":{\"aws:CurrentTime\":\"2020-09-13\"}}", true, true },
		{ "{\"DateGreaterThan\":{\"aws:CurrentTime\":\"2020-09-14\"}}", false, false },
		{ "{\"DateGreaterThanEquals\":{\"aws:CurrentTime\":\"2020-09-13T12:26Z\"}}", true, true },
		{ "{\"DateGreaterThan\":{\"kms:ViaService\":\"1970-01-01\"}}", false, false },
		/* tags: those of the request are Tier=gold and project=x, those of the key Tier=base */
		{ "{\"StringEquals\":{\"aws:RequestTag/Tier\":\"gold\"}}", true, true },
		{ "{\"StringEquals\":{\"aws:requesttag/tier\":\"gold\"}}", true, true },
		{ "{\"StringEquals\":{\"aws:RequestTag/Tier\":\"base\"}}", false, false },
		{ "{\"StringEquals\":{\"aws:ResourceTag/Tier\":\"base\"}}", true, true },
		{ "{\"StringEquals\":{\"aws:ResourceTag/project\":\"x\"}}", false, false },
		{ "{\"Null\":{\"aws:ResourceTag/project\":\"true\"}}", true, true },
		{ "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"Tier\",\"project\"]}}", true, true },
		{ "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"Tier\"]}}", false, false },
		{ "{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"Tier\"]}}", true, true },
		/* the rest of the negations */
		{ "{\"StringNotEqualsIgnoreCase\":{\"kms:ViaService\":\"ELASTICACHE.local-1.amazonaws.com\"}}", false,
		  false },
		{ "{\"ArnNotLike\":{\"kms:GranteePrincipal\":\"arn:aws:iam::*:role/*\"}}", false, false },
		{ "{\"ArnNotEquals\":{\"kms:GranteePrincipal\":\"arn:aws:iam::*:user/*\"}}", true, true },
		/* all of several operators and keys */
		{ "{\"StringEquals\":{\"kms:CallerAccount\":\"123456789012\",\"kms:ViaService\":\"x\"}}", false,
		  false },
		{ "{\"StringEquals\":{\"kms:CallerAccount\":\"123456789012\"},\"Null\":{\"kms:ViaService\":\"true\"}}",
		  false, false },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (holds(cases[i].conditions, false) != cases[i].allow)
			fail_msg("Allow %s", cases[i].conditions);
		if (holds(cases[i].conditions, true) != cases[i].deny)
			fail_msg("Deny %s", cases[i].conditions);
	}
}

static void what_is_not_understood_is_refused(void **state)
{
	static const char *const cases[] = {
		"[]",
		"{\"StringEqual\":{\"kms:ViaService\":\"x\"}}",
		"{\"stringequals\":{\"kms:ViaService\":\"x\"}}",
		"{\"NumericEquals\":{\"kms:RotationPeriodInDays\":\"many\"}}",
		"{\"NumericEquals\":{\"kms:RotationPeriodInDays\":\"0x10\"}}",
		"{\"NumericEquals\":{\"kms:RotationPeriodInDays\":\"\"}}",
		"{\"NumericEquals\":{\"kms:RotationPeriodInDays\":[1,true]}}",
		"{\"NumericLess\":{\"kms:RotationPeriodInDays\":1}}",
		"{\"DateLessThan\":{\"aws:CurrentTime\":\"tomorrow\"}}",
		"{\"DateLessThan\":{\"aws:CurrentTime\":\"2020-02-30\"}}",
		"{\"DateLessThan\":{\"aws:CurrentTime\":\"2020-09-13T25:00:00Z\"}}",
		"{\"DateLessThan\":{\"aws:CurrentTime\":\"2020-09-13T12:00:00\"}}",
		"{\"DateLessThan\":{\"aws:CurrentTime\":true}}",
		"{\"StringEquals\":{\"aws:TagKeys\":\"x\"}}",
		"{\"StringEquals\":{\"aws:RequestTag\":\"x\"}}",
		"{\"StringEquals\":{\"aws:ResourceTag/\":\"x\"}}",
		"{\"StringEquals\":{\"kms:ResourceAliases\":\"alias/x\"}}",
		"{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}",
		"{\"NullIfExists\":{\"kms:ViaService\":\"true\"}}",
		"{\"ForSomeValues:StringEquals\":{\"kms:GrantOperations\":\"x\"}}",
		"{\"StringEquals\":{\"aws:SourceIp\":\"x\"}}",
		"{\"StringEquals\":{\"kms:EncryptionContext:\":\"x\"}}",
		"{\"StringEquals\":{\"kms:GrantOperations\":\"Decrypt\"}}",
		"{\"StringEquals\":{\"kms:ViaService\":[]}}",
		"{\"StringEquals\":{\"kms:ViaService\":7}}",
		"{\"StringEquals\":{\"kms:ViaService\":null}}",
		"{\"StringEquals\":{\"kms:ViaService\":[\"x\",null]}}",
		"{\"StringEquals\":{\"aws:PrincipalArn\":\"arn:aws:iam::1:user/${aws:username}\"}}",
		"{\"StringEquals\":\"x\"}",
		"{\"Bool\":{\"kms:GrantIsForAWSResource\":\"yes\"}}",
		"{\"Bool\":{\"kms:GrantIsForAWSResource\":[\"true\",\"false\"]}}",
		"{\"Null\":{\"kms:ViaService\":\"maybe\"}}",
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct json_object *o = json_tokener_parse(cases[i]);
		struct err e = ERR_INIT;

		assert_non_null(o);
		if (condition_check(o, &e) == 0)
			fail_msg("accepted: %s", cases[i]);
		assert_true(*e.what);
		json_object_put(o);
	}
}

/* UntagResource names tags; what they are worth is not in the request. */
static void names_of_tags_have_no_values(void **state)
{
	struct tag named[] = { { "Tier", "" } };
	const struct tag_list list = { .nr = 1, .tag = named, .names_only = true };
	const struct condition_env env = { .request_tags = &list };
	struct json_object *value = json_tokener_parse("{\"Null\":{\"aws:RequestTag/Tier\":\"true\"}}");
	struct json_object *name = json_tokener_parse("{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":\"Tier\"}}");

	(void)state;
	assert_true(condition_holds(value, &env, false));
	assert_true(condition_holds(name, &env, false));
	json_object_put(value);
	json_object_put(name);
}

static void used_keys_are_found(void **state)
{
	struct json_object *o = json_tokener_parse("{\"Bool\":{\"aws:ViaAWSService\":true},"
						   "\"StringEquals\":{\"AWS:resourcetag/x\":\"y\"}}");

	(void)state;
	assert_true(condition_uses(o, "aws:ResourceTag/"));
	assert_false(condition_uses(o, "kms:ResourceAliases"));
	json_object_put(o);
}

static void a_full_table_says_so(void **state)
{
	struct condition_env env = { .nr = 0 };

	(void)state;
	for (unsigned int i = 0; i < CONDITION_VALUES_MAX; i++)
		assert_true(condition_set(&env, "kms:ViaService", "x"));
	assert_false(condition_set(&env, "kms:ViaService", "x"));
}

/*
 * manual_words - of the manual's lines from behind the one that begins with @begin to the next ".Pp", those that begin
 * with a letter of @first, with a blank before and behind each; what is in brackets is left out. Returns how many.
 */
static unsigned int manual_words(const char *begin, const char *first, char *out, size_t size)
{
	FILE *file = fopen(MANUAL, "r");
	bool inside = false, bracket = false;
	unsigned int nr = 0;
	char line[256];

	if (!file)
		fail_msg(MANUAL ": run this test in userspace/, as \"make test\" does");
	snprintf(out, size, " ");
	while (fgets(line, sizeof(line), file)) {
		if (!inside || !strcmp(line, ".Pp\n")) {
			if (inside)
				break;
			inside = !strncmp(line, begin, strlen(begin));
			continue;
		}
		for (char *word = strtok(line, " ,;\n"); word; word = strtok(NULL, " ,;\n")) {
			bracket = bracket || *word == '(';
			if (!bracket && strchr(first, *word)) {
				strncat(out, word, size - strlen(out) - 1);
				strncat(out, " ", size - strlen(out) - 1);
				nr++;
			}
			bracket = bracket && !strchr(word, ')');
		}
	}
	fclose(file);
	return nr;
}

static void is_word_of(const char *name, const char *words)
{
	char word[128];

	snprintf(word, sizeof(word), " %s%s ", name, strchr(":/", name[strlen(name) - 1]) ? "NAME" : "");
	if (!strstr(words, word))
		fail_msg("%sis not in the manual's list:%s", word + 1, words);
}

static void the_manual_lists_each_key_and_no_other(void **state)
{
	char all[4096], several[1024];
	unsigned int nr = manual_words("Condition keys:", "ak", all, sizeof(all)), nr_several, i, found = 0;
	const char *name;
	bool many;

	(void)state;
	nr_several = manual_words("Those with several values", "ak", several, sizeof(several));
	for (i = 0; (name = condition_key_at(i, &many)); i++) {
		is_word_of(name, all);
		if (many) {
			is_word_of(name, several);
			found++;
		}
	}
	assert_int_equal(nr, i);
	assert_int_equal(nr_several, found);
}

static void the_manual_lists_each_operator_and_no_other(void **state)
{
	char all[1024];
	unsigned int nr = manual_words("behind:", "ABDNS", all, sizeof(all)), i;

	(void)state;
	for (i = 0; condition_operator_at(i); i++)
		is_word_of(condition_operator_at(i), all);
	assert_int_equal(nr, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs),
		cmocka_unit_test(operators_and_keys),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(names_of_tags_have_no_values),
		cmocka_unit_test(used_keys_are_found),
		cmocka_unit_test(a_full_table_says_so),
		cmocka_unit_test(the_manual_lists_each_key_and_no_other),
		cmocka_unit_test(the_manual_lists_each_operator_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
