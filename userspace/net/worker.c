// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/ipc.h"
#include "../common/log.h"
#include "../kms/answer.h"
#include "../kms/net.h"
#include "events.h"
#include "worker.h"

#define REQUEST_MS 5000
/*
 * A probe is one attempt: the watcher comes again by itself. Somebody waits for the rest, so they try again, but within
 * what ecached waits (20 s).
 */
#define PROBE_MS 10000
#define CALL_MS 8000
#define CALL_ATTEMPTS 3
#define CALL_TOTAL_MS 18000

static void refuse(struct net_answer *ans, const char *why)
{
	memset(ans, 0, sizeof(*ans));
	ans->a.transport = KMS_NOT_ASKED;
	answer_set_message(&ans->a, why, strlen(why));
}

static void do_unwrap(struct kms *k, const struct net_job *job, struct secret *key, struct net_answer *ans,
		      struct err *e)
{
	const struct net_request *rq = &job->rq;

	kms_decrypt(k, rq->key_arn, rq->context, rq->blob, rq->blob_len, rq->grant_token, key, &ans->a, e);
}

static void do_wrap(struct kms *k, const struct net_job *job, const struct secret *key, struct net_answer *ans,
		    struct err *e)
{
	const struct net_request *rq = &job->rq;

	kms_encrypt(k, rq->key_arn, rq->context, rq->grant_token, key, ans->blob, &ans->blob_len, &ans->a, e);
}

/* do_may - a right that the host should not have; the grant would be its own. */
static void do_may(struct kms *k, const struct net_job *job, const char *host, struct net_answer *ans, struct err *e)
{
	enum kms_right right;

	for (right = 0; right < KMS_RIGHTS; right++) {
		if (!strcmp(kms_right_name(right), job->rq.right)) {
			kms_may(k, right, job->rq.key_arn, job->rq.context, host, &ans->a, e);
			return;
		}
	}
	ans->a.transport = KMS_NOT_ASKED;
	err_set(e, -EINVAL, "\"%.40s\" is no right to ask about", job->rq.right);
}

static void call(struct kms *k, const struct agentconf *conf, const struct net_job *job, struct secret *key,
		 struct net_answer *ans, struct err *e)
{
	const struct net_request *rq = &job->rq;

	if (!strcmp(rq->op, "probe"))
		kms_probe(k, rq->key_arn, rq->context, rq->blob, rq->blob_len, &ans->a, e);
	else if (!strcmp(rq->op, "unwrap"))
		do_unwrap(k, job, key, ans, e);
	else if (!strcmp(rq->op, "wrap"))
		do_wrap(k, job, key, ans, e);
	else if (!strcmp(rq->op, "describe"))
		kms_describe_key(k, rq->key_arn, rq->grant_token, &ans->key, &ans->a, e);
	else if (!strcmp(rq->op, "retire"))
		kms_retire_grant(k, rq->key_arn, rq->grant_id, &ans->a, e);
	else if (!strcmp(rq->op, "listed"))
		kms_grant_listed(k, rq->key_arn, rq->grant_id, &ans->listed, &ans->a, e);
	else if (!strcmp(rq->op, "may"))
		do_may(k, job, conf->host_principal, ans, e);
	else
		kms_caller(k, ans->arn, sizeof(ans->arn), &ans->a, e);
	/* What did not come from KMS has no words of KMS: the reason goes along for people. */
	if (ans->a.transport != KMS_ANSWERED)
		answer_set_message(&ans->a, e->what, strlen(e->what));
}

/* config_of - who asks, and how patiently. */
static struct kms_config config_of(const struct agentconf *conf, const struct worker_shared *shared, const char *op)
{
	bool once = !strcmp(op, "probe") || !strcmp(op, "describe") || !strcmp(op, "may") ||
		    !strcmp(op, "listed") || !strcmp(op, "events");
	struct kms_config cfg = {
		.endpoint = conf->kms_endpoint,
		.sts_endpoint = conf->sts_endpoint,
		.fips = conf->use_fips,
		.dualstack = conf->use_dualstack,
		.ca_file = conf->kms_ca_file,
		.region = conf->region,
		.creds = {
			.kind = conf->host_source,
			.file = conf->host_credentials,
			.profile = conf->host_profile,
			.role_arn = conf->host_role_arn,
			.role_session_name = conf->host_role_session_name,
			.web_identity_token_file = conf->host_web_identity_token_file,
			.container_uri = conf->host_container_uri,
			.container_token_file = conf->host_container_token_file,
			.imds_endpoint = conf->host_imds_endpoint,
			.run = shared->runner ? runner_run : NULL,
			.run_ctx = shared->runner,
		},
		.timeout_ms = once ? PROBE_MS : CALL_MS,
		.attempts = once ? 1 : CALL_ATTEMPTS,
		.total_ms = CALL_TOTAL_MS,
		.memo = shared->memo,
		/* Of a file nothing is kept, and nobody need wait for another who reads it. */
		.cache = conf->host_source == CREDS_FILE ? NULL : shared->cache,
	};

	if (strcmp(op, "events"))
		return cfg;
	cfg.answer_max = QUEUE_ANSWER_MAX;
	/* Another identity than the host's: nothing of it goes into the cache, which has room for one. */
	if (conf->events_profile) {
		cfg.creds = (struct creds_source){
			.kind = CREDS_FILE, .file = conf->host_credentials, .profile = conf->events_profile,
		};
		cfg.cache = NULL;
	}
	return cfg;
}

static void ask_kms(const struct agentconf *conf, const struct worker_shared *shared, const struct net_job *job,
		    int sock, struct secret *key, struct net_answer *ans)
{
	const struct kms_config cfg = config_of(conf, shared, job->rq.op);
	struct err e = ERR_INIT;
	struct kms *k;

	memset(ans, 0, sizeof(*ans));
	if (kms_open(&k, &cfg, &e)) {
		refuse(ans, e.what);
		return;
	}
	if (job->rq.fresh)
		kms_forget(k);
	if (!strcmp(job->rq.op, "events"))
		events_wait(k, conf, sock, ans, &e);
	else
		call(k, conf, job, key, ans, &e);
	log_debug("%s %s: %s %d %s %s", job->rq.op, job->rq.key_arn ? job->rq.key_arn : "",
		  kms_transport_name(ans->a.transport), ans->a.http_status, ans->a.code, ans->a.request_id);
	kms_close(k);
}

/* handle - who wants a key brings the place for it, who has one brings it, and nobody else brings anything. */
static void handle(const struct agentconf *conf, const struct worker_shared *shared, struct net_job *job, int sock,
		   int *fd, struct secret *key, struct net_answer *ans)
{
	if (!job->bytes && *fd >= 0) {
		refuse(ans, "a descriptor came with a request that has no use for it");
		return;
	}
	if (job->bytes) {
		if (*fd < 0 || secret_attach(key, *fd, job->bytes)) {
			refuse(ans, "unwrap and wrap need a sealed memfd for the key");
			return;
		}
		*fd = -1;
	}
	ask_kms(conf, shared, job, sock, key, ans);
}

static int reply(int sock, const struct net_answer *ans)
{
	struct json_object *msg;
	int rc;

	rc = net_answer_encode(ans, &msg);
	if (rc)
		return rc;
	rc = ipc_send(sock, msg, -1);
	json_object_put(msg);
	return rc;
}

int worker_serve(const struct agentconf *conf, const struct worker_shared *shared, int sock)
{
	struct secret key = SECRET_INIT;
	struct err e = ERR_INIT;
	struct json_object *msg;
	struct net_answer ans;
	struct net_job job;
	int fd, rc;

	rc = ipc_recv(sock, &msg, &fd, REQUEST_MS);
	if (rc == -EBADMSG) {
		refuse(&ans, "the request is not one JSON object");
		return reply(sock, &ans) ? 1 : 0;
	}
	if (rc)
		return rc == -ECONNRESET ? 0 : 1;
	if (net_request_decode(msg, &job, &e)) {
		refuse(&ans, e.what);
		memset(&job, 0, sizeof(job));
	} else {
		handle(conf, shared, &job, sock, &fd, &key, &ans);
	}
	rc = reply(sock, &ans);
	/* Nobody is left to own the key. */
	if (rc)
		secret_wipe(&key);
	secret_detach(&key);
	if (fd >= 0)
		close(fd);
	net_job_free(&job);
	return rc ? 1 : 0;
}
