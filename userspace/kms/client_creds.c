// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "client.h"

/* Before they end; what begins with them must be able to end with them. */
#define EARLY_S 300

/* good_until - whether the credentials can sign at @at_s (Unix time). */
static bool good_until(const struct creds *c, int64_t at_s)
{
	return c->store.data && (!c->expires_s || at_s < c->expires_s);
}

int client_credentials(struct kms *k, struct err *e)
{
	int64_t now_s = skew_now(&k->memo->skew, skew_clock());
	struct creds got;
	int rc;

	if (good_until(&k->creds, now_s + EARLY_S))
		return 0;
	k->net.transport = k->transport;
	k->source.net = &k->net;
	rc = creds_load(&k->source, &got, e);
	if (!rc && !good_until(&got, now_s)) {
		creds_wipe(&got);
		rc = err_set(e, -EKEYEXPIRED, "the credentials that were found have expired");
	}
	if (!rc) {
		creds_wipe(&k->creds);
		k->creds = got;
		return 0;
	}
	if (good_until(&k->creds, now_s)) {
		*e = (struct err)ERR_INIT;
		return 0;
	}
	creds_wipe(&k->creds);
	return rc;
}
