// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "../common/test.h"
#include "creds.h"
#include "profile.h"

static char dir[64], file[96];

static int setup(void **state)
{
	static const char *const names[] = {
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	strcpy(dir, "/tmp/creds_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/file", dir);
	setenv("HOME", dir, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(dir);
}

static void write_file(const char *text, mode_t mode)
{
	assert_int_equal(fsio_replace(file, text, strlen(text), mode, NULL), 0);
}

static void the_named_profile_is_read(void **state)
{
	static const char text[] = "# comment\n"
		"[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = one/+==\n\n"
		"[ host ]\r\n  aws_access_key_id=NESTED\naws_access_key_id=AKIDHOST\r\naws_secret_access_key=two\n"
		"aws_session_token=tok/en==\n; comment\n"
		"[profile other]\nregion=x\naws_access_key_id=AKIDOTHER\naws_secret_access_key=a=b\n";
	struct creds_source src = { .file = file };
	struct creds c;

	(void)state;
	write_file(text, 0600);
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	assert_string_equal(c.access_key_id, "AKIDDEFAULT");
	assert_string_equal(c.secret_access_key, "one/+==");
	assert_string_equal(c.session_token, "");
	creds_wipe(&c);
	assert_null(c.secret_access_key);

	src.profile = "host";
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	assert_string_equal(c.access_key_id, "AKIDHOST");
	assert_string_equal(c.session_token, "tok/en==");
	/* all three in the one buffer that is wiped */
	assert_true(c.secret_access_key > (char *)c.store.data &&
		    c.session_token < (char *)c.store.data + c.store.len);
	creds_wipe(&c);

	src.profile = "other";
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	assert_string_equal(c.access_key_id, "AKIDOTHER");
	assert_string_equal(c.secret_access_key, "a=b");
	creds_wipe(&c);
}

static void a_missing_profile_says_where_we_looked(void **state)
{
	struct creds_source src = { .file = file, .profile = "nobody" };
	struct err e = ERR_INIT;
	struct creds c;

	(void)state;
	assert_int_equal(creds_load(&src, &c, &e), -ENOENT);
	assert_non_null(strstr(e.what, file));
	write_file("[default]\naws_access_key_id=A\naws_secret_access_key=B\n", 0600);
	assert_int_equal(creds_load(&src, &c, &e), -ENOENT);
	assert_non_null(strstr(e.what, "\"nobody\""));
	assert_non_null(strstr(e.what, file));
	src.environment = true;
	assert_int_equal(creds_load(&src, &c, &e), -ENOENT);
	assert_non_null(strstr(e.what, "environment"));
	creds_wipe(&c);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
	static const mode_t bad[] = { 0604, 0602, 0601, 0620, 0644, 0666 };
	struct creds_source src = { .file = file };
	struct creds c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		write_file("[default]\naws_access_key_id=A\naws_secret_access_key=B\n", bad[i]);
		assert_int_equal(creds_load(&src, &c, &e), -EPERM);
		assert_non_null(strstr(e.hint, "chmod 600"));
	}
	write_file("[default]\naws_access_key_id=A\naws_secret_access_key=B\n", 0440);
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	creds_wipe(&c);
	if (!geteuid()) {
		assert_int_equal(chown(file, 65534, -1), 0);
		assert_int_equal(creds_load(&src, &c, NULL), -EPERM);
	}
	unlink(file);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_int_equal(creds_load(&src, &c, NULL), -EINVAL);	/* and does not hang */
}

static void incomplete_or_unprintable_credentials_are_refused(void **state)
{
	static const char *const bad[] = {
		"[default]\naws_access_key_id=A\n", "[default]\naws_secret_access_key=B\n",
		"[default]\naws_access_key_id=\naws_secret_access_key=B\n",
		"[default]\naws_access_key_id=A B\naws_secret_access_key=B\n",
		"[default]\naws_access_key_id=A\naws_secret_access_key=B\naws_session_token=x\x01y\n",
	};
	struct creds_source src = { .file = file };
	struct creds c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		write_file(bad[i], 0600);
		assert_int_equal(creds_load(&src, &c, &e), -EINVAL);
		assert_null(strstr(e.what, "=B"));	/* the error quotes no value */
	}
}

static void other_ways_to_credentials_are_named(void **state)
{
	struct creds_source src = { .file = file };
	struct err e = ERR_INIT;
	struct creds c;

	(void)state;
	write_file("[default]\nsso_session=x\n", 0600);
	assert_int_equal(creds_load(&src, &c, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.what, "sso_session is not supported"));
	/* nobody to ask was given */
	write_file("[default]\nrole_arn=arn:aws:iam::111122223333:role/x\nsource_profile=default\naws_access_key_id=A\n"
		   "aws_secret_access_key=B\n", 0600);
	assert_int_equal(creds_load(&src, &c, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.what, "cannot be asked"));
	assert_null(c.store.data);
}

/* A daemon's configuration says which way to go, and no other is gone. */
static void the_configuration_says_what_a_profile_may_lead_to(void **state)
{
	static const char role[] = "[default]\nrole_arn=arn:aws:iam::111122223333:role/x\nsource_profile=k\n"
		"[k]\naws_access_key_id=A\naws_secret_access_key=B\n";
	struct creds_source src = { .file = file, .kind = CREDS_FILE };
	struct err e = ERR_INIT;
	struct creds c;

	(void)state;
	write_file(role, 0600);
	assert_int_equal(creds_load(&src, &c, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.what, "role_arn is not used"));
	src.profile = "k";
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	creds_wipe(&c);
	src.profile = NULL;
	write_file("[default]\ncredential_process=/bin/echo x\n", 0600);
	assert_int_equal(creds_load(&src, &c, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.what, "credential_process is not used"));
	src.kind = CREDS_PROFILE;
	assert_int_equal(creds_load(&src, &c, NULL), -EOPNOTSUPP);
	src.kind = CREDS_PROCESS;
	assert_int_equal(creds_load(&src, &c, &e), -EBADMSG);	/* it was run */
}

static void a_program_may_give_them(void **state)
{
	struct creds_source src = { .file = file };
	struct err e = ERR_INIT;
	struct creds c;

	(void)state;
	write_file("[default]\ncredential_process = /bin/echo '{\"Version\":1,\"AccessKeyId\":\"AKIDP\",' "
		   "\"\\\"SecretAccessKey\\\":\\\"s/k\\\",\" '\"SessionToken\":\"t\","
		   "\"Expiration\":\"2030-01-01T00:00:00Z\"}'\n", 0600);
	assert_int_equal(creds_load(&src, &c, &e), 0);
	assert_string_equal(c.access_key_id, "AKIDP");
	assert_string_equal(c.secret_access_key, "s/k");
	assert_string_equal(c.session_token, "t");
	assert_int_equal(c.expires_s, 1893456000);
	creds_wipe(&c);
	write_file("[default]\ncredential_process = /bin/echo '{\"Version\":2,\"AccessKeyId\":\"AKIDP\","
		   "\"SecretAccessKey\":\"sSs\"}'\n", 0600);
	assert_int_equal(creds_load(&src, &c, &e), -EBADMSG);
	assert_non_null(strstr(e.what, "Version"));
	assert_null(strstr(e.what, "sSs"));
	write_file("[default]\ncredential_process = /bin/false\n", 0600);
	assert_int_equal(creds_load(&src, &c, &e), -ECHILD);
	assert_non_null(strstr(e.what, "/bin/false"));
}

/* Keys in a config file are as secret as in the other. */
static void the_config_file_is_public_only_without_keys(void **state)
{
	static const char keys[] = "[default]\naws_access_key_id=A\naws_secret_access_key=B\n";
	struct creds_source src = { .environment = true };
	char config[100];
	struct creds c;

	(void)state;
	snprintf(config, sizeof(config), "%s/config", dir);
	setenv("AWS_CONFIG_FILE", config, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", file, 1);
	write_file("[default]\naws_access_key_id=A\naws_secret_access_key=B\n", 0600);
	assert_int_equal(fsio_replace(config, "[default]\nregion=x\n", 19, 0644, NULL), 0);
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	creds_wipe(&c);
	assert_int_equal(chmod(config, 0664), 0);
	assert_int_equal(creds_load(&src, &c, NULL), -EPERM);
	unlink(file);
	assert_int_equal(fsio_replace(config, keys, strlen(keys), 0644, NULL), 0);
	assert_int_equal(creds_load(&src, &c, NULL), -EPERM);
	assert_int_equal(chmod(config, 0600), 0);
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	creds_wipe(&c);
	unlink(config);
}

static void the_environment_counts_only_when_allowed(void **state)
{
	struct creds_source src = { .file = file, .environment = true };
	struct creds c;

	(void)state;
	write_file("[default]\naws_access_key_id=FILE\naws_secret_access_key=B\n"
		   "[p]\naws_access_key_id=PROFILE\naws_secret_access_key=B\n", 0600);
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
	setenv("AWS_PROFILE", "p", 1);
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	assert_string_equal(c.access_key_id, "ENV");
	creds_wipe(&c);
	src.environment = false;
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	assert_string_equal(c.access_key_id, "FILE");
	creds_wipe(&c);
	unsetenv("AWS_ACCESS_KEY_ID");
	src.environment = true;
	assert_int_equal(creds_load(&src, &c, NULL), -EINVAL);	/* half of a pair */
	unsetenv("AWS_SECRET_ACCESS_KEY");
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	assert_string_equal(c.access_key_id, "PROFILE");
	creds_wipe(&c);
	setenv("AWS_SHARED_CREDENTIALS_FILE", file, 1);
	src.file = NULL;
	src.environment = false;
	assert_int_equal(creds_load(&src, &c, NULL), 0);
	assert_string_equal(c.access_key_id, "FILE");
	creds_wipe(&c);
}

/* Any text is a profile file: nothing is read outside of it (ASan looks), whatever it is. */
static void any_text_can_be_searched(void **state)
{
	static const char alphabet[] = "[]= \t\n\rp#;aws_key\"";
	uint64_t seed = 9;
	int round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		size_t len = test_random(&seed) % 60, i;
		char *text = malloc(len + !len);
		struct profile p;

		assert_non_null(text);
		for (i = 0; i < len; i++)
			text[i] = alphabet[(test_random(&seed) >> 30) % (sizeof(alphabet) - 1)];
		profile_find(text, len, "p", &p);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_named_profile_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(a_missing_profile_says_where_we_looked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_others_can_read_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(incomplete_or_unprintable_credentials_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(other_ways_to_credentials_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(the_configuration_says_what_a_profile_may_lead_to, setup, teardown),
		cmocka_unit_test_setup_teardown(a_program_may_give_them, setup, teardown),
		cmocka_unit_test_setup_teardown(the_config_file_is_public_only_without_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(the_environment_counts_only_when_allowed, setup, teardown),
		cmocka_unit_test(any_text_can_be_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
