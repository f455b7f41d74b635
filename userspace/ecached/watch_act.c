// SPDX-License-Identifier: GPL-2.0-or-later
#include "watch_act.h"
#include "watch_clock.h"

void act_order(struct watch *w, struct watch_volume *v, enum policy policy, enum watch_cause cause)
{
	if (v->ending || v->busy)
		return;
	switch (policy) {
	case POLICY_TEARDOWN:
		v->ending = true;
		v->cause = cause;
		w->ops->act(w->ctx, v, WATCH_TEARDOWN);
		break;
	case POLICY_LOCK:
		if (v->locked)
			return;
		v->busy = true;
		v->cause = cause;
		w->ops->act(w->ctx, v, WATCH_LOCK);
		break;
	case POLICY_HOLD:
		break;
	}
}

void act_come_back(struct watch *w, struct watch_volume *v, int64_t now_ms)
{
	if (v->busy || v->ending)
		return;
	if (v->locked && !v->stays_locked) {
		v->busy = true;
		v->asked_ms = now_ms;
		w->ops->act(w->ctx, v, WATCH_REOPEN);
	} else if (v->key_lost && !v->locked) {
		act_order(w, v, POLICY_LOCK, WATCH_BY_KEY_LOST);
	}
}

void watch_key_lost(struct watch *w, struct watch_volume *v, int64_t now_ms)
{
	(void)w;
	if (v->key_lost || v->locked || v->ending)
		return;
	v->key_lost = true;
	if (v->due_ms > now_ms + WATCH_SOON_MS)
		v->due_ms = now_ms + WATCH_SOON_MS;
}

void watch_opened(struct watch *w, struct watch_volume *v, int64_t ok_ms, int64_t now_ms)
{
	(void)w;
	if (ok_ms > v->ok_ms)
		v->ok_ms = ok_ms;
	v->locked = false;
	v->key_lost = false;
	v->renew_ms = now_ms + v->lease_ms / WATCH_RENEWALS;
}

void watch_locked(struct watch *w, struct watch_volume *v, int64_t now_ms)
{
	(void)w;
	v->busy = false;
	v->locked = true;
	v->key_lost = false;
	if (v->verdict == VERDICT_OK)	/* the KMS allows it: it was locked for another reason, and need not wait */
		v->due_ms = now_ms + WATCH_SOON_MS;
}

void watch_reopened(struct watch *w, struct watch_volume *v, bool ok, int64_t now_ms)
{
	v->busy = false;
	if (ok)
		watch_opened(w, v, v->asked_ms, now_ms);
}
