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
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 20000

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
	rc = endpoint_parse(cfg->endpoint, cfg->region, &k->kms, e);
	if (!rc)
		rc = endpoint_service(&k->kms, "sts", cfg->region, &k->sts, e);
	if (rc)
		goto close_client;
	k->region = strdup(cfg->region);
	if (!k->region || keep_source(k, &cfg->creds)) {
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

/* pause_before - a random part of 1, 2, 4... s, so that many hosts that failed together do not come back together. */
static void pause_before(unsigned int attempt)
{
	unsigned int most = BACKOFF_FIRST_MS, r = 0;
	struct timespec ts;

	while (attempt-- > 1 && most < BACKOFF_MAX_MS)
		most *= 2;
	if (most > BACKOFF_MAX_MS)
		most = BACKOFF_MAX_MS;
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = most / 2;
	r %= most + 1;
	ts.tv_sec = r / 1000;
	ts.tv_nsec = r % 1000 * 1000000L;
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		;
}

/* worth_retrying - what passes by itself. A grant quota (LimitExceeded) does not, nor does a proxy's page. */
static bool worth_retrying(const struct kms_answer *a)
{
	enum verdict_why why;

	return verdict_of_probe(a, &why) == VERDICT_UNREACHABLE && why != VERDICT_WHY_BAD_ANSWER &&
	       strcmp(a->code, "LimitExceededException");
}

static void attempt(struct kms *k, struct request *rq, struct kms_answer *a, struct err *e)
{
	int rc;

	memset(a, 0, sizeof(*a));
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
	rc = transport_post(k->transport, rq, &k->rs, e);
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

static int send_with_retries(struct kms *k, struct request *rq, const char *op, const char *subject,
			     struct kms_answer *a, struct err *e)
{
	struct err unread = ERR_INIT;
	unsigned int n = 1;

	if (!e)
		e = &unread;
	for (;;) {
		*e = (struct err)ERR_INIT;
		attempt(k, rq, a, e);
		if (n >= k->attempts || !worth_retrying(a))
			break;
		pause_before(n++);
	}
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
