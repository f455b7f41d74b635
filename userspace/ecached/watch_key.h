/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WATCH_KEY_H
#define ECACHED_WATCH_KEY_H

#include "watch.h"

/* Private to the watcher (watch*.c): what is known of a key, and how questions are sent. */
struct watch_key {
	struct watch_key *next;
	char *arn;
	unsigned int users;
	int64_t due_ms;
	bool in_flight;
	bool bad;		/* its state forbids use: an OK probe is older news */
	bool hinted;		/* it answered oddly and its volumes were probed for it */
	struct hint hint;
};

struct watch_key *watch_find_key(const struct watch *w, const char *arn);

/* watch_random - 0..n. Jitter, not secrecy. */
int64_t watch_random(struct watch *w, int64_t n);

/* watch_wants_probe - a volume in the middle of an act is not asked about: its fate is decided. */
bool watch_wants_probe(const struct watch_volume *v);

void watch_ask(struct watch *w, struct watch_volume *v, int64_t now_ms);
void watch_ask_key(struct watch *w, struct watch_key *k, int64_t now_ms);

#endif
