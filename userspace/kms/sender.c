// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "../common/clock.h"
#include "answer.h"
#include "sender.h"
#include "verdict.h"

static void attempt(struct sender *s, struct request *rq, struct kms_answer *a, struct err *e)
{
	int rc;

	memset(a, 0, sizeof(*a));
	a->transport = KMS_NO_ANSWER;
	rc = transport_send(s->transport, rq, &s->rs, e);
	if (rc) {
		if (rc == -EBADMSG)
			a->transport = KMS_BAD_ANSWER;
		return;
	}
	a->transport = KMS_ANSWERED;
	a->http_status = s->rs.status;
	a->date_s = s->rs.date_s;
	snprintf(a->request_id, sizeof(a->request_id), "%s", s->rs.request_id);
	if (s->rs.status != 200 && rq->target)
		answer_of_json_error(a, s->rs.body, s->rs.len);
	else if (s->rs.status != 200)
		answer_of_xml_error(a, s->rs.body, s->rs.len);
}

/* wrong_clock - the service refused the time of the signature, and says what time it is. */
static bool wrong_clock(const struct sender *s, const struct kms_answer *a)
{
	enum verdict_why why;

	verdict_of_probe(a, &why);
	return why == VERDICT_WHY_CLOCK && a->transport == KMS_ANSWERED && s->rs.date_s;
}

/*
 * attempt_on_time - an attempt; when the service refuses its time, another one by the service's clock, which does not
 * count as a retry: it costs nothing to try, and a host with a wrong clock would otherwise fail for ever.
 */
static void attempt_on_time(struct sender *s, struct request *rq, struct kms_answer *a, struct err *e)
{
	struct skew *skew = &s->memo->skew;
	char date[17];

	rq->date = rq->creds && skew_date(skew, skew_clock(), date) ? date : NULL;
	attempt(s, rq, a, e);
	if (rq->creds && wrong_clock(s, a) && skew_learn(skew, s->rs.date_s, skew_clock()) &&
	    skew_date(skew, skew_clock(), date)) {
		rq->date = date;
		*e = (struct err)ERR_INIT;
		attempt(s, rq, a, e);
		/* A Date that the service itself does not believe is not worth keeping. */
		if (wrong_clock(s, a))
			skew_forget(skew);
	}
	rq->date = NULL;
}

/* pause_before_retry - false when there is to be none: too late, too many, or it would not help. */
static bool pause_before_retry(struct sender *s, struct retry_bucket *bucket, const struct kms_answer *a,
			       unsigned int n, unsigned int timeout_ms, int64_t deadline_ms, unsigned int *paid)
{
	enum retry why = retry_class(a, s->rs.timed_out);
	unsigned int delay;
	uint32_t r;

	if (n >= s->attempts || why == RETRY_NEVER)
		return false;
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = UINT32_MAX / 2;
	delay = retry_delay_ms(n, r, s->rs.retry_after_ms);
	if (s->total_ms && now_ms() + delay + timeout_ms > deadline_ms)
		return false;
	*paid = retry_take(bucket, why);
	if (!*paid)
		return false;
	transport_wipe(s->transport);
	sleep_ms(delay);
	return true;
}

/* bucket_of - the trouble that one service is in is not another's. */
static struct retry_bucket *bucket_of(struct memo *m, const struct request *rq)
{
	if (!rq->target)
		return &m->sts;
	return strcmp(rq->service, "sqs") ? &m->kms : &m->sqs;
}

int sender_send(struct sender *s, struct request *rq, const char *op, const char *subject, struct kms_answer *a,
		struct err *e)
{
	struct retry_bucket *bucket = bucket_of(s->memo, rq);
	int64_t deadline_ms = now_ms() + s->total_ms;
	struct err unread = ERR_INIT;
	unsigned int n = 0, paid = 0;

	if (!e)
		e = &unread;
	do {
		*e = (struct err)ERR_INIT;
		attempt_on_time(s, rq, a, e);
	} while (pause_before_retry(s, bucket, a, ++n, rq->timeout_ms, deadline_ms, &paid));
	/* A dry run that succeeds is an error, and so are KMS's other considered words: the service is well. */
	if (retry_class(a, false) == RETRY_NEVER && (a->http_status == 200 || a->code[0]))
		retry_succeeded(bucket, paid);
	if (a->transport == KMS_ANSWERED && a->http_status == 200)
		return 0;
	transport_wipe(s->transport);
	return answer_explain(a, op, subject, e);
}
