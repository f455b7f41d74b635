// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <time.h>

#include "../common/clock.h"
#include "client.h"

/* Before they end; what begins with them must be able to end with them. */
#define EARLY_S 300
/* How long to wait for somebody else's new ones when there are no good ones. */
#define WAIT_MS 5000
#define WAIT_STEP_MS 20

/* good_until - whether the credentials can sign at @at_s (Unix time). */
static bool good_until(const struct creds *c, int64_t at_s)
{
	return c->store.data && (!c->expires_s || at_s < c->expires_s);
}

static void adopt(struct kms *k, struct creds *got)
{
	creds_wipe(&k->creds);
	k->creds = *got;
}

static void look_in_cache(struct kms *k, int64_t now_s)
{
	struct creds got;

	if (!credcache_get(k->cache, &got))
		return;
	if (good_until(&got, now_s))
		adopt(k, &got);
	else
		creds_wipe(&got);
}

/*
 * content - whether what the cache has will do. False: the caller is to get new ones. Of many who find theirs about
 * to end one gets new ones, and the others go on with the old; who has no good ones waits a little.
 */
static bool content(struct kms *k, int64_t now_s)
{
	const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000L };
	int64_t until = now_ms() + WAIT_MS;

	for (;;) {
		look_in_cache(k, now_s);
		if (good_until(&k->creds, now_s + EARLY_S))
			return true;
		if (credcache_claim(k->cache))
			return false;
		if (good_until(&k->creds, now_s))
			return true;
		if (now_ms() >= until)
			return false;
		nanosleep(&step, NULL);
	}
}

static int load(struct kms *k, int64_t now_s, struct err *e)
{
	struct creds got;
	int rc;

	k->net.transport = k->transport;
	k->source.net = &k->net;
	rc = creds_load(&k->source, &got, e);
	if (rc)
		return rc;
	if (!good_until(&got, now_s)) {
		creds_wipe(&got);
		return err_set(e, -EKEYEXPIRED, "the credentials that were found have expired");
	}
	credcache_put(k->cache, &got);
	adopt(k, &got);
	return 0;
}

int client_credentials(struct kms *k, struct err *e)
{
	int64_t now_s = skew_now(&k->memo->skew, skew_clock());
	int rc;

	if (good_until(&k->creds, now_s + EARLY_S))
		return 0;
	if (!k->fresh && content(k, now_s))
		return 0;
	rc = load(k, now_s, e);
	if (!rc) {
		k->fresh = false;
		return 0;
	}
	credcache_unclaim(k->cache);
	if (good_until(&k->creds, now_s)) {
		*e = (struct err)ERR_INIT;
		return 0;
	}
	creds_wipe(&k->creds);
	return rc;
}

void client_credentials_refused(struct kms *k)
{
	if (!k->creds.expires_s)
		return;
	credcache_drop(k->cache, k->creds.access_key_id);
	creds_wipe(&k->creds);
}
