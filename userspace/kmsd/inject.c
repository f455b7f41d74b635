// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/log.h"
#include "inject_state.h"

static const char *const kinds[INJECT_KINDS] = {
	[INJECT_INTERNAL] = "internal",
	[INJECT_DEPENDENCY_TIMEOUT] = "dependency-timeout",
	[INJECT_KEY_UNAVAILABLE] = "key-unavailable",
	[INJECT_THROTTLING] = "throttling",
	[INJECT_HANG] = "hang",
	[INJECT_RESET] = "reset",
	[INJECT_SLOW] = "slow",
	[INJECT_TRUNCATE] = "truncate",
	[INJECT_GARBAGE] = "garbage",
};

const char *inject_kind_name(enum inject_kind k)
{
	return kinds[k];
}

int inject_new(struct rates *rates, struct inject **out)
{
	struct inject *in = calloc(1, sizeof(*in));
	int rc;

	if (!in)
		return -ENOMEM;
	rc = crypto_random(&in->random, sizeof(in->random));
	if (rc) {
		free(in);
		return rc;
	}
	in->random |= 1;
	in->rates = rates;
	in->next_id = 1;
	pthread_mutex_init(&in->lock, NULL);
	*out = in;
	return 0;
}

void inject_free(struct inject *in)
{
	if (!in)
		return;
	inject_forget_gone(in, in->nr_gone);
	pthread_mutex_destroy(&in->lock);
	free(in);
}

void inject_remove_rule(struct inject *in, unsigned int i)
{
	memmove(&in->rule[i], &in->rule[i + 1], (--in->nr_rules - i) * sizeof(*in->rule));
}

void inject_forget_gone(struct inject *in, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		grant_free(&in->gone[i].grant);
	in->nr_gone -= nr;
	memmove(in->gone, in->gone + nr, in->nr_gone * sizeof(*in->gone));
}

static bool names_key(const char *key, const char *arn)
{
	const char *slash = strchr(arn, '/');

	return !*key || !strcmp(key, arn) || (slash && !strcmp(key, slash + 1));
}

/* chance - xorshift: these numbers protect nothing. */
static bool chance(struct inject *in, unsigned int percent)
{
	in->random ^= in->random << 13;
	in->random ^= in->random >> 7;
	in->random ^= in->random << 17;
	return in->random % 100 < percent;
}

static struct inject_verdict verdict_of(const struct inject_rule *r)
{
	static const struct inject_verdict verdicts[INJECT_KINDS] = {
		[INJECT_INTERNAL] = { .fault = FAULT_INTERNAL },
		[INJECT_DEPENDENCY_TIMEOUT] = { .fault = FAULT_DEPENDENCY_TIMEOUT },
		[INJECT_KEY_UNAVAILABLE] = { .fault = FAULT_KEY_UNAVAILABLE },
		[INJECT_THROTTLING] = { .fault = FAULT_THROTTLING },
		[INJECT_HANG] = { .mishap = MISHAP_HANG },
		[INJECT_RESET] = { .mishap = MISHAP_RESET },
		[INJECT_TRUNCATE] = { .mishap = MISHAP_TRUNCATE },
		[INJECT_GARBAGE] = { .mishap = MISHAP_GARBAGE },
	};
	struct inject_verdict v = verdicts[r->kind];

	v.delay_ms = r->delay_ms;
	/* A late, short or wrong answer is the answer to something done. */
	v.undone = !r->done && (v.fault || v.mishap == MISHAP_HANG || v.mishap == MISHAP_RESET);
	return v;
}

struct inject_verdict inject_pick(struct inject *in, const char *op, const char *principal, const char *key_arn)
{
	struct inject_verdict v = { .fault = FAULT_NONE };

	if (!in)
		return v;
	pthread_mutex_lock(&in->lock);
	for (unsigned int i = 0; i < in->nr_rules; i++) {
		struct inject_rule *r = &in->rule[i];

		if ((*r->operation && strcmp(r->operation, op)) || (*r->principal && strcmp(r->principal, principal)) ||
		    !names_key(r->key, key_arn) || !chance(in, r->percent))
			continue;
		v = verdict_of(r);
		r->hits++;
		if (r->left != INJECT_FOREVER && !--r->left)
			inject_remove_rule(in, i);
		break;
	}
	pthread_mutex_unlock(&in->lock);
	return v;
}

int64_t inject_clock_offset_ms(struct inject *in)
{
	int64_t offset;

	if (!in)
		return 0;
	pthread_mutex_lock(&in->lock);
	offset = in->clock_offset_ms;
	pthread_mutex_unlock(&in->lock);
	return offset;
}

enum fault inject_pending_deletion(struct inject *in)
{
	bool disabled;

	if (!in)
		return FAULT_INVALID_STATE;
	pthread_mutex_lock(&in->lock);
	disabled = in->pending_is_disabled;
	pthread_mutex_unlock(&in->lock);
	return disabled ? FAULT_DISABLED : FAULT_INVALID_STATE;
}

bool inject_grant_young(struct inject *in, const struct grant *g, int64_t now_ms)
{
	bool young;

	if (!in)
		return false;
	pthread_mutex_lock(&in->lock);
	young = now_ms < g->created_ms + in->grant_delay_ms;
	pthread_mutex_unlock(&in->lock);
	return young;
}

/* copy_grant - with pairs of its own: JSON objects must not be shared between threads. */
static int copy_grant(struct grant *to, const struct grant *from)
{
	struct json_object *pairs = NULL;
	const char *text = "{}";
	size_t len = 2;
	int rc;

	*to = *from;
	memset(&to->pairs, 0, sizeof(to->pairs));
	if (from->pairs.owner)
		text = js_text(from->pairs.owner, &len);
	rc = text ? js_parse(text, len, 2, &pairs, NULL) : -ENOMEM;
	if (!rc)
		rc = context_from_json(&to->pairs, pairs);
	json_object_put(pairs);
	return rc;
}

void inject_grant_gone(struct inject *in, const struct grant *g, int64_t now_ms)
{
	int rc = 0;

	if (!in)
		return;
	pthread_mutex_lock(&in->lock);
	if (in->grant_delay_ms) {
		if (in->nr_gone == INJECT_GONE_MAX)
			inject_forget_gone(in, 1);
		in->gone[in->nr_gone].at_ms = now_ms;
		rc = copy_grant(&in->gone[in->nr_gone].grant, g);
		if (!rc)
			in->nr_gone++;
	}
	pthread_mutex_unlock(&in->lock);
	if (rc)
		log_err("grant %s is gone at once: %s", g->id, strerror(-rc));
}

int inject_each_gone(struct inject *in, const char *key_id, const char *grantee, int64_t now_ms,
		     int (*fn)(void *ctx, struct grant *g), void *ctx)
{
	unsigned int old = 0;
	int rc = 0;

	if (!in)
		return 0;
	pthread_mutex_lock(&in->lock);
	while (old < in->nr_gone && now_ms >= in->gone[old].at_ms + in->grant_delay_ms)
		old++;
	inject_forget_gone(in, old);
	for (unsigned int i = 0; !rc && i < in->nr_gone; i++) {
		struct grant *g = &in->gone[i].grant;

		/* What went before it took effect never does. */
		if (now_ms >= g->created_ms + in->grant_delay_ms && !strcmp(g->key_id, key_id) &&
		    !strcmp(g->grantee, grantee))
			rc = fn(ctx, g);
	}
	pthread_mutex_unlock(&in->lock);
	return rc;
}
