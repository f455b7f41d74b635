// SPDX-License-Identifier: GPL-2.0-or-later
/* From ecache-net's answer to the question that a hint brings forward: the loop, with an ecache-net of a few lines. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/ipc.h"
#include "../common/json.h"
#include "../common/test.h"
#include "listening.h"
#include "netcall.h"
#include "watching.h"

#define KEY "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define DAY_MS (24 * 60 * 60 * 1000LL)

/* The fake: it answers questions for events by a script until that is over, and counts the others. */
struct peer {
	_Atomic unsigned int events, probes, describes, others;
	char dir[40], path[64];
	int listener;
	pthread_t thread;
	const char *const *script;
	unsigned int at;
};

static struct peer peer;
static struct daemon d;
static struct watched more;

static void answer(int sock, const char *text)
{
	struct json_object *o;

	assert_int_equal(js_parse(text, strlen(text), 16, &o, NULL), 0);
	ipc_send(sock, o, -1);
	json_object_put(o);
}

static void count(int sock, const char *op)
{
	if (!strcmp(op, "probe"))
		peer.probes++;
	else if (!strcmp(op, "describe"))
		peer.describes++;
	else if (strcmp(op, "events"))
		peer.others++;
	if (strcmp(op, "events"))
		return;
	peer.events++;
	if (peer.script[peer.at])
		answer(sock, peer.script[peer.at++]);
}

/* Who has no answer waits until the test is over. */
static void *peer_run(void *unused)
{
	struct json_object *msg;
	int sock, held[64], nr = 0;

	while ((sock = accept(peer.listener, NULL, NULL)) >= 0) {
		if (!ipc_recv(sock, &msg, NULL, 5000)) {
			count(sock, json_object_get_string(json_object_object_get(msg, "op")));
			json_object_put(msg);
		}
		assert_true(nr < 64);
		held[nr++] = sock;
	}
	while (nr)
		close(held[--nr]);
	return unused;
}

static void begin(const char *const *script)
{
	struct watch_add add = { .name = "c1", .key_arn = KEY, .interval_ms = DAY_MS, .just_ok = true };
	struct watch_volume *v;
	char conf[256];

	memset(&peer, 0, sizeof(peer));
	peer.script = script;
	strcpy(peer.dir, "/tmp/listening_test.XXXXXX");
	assert_non_null(mkdtemp(peer.dir));
	snprintf(peer.path, sizeof(peer.path), "%s/s", peer.dir);
	peer.listener = ipc_listen(peer.path, 0600, NULL, NULL);
	assert_true(peer.listener >= 0);
	assert_int_equal(pthread_create(&peer.thread, NULL, peer_run, NULL), 0);
	memset(&d, 0, sizeof(d));
	snprintf(conf, sizeof(conf), "region=eu-west-1\nnet-socket=%s\nevents-queue=https://q.example.com/1/q\n", peer.path);
	assert_int_equal(agentconf_parse("conf", conf, strlen(conf), &d.conf, NULL), 0);
	d.env.conf = &d.conf;
	d.env.net_socket = d.conf.net_socket;
	assert_int_equal(sd_event_new(&d.event), 0);
	assert_int_equal(watching_start(&d, NULL), 0);
	assert_int_equal(watch_add(&d.watch, &add, now_ms(), &v), 0);
	memset(&more, 0, sizeof(more));
	more.noted_ms = now_ms();
	strcpy(more.cache_id, "c1");
	strcpy(more.luks_uuid, "u");
	more.blob_len = 1;
	v->data = &more;
	strcpy(v->grant_id, "ab12");
	assert_int_equal(listening_start(&d, NULL), 0);
	/* at once: events_test.c has the start */
	d.events.due_ms = 0;
	assert_true(sd_event_source_set_time(d.listen_timer, 0) >= 0);
}

/* run - the loop, for so long. */
static void run(int64_t ms)
{
	int64_t end = now_ms() + ms;

	while (now_ms() < end)
		assert_true(sd_event_run(d.event, 50 * 1000) >= 0);
}

static int end(void **state)
{
	(void)state;
	listening_stop(&d);
	netcall_cancel(&d, NULL);
	watch_remove(&d.watch, d.watch.volumes);
	watching_stop(&d);
	sd_event_unref(d.event);
	agentconf_free(&d.conf);
	shutdown(peer.listener, SHUT_RDWR);
	pthread_join(peer.thread, NULL);
	close(peer.listener);
	unlink(peer.path);
	rmdir(peer.dir);
	return 0;
}

#define ANSWER(rest) "{\"transport\":\"answered\",\"http_status\":200,\"code\":\"\",\"message\":\"\"," \
	"\"request_id\":\"\"" rest "}"
#define EVENT(key, grant) ANSWER(",\"events\":{\"messages\":1,\"unread\":0,\"left\":0,\"look\":[{\"name\":\"RevokeGrant\"," \
	"\"key_arn\":\"" key "\",\"grant_id\":\"" grant "\"}]}")

static void an_event_about_a_volume_asks_about_it(void **state)
{
	static const char *const script[] = { EVENT(KEY, "ab12"), NULL };

	(void)state;
	begin(script);
	run(EVENTS_LEAST_MS + HINT_SOON_MS + 500);
	assert_int_equal(peer.probes, 1);
	assert_int_equal(peer.events, 2);	/* the next question waits there */
	assert_int_equal(d.events.count.ours, 1);
	assert_int_equal(peer.others, 0);
}

static void other_peoples_events_ask_nothing(void **state)
{
	static const char *const script[] = { EVENT(KEY, "ffff"), EVENT(KEY "0", "ab12"), NULL };

	(void)state;
	begin(script);
	run(2 * EVENTS_LEAST_MS + HINT_SOON_MS + 500);
	assert_int_equal(peer.events, 3);
	assert_int_equal(peer.probes + peer.describes + peer.others, 0);
	assert_int_equal(d.events.count.others, 2);
}

/* No verdict, no question, and no more than it takes: it comes again later. */
static void a_queue_that_fails_is_asked_later(void **state)
{
	static const char *const script[] = {
		"{\"transport\":\"answered\",\"http_status\":400,\"code\":\"AccessDenied\",\"message\":\"no\",\"request_id\":\"\"}",
		"{\"transport\":\"sideways\"}", ANSWER(""), NULL
	};

	(void)state;
	begin(script);
	run(3500);
	assert_int_equal(peer.events, 3);
	assert_int_equal(d.events.failures, 0);
	assert_true(d.events.ok_ms);
	assert_false(d.watch.volumes->probed);
	assert_int_equal(peer.probes + peer.describes + peer.others, 0);
}

static void without_ecache_net_it_fails_and_goes_on(void **state)
{
	static const char *const script[] = { NULL };

	(void)state;
	begin(script);
	unlink(peer.path);
	run(3500);
	assert_in_range(d.events.failures, 2, 4);
	assert_non_null(strstr(d.events.why, "ecache-net"));
	assert_false(d.watch.volumes->probed);
}

#define T(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_event_about_a_volume_asks_about_it),
		T(other_peoples_events_ask_nothing),
		T(a_queue_that_fails_is_asked_later),
		T(without_ecache_net_it_fails_and_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
