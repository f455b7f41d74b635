// SPDX-License-Identifier: GPL-2.0-or-later
/* GetCallerIdentity in STS's query protocol. */
#include "service_test.h"

static int ask(struct kit *k, const char *who, const char *form, const char *service, char *xml, size_t size)
{
	char access_key[ACCESS_KEY_SIZE], secret[SECRET_KEY_SIZE];
	struct kit_request r = { 0 };
	struct http_reply reply;

	r.rq.method = "POST";
	r.rq.target = "/";
	r.rq.body = form;
	r.rq.body_len = strlen(form);
	kit_header(&r, "Host", "localhost");
	kit_header(&r, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
	kit_secret(k, who, access_key, secret);
	kit_sign(&r, access_key, secret, service, "content-type;host;x-amz-date");
	service_handle(&k->svc, &r.rq, &reply);
	assert_string_equal(reply.content_type, "text/xml");
	snprintf(xml, size, "%s", reply.body.data);
	assert_non_null(strstr(xml, reply.request_id));
	buf_wipe(&reply.body);
	return reply.status;
}

#define FORM "Action=GetCallerIdentity&Version=2011-06-15"

static void everybody_may_know_who_he_is(void **state)
{
	struct kit *k = *state;
	char xml[2048];

	kit_principal(k, "a+b@c", NULL);
	kit_principal(k, "role/host", NULL);
	assert_int_equal(ask(k, "a+b@c", FORM, "sts", xml, sizeof(xml)), 200);
	assert_non_null(strstr(xml, "<Arn>" KIT_USER("a+b@c") "</Arn>"));
	assert_non_null(strstr(xml, "<UserId>AIDA"));
	assert_non_null(strstr(xml, "<Account>" KIT_ACCOUNT "</Account>"));
	assert_int_equal(ask(k, "host", FORM, "sts", xml, sizeof(xml)), 200);
	assert_non_null(strstr(xml, "<Arn>arn:aws:sts::" KIT_ACCOUNT ":assumed-role/host/static</Arn>"));
	assert_non_null(strstr(xml, "<UserId>AROA"));
	assert_non_null(strstr(xml, ":static</UserId>"));
}

static void errors_are_in_its_own_words(void **state)
{
	static const struct {
		const char *form;
		const char *service;
		int status;
		const char *code;
	} cases[] = {
		{ FORM, "kms", 403, "<Code>SignatureDoesNotMatch</Code>" },
		{ "Action=AssumeRole&Version=2011-06-15", "sts", 400, "<Code>InvalidAction</Code>" },
		{ "Action=GetCallerIdentity", "sts", 400, "<Code>InvalidAction</Code>" },
		{ "Action=GetCallerIdentityX&Version=2011-06-15", "sts", 400, "<Code>InvalidAction</Code>" },
		{ "", "sts", 400, "<Code>InvalidAction</Code>" },
	};
	struct kit *k = *state;
	char xml[2048];

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(ask(k, "admin", cases[i].form, cases[i].service, xml, sizeof(xml)), cases[i].status);
		assert_non_null(strstr(xml, cases[i].code));
		assert_non_null(strstr(xml, "<Type>Sender</Type>"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everybody_may_know_who_he_is, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(errors_are_in_its_own_words, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
