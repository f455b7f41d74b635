// SPDX-License-Identifier: GPL-2.0-or-later
/* Credentials of what the host is or runs in: a container's endpoint, the instance's metadata. */
#include "../common/test.h"
#include "creds_fixture.h"
#include "surroundings.h"

static char uri[160];

static const char *uri_of(const char *path)
{
	snprintf(uri, sizeof(uri), "%.90s%.60s", fake.endpoint, path);
	return uri;
}

static void a_container_is_asked_with_its_token(void **state)
{
	struct creds_source src = { .kind = CREDS_CONTAINER };

	(void)state;
	BEGIN(OK(DOCUMENT));
	src.container_uri = uri_of("/v2/credentials/a?b=c");
	assert_int_equal(load(&src), 0);
	assert_string_equal(creds.access_key_id, "ASIA1");
	assert_string_equal(creds.secret_access_key, "s1");
	assert_string_equal(creds.session_token, "t1");
	assert_int_equal(creds.expires_s, 2145916800);
	assert_int_equal(strncmp(fake.head, "GET /v2/credentials/a?b=c HTTP/1.1\r\n", 36), 0);
	assert_null(strstr(fake.head, "Authorization"));
	/* the file is read each time */
	write_token("first\n");
	src.container_token_file = token_path;
	assert_int_equal(load(&src), 0);
	assert_non_null(strstr(fake.head, "\r\nAuthorization: first\r\n"));
	write_token("second");
	assert_int_equal(load(&src), 0);
	assert_non_null(strstr(fake.head, "\r\nAuthorization: second\r\n"));
	/* and can put nothing else into the request */
	write_token("third\r\nX-Evil: 1");
	assert_int_equal(load(&src), -EINVAL);
	write_token("");
	assert_int_equal(load(&src), -EINVAL);
	unlink(token_path);
	assert_int_equal(load(&src), -ENOENT);
	assert_int_equal(fake.requests, 3);
}

static void the_environment_of_a_container(void **state)
{
	const struct creds_source src = { .environment = true };

	(void)state;
	BEGIN(OK(DOCUMENT));
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri_of("/x"), 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc", 1);
	assert_int_equal(load(&src), 0);
	assert_non_null(strstr(fake.head, "\r\nAuthorization: Basic abc\r\n"));
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nb", 1);
	assert_int_equal(load(&src), -EINVAL);
	/* a daemon does not look there */
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a", 1);
	assert_int_equal(load(&(struct creds_source){ .kind = CREDS_CONTAINER }), -ENOENT);
	assert_int_equal(fake.requests, 1);
}

/* What would hand a token to, or take an identity from, somebody on the network. */
static void plain_http_is_for_this_host_and_its_agents(void **state)
{
	static const char *const bad[] = {
		"http://10.0.0.1/x", "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/x", "http://0.0.0.0/x",
		"http://[::]/x", "http://[::ffff:10.0.0.1]/x",
	};
	static const char *const never[] = {
		"ftp://127.0.0.1/x", "127.0.0.1/x", "http://user@127.0.0.1/x", "http:///x", "http://127.0.0.1/x#y",
		"http://127.0.0.1/a b", "http://127.0.0.1?x", "",
	};
	static const char *const elsewhere[] = { "0.0.0.0", "[::ffff:127.0.0.1]" };
	struct creds_source src = { .kind = CREDS_CONTAINER }, imds = { .kind = CREDS_IMDS, .imds_endpoint = uri };
	const char *port;
	size_t i;

	(void)state;
	BEGIN(OK(DOCUMENT));
	net.metadata_ms = 1000;
	write_token("secret");
	src.container_token_file = token_path;
	/*
	 * two names of where our server is that are no address of this host: only the check keeps them from being
	 * asked
	 */
	port = strrchr(fake.endpoint, ':');
	for (i = 0; i < COUNT(elsewhere); i++) {
		snprintf(uri, sizeof(uri), "http://%s%s/x", elsewhere[i], port);
		src.container_uri = uri;
		if (load(&src) != -EAGAIN)
			fail_msg("asked: %s: %s", uri, error.what);
		snprintf(uri, sizeof(uri), "http://%s%s", elsewhere[i], port);
		if (load(&imds) != -EAGAIN)
			fail_msg("asked: %s: %s", uri, error.what);
	}
	for (i = 0; i < COUNT(bad); i++) {
		src.container_uri = bad[i];
		if (load(&src) != -EAGAIN)
			fail_msg("asked: %s: %s", bad[i], error.what);
	}
	for (i = 0; i < COUNT(never); i++) {
		src.container_uri = never[i];
		if (load(&src) != -EINVAL)
			fail_msg("asked: %s: %s", never[i], error.what);
	}
	assert_int_equal(fake.requests, 0);
}

static bool allowed(int family, const char *text, const char *const list[])
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	const struct sockaddr *sa = family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;

	assert_int_equal(inet_pton(family, text, family == AF_INET ? (void *)&four.sin_addr : &six.sin6_addr), 1);
	return address_is_loopback(sa) || address_is_one_of(sa, list);
}

static void addresses(void **state)
{
	static const char *const list[] = { "169.254.170.2", "fd00:ec2::23", NULL };
	static const char *const none[] = { NULL };

	(void)state;
	assert_true(allowed(AF_INET, "127.0.0.1", none));
	assert_true(allowed(AF_INET, "127.255.3.4", none));
	assert_true(allowed(AF_INET6, "::1", none));
	assert_false(allowed(AF_INET, "128.0.0.1", list));
	assert_false(allowed(AF_INET, "0.0.0.0", list));
	assert_false(allowed(AF_INET6, "::", list));
	assert_false(allowed(AF_INET6, "::ffff:127.0.0.1", list));
	assert_false(allowed(AF_INET, "169.254.170.2", none));
	assert_true(allowed(AF_INET, "169.254.170.2", list));
	assert_true(allowed(AF_INET6, "FD00:EC2:0::23", list));
	assert_false(allowed(AF_INET6, "fd00:ec2::24", list));
}

static void bad_answers_of_a_container_give_nothing(void **state)
{
	struct creds_source src = { .kind = CREDS_CONTAINER };
	int i;

	(void)state;
	BEGIN({ .status = 302, .headers = "Location: http://127.0.0.1:1/\r\n", .body = DOCUMENT },
	      ANSWER(403, DOCUMENT),
	      OK("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}"), OK("nothing"),
	      OK("{\"AccessKeyId\":\"A B\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
		 "\"Expiration\":\"2038-01-01T00:00:00Z\"}"));
	src.container_uri = uri_of("/");
	for (i = 0; i < 5; i++) {
		assert_true(load(&src) < 0);
		assert_null(creds.store.data);
		assert_non_null(strstr(error.what, "container's endpoint"));
		assert_null(strstr(error.what, "s1"));
		assert_true(transport_wiped(net.transport));
	}
	assert_int_equal(fake.requests, 5);
}

static void a_failure_of_the_endpoint_is_tried_once_more(void **state)
{
	struct creds_source src = { .kind = CREDS_CONTAINER };

	(void)state;
	BEGIN(ANSWER(500, ""), OK(DOCUMENT), { .how = FAKE_CLOSE }, OK(DOCUMENT), ANSWER(503, ""));
	src.container_uri = uri_of("/");
	assert_int_equal(load(&src), 0);
	assert_int_equal(load(&src), 0);
	assert_int_equal(load(&src), -EACCES);
	assert_int_equal(fake.requests, 6);
}

#define ROLES "/latest/meta-data/iam/security-credentials/"

static void the_instance_is_asked_by_version_2(void **state)
{
	struct creds_source src = { .kind = CREDS_IMDS };

	(void)state;
	BEGIN(OK("TOKEN=="), OK("my-role\n"), OK(DOCUMENT));
	src.imds_endpoint = fake.endpoint;
	assert_int_equal(load(&src), 0);
	assert_string_equal(creds.access_key_id, "ASIA1");
	assert_string_equal(creds.session_token, "t1");
	assert_int_equal(strncmp(fake.history, "PUT /latest/api/token HTTP/1.1\r\n", 32), 0);
	assert_non_null(strstr(fake.history, "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n"));
	assert_non_null(strstr(fake.history, "GET " ROLES " HTTP/1.1\r\n"));
	assert_int_equal(strncmp(fake.head, "GET " ROLES "my-role HTTP/1.1\r\n", strlen(ROLES) + 22), 0);
	assert_non_null(strstr(fake.head, "X-aws-ec2-metadata-token: TOKEN==\r\n"));
	assert_int_equal(fake.requests, 3);
}

/* Version 1 gives credentials to any request; no answer to the PUT may lead there. */
static void without_a_token_the_instance_is_not_asked(void **state)
{
	static const int statuses[] = { 400, 403, 404, 405, 500, 501, 503 };
	struct creds_source src = { .kind = CREDS_IMDS };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(statuses); i++) {
		const struct fake_reply replies[] = { ANSWER(statuses[i], "my-role"), ANSWER(statuses[i], "my-role") };

		begin(replies, 2);
		src.imds_endpoint = fake.endpoint;
		assert_true(load(&src) < 0);
		assert_null(creds.store.data);
		assert_non_null(strstr(error.what, "/latest/api/token"));
		assert_null(strstr(fake.history, "GET "));
		assert_int_equal(end(NULL), 0);
	}
	BEGIN(OK(""), OK("my-role"), OK(DOCUMENT));
	src.imds_endpoint = fake.endpoint;
	assert_int_equal(load(&src), -EBADMSG);
	assert_int_equal(end(NULL), 0);
	BEGIN(OK("two\nlines"), OK("my-role"), OK(DOCUMENT));
	src.imds_endpoint = fake.endpoint;
	assert_int_equal(load(&src), -EBADMSG);
}

static void bad_answers_of_the_instance_give_nothing(void **state)
{
	static const struct fake_reply scripts[][3] = {
		{ OK("T"), ANSWER(404, ""), OK(DOCUMENT) },
		{ OK("T"), OK("../../user-data"), OK(DOCUMENT) },
		{ OK("T"), OK("a b"), OK(DOCUMENT) },
		{ OK("T"), OK(""), OK(DOCUMENT) },
		{ OK("T"), OK("role"), ANSWER(404, DOCUMENT) },
		{ OK("T"), OK("role"), OK("{\"Code\":\"Failed\"}") },
		{ OK("T"), { .status = 302, .headers = "Location: /x\r\n", .body = "role" }, OK(DOCUMENT) },
	};
	struct creds_source src = { .kind = CREDS_IMDS };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(scripts); i++) {
		begin(scripts[i], 3);
		src.imds_endpoint = fake.endpoint;
		assert_true(load(&src) < 0);
		assert_null(creds.store.data);
		if (!i)
			assert_non_null(strstr(error.hint, "instance profile"));
		if (i + 1 < COUNT(scripts))
			assert_int_equal(end(NULL), 0);
	}
}

static void metadata_comes_from_the_instance_only(void **state)
{
	static const char *const bad[] = { "http://10.0.0.1", "http://169.254.170.2", "https://127.0.0.1:1" };
	struct creds_source src = { .kind = CREDS_IMDS, .imds_endpoint = uri };
	size_t i;

	(void)state;
	BEGIN(OK("T"), OK("role"), OK(DOCUMENT));
	net.metadata_ms = 1000;
	snprintf(uri, sizeof(uri), "http://0.0.0.0%s", strrchr(fake.endpoint, ':'));
	assert_int_equal(load(&src), -EAGAIN);
	for (i = 0; i < COUNT(bad); i++) {
		src.imds_endpoint = bad[i];
		assert_int_equal(load(&src), -EAGAIN);
	}
	src.imds_endpoint = uri_of("/latest");
	assert_int_equal(load(&src), -EINVAL);
	/* no proxy of the environment sees it */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	src.imds_endpoint = fake.endpoint;
	assert_int_equal(load(&src), 0);
	unsetenv("http_proxy");
}

static void an_instance_that_hangs_is_given_up(void **state)
{
	struct creds_source src = { .kind = CREDS_IMDS };
	struct timespec before, after;

	(void)state;
	BEGIN({ .how = FAKE_HANG });
	net.metadata_ms = 200;
	src.imds_endpoint = fake.endpoint;
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(load(&src), -EAGAIN);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 5);
	assert_in_range(fake.requests, 1, 2);
}

static void the_environment_of_an_instance(void **state)
{
	const struct creds_source src = { .environment = true };

	(void)state;
	BEGIN(OK("T"), OK("role"), OK(DOCUMENT));
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", fake.endpoint, 1);
	setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1);
	assert_int_equal(load(&src), -ENOENT);
	assert_int_equal(fake.requests, 0);
	setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
	assert_int_equal(load(&src), 0);
	assert_int_equal(fake.requests, 3);
	/* who names a profile does not mean the instance */
	setenv("AWS_PROFILE", "mine", 1);
	assert_int_equal(load(&src), -ENOENT);
	assert_non_null(strstr(error.what, "\"mine\""));
	assert_int_equal(fake.requests, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_container_is_asked_with_its_token, end),
		cmocka_unit_test_teardown(the_environment_of_a_container, end),
		cmocka_unit_test_teardown(plain_http_is_for_this_host_and_its_agents, end),
		cmocka_unit_test(addresses),
		cmocka_unit_test_teardown(bad_answers_of_a_container_give_nothing, end),
		cmocka_unit_test_teardown(a_failure_of_the_endpoint_is_tried_once_more, end),
		cmocka_unit_test_teardown(the_instance_is_asked_by_version_2, end),
		cmocka_unit_test_teardown(without_a_token_the_instance_is_not_asked, end),
		cmocka_unit_test_teardown(bad_answers_of_the_instance_give_nothing, end),
		cmocka_unit_test_teardown(metadata_comes_from_the_instance_only, end),
		cmocka_unit_test_teardown(an_instance_that_hangs_is_given_up, end),
		cmocka_unit_test_teardown(the_environment_of_an_instance, end),
	};

	return mkstemp(token_path) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
