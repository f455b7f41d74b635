// SPDX-License-Identifier: GPL-2.0-or-later
/* How long a client lives on credentials that end, and what it says when there are none. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "../common/test.h"
#include "client_fixture.h"
#include "verdict.h"

static struct fake_http host;		/* the container's endpoint */
static struct credcache cache = CREDCACHE_INIT;
static struct memo memo;
static struct kms *other;
static char documents[4][256];

/* The servers take one connection at a time. */
#define CLOSING(code, text) { .status = (code), .headers = "Connection: close\r\n", .body = (text) }

/* A document whose credentials end @in_s seconds from now. */
static const char *document(unsigned int n, long in_s)
{
	time_t t = time(NULL) + in_s;
	char text[32];
	struct tm tm;

	assert_non_null(gmtime_r(&t, &tm));
	assert_true(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm));
	snprintf(documents[n], sizeof(documents[n]), "{\"AccessKeyId\":\"ASIA%u\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
		 "\"Expiration\":\"%s\"}", n, text);
	return documents[n];
}

static void open_client(struct kms **k)
{
	const struct kms_config cfg = {
		.region = REGION, .endpoint = fake.endpoint, .timeout_ms = 2000, .attempts = 1, .memo = &memo,
		.cache = &cache, .creds = { .kind = CREDS_CONTAINER, .container_uri = host.endpoint },
	};

	assert_int_equal(kms_open(k, &cfg, NULL), 0);
}

static void begin_with(const struct fake_reply *of_host, size_t nr, const struct fake_reply *of_kms, size_t nr_kms)
{
	memset(&memo, 0, sizeof(memo));
	assert_true(fake_start_tcp(&host, of_host, nr));
	assert_true(fake_start(&fake, of_kms, nr_kms));
	assert_int_equal(credcache_open(&cache, NULL), 0);
	open_client(&kms);
	open_client(&other);
	error = (struct err)ERR_INIT;
}

static const struct fake_reply good[] = { CLOSING(200, DESCRIBED(KEY, "Enabled")) };

static int end_all(void **state)
{
	kms_close(other);
	credcache_close(&cache);
	fake_stop(&host);
	return end(state);
}

static int describe_by(struct kms *k)
{
	struct kms_key key;

	return kms_describe_key(k, KEY, NULL, &key, &answer, &error);
}

static bool signed_by(const char *id)
{
	char text[64];

	snprintf(text, sizeof(text), "Credential=%s/", id);
	return !!strstr(fake.head, text);
}

static enum verdict verdict(void)
{
	return verdict_of_probe(&answer, NULL);
}

static void they_are_asked_for_once(void **state)
{
	const struct fake_reply docs[] = { CLOSING(200, document(0, 3600)), CLOSING(200, document(1, 7200)) };

	(void)state;
	begin_with(docs, 2, good, 1);
	assert_int_equal(describe(), 0);
	assert_int_equal(describe(), 0);
	assert_int_equal(host.requests, 1);
	/* by all workers */
	assert_int_equal(describe_by(other), 0);
	assert_int_equal(host.requests, 1);
	assert_true(signed_by("ASIA0"));
	/* a fresh probe means what it says, and what it got is there for all */
	kms_forget(other);
	assert_int_equal(describe_by(other), 0);
	assert_int_equal(host.requests, 2);
	assert_true(signed_by("ASIA1"));
	kms_close(kms);
	open_client(&kms);
	assert_int_equal(describe(), 0);
	assert_true(signed_by("ASIA1"));
	assert_int_equal(host.requests, 2);
}

static void they_are_replaced_before_they_end(void **state)
{
	const struct fake_reply docs[] = { CLOSING(200, document(0, 290)), CLOSING(200, document(1, 320)) };

	(void)state;
	begin_with(docs, 2, good, 1);
	assert_int_equal(describe(), 0);
	assert_true(signed_by("ASIA0"));
	assert_int_equal(describe(), 0);
	assert_true(signed_by("ASIA1"));
	assert_int_equal(describe(), 0);
	assert_int_equal(host.requests, 2);
}

static void one_replaces_them_while_the_others_go_on(void **state)
{
	const struct fake_reply docs[] = { CLOSING(200, document(0, 290)), CLOSING(200, document(1, 7200)) };
	int claimed[2];
	pid_t pid;
	char byte;

	(void)state;
	begin_with(docs, 2, good, 1);
	assert_int_equal(describe(), 0);
	assert_int_equal(pipe(claimed), 0);
	pid = fork();
	if (!pid) {
		if (credcache_claim(&cache) && write(claimed[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(claimed[0], &byte, 1), 1);
	assert_int_equal(describe_by(other), 0);
	assert_true(signed_by("ASIA0"));
	assert_int_equal(host.requests, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(claimed[0]);
	close(claimed[1]);
	assert_int_equal(describe_by(other), 0);
	assert_true(signed_by("ASIA1"));
}

/* A revocation looks different: this is our trouble, and never a reason to tear down. */
static void without_them_it_is_a_fault_of_ours(void **state)
{
	const struct fake_reply docs[] = { CLOSING(200, document(0, 2)), CLOSING(403, "{\"code\":\"AccessDenied\"}") };

	(void)state;
	begin_with(docs, 2, good, 1);
	assert_int_equal(describe(), 0);
	/* the old ones, as long as they are good */
	assert_int_equal(describe(), 0);
	assert_string_equal(error.what, "");
	assert_int_equal(host.requests, 2);
	assert_true(signed_by("ASIA0"));
	assert_int_equal(fake.requests, 2);
	usleep(2100000);
	assert_int_equal(describe(), -EKEYREJECTED);
	assert_int_equal(answer.transport, KMS_NO_CREDENTIALS);
	assert_int_equal(verdict(), VERDICT_AGENT_FAULT);
	assert_non_null(strstr(error.what, "container's endpoint"));
	assert_int_equal(fake.requests, 2);
	assert_int_equal(describe_by(other), -EKEYREJECTED);
	assert_int_equal(fake.requests, 2);
}

static void fresh_ones_that_cannot_be_had_are_none(void **state)
{
	const struct fake_reply docs[] = { CLOSING(200, document(0, 3600)), CLOSING(403, "") };

	(void)state;
	begin_with(docs, 2, good, 1);
	assert_int_equal(describe(), 0);
	kms_forget(kms);
	assert_int_equal(describe(), -EKEYREJECTED);
	assert_int_equal(verdict(), VERDICT_AGENT_FAULT);
	assert_int_equal(fake.requests, 1);
	/* those of the others are as good as before */
	assert_int_equal(describe_by(other), 0);
}

static void refused_ones_are_not_used_again(void **state)
{
	static const struct fake_reply replies[] = {
		CLOSING(400, "{\"__type\":\"ExpiredTokenException\"}"), CLOSING(200, DESCRIBED(KEY, "Enabled")),
	};
	const struct fake_reply docs[] = { CLOSING(200, document(0, 3600)), CLOSING(200, document(1, 3600)) };

	(void)state;
	begin_with(docs, 2, replies, 2);
	assert_int_equal(describe(), -EKEYREJECTED);
	assert_int_equal(verdict(), VERDICT_AGENT_FAULT);
	assert_int_equal(describe_by(other), 0);
	assert_true(signed_by("ASIA1"));
	assert_int_equal(host.requests, 2);
}

static void their_end_is_by_the_services_clock(void **state)
{
	const struct fake_reply docs[] = { CLOSING(200, document(0, -3000)), CLOSING(200, document(1, 3000)) };

	(void)state;
	begin_with(docs, 2, good, 1);
	assert_true(skew_learn(&memo.skew, time(NULL) - 7200, skew_clock()));
	assert_int_equal(describe(), 0);
	assert_true(signed_by("ASIA0"));
	assert_int_equal(describe(), 0);
	assert_int_equal(host.requests, 1);
	skew_forget(&memo.skew);
	assert_int_equal(describe(), 0);
	assert_true(signed_by("ASIA1"));
}

static void expired_ones_are_none(void **state)
{
	const struct fake_reply docs[] = { CLOSING(200, document(0, -1)) };

	(void)state;
	begin_with(docs, 1, good, 1);
	assert_int_equal(describe(), -EKEYREJECTED);
	assert_int_equal(answer.transport, KMS_NO_CREDENTIALS);
	assert_non_null(strstr(error.what, "expired"));
	assert_int_equal(fake.requests, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(they_are_asked_for_once, end_all),
		cmocka_unit_test_teardown(they_are_replaced_before_they_end, end_all),
		cmocka_unit_test_teardown(one_replaces_them_while_the_others_go_on, end_all),
		cmocka_unit_test_teardown(without_them_it_is_a_fault_of_ours, end_all),
		cmocka_unit_test_teardown(fresh_ones_that_cannot_be_had_are_none, end_all),
		cmocka_unit_test_teardown(refused_ones_are_not_used_again, end_all),
		cmocka_unit_test_teardown(their_end_is_by_the_services_clock, end_all),
		cmocka_unit_test_teardown(expired_ones_are_none, end_all),
	};

	strcpy(creds_path, "/tmp/client_creds_test.XXXXXX");
	return mkstemp(creds_path) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
