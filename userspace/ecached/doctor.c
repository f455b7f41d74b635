// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uuid.h>

#include "../common/agentconf.h"
#include "../common/json.h"
#include "../kms/net.h"
#include "../volume/token.h"
#include "job.h"
#include "proto.h"
#include "strays.h"

/*
 * The KMS's part of `ecachectl doctor`: questions with this host's credentials, as dry
 * runs, that change nothing. What the answers mean is ecachectl's to say
 * (ecachectl/doctor_kms.c); here they are only asked for, once a key.
 *
 * A KMS that knows no dry run (moto) would do what it is asked. Decrypt is harmless; a
 * grant is not, so CreateGrant is asked only where an answer has shown that dry runs are
 * known.
 */
#define NET_TIMEOUT_MS 30000

struct asking {
	struct job *job;
	struct json_object *keys;	/* answers by key ARN */
	bool silent;			/* no answer came: the rest need not wait for one each */
	bool knows_dry_run;
	bool have_offset;
};

static struct json_object *answer_object(const struct kms_answer *a)
{
	struct json_object *o = json_object_new_object();

	js_put_string(o, "transport", kms_transport_name(a->transport));
	js_put(o, "http_status", json_object_new_int(a->http_status));
	js_put_string(o, "code", a->code);
	js_put_string(o, "message", a->message);
	js_put_string(o, "request_id", a->request_id);
	return o;
}

/* note_clock - how far the KMS's clock is ahead of ours, by the first answer that has a date: whole seconds. */
static void note_clock(struct asking *q, const struct kms_answer *a)
{
	if (q->have_offset || !a->date_s)
		return;
	q->have_offset = true;
	js_put(q->job->result, "clock_offset", json_object_new_int64(a->date_s - time(NULL)));
}

static struct json_object *put_question(struct asking *q, const struct net_request *rq, struct net_answer *na)
{
	struct err e = ERR_INIT;

	memset(na, 0, sizeof(*na));
	na->a.transport = KMS_NO_ANSWER;
	strcpy(na->a.message, "not asked: the KMS did not answer before");
	if (!q->silent && net_call(q->job->env->net_socket, rq, NULL, na, NET_TIMEOUT_MS, &e))
		snprintf(na->a.message, sizeof(na->a.message), "%s", e.what);
	if (na->a.transport == KMS_NO_ANSWER)
		q->silent = true;
	if (na->a.transport == KMS_ANSWERED && !strcmp(na->a.code, "DryRunOperationException"))
		q->knows_dry_run = true;
	note_clock(q, &na->a);
	return answer_object(&na->a);
}

/* nobodys_context - an encryption context that no grant of this host's names. */
static void nobodys_context(char cache_id[UUID_STR_LEN], char luks_uuid[UUID_STR_LEN], struct kms_context *ctx)
{
	uuid_t u;

	uuid_generate_random(u);
	uuid_unparse_lower(u, cache_id);
	uuid_generate_random(u);
	uuid_unparse_lower(u, luks_uuid);
	volume_context(cache_id, luks_uuid, ctx);
}

static void ask_right(struct asking *q, const char *key_arn, const struct kms_context *ctx, enum kms_right right,
		      struct json_object *out)
{
	const struct net_request rq = {
		.op = "may", .key_arn = key_arn, .context = ctx, .right = kms_right_name(right),
	};
	struct net_answer na;

	if (right != KMS_MAY_GRANT || q->knows_dry_run)
		js_put(out, kms_right_name(right), put_question(q, &rq, &na));
}

/* ask_key - everything about one key, of which a volume is known. */
static struct json_object *ask_key(struct asking *q, const struct pin *p, const struct state *s)
{
	char cache_id[UUID_STR_LEN], luks_uuid[UUID_STR_LEN];
	struct json_object *out = json_object_new_object();
	struct kms_context own, nobodys;
	struct net_request rq = { .op = "probe", .key_arn = p->key_arn, .context = &own };
	enum kms_right right;
	struct net_answer na;

	if (s) {
		rq.blob = s->token.blob;
		rq.blob_len = s->token.blob_len;
	}
	volume_context(p->cache_id, p->luks_uuid, &own);
	js_put(out, "grant", put_question(q, &rq, &na));
	nobodys_context(cache_id, luks_uuid, &nobodys);
	rq.context = &nobodys;
	js_put(out, "Decrypt", put_question(q, &rq, &na));
	for (right = 0; right < KMS_RIGHTS; right++)
		ask_right(q, p->key_arn, &nobodys, right, out);
	return out;
}

static int ask_volume(void *ctx, const char *name)
{
	struct asking *q = ctx;
	const struct env *env = q->job->env;
	struct json_object *msg, *answers;
	struct {
		struct pin pin;
		struct state state;
	} *w = calloc(1, sizeof(*w));
	bool have_state;
	int rc = 0;

	if (!w)
		return -ENOMEM;
	if (talk_lost(q->job->talk)) {
		rc = -ECANCELED;
		goto out;
	}
	/* Of a file that cannot be read status tells. */
	if (pin_load(env->pin_dir, name, &w->pin, NULL) || w->pin.kind == VOLUME_BOOT_SWAP)
		goto out;
	have_state = !state_load(env->state_dir, name, &w->state, NULL);
	answers = json_object_object_get(q->keys, w->pin.key_arn);
	if (!answers) {
		talk_progress(q->job->talk, "asking the KMS about %s", w->pin.key_arn);
		answers = ask_key(q, &w->pin, have_state ? &w->state : NULL);
		js_put(q->keys, w->pin.key_arn, answers);
	}
	msg = talk_message(PROTO_VOLUME);
	js_put_string(msg, "name", name);
	js_put_string(msg, "key_arn", w->pin.key_arn);
	js_put_string(msg, "device", w->pin.device);
	js_put(msg, "answers", json_object_get(answers));
	rc = talk_send(q->job->talk, msg, NULL);
out:
	free(w);
	return rc;
}

static void ask_host(struct asking *q)
{
	const struct agentconf *conf = q->job->env->conf;
	const struct net_request caller = { .op = "caller" };
	struct net_request canary = { .op = "probe", .key_arn = conf->canary_key };
	struct json_object *o;
	struct net_answer na;

	o = put_question(q, &caller, &na);
	js_put_string(o, "arn", na.arn);
	js_put(q->job->result, "caller", o);
	js_put_string(q->job->result, "host_principal", conf->host_principal);
	if (!*conf->canary_key)
		return;
	js_put_string(q->job->result, "canary_key", conf->canary_key);
	js_put(q->job->result, "canary", put_question(q, &canary, &na));
}

static void look_for_strays(struct job *j)
{
	/* Where a file will do for a disk no kernel lists them. */
	const struct strays_place p = {
		.list = j->env->device_flags & DEVICE_FILE ? NULL : "/sys/class/block", .nodes = "/dev",
	};
	struct json_object *strays = json_object_new_array();
	bool all = strays_find(j->env, &p, STRAYS_TIMEOUT_MS, strays);

	js_put(j->result, "strays", strays);
	js_put(j->result, "strays_complete", json_object_new_boolean(all));
}

int job_doctor(struct job *j, struct err *e)
{
	struct asking q = { .job = j, .keys = json_object_new_object() };
	int rc;

	if (!q.keys)
		return err_sys(e, -ENOMEM, "cannot ask the KMS");
	look_for_strays(j);
	ask_host(&q);
	rc = pin_each(j->env->pin_dir, ask_volume, &q, e);
	if (rc && !e->rc)
		err_sys(e, rc, "cannot ask the KMS about the volumes");
	json_object_put(q.keys);
	return rc;
}
