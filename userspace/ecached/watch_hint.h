/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WATCH_HINT_H
#define ECACHED_WATCH_HINT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Hints: somebody says that it may be worth to ask about a key, or about the volume of a
 * grant, before its time. Who says so is not known, so that is all a hint does: it brings a
 * question forward. Verdicts come from answers, by the same rules as ever.
 *
 * What a flood of hints can cost: about one volume or key, a question HINT_GAP_MS after the
 * last that a hint has caused, then twice that time, up to HINT_GAP_MAX_MS, until there is
 * news or a quiet hour; in total, HINT_BURST questions and one more each HINT_EVERY_MS. No
 * hint is lost by that, it waits; the one that has waited longest comes first, so a flood
 * about one key holds others up, but does not drown them.
 *
 * A key with many volumes is asked about over HINT_SPREAD_MS: hosts that hear of it at the
 * same moment must not ask at the same moment.
 *
 * A KMS that has taken a grant back may allow it for some minutes more. So after a hint the
 * question is repeated a few times, however long the interval is.
 */
#define HINT_GAP_MS 10000
#define HINT_GAP_MAX_MS (5 * 60 * 1000)
#define HINT_QUIET_MS (60 * 60 * 1000)
#define HINT_BURST 100
#define HINT_EVERY_MS 1000
#define HINT_SOON_MS 1000
#define HINT_SPREAD_MS 10000

/* Of a volume or a key. Zeroed: there is none. */
struct hint {
	bool waits;
	int64_t due_ms;		/* when it waits */
	int64_t asked_ms;	/* the last question that a hint caused */
	int64_t gap_ms;		/* until the next may be; 0: no hint yet */
	unsigned int repeat;	/* 0: a hint waits; else a repetition does */
};

struct watch;
struct watch_volume;

/*
 * watch_hint - @grant_id "": about all of the key. Returns how many volumes it is about; 0:
 * nobody's here, and nothing is asked.
 */
unsigned int watch_hint(struct watch *w, const char *key_arn, const char *grant_id, int64_t now_ms);

/* For watch.c: ask what hints want asked; when to come again (INT64_MAX: nothing). */
void hint_run(struct watch *w, int64_t now_ms);
int64_t hint_due(const struct watch *w);

/* hint_asked - a question is sent, for whatever reason: it answers the hint, too. */
void hint_asked(struct hint *h, int64_t now_ms);

/* hint_news - there was something to see: the next hint is worth a question soon. */
void hint_news(struct hint *h);

#endif
