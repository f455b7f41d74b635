// SPDX-License-Identifier: GPL-2.0-or-later
/* Credentials of a role, from the security token service. */
#include "../common/test.h"
#include "creds_fixture.h"

#define ROLE "arn:aws:iam::111122223333:role/"
#define XML(id) "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" id "</AccessKeyId>" \
	"<SecretAccessKey>s1</SecretAccessKey><SessionToken>t/1==</SessionToken>" \
	"<Expiration>2038-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define NO(code) \
	ANSWER(403, "<ErrorResponse><Error><Code>" code "</Code><Message>because</Message></Error></ErrorResponse>")

static const struct creds_source web_identity = {
	.kind = CREDS_WEB_IDENTITY, .role_arn = ROLE "host", .web_identity_token_file = token_path,
};

static char file[] = "/tmp/creds_sts_test.XXXXXX";

static void write_profiles(const char *text)
{
	assert_int_equal(fsio_replace(file, text, strlen(text), 0600, NULL), 0);
}

static void a_token_file_leads_to_a_role(void **state)
{
	struct creds_source src = web_identity;

	(void)state;
	BEGIN(OK(XML("ASIAW")));
	write_token("eyJ.first-1_+/~\n");
	assert_int_equal(load(&src), 0);
	assert_string_equal(creds.access_key_id, "ASIAW");
	assert_string_equal(creds.secret_access_key, "s1");
	assert_string_equal(creds.session_token, "t/1==");
	assert_int_equal(creds.expires_s, 2145916800);
	assert_string_equal(fake.body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A"
			    "111122223333%3Arole%2Fhost&RoleSessionName=dm-ecache&"
			    "WebIdentityToken=eyJ.first-1_%2B%2F~");
	assert_null(strstr(fake.head, "Authorization"));
	/* replaced by whoever keeps it fresh */
	write_token("second");
	src.role_session_name = "me@host";
	assert_int_equal(load(&src), 0);
	assert_non_null(strstr(fake.body, "RoleSessionName=me%40host&WebIdentityToken=second"));
}

static void the_environment_of_a_pod(void **state)
{
	const struct creds_source src = { .environment = true };

	(void)state;
	BEGIN(OK(XML("ASIAW")));
	write_token("t");
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token_path, 1);
	setenv("AWS_ROLE_ARN", ROLE "pod", 1);
	setenv("AWS_ROLE_SESSION_NAME", "pod-7", 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	assert_int_equal(load(&src), 0);
	assert_non_null(strstr(fake.body, "role%2Fpod&RoleSessionName=pod-7"));
	unsetenv("AWS_ROLE_ARN");
	assert_int_equal(load(&src), -ENOENT);
}

/* The same way, as a profile says it; a daemon that was told to read keys from its file goes no other. */
static void a_profile_may_lead_to_a_token(void **state)
{
	struct creds_source src = { .kind = CREDS_PROFILE, .file = file, .profile = "a" };
	char text[4400];

	(void)state;
	BEGIN(OK(XML("ASIAW")));
	write_token("t+");
	snprintf(text, sizeof(text), "[a]\nrole_arn=" ROLE "pod\nweb_identity_token_file=%s\nrole_session_name=me\n",
		 token_path);
	write_profiles(text);
	assert_int_equal(load(&src), 0);
	assert_string_equal(creds.access_key_id, "ASIAW");
	assert_string_equal(fake.body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A"
			    "111122223333%3Arole%2Fpod&RoleSessionName=me&WebIdentityToken=t%2B");
	assert_null(strstr(fake.head, "Authorization"));
	src.kind = CREDS_FILE;
	assert_int_equal(load(&src), -EOPNOTSUPP);
	assert_non_null(strstr(error.what, "web_identity_token_file is not used"));
	assert_non_null(strstr(error.hint, "host-credentials-source="));
	src.kind = CREDS_PROFILE;
	snprintf(text, sizeof(text), "[a]\nrole_arn=" ROLE "pod\nweb_identity_token_file=/%04100d\n", 0);
	write_profiles(text);
	assert_int_equal(load(&src), -ENAMETOOLONG);
	assert_int_equal(fake.requests, 1);
}

/* An instance's own credentials become a role's. */
static void a_role_may_come_from_the_instance(void **state)
{
	struct creds_source src = { .kind = CREDS_PROFILE, .file = file, .profile = "a" };

	(void)state;
	BEGIN(OK("TOKEN=="), OK("my-role\n"), OK(DOCUMENT), OK(XML("ASIAA")));
	src.imds_endpoint = fake.endpoint;
	write_profiles("[a]\nrole_arn=" ROLE "a\ncredential_source=Ec2InstanceMetadata\n");
	assert_int_equal(load(&src), 0);
	assert_string_equal(creds.access_key_id, "ASIAA");
	assert_int_equal(strncmp(fake.history, "PUT /latest/api/token HTTP/1.1\r\n", 32), 0);
	assert_non_null(strstr(fake.head, "Credential=ASIA1/"));
	assert_int_equal(fake.requests, 4);
}

static void bad_tokens_are_not_sent(void **state)
{
	static const char *const bad[] = { "", "\n", "a b", "a\nb" };
	struct creds_source src = web_identity;
	char large[20002];
	size_t i;

	(void)state;
	BEGIN(OK(XML("ASIAW")));
	for (i = 0; i < COUNT(bad); i++) {
		write_token(bad[i]);
		assert_int_equal(load(&src), -EINVAL);
	}
	memset(large, '+', sizeof(large));
	large[20001] = '\0';
	write_token(large);
	assert_int_equal(load(&src), -EFBIG);
	write_token(large + 1);
	assert_int_equal(load(&src), 0);	/* the largest that STS takes, in its longest form */
	unlink(token_path);
	assert_int_equal(load(&src), -ENOENT);
	write_token("t");
	src.role_arn = "arn:aws:iam::111122223333:user/u";
	assert_int_equal(load(&src), -EINVAL);
	src.role_arn = ROLE "host";
	src.role_session_name = "a b";
	assert_int_equal(load(&src), -EINVAL);
	assert_int_equal(fake.requests, 1);
}

static void a_role_is_assumed_with_the_keys_of_its_source(void **state)
{
	struct creds_source src = { .kind = CREDS_PROFILE, .file = file, .profile = "a" };
	const char *p;

	(void)state;
	BEGIN(OK(XML("ASIAB")), OK(XML("ASIAA")));
	write_profiles("[a]\nrole_arn=" ROLE "a\nsource_profile=b\nexternal_id=x/y\nduration_seconds=900\n"
		       "[b]\nrole_arn=" ROLE "b\nsource_profile=c\nrole_session_name=bb\n"
		       "[c]\naws_access_key_id=AKIAC\naws_secret_access_key=sc\n");
	assert_int_equal(load(&src), 0);
	assert_string_equal(creds.access_key_id, "ASIAA");
	assert_int_equal(fake.requests, 2);
	p = strstr(fake.history, "Credential=AKIAC/");
	assert_non_null(p);
	assert_non_null(strstr(p, "/eu-west-1/sts/aws4_request"));
	assert_non_null(strstr(p, "Credential=ASIAB/"));
	assert_non_null(strstr(fake.head, "X-Amz-Security-Token: t/1==\r\n"));
	assert_string_equal(fake.body, "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole"
			    "%2Fa&RoleSessionName=dm-ecache&DurationSeconds=900&ExternalId=x%2Fy");
}

static void a_role_may_come_from_the_host(void **state)
{
	struct creds_source src = { .kind = CREDS_PROFILE, .file = file, .profile = "a" };

	(void)state;
	BEGIN(OK(DOCUMENT), OK(XML("ASIAA")));
	src.container_uri = fake.endpoint;
	write_profiles("[a]\nrole_arn=" ROLE "a\ncredential_source=EcsContainer\n");
	assert_int_equal(load(&src), 0);
	assert_string_equal(creds.access_key_id, "ASIAA");
	assert_non_null(strstr(fake.head, "Credential=ASIA1/"));
	/* a daemon's environment is none */
	write_profiles("[a]\nrole_arn=" ROLE "a\ncredential_source=Environment\n");
	setenv("AWS_ACCESS_KEY_ID", "AKIAE", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
	assert_int_equal(load(&src), -ENOENT);
	assert_non_null(strstr(error.what, "credential_source"));
	src.kind = CREDS_CHAIN;
	src.environment = true;
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	assert_int_equal(load(&src), -ENOENT);
}

/* Denied to become somebody: no credentials, whoever they were before. */
static void a_role_that_is_denied_leaves_nothing(void **state)
{
	struct creds_source src = { .kind = CREDS_PROFILE, .file = file, .profile = "a" };

	(void)state;
	BEGIN(NO("AccessDenied"), OK("<html>"), OK(XML("A B")),
	      { 302, "Location: /x\r\n", XML("ASIAA"), 0, FAKE_ANSWER });
	write_profiles("[a]\nrole_arn=" ROLE "a\nsource_profile=c\n[c]\naws_access_key_id=AKIAC\n"
		       "aws_secret_access_key=sc\n");
	assert_int_equal(load(&src), -EPERM);
	assert_null(creds.store.data);
	assert_non_null(strstr(error.what, "AssumeRole of " ROLE "a"));
	assert_non_null(strstr(error.what, "AccessDenied: because"));
	assert_int_equal(load(&src), -EBADMSG);
	assert_int_equal(load(&src), -EINVAL);
	assert_true(load(&src) < 0);
	assert_null(creds.store.data);
	assert_int_equal(fake.requests, 4);
}

static void settings_of_a_role_are_checked(void **state)
{
	static const char *const bad[] = {
		"role_arn=x", "role_arn=", "role_arn=" ROLE "a\nduration_seconds=899",
		"role_arn=" ROLE "a\nduration_seconds=43201",
		"role_arn=" ROLE "a\nduration_seconds=1h", "role_arn=" ROLE "a\nduration_seconds=",
		"role_arn=" ROLE "a\nrole_session_name=x", "role_arn=" ROLE "a\nrole_session_name=a&b",
	};
	struct creds_source src = { .kind = CREDS_PROFILE, .file = file, .profile = "a" };
	char text[400];
	size_t i;

	(void)state;
	BEGIN(OK(XML("ASIAA")));
	for (i = 0; i < COUNT(bad); i++) {
		snprintf(text, sizeof(text), "[a]\n%s\nsource_profile=c\n[c]\naws_access_key_id=AKIAC\n"
			 "aws_secret_access_key=sc\n", bad[i]);
		write_profiles(text);
		if (load(&src) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_int_equal(fake.requests, 0);
}

static void trouble_of_the_service_is_tried_again(void **state)
{
	struct creds_source src = web_identity;

	(void)state;
	BEGIN(NO("IDPCommunicationError"), OK(XML("ASIAW")));
	write_token("t");
	assert_int_equal(load(&src), 0);
	assert_int_equal(fake.requests, 2);
	memo.sts.used = RETRY_TOKENS;
	fake.at = 0;
	assert_int_equal(load(&src), -EPERM);
	assert_int_equal(fake.requests, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_token_file_leads_to_a_role, end),
		cmocka_unit_test_teardown(the_environment_of_a_pod, end),
		cmocka_unit_test_teardown(a_profile_may_lead_to_a_token, end),
		cmocka_unit_test_teardown(a_role_may_come_from_the_instance, end),
		cmocka_unit_test_teardown(bad_tokens_are_not_sent, end),
		cmocka_unit_test_teardown(a_role_is_assumed_with_the_keys_of_its_source, end),
		cmocka_unit_test_teardown(a_role_may_come_from_the_host, end),
		cmocka_unit_test_teardown(a_role_that_is_denied_leaves_nothing, end),
		cmocka_unit_test_teardown(settings_of_a_role_are_checked, end),
		cmocka_unit_test_teardown(trouble_of_the_service_is_tried_again, end),
	};

	return mkstemp(token_path) < 0 || mkstemp(file) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
