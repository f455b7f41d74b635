// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The KMS client and ecache-net against the real ecache-kmsd, as three people: an owner of keys, a creator of caches,
 * and a host that has no right but what a grant gives it.
 */
#include <signal.h>

#include "../kms/net.h"
#include "../kms/verdict.h"
#include "integration_test.h"

/* A cache: key, grant, wrapped data key, as `create` makes them. */
struct cache {
	char arn[KMS_ARN_MAX + 1];
	struct kms_grant grant;
	uint8_t blob[KMS_BLOB_MAX];
	size_t blob_len;
};

static struct kms_grant_request grant_request(const char *arn)
{
	return (struct kms_grant_request){
		.key_arn = arn, .grantee = HOST, .retiring = "arn:aws:iam::" ACCOUNT ":user/creator",
		.name = "ecache:c1:volume", .operations = grant_operations, .equals = &ctx,
	};
}

static void make_cache(struct cache *c)
{
	struct kms_grant_request rq = grant_request(c->arn);

	make_key(c->arn);
	assert_int_equal(kms_create_grant(creator, &rq, &c->grant, &answer, &error), 0);
	assert_false(kms_generate_data_key_wrapped(creator, c->arn, 64, &ctx, c->blob, &c->blob_len, &answer, &error));
}

static struct net_request request(const struct cache *c, const char *op)
{
	return (struct net_request){ .op = op, .key_arn = c->arn, .context = &ctx, .blob = c->blob,
				     .blob_len = c->blob_len };
}

static struct net_answer asked(const struct net_request *rq, struct secret *key)
{
	struct net_answer a;

	assert_int_equal(net_call(net_sock, rq, key, &a, 15000, &error), 0);
	return a;
}

static enum verdict probed(const struct cache *c, enum verdict_why *why)
{
	const struct net_request rq = request(c, "probe");
	struct net_answer a = asked(&rq, NULL);

	return verdict_of_probe(&a.a, why);
}

static enum verdict described(const struct cache *c, enum verdict_why *why)
{
	const struct net_request rq = { .op = "describe", .key_arn = c->arn };
	struct net_answer a = asked(&rq, NULL);

	return verdict_of_describe(&a.a, a.key.state, why);
}

static void everybody_is_who_they_are(void **state)
{
	const struct net_request rq = { .op = "caller" };
	char arn[KMS_ARN_MAX + 1], principal[ARN_PRINCIPAL_MAX + 1];
	struct net_answer a;

	(void)state;
	assert_int_equal(kms_caller(creator, arn, sizeof(arn), &answer, &error), 0);
	assert_int_equal(arn_principal_of_caller(arn, principal, sizeof(principal), NULL), 0);
	assert_string_equal(principal, "arn:aws:iam::" ACCOUNT ":user/creator");
	a = asked(&rq, NULL);
	assert_int_equal(arn_principal_of_caller(a.arn, principal, sizeof(principal), NULL), 0);
	assert_string_equal(principal, HOST);
}

static void a_cache_is_made_opened_and_watched(void **state)
{
	struct kms_grant_request rq;
	struct net_request unwrap;
	struct kms_grant again;
	struct secret key, twice;
	enum verdict_why why;
	struct kms_key meta;
	struct net_answer a;
	struct cache c;
	size_t i;
	int zeros = 0;

	(void)state;
	make_cache(&c);
	assert_int_equal(kms_describe_key(creator, c.arn, NULL, &meta, &answer, &error), 0);
	assert_int_equal(meta.state, KMS_STATE_ENABLED);
	assert_true(meta.symmetric);
	assert_true(*answer.request_id);

	/* a retry makes no second grant */
	rq = grant_request(c.arn);
	assert_int_equal(kms_create_grant(creator, &rq, &again, &answer, &error), 0);
	assert_string_equal(again.id, c.grant.id);

	assert_int_equal(secret_alloc(&key, 64), 0);
	assert_int_equal(secret_alloc(&twice, 64), 0);
	unwrap = request(&c, "unwrap");
	unwrap.grant_token = c.grant.token;
	a = asked(&unwrap, &key);
	assert_true(net_delivered(&a));
	for (i = 0; i < 64; i++)
		zeros += !key.data[i];
	assert_true(zeros < 10);
	assert_memory_not_equal(key.data, key.data + 32, 32);
	unwrap.grant_token = NULL;
	a = asked(&unwrap, &twice);
	assert_true(net_delivered(&a));
	assert_memory_equal(key.data, twice.data, 64);
	secret_wipe(&key);
	secret_wipe(&twice);

	assert_int_equal(probed(&c, &why), VERDICT_OK);
	assert_int_equal(described(&c, &why), VERDICT_OK);
}

static void the_host_has_nothing_but_its_grant(void **state)
{
	struct kms_grant_request rq;
	struct net_request probe;
	struct kms_grant grant;
	enum verdict_why why;
	struct net_answer a;
	struct cache c, no_grant;

	(void)state;
	make_cache(&c);
	rq = grant_request(c.arn);
	assert_int_equal(kms_create_grant(host, &rq, &grant, &answer, &error), -EPERM);
	assert_string_equal(answer.code, "AccessDeniedException");
	assert_int_equal(kms_revoke_grant(host, c.arn, c.grant.id, &answer, &error), -EPERM);
	assert_string_equal(answer.code, "AccessDeniedException");
	/* another encryption context is outside of the grant */
	probe = request(&c, "probe");
	probe.context = &other_ctx;
	a = asked(&probe, NULL);
	assert_int_equal(verdict_of_probe(&a.a, &why), VERDICT_SUSPECT);
	/* and so is another key */
	no_grant = c;
	make_key(no_grant.arn);
	assert_int_not_equal(probed(&no_grant, &why), VERDICT_OK);
	assert_int_equal(described(&no_grant, &why), VERDICT_SUSPECT);
	/* a damaged wrapped key is no denial */
	c.blob[c.blob_len - 1] ^= 1;
	assert_int_equal(probed(&c, &why), VERDICT_HEADER_FAULT);
	assert_int_equal(why, VERDICT_WHY_CIPHERTEXT);
}

static void a_revoked_grant_is_a_denial(void **state)
{
	static const uint8_t zero[64];
	struct net_request unwrap;
	enum verdict_why why;
	struct net_answer a;
	struct secret key;
	struct cache c;

	(void)state;
	make_cache(&c);
	assert_int_equal(probed(&c, &why), VERDICT_OK);
	assert_int_equal(kms_revoke_grant(owner, c.arn, c.grant.id, &answer, &error), 0);
	assert_int_equal(probed(&c, &why), VERDICT_SUSPECT);
	assert_int_equal(why, VERDICT_WHY_DENIED);
	assert_int_equal(secret_alloc(&key, 64), 0);
	unwrap = request(&c, "unwrap");
	unwrap.grant_token = c.grant.token;
	a = asked(&unwrap, &key);
	assert_false(net_delivered(&a));
	assert_true(*a.a.request_id && *a.a.message);
	assert_int_equal(key.len, 0);
	assert_memory_equal(key.data, zero, 64);
	secret_wipe(&key);
}

static void a_retired_grant_is_gone(void **state)
{
	struct net_request retire;
	enum verdict_why why;
	struct net_answer a;
	struct cache c;

	(void)state;
	make_cache(&c);
	retire = (struct net_request){ .op = "retire", .key_arn = c.arn, .grant_id = c.grant.id };
	a = asked(&retire, NULL);
	assert_int_equal(a.a.http_status, 200);
	assert_int_equal(probed(&c, &why), VERDICT_SUSPECT);
	a = asked(&retire, NULL);
	assert_int_equal(a.a.http_status, 400);
}

static void key_states_are_told_apart(void **state)
{
	enum verdict_why why;
	struct cache c;

	(void)state;
	make_cache(&c);
	assert_int_equal(key_operation(owner, "DisableKey", c.arn), 0);
	assert_int_equal(probed(&c, &why), VERDICT_REVOKED);
	assert_int_equal(why, VERDICT_WHY_DISABLED);
	assert_int_equal(described(&c, &why), VERDICT_REVOKED);
	assert_int_equal(why, VERDICT_WHY_DISABLED);
	assert_int_equal(key_operation(owner, "EnableKey", c.arn), 0);
	assert_int_equal(probed(&c, &why), VERDICT_OK);
	assert_int_equal(key_operation(owner, "ScheduleKeyDeletion", c.arn), 0);
	assert_int_equal(probed(&c, &why), VERDICT_REVOKED);
	assert_int_equal(why, VERDICT_WHY_PENDING_DELETION);
	/* AWS may as well say it with the exception of a disabled key */
	kmsd_injects("pending-deletion", "DisabledException");
	assert_int_equal(probed(&c, &why), VERDICT_REVOKED);
	assert_int_equal(why, VERDICT_WHY_PENDING_DELETION);
	kmsd_injects("pending-deletion", "KMSInvalidStateException");
	assert_int_equal(described(&c, &why), VERDICT_REVOKED);
	assert_int_equal(why, VERDICT_WHY_PENDING_DELETION);
	assert_int_equal(key_operation(owner, "CancelKeyDeletion", c.arn), 0);
	assert_int_equal(described(&c, &why), VERDICT_REVOKED);
	assert_int_equal(key_operation(owner, "EnableKey", c.arn), 0);
	assert_int_equal(probed(&c, &why), VERDICT_OK);
}

static void a_key_that_never_was_is_missing_or_denied(void **state)
{
	struct cache c = { .arn = "arn:aws:kms:" REGION ":" ACCOUNT ":key/00000000-0000-0000-0000-000000000000" };
	enum verdict_why why;

	(void)state;
	assert_int_equal(described(&c, &why), VERDICT_SUSPECT);
	assert_true(why == VERDICT_WHY_DELETED || why == VERDICT_WHY_DENIED);
}

static void the_canary_answers_without_a_ciphertext(void **state)
{
	static const char *const decrypt[] = { "Decrypt", NULL };
	struct kms_grant_request rq = { .grantee = HOST, .operations = decrypt };
	char arn[KMS_ARN_MAX + 1];
	const struct net_request control = { .op = "probe", .key_arn = arn };
	struct kms_grant grant;
	struct net_answer a;

	(void)state;
	make_key(arn);
	rq.key_arn = arn;
	a = asked(&control, NULL);
	assert_int_equal(verdict_of_probe(&a.a, NULL), VERDICT_SUSPECT);
	assert_int_equal(kms_create_grant(owner, &rq, &grant, &answer, &error), 0);
	a = asked(&control, NULL);
	assert_string_equal(a.a.code, "DryRunOperationException");
	assert_int_equal(verdict_of_probe(&a.a, NULL), VERDICT_OK);
}

/* The same over TCP, where the Host header that is signed has a port. */
static void loopback_http_is_signed_as_well(void **state)
{
	struct kms *k = open_as("creator", http_endpoint);
	char arn[KMS_ARN_MAX + 1];
	struct kms_key meta;

	(void)state;
	assert_int_equal(kms_caller(k, arn, sizeof(arn), &answer, &error), 0);
	make_key(arn);
	assert_int_equal(kms_describe_key(k, arn, NULL, &meta, &answer, &error), 0);
	assert_string_equal(meta.arn, arn);
	kms_close(k);
}

static void a_wrong_secret_is_a_fault_of_ours(void **state)
{
	static const char text[] = "[host]\naws_access_key_id=%s\naws_secret_access_key=wrong\n";
	char path[128], file[256], id[64];
	struct kms_config cfg = {
		.region = REGION, .endpoint = kms_endpoint, .creds = { .profile = "host", .file = path },
		.timeout_ms = 10000, .attempts = 1,
	};
	enum verdict_why why;
	struct kms_key meta;
	struct creds c;
	struct kms *k;

	(void)state;
	snprintf(path, sizeof(path), "%s/credentials/host", state_dir);
	assert_int_equal(creds_load(&cfg.creds, &c, &error), 0);
	snprintf(id, sizeof(id), "%s", c.access_key_id);
	creds_wipe(&c);
	snprintf(path, sizeof(path), "%s/wrong", dir);
	snprintf(file, sizeof(file), text, id);
	assert_int_equal(fsio_replace(path, file, strlen(file), 0600, NULL), 0);
	assert_int_equal(kms_open(&k, &cfg, &error), 0);
	assert_int_equal(kms_describe_key(k, "alias/x", NULL, &meta, &answer, &error), -EKEYREJECTED);
	assert_int_equal(verdict_of_describe(&answer, KMS_STATE_NONE, &why), VERDICT_AGENT_FAULT);
	assert_int_equal(why, VERDICT_WHY_CREDENTIALS);
	snprintf(file, sizeof(file), text, "AKIANOBODYNOBODYNOBO");
	assert_int_equal(fsio_replace(path, file, strlen(file), 0600, NULL), 0);
	kms_forget(k);
	assert_int_equal(kms_describe_key(k, "alias/x", NULL, &meta, &answer, &error), -EKEYREJECTED);
	assert_int_equal(verdict_of_describe(&answer, KMS_STATE_NONE, &why), VERDICT_AGENT_FAULT);
	kms_close(k);
}

static void a_kms_that_is_down_is_unreachable_and_comes_back(void **state)
{
	enum verdict_why why;
	struct cache c;

	(void)state;
	make_cache(&c);
	stop(&kmsd);
	assert_int_equal(probed(&c, &why), VERDICT_UNREACHABLE);
	assert_int_equal(why, VERDICT_WHY_NO_ANSWER);
	start_kmsd();
	assert_int_equal(probed(&c, &why), VERDICT_OK);
}

/* TLS writes to a connection that is gone, which nothing here makes happen at will: the signal must not be its end. */
static void ecache_net_survives_a_kms_that_hangs_up(void **state)
{
	char path[32], *text, *p;
	uint64_t ignored;
	size_t len;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)net);
	assert_int_equal(fsio_read(path, 1 << 16, &text, &len, NULL), 0);
	p = strstr(text, "\nSigIgn:");
	assert_non_null(p);
	ignored = strtoull(p + strlen("\nSigIgn:"), NULL, 16);
	assert_true(ignored & 1ULL << (SIGPIPE - 1));
	free(text);
}

static void ecache_net_says_what_is_wrong_with_its_arguments(void **state)
{
	const char *const unknown[] = { "ecache-net", "--frobnicate", NULL };
	const char *const too_many[] = { "ecache-net", "x", NULL };
	const char *const bad_uid[] = { "ecache-net", "--allow-uid", "root", NULL };
	const char *const no_conf[] = { "ecache-net", "--config", "/nonexistent/ecached.conf", NULL };
	const char *const help[] = { "ecache-net", "--help", NULL };
	const char *const version[] = { "ecache-net", "--version", NULL };
	const char *const busy[] = { "ecache-net", "--config", conf_path, NULL };
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(program_run(unknown, err_path), 2);
	assert_int_equal(program_run(too_many, err_path), 2);
	assert_int_equal(program_run(bad_uid, err_path), 2);
	assert_int_equal(program_run(help, err_path), 0);
	assert_int_equal(program_run(version, err_path), 0);
	assert_int_equal(program_run(no_conf, err_path), 1);
	assert_int_equal(program_run(busy, err_path), 1);
	assert_int_equal(fsio_read(err_path, 1 << 20, &text, &len, NULL), 0);
	assert_non_null(strstr(text, "--frobnicate"));
	assert_non_null(strstr(text, "unexpected argument \"x\""));
	assert_non_null(strstr(text, "\"root\" is not a user id"));
	assert_non_null(strstr(text, "cannot open /nonexistent/ecached.conf"));
	assert_non_null(strstr(text, "in use by a running program"));
	free(text);
}

/* As systemd hands it over: descriptor 3, and our process id. */
static void ecache_net_takes_a_socket_from_systemd(void **state)
{
	char path[PATH_MAX], sock_path[80], pid_text[16];
	struct net_request rq = { .op = "caller" };
	struct net_answer a;
	struct stat st;
	int sock;
	pid_t pid;

	(void)state;
	stop(&net);
	assert_int_equal(stat(net_sock, &st), -1);	/* its own socket it takes away */
	snprintf(sock_path, sizeof(sock_path), "%s/systemd.sock", dir);
	sock = ipc_listen(sock_path, 0600, NULL, NULL);
	assert_true(sock >= 0);
	program_path("ecache-net", path, sizeof(path));
	pid = fork();
	if (!pid) {
		if (sock == 3)
			fcntl(3, F_SETFD, 0);
		else
			dup2(sock, 3);
		snprintf(pid_text, sizeof(pid_text), "%d", (int)getpid());
		setenv("LISTEN_PID", pid_text, 1);
		setenv("LISTEN_FDS", "1", 1);
		execl(path, "ecache-net", "--config", conf_path, (char *)NULL);
		_exit(127);
	}
	close(sock);
	/* root is allowed; another user of these tests is not */
	assert_int_equal(net_call(sock_path, &rq, NULL, &a, 15000, NULL), getuid() ? -EAGAIN : 0);
	if (!getuid())
		assert_int_equal(a.a.http_status, 200);
	stop(&pid);
	assert_int_equal(stat(sock_path, &st), 0);	/* systemd's stays */
	start_net();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_is_who_they_are),
		cmocka_unit_test(a_cache_is_made_opened_and_watched),
		cmocka_unit_test(the_host_has_nothing_but_its_grant),
		cmocka_unit_test(a_revoked_grant_is_a_denial),
		cmocka_unit_test(a_retired_grant_is_gone),
		cmocka_unit_test(key_states_are_told_apart),
		cmocka_unit_test(a_key_that_never_was_is_missing_or_denied),
		cmocka_unit_test(the_canary_answers_without_a_ciphertext),
		cmocka_unit_test(loopback_http_is_signed_as_well),
		cmocka_unit_test(a_wrong_secret_is_a_fault_of_ours),
		cmocka_unit_test(a_kms_that_is_down_is_unreachable_and_comes_back),
		cmocka_unit_test(ecache_net_survives_a_kms_that_hangs_up),
		cmocka_unit_test(ecache_net_says_what_is_wrong_with_its_arguments),
		cmocka_unit_test(ecache_net_takes_a_socket_from_systemd),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
