// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "watch_act.h"
#include "watch_clock.h"

#define FIRST_SHARE 8		/* of a lease: the first answer must come before the lease of a crashed agent ends */

int64_t watch_fails_at(const struct watch_volume *v)
{
	return v->fail_after_ms && !v->locked && !v->ending ? v->ok_ms + v->fail_after_ms : INT64_MAX;
}

int64_t clock_first_probe(const struct watch_volume *v, int64_t now_ms)
{
	int64_t within = v->interval_ms, left;

	if (v->lease_ms && v->lease_ms / FIRST_SHARE < within)
		within = v->lease_ms / FIRST_SHARE;
	if (watch_fails_at(v) == INT64_MAX)
		return within;
	left = watch_fails_at(v) - now_ms;
	if (left / 2 < within)
		within = left > 0 ? left / 2 : 0;
	return within;
}

/* has_lease - whether there is a key whose lease is ours to renew. */
static bool has_lease(const struct watch_volume *v)
{
	return v->lease_ms && v->probed && !v->locked && !v->key_lost && !v->ending && !v->busy;
}

/* renewal - the seconds that the lease may last from now; 0: not renewed. */
static unsigned int renewal(const struct watch_volume *v, int64_t now_ms)
{
	int64_t left = v->lease_ms, until = watch_fails_at(v);

	if (v->verdict == VERDICT_REVOKED || v->verdict == VERDICT_LOST)
		return 0;
	if (until != INT64_MAX && until - now_ms < left)
		left = until - now_ms;
	return left > 0 ? left / 1000 : 0;	/* rounded down: never past the end */
}

void clock_renew(struct watch *w, struct watch_volume *v, int64_t now_ms)
{
	unsigned int seconds;
	int rc = 0;

	if (!has_lease(v))
		return;
	seconds = renewal(v, now_ms);
	v->renew_ms = now_ms + v->lease_ms / WATCH_RENEWALS;
	if (seconds)
		rc = w->ops->renew(w->ctx, v, seconds);
	if (rc == -ENOKEY)
		watch_key_lost(w, v, now_ms);
	else if (rc)
		v->renew_ms = now_ms + WATCH_SOON_MS;
}

static int64_t renew_due(const struct watch_volume *v)
{
	return has_lease(v) ? v->renew_ms : INT64_MAX;
}

/* fail_due - when fail-after is to lock the volume; INT64_MAX: not, or it is under way. */
static int64_t fail_due(const struct watch_volume *v)
{
	int64_t at = v->busy ? INT64_MAX : watch_fails_at(v);

	return at < v->order_ms ? v->order_ms : at;
}

void clock_run(struct watch *w, int64_t now_ms)
{
	struct watch_volume *v;

	for (v = w->volumes; v; v = v->next) {
		if (fail_due(v) <= now_ms)
			act_order(w, v, POLICY_LOCK, WATCH_BY_FAIL_AFTER);
		if (renew_due(v) <= now_ms)
			clock_renew(w, v, now_ms);
	}
}

int64_t clock_due(const struct watch *w)
{
	int64_t due = INT64_MAX;
	struct watch_volume *v;

	for (v = w->volumes; v; v = v->next) {
		if (fail_due(v) < due)
			due = fail_due(v);
		if (renew_due(v) < due)
			due = renew_due(v);
	}
	return due;
}

void watch_stopping(struct watch *w, int64_t now_ms)
{
	struct watch_volume *v;

	for (v = w->volumes; v; v = v->next)
		clock_renew(w, v, now_ms);
}
