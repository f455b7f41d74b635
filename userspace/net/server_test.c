// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "../common/clock.h"
#include "../common/fsio.h"
#include "../common/ipc.h"
#include "../common/json.h"
#include "../common/test.h"
#include "../kms/fake_http.h"
#include "../kms/net.h"
#include "server.h"

#define KEY "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define OK(text) { .status = 200, .body = (text) }
#define NO(type, why) { .status = 400, .body = "{\"__type\":\"" type "\",\"message\":\"" why "\"}" }

static const struct kms_context ctx = { 1, { { "ecache:cache-id", "c1" } } };
static const uint8_t blob[] = "wrapped";
static const struct net_request probe = { .op = "probe", .key_arn = KEY, .context = &ctx, .blob = blob, .blob_len = 7 };
static const struct net_request unwrap = { "unwrap", KEY, &ctx, blob, 7, NULL, NULL, NULL, false };

/* A KMS of canned answers, and the server under test in a process of its own. */
static struct fake_http kms;
static char dir[40], sock_path[64], creds_path[64], conf_text[512];
static pid_t server;

static void run_server(int listener, unsigned int max_workers, unsigned int worker_ms, uid_t allow)
{
	struct server s = {
		.listener = listener, .allow_uid = allow, .max_workers = max_workers, .worker_ms = worker_ms,
	};
	struct agentconf conf;

	if (agentconf_parse("conf", conf_text, strlen(conf_text), &conf, NULL))
		_exit(90);
	s.conf = &conf;
	_exit(server_run(&s, NULL) ? 91 : 0);
}

static void begin(const struct fake_reply *script, size_t nr, unsigned int max_workers, unsigned int worker_ms)
{
	static const char creds[] = "[default]\naws_access_key_id=A\naws_secret_access_key=B\n";
	int listener;

	assert_true(fake_start(&kms, script, nr));
	strcpy(dir, "/tmp/server_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(sock_path, sizeof(sock_path), "%s/net.sock", dir);
	snprintf(creds_path, sizeof(creds_path), "%s/creds", dir);
	assert_int_equal(fsio_replace(creds_path, creds, strlen(creds), 0600, NULL), 0);
	snprintf(conf_text, sizeof(conf_text), "region=eu-west-1\nkms-endpoint=%s\nhost-credentials=%s\n"
		 "events-queue=https://sqs.eu-west-1.amazonaws.com/1/q\nevents-endpoint=%s\n", kms.endpoint, creds_path,
		 kms.endpoint);
	listener = ipc_listen(sock_path, 0666, NULL, NULL);
	assert_true(listener >= 0);
	server = fork();
	assert_true(server >= 0);
	if (!server)
		run_server(listener, max_workers, worker_ms, getuid());
	close(listener);
}

#define BEGIN(...) do { \
	static const struct fake_reply replies[] = { __VA_ARGS__ }; \
	begin(replies, COUNT(replies), 4, 10000); \
} while (0)

/* The server must end by itself when it is asked to. */
static int end(void **state)
{
	int status = -1;

	(void)state;
	kill(server, SIGTERM);
	waitpid(server, &status, 0);
	fake_stop(&kms);
	unlink(sock_path);
	unlink(creds_path);
	rmdir(dir);
	return status;
}

static int ask(const struct net_request *rq, struct secret *key, struct net_answer *a)
{
	return net_call(sock_path, rq, key, a, 15000, NULL);
}

static void probes_bring_back_kms_words(void **state)
{
	struct net_answer a;

	(void)state;
	BEGIN(NO("DryRunOperationException", "would have"), NO("AccessDeniedException", "not you"));
	assert_int_equal(ask(&probe, NULL, &a), 0);
	assert_int_equal(a.a.transport, KMS_ANSWERED);
	assert_string_equal(a.a.code, "DryRunOperationException");
	assert_int_equal(ask(&probe, NULL, &a), 0);
	assert_string_equal(a.a.code, "AccessDeniedException");
	assert_string_equal(a.a.message, "not you");
	assert_int_equal(a.a.http_status, 400);
	assert_int_equal(kms.connections, 2);	/* each on its own */
}

static void an_unwrapped_key_arrives_in_the_callers_memory(void **state)
{
	static const uint8_t zero[7];
	struct net_answer a;
	struct secret key;

	(void)state;
	BEGIN(OK("{\"KeyId\":\"" KEY "\",\"Plaintext\":\"c2VjcmV0IQ==\"}"),
	      OK("{\"KeyId\":\"arn:other\",\"Plaintext\":\"c2VjcmV0IQ==\"}"),
	      NO("AccessDeniedException", ""));
	assert_int_equal(secret_alloc(&key, 7), 0);
	assert_int_equal(ask(&unwrap, &key, &a), 0);
	assert_true(net_delivered(&a));
	assert_int_equal(key.len, 7);
	assert_memory_equal(key.data, "secret!", 7);
	assert_int_equal(ask(&unwrap, &key, &a), 0);
	assert_int_equal(a.a.transport, KMS_BAD_ANSWER);
	assert_memory_equal(key.data, zero, 7);
	assert_int_equal(ask(&unwrap, &key, &a), 0);
	assert_string_equal(a.a.code, "AccessDeniedException");
	assert_int_equal(key.len, 0);
	assert_memory_equal(key.data, zero, 7);
	secret_wipe(&key);
}

static void a_key_to_wrap_stays_in_the_callers_memory(void **state)
{
	static const struct net_request wrap = { .op = "wrap", .key_arn = KEY, .context = &ctx };
	struct net_answer a;
	struct secret key;

	(void)state;
	BEGIN(OK("{\"KeyId\":\"" KEY "\",\"CiphertextBlob\":\"YmxvYg==\"}"), NO("AccessDeniedException", ""));
	assert_int_equal(secret_alloc(&key, 7), 0);
	memcpy(key.data, "secret!", 7);
	key.len = 7;
	assert_int_equal(ask(&wrap, &key, &a), 0);
	assert_true(net_delivered(&a));
	assert_non_null(strstr(kms.body, "\"Plaintext\":\"c2VjcmV0IQ==\""));
	assert_int_equal(a.blob_len, 4);
	assert_memory_equal(a.blob, "blob", 4);
	assert_memory_equal(key.data, "secret!", 7);
	assert_int_equal(ask(&wrap, &key, &a), 0);
	assert_string_equal(a.a.code, "AccessDeniedException");
	assert_int_equal(a.blob_len, 0);
	assert_memory_equal(key.data, "secret!", 7);
	secret_wipe(&key);
}

static void the_other_operations(void **state)
{
	const struct net_request describe = { .op = "describe", .key_arn = "alias/x" };
	const struct net_request retire = { .op = "retire", .key_arn = KEY, .grant_id = "abc" };
	const struct net_request caller = { .op = "caller" };
	struct net_answer a;

	(void)state;
	BEGIN(OK("{\"KeyMetadata\":{\"Arn\":\"" KEY "\",\"KeyState\":\"Disabled\"}}"), OK(""),
	      OK("<Arn>arn:aws:iam::1:x</Arn>"));
	assert_int_equal(ask(&describe, NULL, &a), 0);
	assert_int_equal(a.key.state, KMS_STATE_DISABLED);
	assert_string_equal(a.key.arn, KEY);
	assert_true(a.key.symmetric);
	assert_int_equal(ask(&retire, NULL, &a), 0);
	assert_int_equal(a.a.http_status, 200);
	assert_non_null(strstr(kms.head, "TrentService.RetireGrant"));
	assert_int_equal(ask(&caller, NULL, &a), 0);
	assert_string_equal(a.arn, "arn:aws:iam::1:x");
}

static void what_did_not_come_from_kms_says_why(void **state)
{
	struct net_answer a;

	(void)state;
	BEGIN({ .how = FAKE_CLOSE });
	assert_int_equal(ask(&probe, NULL, &a), 0);
	assert_int_equal(a.a.transport, KMS_NO_ANSWER);
	assert_non_null(strstr(a.a.message, kms.path));
	unlink(creds_path);
	assert_int_equal(ask(&probe, NULL, &a), 0);
	assert_int_equal(a.a.transport, KMS_NO_CREDENTIALS);
	assert_non_null(strstr(a.a.message, creds_path));
}

static enum kms_transport raw(const char *text, int fd)
{
	struct json_object *msg, *back;
	struct net_answer a;
	int sock = ipc_connect(sock_path, NULL);

	assert_true(sock >= 0);
	assert_int_equal(js_parse(text, strlen(text), 8, &msg, NULL), 0);
	assert_int_equal(ipc_send(sock, msg, fd), 0);
	json_object_put(msg);
	assert_int_equal(ipc_recv(sock, &back, NULL, 5000), 0);
	assert_int_equal(net_answer_decode(back, &a), 0);
	json_object_put(back);
	close(sock);
	assert_true(*a.a.message);
	return a.a.transport;
}

#define UNWRAP "{\"op\":\"unwrap\",\"key_arn\":\"" KEY "\",\"context\":{},\"blob\":\"eA==\",\"bytes\":64}"

static void bad_requests_are_not_put_to_kms(void **state)
{
	struct secret key;
	int fds[2];

	(void)state;
	BEGIN(OK(""));
	assert_int_equal(secret_alloc(&key, 64), 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(raw("{}", -1), KMS_NOT_ASKED);
	assert_int_equal(raw("{\"op\":\"destroy\"}", -1), KMS_NOT_ASKED);
	assert_int_equal(raw("{\"op\":\"caller\"}", key.fd), KMS_NOT_ASKED);
	assert_int_equal(raw(UNWRAP, -1), KMS_NOT_ASKED);
	assert_int_equal(raw(UNWRAP, fds[0]), KMS_NOT_ASKED);
	assert_int_equal(raw("{\"op\":\"describe\",\"key_arn\":\"arn:aws:kms:us-east-1:111122223333:key/a\"}", -1),
			 KMS_NOT_ASKED);
	assert_int_equal(kms.requests, 0);
	secret_wipe(&key);
	close(fds[0]);
	close(fds[1]);
}

/* More at once than there are workers: each waits for a place, none is refused. */
static void *ask_and_compare(void *good)
{
	struct net_answer a;

	if (!ask(&probe, NULL, &a) && !strcmp(a.a.code, "DryRunOperationException"))
		*(bool *)good = true;
	return NULL;
}

static void more_questions_than_workers_wait(void **state)
{
	pthread_t thread[30];
	bool good[30] = { false };
	size_t i;

	(void)state;
	BEGIN(NO("DryRunOperationException", ""));
	for (i = 0; i < COUNT(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, ask_and_compare, &good[i]), 0);
	for (i = 0; i < COUNT(thread); i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_true(good[i]);
	}
	assert_int_equal(kms.requests, COUNT(thread));
}

static void a_worker_that_takes_too_long_is_ended(void **state)
{
	static const struct fake_reply replies[] = { { .how = FAKE_HANG }, NO("DryRunOperationException", "") };
	struct net_answer a;
	int64_t start;

	(void)state;
	begin(replies, COUNT(replies), 1, 300);
	start = now_ms();
	assert_int_equal(ask(&probe, NULL, &a), -EAGAIN);
	assert_int_equal(a.a.transport, KMS_NO_ANSWER);
	assert_true(now_ms() - start >= 250 && now_ms() - start < 3000);
	/* and its place is free again */
	assert_int_equal(ask(&probe, NULL, &a), 0);
	assert_string_equal(a.a.code, "DryRunOperationException");
}

static void there_are_never_more_workers_than_allowed(void **state)
{
	static const struct fake_reply replies[] = { NO("DryRunOperationException", "") };
	struct net_answer a;
	int64_t start;
	int mute;

	(void)state;
	begin(replies, COUNT(replies), 1, 500);
	start = now_ms();
	mute = ipc_connect(sock_path, NULL);
	assert_true(mute >= 0);
	assert_int_equal(ask(&probe, NULL, &a), 0);
	assert_string_equal(a.a.code, "DryRunOperationException");
	/* the only place was taken until its time was over */
	assert_true(now_ms() - start >= 490);
	close(mute);
}

static void a_silent_client_holds_only_its_own_worker(void **state)
{
	struct net_answer a;
	int mute;

	(void)state;
	BEGIN(NO("DryRunOperationException", ""));
	mute = ipc_connect(sock_path, NULL);
	assert_true(mute >= 0);
	assert_int_equal(ask(&probe, NULL, &a), 0);
	assert_string_equal(a.a.code, "DryRunOperationException");
	close(mute);
}

static void other_users_are_refused(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	BEGIN(NO("DryRunOperationException", ""));
	if (geteuid()) {
		print_message("not root: cannot be another user\n");
		skip();
	}
	pid = fork();
	if (!pid) {
		struct net_answer a;

		_exit(setgid(65534) || setuid(65534) || ask(&probe, NULL, &a) != -EAGAIN ||
		      a.a.transport != KMS_NO_ANSWER);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(kms.requests, 0);
}

static void a_stop_lets_a_request_end(void **state)
{
	static const struct fake_reply replies[] = { { .how = FAKE_HANG } };
	struct net_answer a;
	int64_t start;
	pid_t pid;
	int status;

	(void)state;
	begin(replies, 1, 4, 700);
	pid = fork();
	if (!pid)
		_exit(ask(&probe, NULL, &a) != -EAGAIN);
	while (!kms.requests)
		usleep(10000);
	start = now_ms();
	kill(server, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* not at once, but within the time that a stop may take; end() looks at the exit status */
	assert_true(now_ms() - start < SERVER_STOP_MS + 2000);
}

/* signs_of_life - what reaches the socket that systemd would listen on, until it is silent for @silence_ms. */
static unsigned int signs_of_life(int sock, unsigned int nr, int silence_ms)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	unsigned int seen = 0;
	char text[64];
	ssize_t n;

	while (seen < nr && poll(&p, 1, silence_ms) > 0) {
		n = recv(sock, text, sizeof(text) - 1, 0);
		assert_true(n > 0);
		text[n] = '\0';
		seen += !strcmp(text, "WATCHDOG=1");
	}
	return seen;
}

static void systemd_hears_that_it_lives(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int64_t start;

	(void)state;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/tmp/server_test.%d", getpid());
	assert_int_equal(bind(sock, (struct sockaddr *)&sa, sizeof(sa)), 0);
	setenv("NOTIFY_SOCKET", sa.sun_path, 1);
	setenv("WATCHDOG_USEC", "400000", 1);
	start = now_ms();
	BEGIN(NO("AccessDeniedException", ""));
	assert_int_equal(signs_of_life(sock, 5, 2000), 5);
	assert_true(now_ms() - start >= 4 * 190);	/* as often as wanted, not for every event */
	kill(server, SIGSTOP);
	signs_of_life(sock, 1, 300);
	assert_int_equal(signs_of_life(sock, 1, 1000), 0);
	kill(server, SIGCONT);
	assert_int_equal(signs_of_life(sock, 2, 2000), 2);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unlink(sa.sun_path);
	close(sock);
}

/* What waits for events may wait for half a minute: it does not hold up a stop, and what it asked comes again. */
static void a_stop_ends_who_only_waits(void **state)
{
	static const struct fake_reply replies[] = { { .how = FAKE_HANG } };
	const struct net_request events = { .op = "events" };
	struct net_answer a;
	int64_t start;
	pid_t pid;
	int status;

	(void)state;
	begin(replies, 1, 4, 20000);
	pid = fork();
	if (!pid)
		_exit(ask(&events, NULL, &a) != -EAGAIN);
	while (!kms.requests)
		usleep(10000);
	start = now_ms();
	kill(server, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(now_ms() - start < SERVER_STOP_MS / 2);
}

/* systemd tells a stop to every process of the service: a worker has the time that its parent gives it. */
static void a_request_under_way_survives_the_signal(void **state)
{
	char text[64];
	int sock, n;

	(void)state;
	BEGIN(NO("DryRunOperationException", ""));
	sock = ipc_connect(sock_path, NULL);
	assert_true(sock >= 0);
	/* a worker waits for the request */
	snprintf(text, sizeof(text), "pkill -TERM -P %d", (int)server);
	for (n = 0; n < 100 && system(text); n++)
		usleep(20000);
	assert_true(n < 100);
	usleep(100000);
	assert_int_equal(send(sock, "{\"op\":\"caller\"}", 15, 0), 15);
	assert_int_equal(recv(sock, text, 1, 0), 1);
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(probes_bring_back_kms_words, end),
		cmocka_unit_test_teardown(an_unwrapped_key_arrives_in_the_callers_memory, end),
		cmocka_unit_test_teardown(a_key_to_wrap_stays_in_the_callers_memory, end),
		cmocka_unit_test_teardown(the_other_operations, end),
		cmocka_unit_test_teardown(what_did_not_come_from_kms_says_why, end),
		cmocka_unit_test_teardown(bad_requests_are_not_put_to_kms, end),
		cmocka_unit_test_teardown(more_questions_than_workers_wait, end),
		cmocka_unit_test_teardown(a_worker_that_takes_too_long_is_ended, end),
		cmocka_unit_test_teardown(there_are_never_more_workers_than_allowed, end),
		cmocka_unit_test_teardown(a_silent_client_holds_only_its_own_worker, end),
		cmocka_unit_test_teardown(other_users_are_refused, end),
		cmocka_unit_test_teardown(a_stop_lets_a_request_end, end),
		cmocka_unit_test_teardown(systemd_hears_that_it_lives, end),
		cmocka_unit_test_teardown(a_stop_ends_who_only_waits, end),
		cmocka_unit_test_teardown(a_request_under_way_survives_the_signal, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
