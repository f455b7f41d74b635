// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/ipc.h"
#include "../common/json.h"
#include "../common/test.h"
#include "net.h"

#define KEY "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct kms_context ctx = { 2, { { "a", "1" }, { "b", "2" } } };
static const uint8_t blob[] = "wrapped";

static struct net_request probe(void)
{
	return (struct net_request){ .op = "probe", .key_arn = KEY, .context = &ctx, .blob = blob, .blob_len = 7 };
}

static struct json_object *parsed(const char *text)
{
	struct json_object *o;

	assert_int_equal(js_parse(text, strlen(text), 16, &o, NULL), 0);
	return o;
}

static void requests_round_trip(void **state)
{
	const struct net_request all[] = {
		probe(),
		{ .op = "probe", .key_arn = KEY, .fresh = true },
		{ .op = "unwrap", .key_arn = KEY, .context = &ctx, .blob = blob, .blob_len = 7, .grant_token = "tok" },
		{ .op = "wrap", .key_arn = KEY, .context = &ctx, .grant_token = "tok" },
		{ .op = "describe", .key_arn = "alias/x" },
		{ .op = "retire", .key_arn = KEY, .grant_id = "abc" },
		{ .op = "listed", .key_arn = KEY, .grant_id = "abc" },
		{ .op = "may", .key_arn = KEY, .context = &ctx, .right = "CreateGrant" },
		{ .op = "caller", .fresh = true },
		{ .op = "events" },
	};
	struct json_object *msg;
	struct net_job job;
	size_t i, bytes;

	(void)state;
	for (i = 0; i < COUNT(all); i++) {
		bytes = strstr(all[i].op, "wrap") ? 64 : 0;
		assert_int_equal(net_request_encode(&all[i], bytes, &msg), 0);
		assert_int_equal(net_request_decode(msg, &job, NULL), 0);
		assert_string_equal(job.rq.op, all[i].op);
		assert_int_equal(job.rq.fresh, all[i].fresh);
		assert_int_equal(job.bytes, bytes);
		assert_int_equal(!job.rq.key_arn, !all[i].key_arn);
		if (all[i].key_arn)
			assert_string_equal(job.rq.key_arn, all[i].key_arn);
		assert_int_equal(job.rq.blob_len, all[i].blob_len);
		if (all[i].blob)
			assert_memory_equal(job.rq.blob, blob, 7);
		assert_int_equal(!job.rq.context, !all[i].context);
		if (all[i].context) {
			assert_int_equal(job.rq.context->nr, 2);
			assert_string_equal(job.rq.context->pair[1].key, "b");
			assert_string_equal(job.rq.context->pair[1].value, "2");
		}
		if (all[i].grant_token)
			assert_string_equal(job.rq.grant_token, "tok");
		if (all[i].grant_id)
			assert_string_equal(job.rq.grant_id, "abc");
		if (all[i].right)
			assert_string_equal(job.rq.right, "CreateGrant");
		net_job_free(&job);
	}
}

static void a_context_arrives_sorted(void **state)
{
	static const char text[] = "{\"op\":\"probe\",\"key_arn\":\"k\",\"blob\":\"eA==\","
		"\"context\":{\"c\":\"3\",\"a\":\"1\",\"b\":\"2\"}}";
	struct net_job job;

	(void)state;
	assert_int_equal(net_request_decode(parsed(text), &job, NULL), 0);
	assert_string_equal(job.context.pair[0].key, "a");
	assert_string_equal(job.context.pair[1].key, "b");
	assert_string_equal(job.context.pair[2].value, "3");
	net_job_free(&job);
}

static void wrong_requests_are_not_encoded(void **state)
{
	static const struct kms_context unsorted = { 2, { { "b", "1" }, { "a", "2" } } };
	struct json_object *msg;
	struct net_request rq;

	(void)state;
	rq = probe();
	rq.op = "destroy";
	assert_int_equal(net_request_encode(&rq, 0, &msg), -EINVAL);
	rq.op = NULL;
	assert_int_equal(net_request_encode(&rq, 0, &msg), -EINVAL);
	rq = probe();
	rq.key_arn = NULL;
	assert_int_equal(net_request_encode(&rq, 0, &msg), -EINVAL);
	rq = probe();
	rq.grant_token = "a probe never carries it";
	assert_int_equal(net_request_encode(&rq, 0, &msg), -EINVAL);
	rq = probe();
	rq.context = &unsorted;
	assert_int_equal(net_request_encode(&rq, 0, &msg), -EINVAL);
	rq = probe();
	rq.blob_len = KMS_BLOB_MAX + 1;
	assert_int_equal(net_request_encode(&rq, 0, &msg), -EINVAL);
	rq = probe();
	assert_int_equal(net_request_encode(&rq, 64, &msg), -EINVAL);	/* a key for a probe */
	rq.op = "unwrap";
	assert_int_equal(net_request_encode(&rq, 0, &msg), -EINVAL);
	assert_int_equal(net_request_encode(&rq, 65, &msg), -EINVAL);
	assert_null(msg);
}

static void wrong_requests_are_not_decoded(void **state)
{
	static const char *const bad[] = {
		"{}", "{\"op\":\"destroy\"}", "{\"op\":5}", "{\"op\":\"caller\",\"x\":1}",
		"{\"op\":\"caller\",\"key_arn\":\"k\"}",
		"{\"op\":\"may\",\"key_arn\":\"k\",\"right\":\"Encrypt\"}",
		"{\"op\":\"may\",\"key_arn\":\"k\",\"context\":{\"a\":\"1\"}}",
		"{\"op\":\"probe\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"right\":\"Encrypt\"}",
		"{\"op\":\"describe\"}", "{\"op\":\"describe\",\"key_arn\":\"\"}",
		"{\"op\":\"describe\",\"key_arn\":null}",
		"{\"op\":\"describe\",\"key_arn\":\"k\",\"fresh\":1}", "{\"op\":\"retire\",\"key_arn\":\"k\"}",
		"{\"op\":\"probe\",\"key_arn\":\"k\",\"blob\":\"eA=\"}",
		"{\"op\":\"probe\",\"key_arn\":\"k\",\"blob\":\"\"}",
		"{\"op\":\"probe\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"context\":{\"a\":1}}",
		"{\"op\":\"probe\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"context\":{\"a\":\"x\\u0000y\"}}",
		"{\"op\":\"probe\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"context\":[]}",
		"{\"op\":\"probe\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"context\":{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\",\"f\":\"\",\"g\":\"\",\"h\":\"\",\"i\":\"\"}}",
		"{\"op\":\"unwrap\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"context\":{}}",
		"{\"op\":\"unwrap\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"context\":{},\"bytes\":0}",
		"{\"op\":\"unwrap\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"context\":{},\"bytes\":65}",
		"{\"op\":\"unwrap\",\"key_arn\":\"k\",\"context\":{},\"bytes\":64}",
		"{\"op\":\"unwrap\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"bytes\":64}",
		"{\"op\":\"unwrap\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"context\":{},\"bytes\":64,\"grant_id\":\"x\"}",
		"{\"op\":\"wrap\",\"key_arn\":\"k\",\"blob\":\"eA==\",\"context\":{},\"bytes\":64}",
		"{\"op\":\"wrap\",\"key_arn\":\"k\",\"context\":{}}",
		"{\"op\":\"wrap\",\"key_arn\":\"k\",\"bytes\":64}",
	};
	struct net_job job;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		struct err e = ERR_INIT;

		if (net_request_decode(parsed(bad[i]), &job, &e) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		assert_true(*e.what);
	}
}

static void answers_round_trip(void **state)
{
	struct net_answer a = { .a = { KMS_NOT_ASKED, 400, "Code", "message", "id", 1700000000 }, .arn = "arn:a",
				.key = { KEY, KMS_STATE_PENDING_DELETION, true },
				.listed = true, .blob = { 1, 2, 3 }, .blob_len = 3,
				.events = { 10, 2, 1, 2, { { "RevokeGrant", KEY, "ab12" },
							   { "KMS CMK Deletion", KEY, "" } } } };
	struct json_object *msg;
	struct net_answer b;
	int t, s;

	(void)state;
	for (t = KMS_ANSWERED; t <= KMS_NOT_ASKED; t++) {
		for (s = KMS_STATE_NONE; s <= KMS_STATE_UNKNOWN; s++) {
			a.a.transport = t;
			a.key.state = s;
			assert_int_equal(net_answer_encode(&a, &msg), 0);
			assert_int_equal(net_answer_decode(msg, &b), 0);
			json_object_put(msg);
			assert_memory_equal(&a, &b, sizeof(a));
		}
	}
}

/* ecache-net may be anybody's by now. */
static void a_lying_answer_is_none(void **state)
{
	static const char *const bad[] = {
		"{}", "{\"transport\":\"maybe\",\"http_status\":1,\"code\":\"\",\"message\":\"\",\"request_id\":\"\"}",
		"{\"transport\":\"answered\",\"http_status\":-1,\"code\":\"\",\"message\":\"\",\"request_id\":\"\"}",
		"{\"transport\":\"answered\",\"http_status\":1000,\"code\":\"\",\"message\":\"\",\"request_id\":\"\"}",
		"{\"transport\":\"answered\",\"http_status\":\"200\",\"code\":\"\",\"message\":\"\",\"request_id\":\"\"}",
		"{\"transport\":\"answered\",\"http_status\":200,\"code\":\"\",\"message\":\"\"}",
		"{\"transport\":\"answered\",\"http_status\":200,\"code\":\"\",\"message\":\"\",\"request_id\":\"\",\"x\":1}",
		"{\"transport\":\"answered\",\"http_status\":200,\"code\":\"\",\"message\":\"\",\"request_id\":\"\",\"date\":-1}",
		"{\"transport\":\"answered\",\"http_status\":200,\"code\":\"\",\"message\":\"\",\"request_id\":\"\",\"blob\":\"AQI\"}",
		"{\"transport\":\"answered\",\"http_status\":200,\"code\":\"a\\u0000b\",\"message\":\"\",\"request_id\":\"\"}",
	};
	struct json_object *o;
	struct net_answer a;
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		o = parsed(bad[i]);
		if (net_answer_decode(o, &a) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(a.a.transport, KMS_BAD_ANSWER);
		json_object_put(o);
	}
	o = json_object_new_array();
	assert_int_equal(net_answer_decode(o, &a), -EBADMSG);
	json_object_put(o);
	assert_int_equal(net_answer_decode(NULL, &a), -EBADMSG);
	/* too long for its place: refused, not cut to another meaning */
	snprintf(text, sizeof(text), "{\"transport\":\"answered\",\"http_status\":400,\"code\":\"%0100d\","
		 "\"message\":\"\",\"request_id\":\"\"}", 0);
	o = parsed(text);
	assert_int_equal(net_answer_decode(o, &a), -EBADMSG);
	json_object_put(o);
	o = parsed("{\"transport\":\"answered\",\"http_status\":400,\"code\":\"C\",\"message\":\"a\\u001b[2J\\n\","
		   "\"request_id\":\"\"}");
	assert_int_equal(net_answer_decode(o, &a), 0);
	assert_string_equal(a.a.message, "a?[2J?");
	json_object_put(o);
}

#define EVENTS(text) "{\"transport\":\"answered\",\"http_status\":200,\"code\":\"\",\"message\":\"\"," \
	"\"request_id\":\"\",\"events\":" text "}"
#define LOOK(text) EVENTS("{\"messages\":1,\"unread\":0,\"left\":0,\"look\":[" text "]}")
#define EVENT(key, rest) "{\"name\":\"DisableKey\",\"key_arn\":\"" key "\"" rest "}"
#define E5 EVENT(KEY, "") "," EVENT(KEY, "") "," EVENT(KEY, "") "," EVENT(KEY, "") "," EVENT(KEY, "")

static void what_events_say_is_bounded(void **state)
{
	static const char *const bad[] = {
		EVENTS("{}"), EVENTS("[]"), EVENTS("{\"messages\":11,\"unread\":0,\"left\":0,\"look\":[]}"),
		EVENTS("{\"messages\":1,\"unread\":-1,\"left\":0,\"look\":[]}"), LOOK("1"), LOOK("{}"),
		LOOK(EVENT("alias/x", "")), LOOK(EVENT(KEY "/x", "")), LOOK(EVENT(KEY, ",\"grant_id\":\"a b\\n\"")),
		LOOK(EVENT(KEY, ",\"grant_id\":\"\"")), LOOK(EVENT(KEY, ",\"verdict\":\"revoked\"")),
		LOOK("{\"name\":\"\\u001b[2J\",\"key_arn\":\"" KEY "\"}"),
	};
	static const struct net_events none;
	static struct net_answer a;
	static const char *const ten = E5 "," E5, *const eleven = E5 "," E5 "," EVENT(KEY, "");
	struct json_object *o;
	char text[4096];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		o = parsed(bad[i]);
		if (net_answer_decode(o, &a) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		assert_memory_equal(&a.events, &none, sizeof(none));
		json_object_put(o);
	}
	for (i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), LOOK("%s"), i ? eleven : ten);
		o = parsed(text);
		assert_int_equal(net_answer_decode(o, &a), i ? -EBADMSG : 0);
		json_object_put(o);
	}
	o = parsed(LOOK(EVENT(KEY, ",\"grant_id\":\"ab12\"")));
	assert_int_equal(net_answer_decode(o, &a), 0);
	assert_int_equal(a.events.nr, 1);
	assert_string_equal(a.events.look[0].grant_id, "ab12");
	json_object_put(o);
}

/* An ecache-net of a few lines: takes one request, fills the secret, says what it is told to say. */
struct peer {
	char dir[40], path[64];
	int listener;
	pthread_t thread;
	const char *says;	/* NULL: nothing, and closes */
	bool mute;		/* stays silent until the caller goes away */
};

static void *peer_run(void *ctx_)
{
	struct peer *p = ctx_;
	struct json_object *msg, *answer;
	struct secret s = SECRET_INIT;
	int sock = accept(p->listener, NULL, NULL), fd = -1;
	char c;

	if (sock < 0)
		return NULL;
	if (!ipc_recv(sock, &msg, &fd, 5000)) {
		if (fd >= 0 && !secret_attach(&s, fd, 64)) {
			memset(s.data, 0x5a, 64);
			secret_detach(&s);
		}
		json_object_put(msg);
	}
	if (p->mute && recv(sock, &c, 1, 0) < 0)
		c = 0;
	if (p->says) {
		answer = parsed(p->says);
		ipc_send(sock, answer, -1);
		json_object_put(answer);
	}
	close(sock);
	return NULL;
}

static void peer_start(struct peer *p)
{
	strcpy(p->dir, "/tmp/net_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/s", p->dir);
	p->listener = ipc_listen(p->path, 0600, NULL, NULL);
	assert_true(p->listener >= 0);
	assert_int_equal(pthread_create(&p->thread, NULL, peer_run, p), 0);
}

static void peer_stop(struct peer *p)
{
	pthread_join(p->thread, NULL);
	close(p->listener);
	unlink(p->path);
	rmdir(p->dir);
}

#define SAYS(transport, status, code) "{\"transport\":\"" transport "\",\"http_status\":" status \
	",\"code\":\"" code "\",\"message\":\"\",\"request_id\":\"r\"}"

static void an_unwrapped_key_counts_only_with_a_good_answer(void **state)
{
	static const struct {
		const char *says;
		enum kms_transport transport;
		int rc;
		bool delivered;
	} t[] = {
		{ SAYS("answered", "200", ""), KMS_ANSWERED, 0, true },
		{ SAYS("answered", "400", "AccessDeniedException"), KMS_ANSWERED, 0, false },
		{ SAYS("answered", "200", "AccessDeniedException"), KMS_ANSWERED, 0, false },
		{ SAYS("no-answer", "200", ""), KMS_NO_ANSWER, 0, false },
		{ SAYS("sideways", "200", ""), KMS_BAD_ANSWER, 0, false },
		{ NULL, KMS_NO_ANSWER, -EAGAIN, false },
	};
	static const uint8_t zero[64];
	struct net_request rq = probe();
	struct secret s;
	size_t i;

	(void)state;
	rq.op = "unwrap";
	for (i = 0; i < COUNT(t); i++) {
		struct peer p = { .says = t[i].says };
		struct net_answer a;

		peer_start(&p);
		assert_int_equal(secret_alloc(&s, 64), 0);
		assert_int_equal(net_call(p.path, &rq, &s, &a, 5000, NULL), t[i].rc);
		assert_int_equal(a.a.transport, t[i].transport);
		assert_int_equal(net_delivered(&a), t[i].delivered);
		assert_int_equal(s.len, t[i].delivered ? 64 : 0);
		if (!t[i].delivered)
			assert_memory_equal(s.data, zero, 64);
		else
			assert_int_equal(s.data[63], 0x5a);
		secret_wipe(&s);
		peer_stop(&p);
	}
}

static void a_silent_or_missing_peer_is_no_answer(void **state)
{
	struct peer p = { .mute = true };
	struct net_request rq = probe();
	struct err e = ERR_INIT;
	struct net_answer a;

	(void)state;
	peer_start(&p);
	assert_int_equal(net_call(p.path, &rq, NULL, &a, 100, &e), -EAGAIN);
	assert_int_equal(a.a.transport, KMS_NO_ANSWER);
	peer_stop(&p);
	assert_int_equal(net_call("/nonexistent/s", &rq, NULL, &a, 100, &e), -EAGAIN);
	assert_int_equal(a.a.transport, KMS_NO_ANSWER);
	assert_non_null(strstr(e.what, "/nonexistent/s"));
	assert_non_null(strstr(e.hint, "ecache-net"));
	rq.op = "nonsense";
	assert_int_equal(net_call("/nonexistent/s", &rq, NULL, &a, 100, &e), -EINVAL);
	assert_int_equal(a.a.transport, KMS_NOT_ASKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_round_trip),
		cmocka_unit_test(a_context_arrives_sorted),
		cmocka_unit_test(wrong_requests_are_not_encoded),
		cmocka_unit_test(wrong_requests_are_not_decoded),
		cmocka_unit_test(answers_round_trip),
		cmocka_unit_test(a_lying_answer_is_none),
		cmocka_unit_test(what_events_say_is_bounded),
		cmocka_unit_test(an_unwrapped_key_counts_only_with_a_good_answer),
		cmocka_unit_test(a_silent_or_missing_peer_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
