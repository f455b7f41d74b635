/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMS_CLIENT_FIXTURE_H
#define KMS_CLIENT_FIXTURE_H

/*
 * For tests of the client: a scripted server (fake_http.h), credentials in a file, and a
 * client that talks to it. One of each a test program. Include after common/test.h.
 */
#include "../common/encode.h"
#include "../common/fsio.h"
#include "../common/json.h"
#include "client.h"
#include "fake_http.h"

#define REGION "eu-west-1"
#define KEY "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define OTHER_KEY "arn:aws:kms:eu-west-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct kms_context ctx = { 2, { { "ecache:cache-id", "c1" }, { "ecache:format", "1" } } };
static const uint8_t blob[] = "wrapped key";
static struct fake_http fake;
static struct kms *kms;
static struct kms_answer answer;
static struct err error;
static char creds_path[64];

#define ANSWER(code, text) { .status = (code), .body = (text) }
#define OK(text) ANSWER(200, text)
#define NO(type) ANSWER(400, "{\"__type\":\"" type "\"}")

static inline void write_credentials(const char *text)
{
	assert_int_equal(fsio_replace(creds_path, text, strlen(text), 0600, NULL), 0);
}

static inline void begin(const struct fake_reply *script, size_t nr, unsigned int timeout_ms, unsigned int attempts)
{
	struct kms_config cfg = {
		.region = REGION, .creds.file = creds_path, .timeout_ms = timeout_ms, .attempts = attempts,
	};

	assert_true(fake_start(&fake, script, nr));
	write_credentials("[default]\naws_access_key_id=AKIDTEST\naws_secret_access_key=sec/ret+\n"
			  "aws_session_token=tok//en\n");
	cfg.endpoint = fake.endpoint;
	assert_int_equal(kms_open(&kms, &cfg, NULL), 0);
	error = (struct err)ERR_INIT;
}

#define BEGIN(...) do { \
	static const struct fake_reply replies[] = { __VA_ARGS__ }; \
	begin(replies, COUNT(replies), 1000, 1); \
} while (0)

static inline int end(void **state)
{
	(void)state;
	kms_close(kms);
	kms = NULL;
	fake_stop(&fake);
	unlink(creds_path);
	return 0;
}

static inline struct json_object *sent(void)
{
	struct json_object *o;

	assert_int_equal(js_parse(fake.body, strlen(fake.body), 8, &o, NULL), 0);
	return o;
}

static inline const char *string_of(struct json_object *o, const char *name)
{
	return json_object_get_string(json_object_object_get(o, name));
}

static inline int describe(void)
{
	struct kms_key key;

	return kms_describe_key(kms, KEY, NULL, &key, &answer, &error);
}

#define DESCRIBED(arn, state) \
	"{\"KeyMetadata\":{\"Arn\":\"" arn "\",\"KeyId\":\"x\",\"KeyState\":\"" state "\",\"Enabled\":true}}"

#endif
