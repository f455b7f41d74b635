// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the host's credentials come from, through the whole of ecache-net but its main: sandbox, workers, runner. */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "../common/fsio.h"
#include "../common/ipc.h"
#include "../common/test.h"
#include "../kms/fake_http.h"
#include "../kms/net.h"
#include "../kms/verdict.h"
#include "sandbox.h"
#include "server.h"

#define KEY "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CLOSING(code, text) { .status = (code), .headers = "Connection: close\r\n", .body = (text) }

static const struct kms_context ctx = { 1, { { "ecache:cache-id", "c1" } } };
static const uint8_t blob[] = "wrapped";
static const struct fake_reply allowed[] = { CLOSING(400, "{\"__type\":\"DryRunOperationException\"}") };

static struct fake_http kms, host;
static char dir[40], sock_path[64], creds_path[64], script_path[64], runs_path[64], conf_text[1024];
static pid_t server, runner_pid;
static int runner_pipe[2];

static void run_server(int listener, unsigned int worker_ms)
{
	struct server s = { .listener = listener, .allow_uid = getuid(), .max_workers = 8, .worker_ms = worker_ms };
	struct credcache cache = CREDCACHE_INIT;
	struct runner runner;
	struct agentconf conf;
	struct err e = ERR_INIT;

	if (agentconf_parse("conf", conf_text, strlen(conf_text), &conf, NULL) || runner_start(&conf, &runner, NULL) ||
	    credcache_open(&cache, NULL) || write(runner_pipe[1], &runner.pid, sizeof(pid_t)) != sizeof(pid_t))
		_exit(90);
	s.conf = &conf;
	s.shared = (struct worker_shared){ memo_open(NULL), &cache, runner.sock >= 0 ? &runner : NULL };
	if (!s.shared.memo || sandbox_enter(NULL))
		_exit(91);
	if (server_run(&s, &e))
		_exit(e.rc == -ECHILD ? 92 : 93);
	runner_stop(&runner);
	_exit(0);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	assert_int_equal(fsio_replace(path, text, strlen(text), mode, NULL), 0);
}

/* @source: as host-credentials-source says it. */
static void begin(const char *source, const struct fake_reply *of_host, size_t nr, unsigned int worker_ms)
{
	int listener, n;

	assert_true(fake_start(&kms, allowed, 1));
	assert_true(fake_start_tcp(&host, of_host ? of_host : allowed, of_host ? nr : 1));
	strcpy(dir, "/tmp/host_creds_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(sock_path, sizeof(sock_path), "%s/net.sock", dir);
	snprintf(creds_path, sizeof(creds_path), "%s/creds", dir);
	snprintf(script_path, sizeof(script_path), "%s/program", dir);
	snprintf(runs_path, sizeof(runs_path), "%s/runs", dir);
	n = snprintf(conf_text, sizeof(conf_text), "region=eu-west-1\nkms-endpoint=%s\nhost-credentials-source=%s\n",
		     kms.endpoint, source);
	if (!strcmp(source, "container"))
		snprintf(conf_text + n, sizeof(conf_text) - n, "host-container-uri=%s/x\n", host.endpoint);
	else
		snprintf(conf_text + n, sizeof(conf_text) - n, "host-credentials=%s\n", creds_path);
	listener = ipc_listen(sock_path, 0600, NULL, NULL);
	assert_true(listener >= 0);
	assert_int_equal(pipe(runner_pipe), 0);
	server = fork();
	assert_true(server >= 0);
	if (!server)
		run_server(listener, worker_ms);
	close(listener);
	assert_int_equal(read(runner_pipe[0], &runner_pid, sizeof(pid_t)), sizeof(pid_t));
}

static int end(void **state)
{
	int status = 0;

	(void)state;
	if (server) {
		kill(server, SIGTERM);
		waitpid(server, &status, 0);
	}
	close(runner_pipe[0]);
	close(runner_pipe[1]);
	fake_stop(&kms);
	fake_stop(&host);
	unlink(sock_path);
	unlink(creds_path);
	unlink(script_path);
	unlink(runs_path);
	rmdir(dir);
	return status;
}

static enum verdict probe(bool fresh, struct net_answer *a)
{
	const struct net_request rq = { .op = "probe", .key_arn = KEY, .context = &ctx, .blob = blob, .blob_len = 7,
					.fresh = fresh };

	assert_int_equal(net_call(sock_path, &rq, NULL, a, 30000, NULL), 0);
	return verdict_of_probe(&a->a, NULL);
}

/* A program that counts how often it ran, and gives credentials named @id. */
static void write_program(const char *id, const char *more)
{
	char text[600];

	snprintf(text, sizeof(text), "#!/bin/sh\necho x >> %s\n%s\necho '{\"Version\":1,\"AccessKeyId\":\"%s\","
		 "\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\",\"Expiration\":\"2038-01-01T00:00:00Z\"}'\n",
		 runs_path, more, id);
	write_file(script_path, text, 0700);
	snprintf(text, sizeof(text), "[default]\ncredential_process = %s 'an argument'\n", script_path);
	write_file(creds_path, text, 0600);
}

static off_t runs(void)
{
	struct stat st;

	return stat(runs_path, &st) ? 0 : st.st_size / 2;
}

static void a_program_is_run_by_who_may(void **state)
{
	struct net_answer a;
	int i;

	(void)state;
	begin("process", NULL, 0, 25000);
	assert_true(runner_pid > 0);
	write_program("AKIDONE", "");
	for (i = 0; i < 4; i++)
		assert_int_equal(probe(false, &a), VERDICT_OK);
	assert_int_equal(runs(), 1);
	assert_non_null(strstr(kms.head, "Credential=AKIDONE/"));
	/* another program, and a probe that wants fresh credentials */
	write_program("AKIDTWO", "");
	assert_int_equal(probe(false, &a), VERDICT_OK);
	assert_non_null(strstr(kms.head, "Credential=AKIDONE/"));
	assert_int_equal(probe(true, &a), VERDICT_OK);
	assert_non_null(strstr(kms.head, "Credential=AKIDTWO/"));
	assert_int_equal(probe(false, &a), VERDICT_OK);
	assert_non_null(strstr(kms.head, "Credential=AKIDTWO/"));
	assert_int_equal(runs(), 2);
}

static void a_program_that_fails_is_a_fault_of_ours(void **state)
{
	struct net_answer a;

	(void)state;
	begin("process", NULL, 0, 25000);
	write_program("AKIDONE", "exit 4");
	assert_int_equal(probe(false, &a), VERDICT_AGENT_FAULT);
	assert_int_equal(a.a.transport, KMS_NO_CREDENTIALS);
	assert_non_null(strstr(a.a.message, "status 4"));
	assert_int_equal(kms.requests, 0);
	/* and is tried again */
	write_program("AKIDONE", "");
	assert_int_equal(probe(false, &a), VERDICT_OK);
	unlink(creds_path);
	assert_int_equal(probe(true, &a), VERDICT_AGENT_FAULT);
}

/* Three ask at once, and wait longer than anybody waits for another's credentials: one run, not one after another. */
static void who_waits_for_a_slow_program_hears_its_failure_too(void **state)
{
	struct net_answer a;
	int status, i;
	pid_t pid[3];

	(void)state;
	begin("process", NULL, 0, 25000);
	write_program("AKIDONE", "sleep 8; exit 4");
	for (i = 0; i < 3; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (!pid[i])
			_exit(probe(false, &a) == VERDICT_AGENT_FAULT && strstr(a.a.message, "status 4") ? 0 : 1);
	}
	for (i = 0; i < 3; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(runs(), 1);
}

/* Without the word in the configuration no process is there that could run anything. */
static void no_program_is_run_for_other_sources(void **state)
{
	struct net_answer a;

	(void)state;
	begin("profile", NULL, 0, 25000);
	assert_int_equal(runner_pid, 0);
	write_program("AKIDONE", "");
	assert_int_equal(probe(false, &a), VERDICT_AGENT_FAULT);
	assert_non_null(strstr(a.a.message, "credential_process is not used"));
	assert_int_equal(runs(), 0);
}

static void without_the_runner_there_is_no_server(void **state)
{
	int status;

	(void)state;
	begin("process", NULL, 0, 25000);
	assert_true(runner_pid > 1);
	kill(runner_pid, SIGKILL);
	assert_int_equal(waitpid(server, &status, 0), server);
	assert_int_equal(WEXITSTATUS(status), 92);
	server = 0;
}

#define DOCUMENT "{\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"," \
	"\"Expiration\":\"2038-01-01T00:00:00Z\"}"

/* What one worker got, the next has, though the first is gone. */
static void temporary_credentials_outlive_a_worker(void **state)
{
	static const struct fake_reply replies[] = { CLOSING(200, DOCUMENT), CLOSING(403, "") };
	struct net_answer a;
	int i;

	(void)state;
	begin("container", replies, 2, 25000);
	for (i = 0; i < 5; i++) {
		assert_int_equal(probe(false, &a), VERDICT_OK);
		assert_non_null(strstr(kms.head, "Credential=ASIA1/"));
	}
	assert_int_equal(host.requests, 1);
	assert_int_equal(kms.connections, 5);
	/* fresh ones cannot be had: our fault, whatever the cache has */
	assert_int_equal(probe(true, &a), VERDICT_AGENT_FAULT);
	assert_int_equal(kms.requests, 5);
	assert_int_equal(probe(false, &a), VERDICT_OK);
}

/* Ended while it was getting them for all: the next gets them at once. */
static void a_worker_killed_in_the_middle_is_in_nobodys_way(void **state)
{
	static const struct fake_reply replies[] = {
		{ .how = FAKE_HANG }, { .how = FAKE_HANG }, CLOSING(200, DOCUMENT),
	};
	const struct net_request rq = { .op = "probe", .key_arn = KEY, .context = &ctx, .blob = blob, .blob_len = 7 };
	struct net_answer a;

	(void)state;
	begin("container", replies, 3, 3000);
	assert_int_equal(net_call(sock_path, &rq, NULL, &a, 30000, NULL), -EAGAIN);
	assert_int_equal(a.a.transport, KMS_NO_ANSWER);
	assert_int_equal(probe(false, &a), VERDICT_OK);
	assert_int_equal(probe(false, &a), VERDICT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_program_is_run_by_who_may, end),
		cmocka_unit_test_teardown(a_program_that_fails_is_a_fault_of_ours, end),
		cmocka_unit_test_teardown(who_waits_for_a_slow_program_hears_its_failure_too, end),
		cmocka_unit_test_teardown(no_program_is_run_for_other_sources, end),
		cmocka_unit_test_teardown(without_the_runner_there_is_no_server, end),
		cmocka_unit_test_teardown(temporary_credentials_outlive_a_worker, end),
		cmocka_unit_test_teardown(a_worker_killed_in_the_middle_is_in_nobodys_way, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
