// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "../common/clock.h"
#include "../kms/verdict.h"
#include "wrap.h"

#define NET_TIMEOUT_MS 45000	/* ecache-net's own attempts and pauses included */
#define PAUSE_MS 2000

static int once(const struct env *env, const struct wrap *w, const char *token, struct net_answer *na, struct err *e)
{
	struct kms_context context;
	const struct net_request rq = {
		.op = "wrap", .key_arn = w->key_arn, .context = &context, .grant_token = token,
	};
	int rc;

	volume_context(w->cache_id, w->luks_uuid, &context);
	rc = net_call(env->net_socket, &rq, w->key, na, NET_TIMEOUT_MS, e);
	if (!rc && net_delivered(na) && na->blob_len)
		return 0;
	if (rc && rc != -EAGAIN)
		return rc;
	rc = unwrap_refused(w->name, w->key_arn, &na->a, e);
	if (rc == -EPERM)
		err_hint(e, "A policy denies this host kms:Encrypt in spite of its grant; nothing was changed.");
	return rc;
}

int wrap_key(const struct env *env, struct talk *t, const struct wrap *w, uint8_t *blob, size_t *blob_len,
	     char request_id[REQUEST_ID_SIZE], struct err *e)
{
	const char *token = w->grant_token;
	struct net_answer na = { 0 };
	enum verdict_why why;
	int rc;

	for (;;) {
		rc = once(env, w, token, &na, e);
		memcpy(request_id, na.a.request_id, sizeof(na.a.request_id));
		if (!rc)
			break;
		verdict_of_probe(&na.a, &why);
		/* As in unwrap_key(): a young grant, or a token that the KMS does not take. */
		if (now_ms() + PAUSE_MS > w->retry_until_ms ||
		    (why != VERDICT_WHY_DENIED && (why != VERDICT_WHY_GRANT_TOKEN || !token)))
			return rc;
		if (why == VERDICT_WHY_GRANT_TOKEN)
			token = NULL;
		talk_progress(t, "the grant is not known everywhere yet, asking again");
		if (talk_sleep(t, PAUSE_MS))
			return err_set(e, -ECANCELED, "interrupted while waiting for the grant of %s", w->name);
	}
	memcpy(blob, na.blob, na.blob_len);
	*blob_len = na.blob_len;
	return 0;
}
