// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "watch_hint.h"
#include "watch_key.h"

/* After a hint: a KMS is usually of one mind within five minutes. */
static const int64_t repeat_ms[] = { 30 * 1000, 2 * 60 * 1000, 5 * 60 * 1000 };

#define REPEATS (sizeof(repeat_ms) / sizeof(*repeat_ms))

/* take - a hint that waits already is the same hint. */
static void take(struct watch *w, struct hint *h, int64_t within_ms, int64_t now_ms)
{
	int64_t at = now_ms + watch_random(w, within_ms);

	if (h->gap_ms && at < h->asked_ms + h->gap_ms)
		at = h->asked_ms + h->gap_ms;
	if (h->waits && !h->repeat && h->due_ms <= at)
		return;
	h->waits = true;
	h->repeat = 0;
	h->due_ms = at;
}

static bool is_meant(const struct watch_volume *v, const char *grant_id)
{
	return !*grant_id || !*v->grant_id || !strcmp(v->grant_id, grant_id);
}

unsigned int watch_hint(struct watch *w, const char *key_arn, const char *grant_id, int64_t now_ms)
{
	struct watch_key *k = watch_find_key(w, key_arn);
	struct watch_volume *v;
	unsigned int nr = 0;

	if (!k)
		return 0;
	if (!*grant_id)
		take(w, &k->hint, HINT_SOON_MS, now_ms);
	for (v = w->volumes; v; v = v->next) {
		if (v->key != k || !is_meant(v, grant_id))
			continue;
		take(w, &v->hint, *grant_id ? HINT_SOON_MS : HINT_SPREAD_MS, now_ms);
		nr++;
	}
	return nr;
}

void hint_asked(struct hint *h, int64_t now_ms)
{
	if (!h->waits)
		return;
	if (!h->repeat) {
		if (!h->gap_ms || now_ms - h->asked_ms >= HINT_QUIET_MS)
			h->gap_ms = HINT_GAP_MS;
		else
			h->gap_ms = h->gap_ms < HINT_GAP_MAX_MS / 2 ? 2 * h->gap_ms : HINT_GAP_MAX_MS;
		h->asked_ms = now_ms;
	} else if (h->due_ms > now_ms) {
		return;		/* another question came before the repetition, which is still wanted */
	}
	/* A key that cries wolf is not asked about several times each time. */
	h->waits = h->repeat < REPEATS && h->gap_ms == HINT_GAP_MS;
	if (h->waits)
		h->due_ms = now_ms + repeat_ms[h->repeat++];
	else
		h->repeat = 0;
}

void hint_news(struct hint *h)
{
	if (h->gap_ms)
		h->gap_ms = HINT_GAP_MS;
}

/* afford_ms - when the next question for a hint may be sent: a bucket of HINT_BURST, told by when it will be full. */
static int64_t afford_ms(const struct watch *w)
{
	return w->hint_full_ms - (HINT_BURST - 1) * (int64_t)HINT_EVERY_MS;
}

static void pay(struct watch *w, int64_t now_ms)
{
	w->hint_full_ms = (w->hint_full_ms > now_ms ? w->hint_full_ms : now_ms) + HINT_EVERY_MS;
}

/* oldest_volume, oldest_key - of those whose hint can be followed; NULL: none. */
static struct watch_volume *oldest_volume(const struct watch *w)
{
	struct watch_volume *v, *oldest = NULL;

	for (v = w->volumes; v; v = v->next) {
		if (v->hint.waits && watch_wants_probe(v) && (!oldest || v->hint.due_ms < oldest->hint.due_ms))
			oldest = v;
	}
	return oldest;
}

static struct watch_key *oldest_key(const struct watch *w)
{
	struct watch_key *k, *oldest = NULL;

	for (k = w->keys; k; k = k->next) {
		if (k->hint.waits && !k->in_flight && (!oldest || k->hint.due_ms < oldest->hint.due_ms))
			oldest = k;
	}
	return oldest;
}

void hint_run(struct watch *w, int64_t now_ms)
{
	while (w->in_flight < WATCH_IN_FLIGHT_MAX && afford_ms(w) <= now_ms) {
		struct watch_volume *v = oldest_volume(w);
		struct watch_key *k = oldest_key(w);

		if (k && (!v || k->hint.due_ms <= v->hint.due_ms)) {
			if (k->hint.due_ms > now_ms)
				return;
			watch_ask_key(w, k, now_ms);
		} else if (v && v->hint.due_ms <= now_ms) {
			watch_ask(w, v, now_ms);
		} else {
			return;
		}
		pay(w, now_ms);
	}
}

int64_t hint_due(const struct watch *w)
{
	const struct watch_volume *v = oldest_volume(w);
	const struct watch_key *k = oldest_key(w);
	int64_t due = INT64_MAX;

	if (v)
		due = v->hint.due_ms;
	if (k && k->hint.due_ms < due)
		due = k->hint.due_ms;
	return due < afford_ms(w) ? afford_ms(w) : due;
}
