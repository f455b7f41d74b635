// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authz.h"
#include "keyref.h"
#include "material.h"
#include "param.h"

#define PERIOD_MIN 90
#define PERIOD_MAX 2560
#define ON_DEMAND_MAX 25
#define LIST_ROTATIONS_MAX 1000
/* An automatic rotation that near would make two of one. */
#define CONFLICT_MS (INT64_C(20) * 60 * 1000)

/* find_usable - the key whose rotation is to change, if the caller may and the key's state lets him. */
static enum fault find_usable(struct call *c, const char *op, const struct authz *a, struct key *k)
{
	const char *ref = NULL;
	enum fault f = param_required(c, "KeyId", 1, 2048, &ref);

	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, k, NULL);
	if (!f)
		f = authz_key(c, op, k, a);
	if (!f)
		f = keyref_customer(c, k);
	if (!f)
		f = keyref_not_pending(c, k);
	return f ? f : keyref_usable(c, k);
}

static enum fault set_rotation(struct call *c, struct key *k, int64_t days, int64_t rotate_ms)
{
	int rc;

	k->rotation_days = (int)days;
	k->rotate_ms = rotate_ms;
	rc = store_key_set_rotation(c->svc->store, k);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

enum fault op_enable_key_rotation(struct call *c)
{
	int64_t days = ROTATION_DAYS_DEFAULT;
	struct key k = { 0 };
	enum fault f = param_int(c, "RotationPeriodInDays", PERIOD_MIN, PERIOD_MAX, &days);

	if (!f)
		f = find_usable(c, "EnableKeyRotation", &(struct authz){ .rotation_days = days }, &k);
	/* The same again moves no date: a client that repeats it must not put the rotation off for ever. */
	if (!f && k.rotation_days != days)
		f = set_rotation(c, &k, days, c->now_ms + days * DAY_MS);
	key_free(&k);
	return f;
}

enum fault op_disable_key_rotation(struct call *c)
{
	struct key k = { 0 };
	enum fault f = find_usable(c, "DisableKeyRotation", &(struct authz){ 0 }, &k);

	if (!f && k.rotation_days)
		f = set_rotation(c, &k, 0, 0);
	key_free(&k);
	return f;
}

static enum fault find_any(struct call *c, const char *op, struct key *k)
{
	const char *ref = NULL;
	enum fault f = param_required(c, "KeyId", 1, 2048, &ref);

	if (!f)
		f = keyref_find(c, ref, KEYREF_ID, k, NULL);
	return f ? f : authz_key(c, op, k, &(struct authz){ 0 });
}

enum fault op_get_key_rotation_status(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	struct key k = { 0 };
	enum fault f = find_any(c, "GetKeyRotationStatus", &k);
	/* A key that waits for its deletion does not rotate; if the deletion is cancelled it does again. */
	bool enabled = k.rotation_days && k.state != KEY_PENDING_DELETION;

	if (!f) {
		jsonw_open(&w, NULL, '{');
		jsonw_bool(&w, "KeyRotationEnabled", enabled);
		jsonw_string(&w, "KeyId", c->key_arn);
		if (enabled) {
			jsonw_int(&w, "RotationPeriodInDays", k.rotation_days);
			jsonw_time(&w, "NextRotationDate", k.rotate_ms);
		}
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	key_free(&k);
	return f;
}

static enum fault rotate(struct call *c, const struct key *k)
{
	int64_t nr = 0;
	int rc;

	if (k->rotation_days && k->rotate_ms - c->now_ms <= CONFLICT_MS)
		return call_fail(c, FAULT_CONFLICT, "An automatic rotation of %s begins within 20 minutes.",
				 c->key_arn);
	rc = store_material_count(c->svc->store, k->id, ROTATION_ON_DEMAND, &nr);
	if (!rc && nr >= ON_DEMAND_MAX)
		return call_fail(c, FAULT_LIMIT_EXCEEDED, "%s was rotated on demand %d times, as often as it may be.",
				 c->key_arn, ON_DEMAND_MAX);
	if (!rc)
		rc = material_rotate(c->svc, k->id, ROTATION_ON_DEMAND, c->now_ms);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

enum fault op_rotate_key_on_demand(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	struct key k = { 0 };
	enum fault f = find_usable(c, "RotateKeyOnDemand", &(struct authz){ 0 }, &k);

	if (!f)
		f = rotate(c, &k);
	if (!f) {
		jsonw_open(&w, NULL, '{');
		jsonw_string(&w, "KeyId", c->key_arn);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	key_free(&k);
	return f;
}

static void put_rotation(struct jsonw *w, const struct key *k, const struct material *m)
{
	bool current = !strcmp(m->id, k->material_id);

	jsonw_open(w, NULL, '{');
	jsonw_string(w, "KeyId", k->id);
	jsonw_string(w, "KeyMaterialId", m->id);
	jsonw_string(w, "KeyMaterialState", current ? "CURRENT" : "NON_CURRENT");
	if (m->rotation != ROTATION_NONE) {
		jsonw_time(w, "RotationDate", m->created_ms);
		jsonw_string(w, "RotationType", rotation_name(m->rotation));
	}
	jsonw_close(w, '}');
}

/* read_include - the number of the first material to list: the very first is no rotation. */
static enum fault read_include(struct call *c, int64_t *from)
{
	const char *include = "ROTATIONS_ONLY";
	enum fault f = param_string(c, "IncludeKeyMaterial", 1, 64, &include);

	*from = !strcmp(include, "ALL_KEY_MATERIAL") ? 0 : 1;
	if (!f && *from && strcmp(include, "ROTATIONS_ONLY"))
		f = param_invalid(c, "IncludeKeyMaterial",
				  "Member must satisfy enum value set: [ALL_KEY_MATERIAL, ROTATIONS_ONLY]");
	return f;
}

static enum fault list_rotations(struct call *c, const struct key *k, int64_t from, int64_t limit)
{
	struct material *list = calloc((size_t)limit + 1, sizeof(*list));
	struct jsonw w = JSONW_INIT(&c->out);
	char last[24] = "";
	unsigned int nr;
	int rc;

	if (!list)
		return call_internal(c, -ENOMEM);
	rc = store_material_list(c->svc->store, k->id, from, (unsigned int)limit + 1, list, &nr);
	jsonw_open(&w, NULL, '{');
	jsonw_open(&w, "Rotations", '[');
	for (unsigned int i = 0; !rc && i < nr && i < limit; i++)
		put_rotation(&w, k, &list[i]);
	jsonw_close(&w, ']');
	if (nr > limit)
		snprintf(last, sizeof(last), "%lld", (long long)list[limit - 1].nr);
	param_put_marker(&w, nr > limit, last);
	jsonw_close(&w, '}');
	free(list);
	return rc ? call_internal(c, rc) : call_done(c);
}

enum fault op_list_key_rotations(struct call *c)
{
	char after[MARKER_NAME_MAX], *end;
	int64_t limit = 100, from, last;
	struct key k = { 0 };
	enum fault f;

	f = param_page(c, LIST_ROTATIONS_MAX, &limit, after);
	if (!f)
		f = read_include(c, &from);
	if (!f && *after) {
		last = strtoll(after, &end, 10);
		if (*end || last < 0 || last > INT32_MAX)
			f = call_fail(c, FAULT_INVALID_MARKER, "The marker is not one that this server gave");
		else
			from = last + 1;
	}
	if (!f)
		f = find_any(c, "ListKeyRotations", &k);
	if (!f)
		f = list_rotations(c, &k, from, limit);
	key_free(&k);
	return f;
}
