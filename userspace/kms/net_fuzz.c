// SPDX-License-Identifier: GPL-2.0-or-later
/* The messages between ecached and ecache-net: what one side reads, it can send on, and that reads the same. */
#include "fuzz/fuzz.h"

#include "common/json.h"
#include "net.h"

static int same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void read_request(const char *text, size_t size)
{
	struct net_job job, again;
	struct json_object *msg;
	struct err e = ERR_INIT;

	if (js_parse(text, size, 8, &msg, NULL))
		return;
	if (net_request_decode(msg, &job, &e)) {
		fuzz_check(e.what[0] && !job.msg);
		return;
	}
	fuzz_check(!net_request_encode(&job.rq, job.bytes, &msg));
	fuzz_check(!net_request_decode(msg, &again, &e));
	fuzz_check(same(job.rq.op, again.rq.op) && same(job.rq.key_arn, again.rq.key_arn));
	fuzz_check(same(job.rq.grant_id, again.rq.grant_id) && same(job.rq.grant_token, again.rq.grant_token));
	fuzz_check(same(job.rq.right, again.rq.right));
	fuzz_check(job.bytes == again.bytes && job.rq.fresh == again.rq.fresh);
	fuzz_check(job.rq.blob_len == again.rq.blob_len && !memcmp(job.blob, again.blob, job.rq.blob_len));
	fuzz_check(job.context.nr == again.context.nr);
	for (unsigned int i = 0; i < job.context.nr; i++)
		fuzz_check(same(job.context.pair[i].key, again.context.pair[i].key) &&
			   same(job.context.pair[i].value, again.context.pair[i].value));
	net_job_free(&again);
	net_job_free(&job);
}

static void read_answer(const char *text, size_t size)
{
	static struct net_answer a, again;
	struct json_object *msg;

	if (js_parse(text, size, 8, &msg, NULL))
		return;
	if (!net_answer_decode(msg, &a)) {
		/* without messages there is nothing to say */
		if (!a.events.messages)
			memset(&a.events, 0, sizeof(a.events));
		json_object_put(msg);
		fuzz_check(fuzz_printable(a.a.message, sizeof(a.a.message)) && fuzz_printable(a.arn, sizeof(a.arn)));
		fuzz_check(!net_answer_encode(&a, &msg));
		fuzz_check(!net_answer_decode(msg, &again));
		/* a state of a name unknown to us is sent on as such */
		fuzz_check(!memcmp(&a, &again, sizeof(a)));
	} else {
		fuzz_check(a.a.transport == KMS_BAD_ANSWER);
	}
	json_object_put(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_request((const char *)data, size);
	read_answer((const char *)data, size);
	return 0;
}
