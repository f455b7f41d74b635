// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "../common/agentconf.h"
#include "../common/json.h"
#include "../common/log.h"
#include "../kms/net.h"
#include "../kms/verdict.h"
#include "proto.h"
#include "retire.h"

#define NET_TIMEOUT_MS 45000

/* ask_client - ecachectl ends a grant with its user's credentials; *answer is put by the caller. */
static int ask_client(const struct env *env, struct talk *t, const char *ask, const char *want, const char *key_arn,
		      const char *grant_id, struct json_object **answer, struct err *e)
{
	struct json_object *msg = talk_message(PROTO_ASK);
	int rc;

	js_put_string(msg, PROTO_ASK, ask);
	talk_where(msg, env->conf);
	js_put_string(msg, "key_arn", key_arn);
	js_put_string(msg, "grant_id", grant_id);
	rc = talk_send(t, msg, e);
	if (!rc)
		rc = talk_answer(t, want, answer, e);
	if (rc)
		return rc;
	talk_ack(t, NULL);
	return 0;
}

static int by_creator(const struct env *env, struct talk *t, const char *key_arn, const char *grant_id, struct err *e)
{
	struct json_object *answer;
	int rc;

	t->cancelled = false;		/* the user's "cancel" was about what is being undone here */
	rc = ask_client(env, t, PROTO_ASK_RETIRE, PROTO_ANSWER_RETIRED, key_arn, grant_id, &answer, e);
	if (!rc)
		json_object_put(answer);
	return rc;
}

static int by_host(const struct env *env, const char *key_arn, const char *grant_id, struct err *e)
{
	const struct net_request rq = { .op = "retire", .key_arn = key_arn, .grant_id = grant_id };
	struct net_answer na = { 0 };
	enum verdict_why why;
	int rc;

	rc = net_call(env->net_socket, &rq, NULL, &na, NET_TIMEOUT_MS, e);
	if (rc)
		return -EAGAIN;
	if (na.a.transport == KMS_ANSWERED && !*na.a.code && na.a.http_status == 200)
		return 0;
	if (verdict_of_probe(&na.a, &why) == VERDICT_SUSPECT && why == VERDICT_WHY_DELETED)
		return 0;	/* NotFound: the grant or its key is no more */
	rc = why == VERDICT_WHY_DENIED ? -EPERM : -EAGAIN;
	return err_set(e, rc, "cannot retire grant %s on %s: %s: %s (request %s)", grant_id, key_arn,
		       *na.a.code ? na.a.code : verdict_why_name(why), na.a.message, na.a.request_id);
}

int retire_grant(const struct env *env, struct talk *t, const char *key_arn, const char *grant_id, struct err *e)
{
	struct err why = ERR_INIT;

	if (t->sock >= 0 && !t->gone) {
		if (!by_creator(env, t, key_arn, grant_id, &why))
			return 0;
		log_info("creator did not retire grant %s: %s", grant_id, why.what);
	}
	return by_host(env, key_arn, grant_id, e);
}

int retire_for_good(const struct env *env, struct talk *t, const char *name, const char *key_arn,
		    const char *grant_id, bool last, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	rc = retire_grant(env, t, key_arn, grant_id, &why);
	if (rc == -EAGAIN || (rc && !last))
		return err_set(e, -EAGAIN, "%s", why.what);
	if (rc)
		log_fields(LOG_ALERT, why.what, "ECACHE_VOLUME", name, "ECACHE_EVENT", "grant-left", "ECACHE_GRANT",
			   grant_id, "ECACHE_KEY", key_arn, NULL);
	return 0;
}

int revoke_grant_by_client(const struct env *env, struct talk *t, const char *key_arn, const char *grant_id,
			   char request_id[REQUEST_ID_SIZE], struct err *e)
{
	const char *id = "";
	const struct js_member members[] = {
		{ "request_id", JS_STRING, JS_OPTIONAL, 0, REQUEST_ID_SIZE - 1, .string = &id },
		{ .name = NULL }
	};
	struct json_object *answer;
	int rc;

	*request_id = '\0';
	rc = ask_client(env, t, PROTO_ASK_REVOKE, PROTO_ANSWER_REVOKED, key_arn, grant_id, &answer, e);
	if (rc)
		return rc;
	rc = js_read_some(answer, members, e);
	if (!rc)
		strcpy(request_id, id);
	json_object_put(answer);
	return rc;
}
