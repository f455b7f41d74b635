/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CREDS_FIXTURE_H
#define CREDS_FIXTURE_H

/* For tests of providers that ask somebody: a scripted server on 127.0.0.1. Include after common/test.h. */
#include <errno.h>
#include <time.h>

#include "../common/fsio.h"
#include "creds.h"
#include "endpoint.h"
#include "fake_http.h"
#include "memo.h"
#include "request.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ANSWER(code, text) { .status = (code), .body = (text) }
#define OK(text) ANSWER(200, text)
#define DOCUMENT "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s1\",\"Token\":\"t1\"," \
	"\"Expiration\":\"2038-01-01T00:00:00Z\"}"

static struct fake_http fake;
static struct endpoint sts;
static struct memo memo;
static struct creds_net net;
static struct creds creds;
static struct err error;
static char token_path[] = "/tmp/creds_fixture.XXXXXX";

static inline void clear_environment(void)
{
	static const char *const names[] = {
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"AWS_EC2_METADATA_DISABLED",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "HOME",
	};
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		unsetenv(names[i]);
}

static inline void begin(const struct fake_reply *script, size_t nr)
{
	clear_environment();
	assert_true(fake_start_tcp(&fake, script, nr));
	assert_int_equal(endpoint_parse(fake.endpoint, "eu-west-1", &sts, NULL), 0);
	memset(&memo, 0, sizeof(memo));
	net = (struct creds_net){
		.sts = &sts, .region = "eu-west-1", .memo = &memo, .metadata_ms = 5000, .sts_ms = 5000,
	};
	net.transport = transport_open(NULL);
	assert_non_null(net.transport);
	error = (struct err)ERR_INIT;
	creds = (struct creds){ .store = SECRET_INIT };
}

#define BEGIN(...) do { \
	static const struct fake_reply replies[] = { __VA_ARGS__ }; \
	begin(replies, COUNT(replies)); \
} while (0)

/* No byte of a document stays behind in the transport, whatever came of it. */
static inline int end(void **state)
{
	bool wiped = transport_wiped(net.transport);

	(void)state;
	transport_close(net.transport);
	creds_wipe(&creds);
	fake_stop(&fake);
	unlink(token_path);
	return wiped ? 0 : -1;
}

static inline int load(const struct creds_source *src)
{
	struct creds_source s = *src;

	s.net = &net;
	creds_wipe(&creds);
	error = (struct err)ERR_INIT;
	return creds_load(&s, &creds, &error);
}

static inline void write_token(const char *text)
{
	assert_int_equal(fsio_replace(token_path, text, strlen(text), 0644, NULL), 0);
}

#endif
