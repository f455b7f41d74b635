// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/test.h"
#include "plan.h"

#define R "arn:aws:iam::111122223333:role/"

static int plan(const char *credentials, const char *config, const char *profile, struct plan *out, struct err *e)
{
	struct plan_texts texts = { { { credentials, credentials ? strlen(credentials) : 0 },
				      { config, config ? strlen(config) : 0 } } };

	return plan_make(&texts, profile, out, e);
}

static void keys_are_themselves(void **state)
{
	struct plan p;

	(void)state;
	assert_int_equal(plan("[a]\naws_access_key_id=A\naws_secret_access_key=B\n", NULL, "a", &p, NULL), 0);
	assert_int_equal(p.source, PLAN_KEYS);
	assert_int_equal(p.nr, 0);
	assert_true(span_is(&p.from.secret_access_key, "B"));
	/* before a program */
	assert_int_equal(plan("[a]\naws_access_key_id=A\ncredential_process=x\n", NULL, "a", &p, NULL), 0);
	assert_int_equal(p.source, PLAN_KEYS);
	assert_int_equal(plan("[a]\ncredential_process=x \"y z\"\n", NULL, "a", &p, NULL), 0);
	assert_int_equal(p.source, PLAN_PROCESS);
	assert_true(span_is(&p.from.credential_process, "x \"y z\""));
	assert_int_equal(plan("[a]\nregion=x\n", NULL, "a", &p, NULL), -ENOENT);
	assert_int_equal(plan("[a]\nregion=x\n", NULL, "b", &p, NULL), -ENOENT);
	assert_int_equal(plan(NULL, NULL, "b", &p, NULL), -ENOENT);
}

static void a_role_is_assumed_from_its_source(void **state)
{
	static const char config[] = "[profile a]\nrole_arn=" R "a\nsource_profile=b\nexternal_id=x\n"
		"[profile b]\nrole_arn=" R "b\nsource_profile=c\nrole_session_name=me\nduration_seconds=900\n";
	struct plan p;

	(void)state;
	assert_int_equal(plan("[c]\naws_access_key_id=A\naws_secret_access_key=B\n", config, "a", &p, NULL), 0);
	assert_int_equal(p.source, PLAN_KEYS);
	assert_int_equal(p.nr, 2);
	/* from the far end of the way */
	assert_true(span_is(&p.role[0].role_arn, R "b"));
	assert_true(span_is(&p.role[0].role_session_name, "me"));
	assert_true(span_is(&p.role[1].role_arn, R "a"));
	assert_true(span_is(&p.role[1].external_id, "x"));
	assert_null(p.role[1].duration_seconds.at);
	/* a role counts before keys; a profile that names itself means its own */
	assert_int_equal(plan("[a]\naws_access_key_id=A\nrole_arn=" R "a\nsource_profile=a\n", NULL, "a", &p, NULL), 0);
	assert_int_equal(p.source, PLAN_KEYS);
	assert_int_equal(p.nr, 1);
}

static void other_sources_have_names(void **state)
{
	static const struct {
		const char *name;
		enum plan_source want;
	} sources[] = {
		{ "Environment", PLAN_ENVIRONMENT }, { "EcsContainer", PLAN_CONTAINER },
		{ "Ec2InstanceMetadata", PLAN_IMDS },
	};
	char text[200];
	struct plan p;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "[a]\nrole_arn=" R "a\ncredential_source=%s\n", sources[i].name);
		assert_int_equal(plan(text, NULL, "a", &p, NULL), 0);
		assert_int_equal(p.source, sources[i].want);
		assert_int_equal(p.nr, 1);
	}
	assert_int_equal(plan("[a]\nrole_arn=" R "a\ncredential_source=environment\n", NULL, "a", &p, NULL), -EINVAL);
	assert_int_equal(plan("[a]\nrole_arn=" R "a\n[b]\nrole_arn=x\n", NULL, "a", &p, NULL), -EINVAL);
	assert_int_equal(plan("[a]\nrole_arn=" R "a\nsource_profile=b\ncredential_source=Environment\n", NULL, "a", &p,
			      NULL), -EINVAL);
	assert_int_equal(plan("[a]\nrole_arn=" R "a\nweb_identity_token_file=/t\n", NULL, "a", &p, NULL), 0);
	assert_int_equal(p.source, PLAN_WEB_IDENTITY);
	assert_int_equal(p.nr, 0);
	assert_int_equal(plan("[a]\nrole_arn=" R "a\nsource_profile=b\n[b]\nrole_arn=" R "b\n"
			      "web_identity_token_file=/t\n", NULL, "a", &p, NULL), 0);
	assert_int_equal(p.source, PLAN_WEB_IDENTITY);
	assert_int_equal(p.nr, 1);
}

static void chains_end(void **state)
{
	struct err e = ERR_INIT;
	char text[1000] = "";
	struct plan p;
	int i;

	(void)state;
	assert_int_equal(plan("[a]\nrole_arn=" R "a\nsource_profile=b\n[b]\nrole_arn=" R "b\nsource_profile=a\n", NULL,
			      "a", &p, &e), -ELOOP);
	assert_non_null(strstr(e.what, "\"a\""));
	assert_int_equal(plan("[a]\nrole_arn=" R "a\nsource_profile=b\n", NULL, "a", &p, &e), -EINVAL);
	assert_non_null(strstr(e.what, "\"b\""));
	assert_int_equal(plan("[a]\nrole_arn=" R "a\nsource_profile=b\n[b]\nregion=x\n", NULL, "a", &p, &e), -EINVAL);
	for (i = 1; i <= 7; i++)
		sprintf(text + strlen(text), "[p%d]\nrole_arn=" R "p%d\nsource_profile=p%d\n", i, i, i - 1);
	strcat(text, "[p0]\naws_access_key_id=A\naws_secret_access_key=B\n");
	assert_int_equal(plan(text, NULL, "p5", &p, &e), 0);
	assert_int_equal(p.nr, PLAN_ROLES);
	assert_true(span_is(&p.role[0].role_arn, R "p1"));
	assert_int_equal(plan(text, NULL, "p6", &p, &e), -ELOOP);
	assert_int_equal(plan(text, NULL, "p7", &p, &e), -ELOOP);
}

/* What would need somebody at a browser, or with a code in his hand. */
static void ways_not_gone_are_named(void **state)
{
	static const char *const names[] = {
		"login_session", "mfa_serial", "sso_account_id", "sso_role_name", "sso_session", "sso_start_url",
	};
	char text[200];
	struct plan p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct err e = ERR_INIT;

		snprintf(text, sizeof(text), "[a]\n%s=x\n", names[i]);
		assert_int_equal(plan(text, NULL, "a", &p, &e), -EOPNOTSUPP);
		assert_non_null(strstr(e.what, names[i]));
		snprintf(text, sizeof(text), "[a]\nrole_arn=" R "a\nsource_profile=b\n%s=x\n", names[i]);
		assert_int_equal(plan(text, NULL, "a", &p, &e), -EOPNOTSUPP);
	}
}

static void the_credentials_file_counts_before_the_config(void **state)
{
	struct plan p;

	(void)state;
	assert_int_equal(plan("[a]\naws_access_key_id=A\naws_secret_access_key=B\n",
			      "[profile a]\naws_access_key_id=C\naws_secret_access_key=D\naws_session_token=E\n", "a",
			      &p, NULL), 0);
	assert_true(span_is(&p.from.access_key_id, "A"));
	assert_true(span_is(&p.from.secret_access_key, "B"));
}

/* Any texts make a plan or an error, and nothing is read outside of them (ASan looks). */
static void any_text_makes_a_plan_or_none(void **state)
{
	static const char *const lines[] = {
		"[a]\n", "[b]\n", "[profile c]\n", "role_arn=r\n", "source_profile=a\n", "source_profile=b\n",
		"source_profile=c\n", "credential_source=Environment\n", "credential_process=p\n", "aws_access_key_id=k\n",
		"web_identity_token_file=/t\n", "sso_session=s\n", "=\n", "[\n", "x",
	};
	uint64_t seed = 5;
	int round, good = 0;

	(void)state;
	for (round = 0; round < 20000; round++) {
		char text[600] = "";
		struct plan p;
		int n = (test_random(&seed) >> 33) % 14, rc;

		while (n--)
			strcat(text, lines[(test_random(&seed) >> 33) % (sizeof(lines) / sizeof(*lines))]);
		rc = plan(text, NULL, "a", &p, NULL);
		assert_true(!rc || rc == -ENOENT || rc == -ELOOP || rc == -EOPNOTSUPP || rc == -EINVAL);
		good += !rc;
		assert_true(p.nr <= PLAN_ROLES);
	}
	assert_true(good > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_themselves),
		cmocka_unit_test(a_role_is_assumed_from_its_source),
		cmocka_unit_test(other_sources_have_names),
		cmocka_unit_test(chains_end),
		cmocka_unit_test(ways_not_gone_are_named),
		cmocka_unit_test(the_credentials_file_counts_before_the_config),
		cmocka_unit_test(any_text_makes_a_plan_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
