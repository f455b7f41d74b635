// SPDX-License-Identifier: GPL-2.0-or-later
#include "authz.h"
#include "keyref.h"
#include "param.h"

#define PENDING_DAYS_MIN 7
#define PENDING_DAYS_MAX 30

/* find_for - the key that a state change is about, by id or ARN, if the caller may change it. */
static enum fault find_for(struct call *c, const char *op, int64_t pending_days, struct key *k)
{
	const char *ref = NULL;
	enum fault f = param_required(c, "KeyId", 1, 2048, &ref);

	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, k, NULL);
	if (!f)
		f = authz_key(c, op, k, &(struct authz){ .pending_days = pending_days });
	return f ? f : keyref_customer(c, k);
}

static enum fault set_state(struct call *c, struct key *k, enum key_state state)
{
	int rc;

	k->state = state;
	rc = store_key_set_state(c->svc->store, k);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

static enum fault switch_key(struct call *c, const char *op, enum key_state state)
{
	struct key k = { 0 };
	enum fault f = find_for(c, op, 0, &k);

	if (!f)
		f = keyref_not_pending(c, &k);
	if (!f && k.state != state)
		f = set_state(c, &k, state);
	key_free(&k);
	return f;
}

enum fault op_enable_key(struct call *c)
{
	return switch_key(c, "EnableKey", KEY_ENABLED);
}

enum fault op_disable_key(struct call *c)
{
	return switch_key(c, "DisableKey", KEY_DISABLED);
}

enum fault op_schedule_key_deletion(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	int64_t days = PENDING_DAYS_MAX;
	struct key k = { 0 };
	enum fault f = param_int(c, "PendingWindowInDays", PENDING_DAYS_MIN, PENDING_DAYS_MAX, &days);

	if (!f)
		f = find_for(c, "ScheduleKeyDeletion", days, &k);
	if (!f)
		f = keyref_not_pending(c, &k);
	if (!f) {
		k.deletion_ms = c->now_ms + days * DAY_MS;
		k.pending_days = (int)days;
		f = set_state(c, &k, KEY_PENDING_DELETION);
	}
	if (!f) {
		jsonw_open(&w, NULL, '{');
		jsonw_string(&w, "KeyId", c->key_arn);
		jsonw_time(&w, "DeletionDate", k.deletion_ms);
		jsonw_string(&w, "KeyState", key_state_name(k.state));
		jsonw_int(&w, "PendingWindowInDays", days);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	key_free(&k);
	return f;
}

enum fault op_cancel_key_deletion(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	struct key k = { 0 };
	enum fault f = find_for(c, "CancelKeyDeletion", 0, &k);

	if (!f && k.state != KEY_PENDING_DELETION)
		f = call_fail(c, FAULT_INVALID_STATE, "%s is not pending deletion.", c->key_arn);
	/* The key comes back disabled: its owner enables it when he means to. */
	if (!f)
		f = set_state(c, &k, KEY_DISABLED);
	if (!f) {
		jsonw_open(&w, NULL, '{');
		jsonw_string(&w, "KeyId", c->key_arn);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	key_free(&k);
	return f;
}
