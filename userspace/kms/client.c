// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/json.h"
#include "answer.h"
#include "arn.h"
#include "client.h"
#include "sender.h"
#include "verdict.h"

#define ANSWER_DEPTH 12

/* keep_source - with strings of our own. */
static int keep_source(struct kms *k, const struct creds_source *src)
{
	const char **strings[] = {
		&k->source.file, &k->source.profile, &k->source.role_arn, &k->source.role_session_name,
		&k->source.web_identity_token_file, &k->source.container_uri, &k->source.container_token_file,
		&k->source.imds_endpoint,
	};
	size_t i;

	_Static_assert(sizeof(strings) / sizeof(*strings) == CLIENT_STRINGS, "one place for each");
	k->source = *src;
	for (i = 0; i < CLIENT_STRINGS; i++) {
		if (!*strings[i])
			continue;
		k->owned[i] = strdup(*strings[i]);
		if (!k->owned[i])
			return -ENOMEM;
		*strings[i] = k->owned[i];
	}
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
	k->answer_max = cfg->answer_max ? cfg->answer_max : RESPONSE_MAX;
	k->memo = cfg->memo ? cfg->memo : &k->own_memo;
	k->cache = cfg->cache;
	rc = find_services(k, cfg, e);
	if (rc)
		goto close_client;
	k->region = strdup(cfg->region);
	if (!k->region || keep_source(k, &cfg->creds) || keep_ca_file(k, cfg)) {
		rc = err_set(e, -ENOMEM, "out of memory");
		goto close_client;
	}
	k->transport = transport_open_for(k->answer_max, e);
	if (!k->transport) {
		rc = e && e->rc ? e->rc : -ENOMEM;
		goto close_client;
	}
	k->net = (struct creds_net){
		.sts = &k->sts,
		.region = k->region,
		.ca_file = k->ca_file,
		.memo = k->memo,
		.sts_ms = k->timeout_ms,
	};
	*out = k;
	return 0;

close_client:
	kms_close(k);
	return rc;
}

void kms_close(struct kms *k)
{
	size_t i;

	if (!k)
		return;
	transport_close(k->transport);
	creds_wipe(&k->creds);
	free(k->ca_file);
	for (i = 0; i < CLIENT_STRINGS; i++)
		free(k->owned[i]);
	free(k->region);
	free(k);
}

void kms_forget(struct kms *k)
{
	struct transport *fresh;

	creds_wipe(&k->creds);
	k->fresh = true;
	fresh = transport_open_for(k->answer_max, NULL);
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

/* ready - a transport and credentials to send with; else *a says what is missing. */
static bool ready(struct kms *k, struct kms_answer *a, struct err *e)
{
	memset(a, 0, sizeof(*a));
	a->transport = KMS_NO_ANSWER;
	if (!k->transport)
		k->transport = transport_open_for(k->answer_max, e);
	if (!k->transport)
		return false;
	a->transport = KMS_NO_CREDENTIALS;
	return client_credentials(k, e) == 0;
}

static int send_call(struct kms *k, struct request *rq, const char *op, const char *subject, struct kms_answer *a,
		     struct err *e)
{
	struct sender s = { .memo = k->memo, .attempts = k->attempts, .total_ms = k->total_ms };
	struct err unread = ERR_INIT;
	enum verdict_why why;
	int rc;

	if (!e)
		e = &unread;
	*e = (struct err)ERR_INIT;
	if (!ready(k, a, e)) {
		client_wipe(k);
		return answer_explain(a, op, subject, e);
	}
	s.transport = k->transport;
	rq->creds = &k->creds;
	rc = sender_send(&s, rq, op, subject, a, e);
	if (!rc) {
		k->rs = s.rs;
		return 0;
	}
	client_wipe(k);
	verdict_of_probe(a, &why);
	if (why == VERDICT_WHY_CREDENTIALS)
		client_credentials_refused(k);
	return rc;
}

static int call_text(struct kms *k, const struct client_service *s, const char *op, const char *subject,
		     const char *text, size_t len, struct kms_answer *a, struct err *e)
{
	char target[80];
	struct request rq = {
		.endpoint = s->endpoint,
		.service = s->name,
		.region = s->region,
		.content_type = s->content_type,
		.target = target,
		.body = text,
		.body_len = len,
		.timeout_ms = s->timeout_ms,
		.ca_file = k->ca_file,
	};

	snprintf(target, sizeof(target), "%.18s.%.60s", s->prefix, op);
	return send_call(k, &rq, op, subject, a, e);
}

int client_call_at(struct kms *k, const struct client_service *s, const char *op, const char *subject,
		   struct json_object *body, struct kms_answer *a, struct err *e)
{
	const char *text = NULL;
	size_t len = 0;
	int rc;

	if (body)
		text = js_text(body, &len);
	if (text) {
		rc = call_text(k, s, op, subject, text, len, a, e);
	} else {
		memset(a, 0, sizeof(*a));
		a->transport = KMS_NOT_ASKED;
		rc = err_set(e, -ENOMEM, "%s: out of memory", op);
	}
	json_object_put(body);
	return rc;
}

static struct client_service kms_itself(const struct kms *k)
{
	return (struct client_service){
		.endpoint = &k->kms,
		.name = "kms",
		.region = k->region,
		.content_type = "application/x-amz-json-1.1",
		.prefix = "TrentService",
		.timeout_ms = k->timeout_ms,
	};
}

int client_call(struct kms *k, const char *op, const char *subject, struct json_object *body, struct kms_answer *a,
		struct err *e)
{
	const struct client_service kms = kms_itself(k);

	return client_call_at(k, &kms, op, subject, body, a, e);
}

int client_call_text(struct kms *k, const char *op, const char *subject, const char *text, size_t len,
		     struct kms_answer *a, struct err *e)
{
	const struct client_service kms = kms_itself(k);

	return call_text(k, &kms, op, subject, text, len, a, e);
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

	return send_call(k, &rq, op, "", a, e);
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
