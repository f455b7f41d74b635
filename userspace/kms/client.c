// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../common/json.h"
#include "answer.h"
#include "arn.h"
#include "client.h"
#include "verdict.h"

#define ANSWER_DEPTH 12

static int keep_source(struct kms *k, const struct creds_source *src)
{
	k->source.environment = src->environment;
	if (src->file) {
		k->file = strdup(src->file);
		if (!k->file)
			return -ENOMEM;
	}
	if (src->profile) {
		k->profile = strdup(src->profile);
		if (!k->profile)
			return -ENOMEM;
	}
	k->source.file = k->file;
	k->source.profile = k->profile;
	return 0;
}

/* keep_ca_file - AWS_CA_BUNDLE only where the environment is asked at all. */
static int keep_ca_file(struct kms *k, const struct kms_config *cfg)
{
	const char *path = cfg->ca_file;

	if (!path && cfg->environment)
		path = secure_getenv("AWS_CA_BUNDLE");
	if (!path || !*path)
		return 0;
	k->ca_file = strdup(path);
	return k->ca_file ? 0 : -ENOMEM;
}

static int find_services(struct kms *k, const struct kms_config *cfg, struct err *e)
{
	const struct endpoint_config where = {
		.kms = cfg->endpoint,
		.sts = cfg->sts_endpoint,
		.fips = cfg->fips,
		.dualstack = cfg->dualstack,
		.environment = cfg->environment,
	};

	return endpoint_resolve(&where, cfg->region, &k->kms, &k->sts, e);
}

int kms_open(struct kms **out, const struct kms_config *cfg, struct err *e)
{
	struct kms *k;
	int rc;

	*out = NULL;
	if (cfg->timeout_ms < 1000 || cfg->timeout_ms > 60000 || cfg->attempts < 1 || cfg->attempts > 10)
		return err_set(e, -EINVAL, "KMS timeout must be 1000 to 60000 ms, attempts 1 to 10");
	k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(e, -ENOMEM, "out of memory");
	k->creds.store.fd = -1;
	k->timeout_ms = cfg->timeout_ms;
	k->attempts = cfg->attempts;
	k->total_ms = cfg->total_ms;
	k->memo = cfg->memo ? cfg->memo : &k->own_memo;
	rc = find_services(k, cfg, e);
	if (rc)
		goto close_client;
	k->region = strdup(cfg->region);
	if (!k->region || keep_source(k, &cfg->creds) || keep_ca_file(k, cfg)) {
		rc = err_set(e, -ENOMEM, "out of memory");
		goto close_client;
	}
	k->transport = transport_open(e);
	if (!k->transport) {
		rc = e && e->rc ? e->rc : -ENOMEM;
		goto close_client;
	}
	*out = k;
	return 0;

close_client:
	kms_close(k);
	return rc;
}

void kms_close(struct kms *k)
{
	if (!k)
		return;
	transport_close(k->transport);
	creds_wipe(&k->creds);
	free(k->ca_file);
	free(k->profile);
	free(k->file);
	free(k->region);
	free(k);
}

void kms_forget(struct kms *k)
{
	struct transport *fresh;

	creds_wipe(&k->creds);
	fresh = transport_open(NULL);
	/* Out of memory: the old connection is closed all the same, and the next call tries again. */
	transport_close(k->transport);
	k->transport = fresh;
}

void client_wipe(struct kms *k)
{
	if (k->transport)
		transport_wipe(k->transport);
	memset(&k->rs, 0, sizeof(k->rs));
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void pause_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		;
}

static void attempt(struct kms *k, struct request *rq, struct kms_answer *a, struct err *e)
{
	int rc;

	memset(a, 0, sizeof(*a));
	memset(&k->rs, 0, sizeof(k->rs));
	a->transport = KMS_NO_ANSWER;
	if (!k->transport) {
		k->transport = transport_open(e);
		if (!k->transport)
			return;
	}
	if (!k->creds.store.data) {
		rc = creds_load(&k->source, &k->creds, e);
		if (rc) {
			a->transport = KMS_NO_CREDENTIALS;
			return;
		}
	}
	rq->creds = &k->creds;
	rc = transport_send(k->transport, rq, &k->rs, e);
	if (rc) {
		if (rc == -EBADMSG)
			a->transport = KMS_BAD_ANSWER;
		return;
	}
	a->transport = KMS_ANSWERED;
	a->http_status = k->rs.status;
	snprintf(a->request_id, sizeof(a->request_id), "%s", k->rs.request_id);
	if (k->rs.status != 200 && rq->target)
		answer_of_json_error(a, k->rs.body, k->rs.len);
	else if (k->rs.status != 200)
		answer_of_xml_error(a, k->rs.body, k->rs.len);
}

/* wrong_clock - the service refused the time of the signature, and says what time it is. */
static bool wrong_clock(const struct kms *k, const struct kms_answer *a)
{
	enum verdict_why why;

	verdict_of_probe(a, &why);
	return why == VERDICT_WHY_CLOCK && a->transport == KMS_ANSWERED && k->rs.date_s;
}

/*
 * attempt_on_time - an attempt; when the service refuses its time, another one by the service's clock, which does not
 * count as a retry: it costs nothing to try, and a host with a wrong clock would otherwise fail for ever.
 */
static void attempt_on_time(struct kms *k, struct request *rq, struct kms_answer *a, struct err *e)
{
	struct skew *skew = &k->memo->skew;
	char date[17];

	rq->date = skew_date(skew, skew_clock(), date) ? date : NULL;
	attempt(k, rq, a, e);
	if (wrong_clock(k, a) && skew_learn(skew, k->rs.date_s, skew_clock()) && skew_date(skew, skew_clock(), date)) {
		rq->date = date;
		*e = (struct err)ERR_INIT;
		attempt(k, rq, a, e);
		/* A Date that the service itself does not believe is not worth keeping. */
		if (wrong_clock(k, a))
			skew_forget(skew);
	}
	rq->date = NULL;
}

/* pause_before_retry - false when there is to be none: too late, too many, or it would not help. */
static bool pause_before_retry(struct kms *k, struct retry_bucket *bucket, const struct kms_answer *a, unsigned int n,
			       int64_t deadline_ms, unsigned int *paid)
{
	enum retry why = retry_class(a, k->rs.timed_out);
	unsigned int delay;
	uint32_t r;

	if (n >= k->attempts || why == RETRY_NEVER)
		return false;
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = UINT32_MAX / 2;
	delay = retry_delay_ms(n, r, k->rs.retry_after_ms);
	if (k->total_ms && now_ms() + delay + k->timeout_ms > deadline_ms)
		return false;
	*paid = retry_take(bucket, why);
	if (!*paid)
		return false;
	client_wipe(k);
	pause_ms(delay);
	return true;
}

static int send_with_retries(struct kms *k, struct request *rq, const char *op, const char *subject,
			     struct kms_answer *a, struct err *e)
{
	struct retry_bucket *bucket = rq->target ? &k->memo->kms : &k->memo->sts;
	int64_t deadline_ms = now_ms() + k->total_ms;
	struct err unread = ERR_INIT;
	unsigned int n = 0, paid = 0;

	if (!e)
		e = &unread;
	do {
		*e = (struct err)ERR_INIT;
		attempt_on_time(k, rq, a, e);
	} while (pause_before_retry(k, bucket, a, ++n, deadline_ms, &paid));
	/* A dry run that succeeds is an error, and so are KMS's other considered words: the service is well. */
	if (retry_class(a, false) == RETRY_NEVER && (a->http_status == 200 || a->code[0]))
		retry_succeeded(bucket, paid);
	if (a->transport == KMS_ANSWERED && a->http_status == 200)
		return 0;
	client_wipe(k);
	return answer_explain(a, op, subject, e);
}

int client_call(struct kms *k, const char *op, const char *subject, struct json_object *body, struct kms_answer *a,
		struct err *e)
{
	char target[80];
	struct request rq = {
		.endpoint = &k->kms,
		.service = "kms",
		.region = k->region,
		.content_type = "application/x-amz-json-1.1",
		.target = target,
		.timeout_ms = k->timeout_ms,
		.ca_file = k->ca_file,
	};
	int rc;

	snprintf(target, sizeof(target), "TrentService.%.60s", op);
	if (body)
		rq.body = js_text(body, &rq.body_len);
	if (!rq.body) {
		memset(a, 0, sizeof(*a));
		a->transport = KMS_NOT_ASKED;
		json_object_put(body);
		return err_set(e, -ENOMEM, "%s: out of memory", op);
	}
	rc = send_with_retries(k, &rq, op, subject, a, e);
	json_object_put(body);
	return rc;
}

int client_query(struct kms *k, const char *op, const char *form, struct kms_answer *a, struct err *e)
{
	struct request rq = {
		.endpoint = &k->sts,
		.service = "sts",
		.region = k->region,
		.content_type = "application/x-www-form-urlencoded; charset=utf-8",
		.body = form,
		.body_len = strlen(form),
		.timeout_ms = k->timeout_ms,
		.ca_file = k->ca_file,
	};

	return send_with_retries(k, &rq, op, "", a, e);
}

int client_bad(struct kms *k, const char *op, struct kms_answer *a, struct err *e)
{
	client_wipe(k);
	a->transport = KMS_BAD_ANSWER;
	return answer_explain(a, op, "", e);
}

int client_json(struct kms *k, const char *op, struct json_object **obj, struct kms_answer *a, struct err *e)
{
	int rc;

	rc = js_parse(k->rs.body, k->rs.len, ANSWER_DEPTH, obj, e);
	if (rc)
		return client_bad(k, op, a, e);
	client_wipe(k);
	return 0;
}

int client_refuse(const char *op, struct kms_answer *a, struct err *e)
{
	memset(a, 0, sizeof(*a));
	a->transport = KMS_NOT_ASKED;
	return answer_explain(a, op, "", e);
}

int client_check_key(struct kms *k, const char *op, const char *key_arn, struct kms_answer *a, struct err *e)
{
	if (arn_check_key(key_arn, e))
		return client_refuse(op, a, e);
	if (!arn_in_region(key_arn, k->region)) {
		err_set(e, -EINVAL, "key %.200s is not in region %s", key_arn, k->region);
		return client_refuse(op, a, e);
	}
	return 0;
}
