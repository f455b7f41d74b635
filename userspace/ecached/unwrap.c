// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <time.h>

#include "../common/clock.h"
#include "../kms/verdict.h"
#include "unwrap.h"

#define NET_TIMEOUT_MS 45000	/* ecache-net's own attempts and pauses included */
#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 10000

static int refused_why(const char *name, enum verdict_why why, struct err *e)
{
	switch (why) {
	case VERDICT_WHY_DENIED:
		return err_hint(e, "The grant was revoked or a policy denies. Once the owner allows it again: ecachectl regrant %s",
				name);
	case VERDICT_WHY_DISABLED:
		return err_hint(e, "The key is disabled; its owner can enable it (aws kms enable-key), then open again.");
	case VERDICT_WHY_PENDING_DELETION:
		return err_hint(e, "The key is to be deleted; its owner can still stop that (aws kms cancel-key-deletion).");
	case VERDICT_WHY_PENDING_IMPORT:
		return err_hint(e, "The key's imported material is gone; its owner can import it again.");
	case VERDICT_WHY_DELETED:
		return err_hint(e, "The KMS does not know this key: if it was deleted, the data is lost for good.");
	case VERDICT_WHY_NO_ANSWER:
	case VERDICT_WHY_BAD_ANSWER:
	case VERDICT_WHY_SERVICE:
	case VERDICT_WHY_THROTTLED:
	case VERDICT_WHY_KEY_UNAVAILABLE:
		return err_hint(e, "Nothing was changed. Check the endpoint in ecached.conf and `systemctl status ecache-net`.");
	case VERDICT_WHY_NO_CREDENTIALS:
	case VERDICT_WHY_CREDENTIALS:
		return err_hint(e, "Check the host's credentials (ecached.conf); nothing is wrong with the volume.");
	case VERDICT_WHY_CLOCK:
		return err_hint(e, "Set this host's clock; nothing is wrong with the volume.");
	case VERDICT_WHY_CIPHERTEXT:
	case VERDICT_WHY_WRONG_KEY:
		return err_hint(e, "The wrapped key in the header is damaged or belongs elsewhere; `ecachectl dump %s` shows it.",
				name);
	default:
		return e ? e->rc : 0;
	}
}

int unwrap_refused(const char *name, const char *key_arn, const struct kms_answer *a, struct err *e)
{
	enum verdict_why why;
	int rc;

	switch (verdict_of_probe(a, &why)) {
	case VERDICT_UNREACHABLE:
		rc = -EAGAIN;
		break;
	case VERDICT_AGENT_FAULT:
		rc = -EKEYREJECTED;
		break;
	case VERDICT_OK:
		rc = -EBADMSG;
		break;
	default:
		rc = -EPERM;
		break;
	}
	if (*a->code)
		err_set(e, rc, "KMS refuses %s for %s: %s: %s (request %s)", key_arn, name, a->code, a->message,
			*a->request_id ? a->request_id : "-");
	else
		err_set(e, rc, "no answer from the KMS for %s: %s", name,
			*a->message ? a->message : verdict_why_name(why));
	refused_why(name, why, e);
	return rc;
}

/* once - one call; 0, or the failure with *a telling. */
static int once(const struct env *env, const struct unwrap *u, const char *token, struct secret *key,
		struct kms_answer *a, struct err *e)
{
	struct kms_context context;
	struct net_request rq = {
		.op = "unwrap",
		.key_arn = u->key_arn,
		.context = &context,
		.blob = u->blob,
		.blob_len = u->blob_len,
		.grant_token = token,
	};
	struct net_answer na = { 0 };
	int rc;

	volume_context(u->cache_id, u->luks_uuid, &context);
	rc = secret_alloc(key, u->key_size);
	if (rc)
		return err_sys(e, rc, "no locked memory for the key of %s", u->name);
	rc = net_call(env->net_socket, &rq, key, &na, NET_TIMEOUT_MS, e);
	*a = na.a;
	if (!rc && net_delivered(&na) && key->len == u->key_size)
		return 0;
	secret_wipe(key);
	if (rc && rc != -EAGAIN)
		return rc;
	return unwrap_refused(u->name, u->key_arn, a, e);
}

/*
 * Denied with and without its token: a young grant; and a token that the KMS does not take
 * is left out.
 */
static bool again(const struct kms_answer *a, const char **token)
{
	enum verdict_why why;

	verdict_of_probe(a, &why);
	if (why == VERDICT_WHY_GRANT_TOKEN && *token) {
		*token = NULL;
		return true;
	}
	return why == VERDICT_WHY_DENIED;
}

int unwrap_key(const struct env *env, struct talk *t, const struct unwrap *u, struct secret *key,
	       char request_id[REQUEST_ID_SIZE], struct err *e)
{
	const char *token = u->grant_token;
	struct kms_answer a = { 0 };
	int pause = PAUSE_FIRST_MS;
	int rc;

	for (;;) {
		rc = once(env, u, token, key, &a, e);
		memcpy(request_id, a.request_id, sizeof(a.request_id));
		if (!rc || now_ms() + pause > u->retry_until_ms || !again(&a, &token))
			return rc;
		if (pause == PAUSE_FIRST_MS)
			talk_progress(t, "the grant is not known everywhere yet, asking again for up to %lld s",
				      (long long)(u->retry_until_ms - now_ms()) / 1000);
		if (talk_sleep(t, pause))
			return err_set(e, -ECANCELED, "interrupted while waiting for the grant of %s", u->name);
		pause = pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause * 2;
	}
}
