// SPDX-License-Identifier: GPL-2.0-or-later
/* Policies: what they say of a caller, what is refused at the door, and that what is not understood fails closed. */
#include "common/test.h"

#include <stdio.h>
#include <string.h>

#include "policy.h"

#define ACCOUNT "123456789012"
#define KEY "arn:aws:kms:local-1:" ACCOUNT ":key/332306ac-4b7e-4114-9282-8ecf0d4e9a24"
#define ROOT "arn:aws:iam::" ACCOUNT ":root"
#define HOST "arn:aws:iam::" ACCOUNT ":role/host"
#define SESSION "arn:aws:sts::" ACCOUNT ":assumed-role/host/static"

static unsigned int ask(const char *text, enum policy_kind kind, bool strict, const char *action)
{
	const struct condition_env env = { .value = { { "kms:CallerAccount", ACCOUNT } }, .nr = 1 };
	const struct policy_query q = { .action = action, .resource = KEY, .account = ACCOUNT, .principal = HOST,
					.session = SESSION, .env = &env };
	struct err e = ERR_INIT;
	struct policy p;
	unsigned int says;

	if (policy_parse(text, kind, strict, &p, &e))
		fail_msg("%s: %s", text, e.what);
	says = policy_eval(&p, kind, &q);
	policy_free(&p);
	return says;
}

#define KEY_STATEMENT(effect, principal, action, rest)                                                   \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"" effect "\",\"Principal\":" principal \
	",\"Action\":" action ",\"Resource\":\"*\"" rest "}]}"
#define OWN_STATEMENT(effect, action, resource, rest) \
	"{\"Statement\":{\"Effect\":\"" effect "\",\"Action\":" action ",\"Resource\":" resource rest "}}"

#define NOT_STATEMENT(effect, action, actions, resource, resources) \
	"{\"Statement\":{\"Effect\":\"" effect "\",\"" action "\":" actions ",\"" resource "\":" resources "}}"
#define NOT_PRINCIPAL(effect, principals)                                             \
	"{\"Statement\":{\"Effect\":\"" effect "\",\"NotPrincipal\":" principals "," \
	"\"Action\":\"kms:*\",\"Resource\":\"*\"}}"

/* Asked for kms:Decrypt on KEY by HOST: all but what is named. */
static void negated_elements(void **state)
{
	static const struct {
		const char *policy;
		enum policy_kind kind;
		unsigned int says;
	} cases[] = {
		{ NOT_STATEMENT("Allow", "NotAction", "\"kms:Encrypt\"", "Resource", "\"*\""), POLICY_OF_PRINCIPAL,
		  POLICY_ALLOWS },
		{ NOT_STATEMENT("Allow", "NotAction", "[\"kms:Encrypt\",\"kms:dec*\"]", "Resource", "\"*\""),
		  POLICY_OF_PRINCIPAL, 0 },
		{ NOT_STATEMENT("Deny", "NotAction", "\"kms:Encrypt\"", "Resource", "\"*\""), POLICY_OF_PRINCIPAL,
		  POLICY_DENIES },
		{ NOT_STATEMENT("Deny", "NotAction", "\"kms:Decrypt\"", "Resource", "\"*\""), POLICY_OF_PRINCIPAL, 0 },
		{ NOT_STATEMENT("Allow", "Action", "\"kms:*\"", "NotResource", "\"" KEY "\""), POLICY_OF_PRINCIPAL, 0 },
		{ NOT_STATEMENT("Allow", "Action", "\"kms:*\"", "NotResource", "\"arn:aws:kms:*:*:alias/*\""),
		  POLICY_OF_PRINCIPAL, POLICY_ALLOWS },
		{ NOT_STATEMENT("Deny", "Action", "\"kms:*\"", "NotResource", "\"" KEY "\""), POLICY_OF_PRINCIPAL, 0 },
		{ NOT_STATEMENT("Deny", "NotAction", "\"kms:Encrypt\"", "NotResource", "\"x\""), POLICY_OF_PRINCIPAL,
		  POLICY_DENIES },
		{ NOT_PRINCIPAL("Deny", "{\"AWS\":\"" HOST "\"}"), POLICY_OF_KEY, 0 },
		{ NOT_PRINCIPAL("Deny", "{\"AWS\":\"" SESSION "\"}"), POLICY_OF_KEY, 0 },
		{ NOT_PRINCIPAL("Deny", "{\"AWS\":[\"" ROOT "\",\"" HOST "\"]}"), POLICY_OF_KEY, 0 },
		{ NOT_PRINCIPAL("Deny", "{\"AWS\":\"arn:aws:iam::" ACCOUNT ":role/other\"}"), POLICY_OF_KEY,
		  POLICY_DENIES },
		/* the account is not its principals */
		{ NOT_PRINCIPAL("Deny", "{\"AWS\":\"" ROOT "\"}"), POLICY_OF_KEY, POLICY_DENIES },
		{ NOT_PRINCIPAL("Deny", "{\"Service\":\"elasticache.amazonaws.com\"}"), POLICY_OF_KEY, POLICY_DENIES },
		{ NOT_PRINCIPAL("Deny", "\"*\""), POLICY_OF_KEY, 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (ask(cases[i].policy, cases[i].kind, true, "kms:Decrypt") != cases[i].says)
			fail_msg("%s", cases[i].policy);
}

static void key_policies(void **state)
{
	static const struct {
		const char *policy;
		unsigned int says;
	} cases[] = {
		{ KEY_STATEMENT("Allow", "{\"AWS\":\"" HOST "\"}", "\"kms:Decrypt\"", ""), POLICY_ALLOWS },
		{ KEY_STATEMENT("Allow", "{\"AWS\":\"" SESSION "\"}", "\"kms:Decrypt\"", ""), POLICY_ALLOWS },
		{ KEY_STATEMENT("Allow", "\"*\"", "\"kms:Decrypt\"", ""), POLICY_ALLOWS },
		{ KEY_STATEMENT("Allow", "{\"AWS\":[\"*\"]}", "\"kms:Decrypt\"", ""), POLICY_ALLOWS },
		{ KEY_STATEMENT("Allow", "{\"AWS\":\"" ROOT "\"}", "\"kms:*\"", ""), POLICY_DELEGATES },
		{ KEY_STATEMENT("Allow", "{\"AWS\":\"" ACCOUNT "\"}", "\"kms:*\"", ""), POLICY_DELEGATES },
		{ KEY_STATEMENT("Allow", "{\"AWS\":[\"" ROOT "\",\"" HOST "\"]}", "\"kms:*\"", ""), POLICY_ALLOWS },
		{ KEY_STATEMENT("Allow", "{\"AWS\":\"arn:aws:iam::123456789013:root\"}", "\"kms:*\"", ""), 0 },
		{ KEY_STATEMENT("Allow", "{\"AWS\":\"arn:aws:iam::" ACCOUNT ":user/host\"}", "\"kms:*\"", ""), 0 },
		{ KEY_STATEMENT("Allow", "{\"AWS\":\"arn:aws:iam::" ACCOUNT ":role/hos\"}", "\"kms:*\"", ""), 0 },
		{ KEY_STATEMENT("Allow", "{\"Service\":\"elasticache.amazonaws.com\"}", "\"kms:*\"", ""), 0 },
		{ KEY_STATEMENT("Deny", "{\"AWS\":\"" ROOT "\"}", "\"kms:Decrypt\"", ""), POLICY_DENIES },
		{ KEY_STATEMENT("Deny", "\"*\"", "\"kms:Encrypt\"", ""), 0 },
		{ KEY_STATEMENT("Allow", "\"*\"", "\"kms:Decrypt\"",
				",\"Condition\":{\"StringEquals\":{\"kms:CallerAccount\":\"" ACCOUNT "\"}}"),
		  POLICY_ALLOWS },
		{ KEY_STATEMENT("Allow", "\"*\"", "\"kms:Decrypt\"",
				",\"Condition\":{\"StringEquals\":{\"kms:ViaService\":\"x\"}}"),
		  0 },
		{ "{\"Statement\":[]}", 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (ask(cases[i].policy, POLICY_OF_KEY, true, "kms:Decrypt") != cases[i].says)
			fail_msg("%s", cases[i].policy);
}

static void principal_policies(void **state)
{
	static const struct {
		const char *policy;
		unsigned int says;
	} cases[] = {
		{ OWN_STATEMENT("Allow", "\"kms:Decrypt\"", "\"*\"", ""), POLICY_ALLOWS },
		{ OWN_STATEMENT("Allow", "\"KMS:decrypt\"", "\"*\"", ""), POLICY_ALLOWS },
		{ OWN_STATEMENT("Allow", "\"kms:De*\"", "\"*\"", ""), POLICY_ALLOWS },
		{ OWN_STATEMENT("Allow", "\"*\"", "\"*\"", ""), POLICY_ALLOWS },
		{ OWN_STATEMENT("Allow", "[\"sts:*\",\"kms:Decryp?\"]", "\"*\"", ""), POLICY_ALLOWS },
		{ OWN_STATEMENT("Allow", "\"kms:Decryp\"", "\"*\"", ""), 0 },
		{ OWN_STATEMENT("Allow", "\"kms:DecryptMore\"", "\"*\"", ""), 0 },
		{ OWN_STATEMENT("Allow", "\"s3:*\"", "\"*\"", ""), 0 },
		{ OWN_STATEMENT("Allow", "\"kms:*\"", "\"" KEY "\"", ""), POLICY_ALLOWS },
		{ OWN_STATEMENT("Allow", "\"kms:*\"", "[\"x\",\"arn:aws:kms:*:" ACCOUNT ":key/*\"]", ""),
		  POLICY_ALLOWS },
		{ OWN_STATEMENT("Allow", "\"kms:*\"", "\"arn:aws:kms:*:" ACCOUNT ":alias/*\"", ""), 0 },
		{ OWN_STATEMENT("Deny", "\"kms:*\"", "\"*\"", ""), POLICY_DENIES },
		{ "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"},"
		  "{\"Effect\":\"Deny\",\"Action\":\"kms:Decrypt\",\"Resource\":\"*\"}]}",
		  POLICY_ALLOWS | POLICY_DENIES },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (ask(cases[i].policy, POLICY_OF_PRINCIPAL, true, "kms:Decrypt") != cases[i].says)
			fail_msg("%s", cases[i].policy);
}

/* Each is refused when it comes in; read from a database it allows nothing, and denies if it says Deny. */
static const struct {
	const char *policy;
	enum policy_kind kind;
	bool deny;
} unknown[] = {
	{ OWN_STATEMENT("Allow", "\"kms:*\"", "\"*\"", ",\"NotAction\":\"kms:Encrypt\""), POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Deny", "\"kms:*\"", "\"*\"", ",\"NotResource\":\"*\""), POLICY_OF_PRINCIPAL, true },
	{ NOT_STATEMENT("Allow", "NotAction", "[]", "Resource", "\"*\""), POLICY_OF_PRINCIPAL, false },
	{ NOT_STATEMENT("Allow", "Action", "\"kms:*\"", "NotResource", "7"), POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Deny", "\"kms:*\"", "\"*\"", ",\"NotPrincipal\":\"*\""), POLICY_OF_PRINCIPAL, true },
	/* whom it would let in nobody can say */
	{ NOT_PRINCIPAL("Allow", "{\"AWS\":\"" HOST "\"}"), POLICY_OF_KEY, false },
	{ NOT_PRINCIPAL("Deny", "{\"AWS\":\"host\"}"), POLICY_OF_KEY, true },
	{ KEY_STATEMENT("Deny", "\"*\"", "\"kms:*\"", ",\"NotPrincipal\":{\"AWS\":\"" HOST "\"}"),
	  POLICY_OF_KEY, true },
	{ OWN_STATEMENT("Allow", "\"kms:*\"", "\"*\"", ",\"Quorum\":2"), POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Deny", "\"kms:Sign\"", "\"*\"", ",\"Quorum\":2"), POLICY_OF_PRINCIPAL, true },
	{ OWN_STATEMENT("Allow", "\"kms:*\"", "\"*\"", ",\"Condition\":{\"Moon\":{\"phase\":\"full\"}}"),
	  POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Deny", "\"kms:*\"", "\"*\"", ",\"Condition\":{\"Moon\":{\"phase\":\"full\"}}"),
	  POLICY_OF_PRINCIPAL, true },
	{ OWN_STATEMENT("Allow", "\"kms:*\"", "\"*\"", ",\"Condition\":{\"StringEquals\":{\"aws:Moon\":\"full\"}}"),
	  POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Deny", "\"kms:*\"", "\"*\"", ",\"Condition\":{\"StringEquals\":{\"aws:Moon\":\"full\"}}"),
	  POLICY_OF_PRINCIPAL, true },
	{ OWN_STATEMENT("Allow", "\"kms:*\"", "\"*\"", ",\"Principal\":\"*\""), POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Allow", "\"kms\"", "\"*\"", ""), POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Allow", "\"kms:De crypt\"", "\"*\"", ""), POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Allow", "[]", "\"*\"", ""), POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Allow", "[\"kms:*\",null]", "\"*\"", ""), POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Allow", "7", "\"*\"", ""), POLICY_OF_PRINCIPAL, false },
	{ OWN_STATEMENT("Allow", "\"kms:*\"", "\"arn:aws:kms:*:*:key/${aws:username}\"", ""), POLICY_OF_PRINCIPAL,
	  false },
	{ OWN_STATEMENT("allow", "\"kms:*\"", "\"*\"", ""), POLICY_OF_PRINCIPAL, false },
	{ "{\"Statement\":[{\"Action\":\"kms:*\",\"Resource\":\"*\"}]}", POLICY_OF_PRINCIPAL, false },
	{ "{\"Statement\":[{\"Effect\":\"Allow\",\"Resource\":\"*\"}]}", POLICY_OF_PRINCIPAL, false },
	{ "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\"}]}", POLICY_OF_PRINCIPAL, false },
	{ "{\"Statement\":[\"Allow\"]}", POLICY_OF_PRINCIPAL, false },
	{ "{\"Statement\":[null,{\"Effect\":\"Deny\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}",
	  POLICY_OF_PRINCIPAL, true },
	{ "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}", POLICY_OF_KEY, false },
	{ KEY_STATEMENT("Allow", "{\"AWS\":\"arn:aws:iam::" ACCOUNT ":role/*\"}", "\"kms:*\"", ""), POLICY_OF_KEY,
	  false },
	{ KEY_STATEMENT("Allow", "{\"AWS\":\"host\"}", "\"kms:*\"", ""), POLICY_OF_KEY, false },
	{ KEY_STATEMENT("Allow", "{\"Everyone\":\"*\"}", "\"kms:*\"", ""), POLICY_OF_KEY, false },
	{ KEY_STATEMENT("Deny", "{\"Everyone\":\"*\"}", "\"kms:*\"", ""), POLICY_OF_KEY, true },
	{ KEY_STATEMENT("Allow", "[\"*\"]", "\"kms:*\"", ""), POLICY_OF_KEY, false },
	{ KEY_STATEMENT("Allow", "\"" HOST "\"", "\"kms:*\"", ""), POLICY_OF_KEY, false },
};

static void what_is_not_understood_is_refused_at_the_door(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		struct err e = ERR_INIT;
		struct policy p;

		if (!policy_parse(unknown[i].policy, unknown[i].kind, true, &p, &e))
			fail_msg("accepted: %s", unknown[i].policy);
		assert_true(*e.what);
	}
}

static void what_is_not_understood_fails_closed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		unsigned int says = ask(unknown[i].policy, unknown[i].kind, false, "kms:Decrypt");

		if (says != (unknown[i].deny ? POLICY_DENIES : 0))
			fail_msg("%s says %u", unknown[i].policy, says);
	}
}

static void what_is_no_policy_is_refused_always(void **state)
{
	static const char *const cases[] = {
		"", "null", "[]", "{", "{}", "{\"Statement\":null}", "{\"Statement\":[]} x", "\"Statement\"",
		"{\"Version\":\"2012-10-17\"}",
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct policy p;

		assert_int_not_equal(policy_parse(cases[i], POLICY_OF_KEY, true, &p, NULL), 0);
		assert_int_not_equal(policy_parse(cases[i], POLICY_OF_KEY, false, &p, NULL), 0);
	}
}

static void another_version_is_refused_at_the_door(void **state)
{
	static const char *const versions[] = { "null", "2012", "\"2012-10-18\"", "[]", "\"\"" };

	(void)state;
	for (unsigned int i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct policy p;
		char text[128];

		snprintf(text, sizeof(text), "{\"Version\":%s,\"Statement\":[]}", versions[i]);
		assert_int_not_equal(policy_parse(text, POLICY_OF_KEY, true, &p, NULL), 0);
		assert_int_equal(policy_parse(text, POLICY_OF_KEY, false, &p, NULL), 0);
		policy_free(&p);
	}
}

static void the_reason_names_the_statement(void **state)
{
	struct err e = ERR_INIT;
	struct policy p;

	(void)state;
	assert_int_not_equal(policy_parse("{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"},"
					  "{\"Effect\":\"Allow\",\"SomeAction\":\"kms:*\",\"Resource\":\"*\"}]}",
					  POLICY_OF_PRINCIPAL, true, &p, &e), 0);
	assert_non_null(strstr(e.what, "statement 2"));
	assert_non_null(strstr(e.what, "SomeAction"));
}

static int count_principal(void *ctx, const char *principal)
{
	assert_true(!strcmp(principal, HOST) || !strcmp(principal, ROOT));
	++*(int *)ctx;
	return 0;
}

static void named_principals_are_told(void **state)
{
	struct policy p;
	static const char text[] =
		"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"" HOST "\",\"*\"]},"
		"\"Action\":\"kms:*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"" ROOT "\"},"
		"\"Action\":\"kms:Sign\",\"Resource\":\"*\"}]}";
	int nr = 0;

	(void)state;
	assert_int_equal(policy_parse(text, POLICY_OF_KEY, true, &p, NULL), 0);
	assert_int_equal(policy_principals(&p, count_principal, &nr), 0);
	assert_int_equal(nr, 2);
	policy_free(&p);
}

/* Whatever bytes a policy has, it is refused or understood; nothing else happens. */
static void any_text_is_safe(void **state)
{
	static const char seed_text[] = KEY_STATEMENT("Allow", "{\"AWS\":\"" HOST "\"}", "[\"kms:De*\",\"kms:Encrypt\"]",
						      ",\"Condition\":{\"StringEquals\":{\"kms:ViaService\":[\"x\"]}}");
	uint64_t seed = 42;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		char text[sizeof(seed_text)];
		struct policy p;

		memcpy(text, seed_text, sizeof(text));
		for (unsigned int n = 0; n <= test_random(&seed) % 4; n++)
			text[test_random(&seed) % (sizeof(text) - 1)] = "\"{}[],:*\\ a0"[test_random(&seed) % 12];
		if (!policy_parse(text, POLICY_OF_KEY, false, &p, NULL)) {
			const struct condition_env env = { .nr = 0 };
			const struct policy_query q = { .action = "kms:Decrypt", .resource = KEY, .account = ACCOUNT,
							.principal = HOST, .env = &env };

			policy_eval(&p, POLICY_OF_KEY, &q);
			policy_free(&p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_policies),
		cmocka_unit_test(negated_elements),
		cmocka_unit_test(principal_policies),
		cmocka_unit_test(what_is_not_understood_is_refused_at_the_door),
		cmocka_unit_test(what_is_not_understood_fails_closed),
		cmocka_unit_test(what_is_no_policy_is_refused_always),
		cmocka_unit_test(another_version_is_refused_at_the_door),
		cmocka_unit_test(the_reason_names_the_statement),
		cmocka_unit_test(named_principals_are_told),
		cmocka_unit_test(any_text_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
