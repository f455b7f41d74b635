/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WATCH_TARGET_H
#define ECACHED_WATCH_TARGET_H

/*
 * For tests of the watcher's policies, on top of watch_sim.h: the target's part, a key that
 * ends when its lease does whether the agent runs or not; and an agent that dies and lives
 * again. Include after common/test.h.
 */
#include "watch_sim.h"

#define HOUR (60 * MINUTE)

/* The target, and what the world knows of a volume. */
struct target {
	bool key;
	int64_t lease_end_ms;		/* INT64_MAX: none */
	int64_t table_lease_ms;		/* what a key that is set gets; 0 none */
	int64_t record_ms;		/* the last OK in the state file */
	bool gone;			/* torn down for good */
	int64_t longest_ms;		/* of a renewal */
};

static struct target target[MAX];

/* expire - the kernel's timer. */
static inline void expire(struct sim *s)
{
	unsigned int i;

	for (i = 0; i < MAX; i++) {
		if (target[i].key && target[i].lease_end_ms <= s->now)
			target[i].key = false;
	}
}

static inline int renewed(struct sim *s, struct watch_volume *v, unsigned int seconds)
{
	struct target *t = &target[number(v->name)];

	expire(s);
	if (!t->key)
		return -ENOKEY;
	if (!t->table_lease_ms)
		return -EINVAL;
	t->lease_end_ms = s->now + 1000LL * seconds;
	if (1000LL * seconds > t->longest_ms)
		t->longest_ms = 1000LL * seconds;
	return 0;
}

static inline void set_key(struct sim *s, struct target *t)
{
	t->key = true;
	t->lease_end_ms = t->table_lease_ms ? s->now + t->table_lease_ms : INT64_MAX;
}

static inline void acted(struct sim *s, struct watch_volume *v, enum watch_act what)
{
	struct target *t = &target[number(v->name)];

	if (s->act_fails)
		return;
	switch (what) {
	case WATCH_TEARDOWN:
		t->gone = true;
		t->key = false;
		break;
	case WATCH_LOCK:
		t->key = false;
		break;
	case WATCH_REOPEN:
		s->reopen_fails = s->volume[number(v->name)] != SAYS_OK || s->key[number(watch_key_arn(v))] !=
			KMS_STATE_ENABLED;
		if (!s->reopen_fails) {
			set_key(s, t);
			t->record_ms = s->now;
			s->ok_of[number(v->name)] = s->now;
		}
		break;
	}
}

static inline struct sim *sim_with_targets(uint64_t seed)
{
	struct sim *s = sim_new(false, seed);

	memset(target, 0, sizeof(target));
	s->renewed = renewed;
	s->acted = acted;
	return s;
}

/* open_as - the volume n was opened just now under key n, by an agent that watches it like @like. */
static inline struct watch_volume *open_as(struct sim *s, unsigned int n, const struct watch_add *like)
{
	struct watch_add add = *like;
	struct target *t = &target[n];

	t->table_lease_ms = add.lease_ms;
	if (add.fail_after_ms && add.fail_after_ms < t->table_lease_ms)
		t->table_lease_ms = add.fail_after_ms;
	set_key(s, t);
	t->record_ms = s->now;
	s->ok_of[n] = s->now;
	add.ok_ms = s->now;
	add.just_ok = true;
	return add_as(s, n, n, &add);
}

/* step - run in steps of the kernel's timer, looking at the target after each. */
static inline void step(struct sim *s, int64_t ms)
{
	int64_t end = s->now + ms;

	while (s->now < end) {
		run_for(s, end - s->now < 200 ? end - s->now : 200);
		expire(s);
	}
}

/* die - the agent is killed; nothing runs but the kernel, for @ms. What it had asked is lost. */
static inline void die(struct sim *s, int64_t ms)
{
	watch_free(&s->w);
	memset(s->q, 0, sizeof(s->q));
	s->now += ms;
	expire(s);
}

/* live - the agent starts again, and finds volume @n in device-mapper and its record. */
static inline struct watch_volume *live(struct sim *s, unsigned int n, const struct watch_add *like, bool was_locked)
{
	struct watch_add add = *like;
	struct watch_volume *v;

	add.ok_ms = target[n].record_ms;
	add.locked = was_locked;
	if (!target[n].key)
		add.lease_ms = 0;	/* the status shows none */
	v = add_as(s, n, n, &add);
	if (!target[n].key && !was_locked)
		watch_key_lost(&s->w, v, s->now);
	return v;
}

static inline void start_watch(struct sim *s, uint64_t seed)
{
	watch_init(&s->w, &ops, s, false, seed);
}

#endif
