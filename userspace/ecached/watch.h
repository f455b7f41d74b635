/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WATCH_H
#define ECACHED_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../kms/net.h"
#include "../kms/verdict.h"
#include "../volume/name.h"
#include "../volume/pin.h"
#include "watch_hint.h"

/*
 * The watcher: when to ask the KMS about which volume, and what its answers lead to. No
 * clock, no I/O, no processes of its own: times come in as arguments (CLOCK_BOOTTIME
 * milliseconds), questions and orders go out through struct watch_ops, answers come back
 * through watch_probed() and its siblings, never from inside an operation.
 *
 * Per volume a Decrypt-DryRun every interval (+-20 %), the first at a random time within
 * it: no herd at start. Per key a DescribeKey every interval of its most impatient volume.
 * A key state (Disabled, PendingDeletion ...) is REVOKED at once for every volume of the
 * key; a denial is confirmed by struct verdict_case, the control probe and the brake
 * (verdict.h). What DescribeKey otherwise says is a hint to probe now, never proof.
 *
 * fail-after and the lease: watch_clock.h. Hints from outside: watch_hint.h.
 */
#define WATCH_IN_FLIGHT_MAX 32	/* questions on their way at a time */
#define WATCH_REASON_MAX 511
#define WATCH_SOON_MS 1000	/* a hint, or an act to be repeated */

enum watch_act {
	WATCH_TEARDOWN,		/* terminal; watch_remove() when done, watch_retry() when it could not start */
	WATCH_LOCK,		/* the same; watch_locked() when done */
	WATCH_REOPEN,		/* OK again: watch_reopened() with the outcome */
};

/* What an act is ordered for. */
enum watch_cause {
	WATCH_BY_VERDICT,
	WATCH_BY_FAIL_AFTER,
	WATCH_BY_KEY_LOST,
};

struct watch_evidence {
	int64_t at_ms;
	char reason[WATCH_REASON_MAX + 1];	/* the KMS's words, printable */
	char code[64];
	char request_id[80];
};

struct watch_key;

struct watch_volume {
	struct watch_volume *next;
	char name[VOLUME_NAME_MAX + 1];
	char grant_id[KMS_GRANT_ID_MAX + 1];	/* "": not known */
	struct watch_key *key;
	enum policy on_revoke;
	enum policy on_disabled;
	int64_t interval_ms;
	int64_t fail_after_ms;		/* 0: hold */
	int64_t lease_ms;		/* 0: the mapping has none */
	bool stays_locked;		/* after a lock no reopen: after-lock = stay */

	bool probed;			/* verdict and evidence are valid */
	enum verdict verdict;
	enum verdict_why why;
	struct watch_evidence evidence;
	struct verdict_case vcase;
	/*
	 * Last OK, 0: none since boot. It counts from when it was asked: the answer may have
	 * lain here for hours, while this process was stopped.
	 */
	int64_t ok_ms;

	bool locked;			/* reopens on OK, unless it stays */
	bool key_lost;			/* the kernel took the key: lease, hibernation. On OK: lock in order, reopen */
	enum watch_cause cause;		/* of the last act; valid while locked, ending or busy */
	bool ending;			/* teardown ordered */
	bool busy;			/* lock or reopen ordered, outcome not known yet */

	int64_t due_ms;
	int64_t asked_ms;		/* the newest question, or reopen */
	int64_t renew_ms;		/* of the lease */
	int64_t order_ms;		/* an act that could not start: not again before */
	bool in_flight;
	bool fresh;			/* next probe: new credentials and connection */
	bool asked_fresh;		/* so was the one on its way */
	bool controlling;		/* control probe on its way */
	struct hint hint;
	void *data;			/* the caller's */
};

struct watch_ops {
	/* Start a question. The answer must come, be it "no answer". */
	void (*probe)(void *ctx, struct watch_volume *v, bool fresh);
	void (*describe)(void *ctx, const char *key_arn);
	/*
	 * Decrypt-DryRun under the canary key, on behalf of @v; only called when the host
	 * has one.
	 */
	void (*control)(void *ctx, struct watch_volume *v);
	/* A verdict changed, or is the volume's first. */
	void (*verdict)(void *ctx, struct watch_volume *v, bool first, enum verdict before);
	void (*act)(void *ctx, struct watch_volume *v, enum watch_act act);
	/* The brake was engaged (every teardown on a denial is held) or released, by OKs or by an operator. */
	void (*brake)(void *ctx, bool engaged);
	/*
	 * The lease of @v ends @seconds from now. -ENOKEY: there is no key any more; another
	 * errno: not renewed, to be tried again.
	 */
	int (*renew)(void *ctx, struct watch_volume *v, unsigned int seconds);
};

struct watch {
	const struct watch_ops *ops;
	void *ctx;
	bool canary;
	uint64_t random;
	unsigned int in_flight;
	int64_t hint_full_ms;
	struct watch_volume *volumes;
	struct watch_key *keys;
	struct verdict_brake brake;
};

void watch_init(struct watch *w, const struct watch_ops *ops, void *ctx, bool canary, uint64_t seed);
void watch_free(struct watch *w);

struct watch_add {
	const char *name;
	const char *key_arn;
	enum policy on_revoke;
	enum policy on_disabled;
	int64_t interval_ms;
	bool ok_without_token;		/* the grant once answered without its token */
	int64_t grant_born_ms;		/* 0: unknown and old */
	bool just_ok;			/* unwrapped a moment ago: first probe after a whole interval */
	bool locked;
	int64_t fail_after_ms;
	int64_t lease_ms;
	bool stays_locked;
	int64_t ok_ms;			/* last OK that is on record, 0: none since boot */
};

/* watch_add - start watching; -EEXIST, -ENOMEM. */
int watch_add(struct watch *w, const struct watch_add *add, int64_t now_ms, struct watch_volume **out);
void watch_remove(struct watch *w, struct watch_volume *v);
struct watch_volume *watch_find(const struct watch *w, const char *name);
const char *watch_key_arn(const struct watch_volume *v);
size_t watch_count(const struct watch *w);

/* watch_run - ask what is due. watch_due - when to call it next; INT64_MAX: nothing to do. */
void watch_run(struct watch *w, int64_t now_ms);
int64_t watch_due(const struct watch *w);

void watch_probed(struct watch *w, const char *name, const struct kms_answer *a, int64_t now_ms);
void watch_described(struct watch *w, const char *key_arn, const struct kms_answer *a, enum kms_key_state state,
		     int64_t now_ms);
void watch_controlled(struct watch *w, const char *name, const struct kms_answer *a, int64_t now_ms);

/* watch_held - the denial is proven, and only the brake keeps it from what the policy says. */
bool watch_held(const struct watch *w, const struct watch_volume *v);

/*
 * watch_confirm - an operator stands for what the brake holds: @v goes its way. Nothing
 *	happens to a volume whose denial is not proven. watch_release - the brake itself:
 *	denials count by themselves again, for VERDICT_BRAKE_MS at least.
 */
void watch_confirm(struct watch *w, struct watch_volume *v, int64_t now_ms);
void watch_release(struct watch *w, int64_t now_ms);

/*
 * watch_unasked, watch_undescribed - the question could not even be sent (may be called by
 * the operation itself).
 */
void watch_unasked(struct watch *w, struct watch_volume *v, int64_t now_ms);
void watch_undescribed(struct watch *w, const char *key_arn, int64_t now_ms);

/* Outcomes of acts; may be called by the operation itself. */
void watch_locked(struct watch *w, struct watch_volume *v, int64_t now_ms);
void watch_reopened(struct watch *w, struct watch_volume *v, bool ok, int64_t now_ms);
/* watch_retry - the act could not be carried out: order it again with the next answer, soon. */
void watch_retry(struct watch *w, struct watch_volume *v, int64_t now_ms);

/* watch_key_lost - the mapping was seen LOCKED, and nobody here did it. */
void watch_key_lost(struct watch *w, struct watch_volume *v, int64_t now_ms);

/* watch_opened - somebody unwrapped the key, and had an OK at @ok_ms: no longer locked. */
void watch_opened(struct watch *w, struct watch_volume *v, int64_t ok_ms, int64_t now_ms);

#endif
