/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_VERDICT_H
#define ECACHE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "kms.h"

/*
 * What KMS's answers say about a volume's right to its key. Pure functions: answers and times in, verdict out; no I/O,
 * no clock, no allocation. They run in ecached, never in ecache-net. Times are CLOCK_BOOTTIME milliseconds.
 */
enum verdict {
	VERDICT_OK,
	VERDICT_REVOKED,
	VERDICT_LOST,		/* the key is deleted: final */
	VERDICT_SUSPECT,	/* may be REVOKED or LOST, not confirmed */
	VERDICT_UNREACHABLE,
	VERDICT_AGENT_FAULT,	/* our credentials, clock or request: never tear down */
	VERDICT_HEADER_FAULT,	/* wrong or damaged wrapped key */
};

/* Why; policies differ between a grant taken back (on-revoke) and a key switched off (on-disabled). */
enum verdict_why {
	VERDICT_WHY_NONE,		/* OK */
	VERDICT_WHY_DENIED,		/* no right: the grant is gone, or a policy denies */
	VERDICT_WHY_DISABLED,		/* of a key pending deletion, too: KMS may call it disabled */
	VERDICT_WHY_PENDING_DELETION,
	VERDICT_WHY_PENDING_IMPORT,	/* imported key material expired or was deleted */
	VERDICT_WHY_DELETED,		/* KMS does not know the key */
	VERDICT_WHY_KEY_UNAVAILABLE,	/* being created, or its key store is away */
	VERDICT_WHY_THROTTLED,
	VERDICT_WHY_SERVICE,		/* KMS failed */
	VERDICT_WHY_NO_ANSWER,
	VERDICT_WHY_BAD_ANSWER,		/* not KMS's words: a proxy, a captive portal, a newer KMS */
	VERDICT_WHY_NO_CREDENTIALS,
	VERDICT_WHY_CREDENTIALS,	/* refused or expired */
	VERDICT_WHY_CLOCK,
	VERDICT_WHY_REQUEST,		/* we asked wrongly */
	VERDICT_WHY_GRANT_TOKEN,	/* ask again without it */
	VERDICT_WHY_CIPHERTEXT,		/* damaged, or another encryption context */
	VERDICT_WHY_WRONG_KEY,		/* wrapped under another key, or a key of another kind */
};

/* Stable words for logs, status and state files: "revoked", "agent-fault"; "denied", "pending-deletion". */
const char *verdict_name(enum verdict v);
const char *verdict_why_name(enum verdict_why w);

/* verdict_of_probe - one answer to Decrypt (DryRun or real), by itself. Total. @why may be NULL. */
enum verdict verdict_of_probe(const struct kms_answer *a, enum verdict_why *why);

/*
 * verdict_of_describe - one answer to DescribeKey with the key state it gave. NotFound by itself is SUSPECT and
 * is confirmed like a denial (to LOST). OK says that the key is usable, not that one grant still stands: an OK or a
 * denial of DescribeKey is no evidence about a volume, only REVOKED and a missing key are.
 */
enum verdict verdict_of_describe(const struct kms_answer *a, enum kms_key_state state, enum verdict_why *why);

#define VERDICT_DENIALS 3
#define VERDICT_SPAN_MS 60000
#define VERDICT_YOUNG_MS (10 * 60 * 1000)	/* a grant this young may not have spread to every KMS host yet */

/* One more answer about a volume. */
struct verdict_evidence {
	enum verdict verdict;	/* as the functions above gave it */
	enum verdict_why why;
	bool with_token;	/* the probe carried the grant token */
	bool fresh;		/* credentials and connection were made for this probe */
	int64_t at_ms;		/* when the answer came */
};

/* The evidence about one volume. Zeroed at the start, but for grant_born_ms; lives as long as the volume is watched. */
struct verdict_case {
	bool ok_once;		/* the grant answered OK without its token */
	int64_t grant_born_ms;	/* when the grant was made, 0 when unknown and old; may be before boot (negative) */
	unsigned int denials;	/* in a row; all but the first on fresh credentials and connections */
	int64_t first_denial_ms;
	int64_t last_denial_ms;
	unsigned int deletions;	/* of them, at the end of the row, those that say that there is no such key */
	int64_t first_deletion_ms;
	enum verdict pending;	/* what confirmation would make of it: REVOKED or LOST */
	enum verdict_why pending_why;
	bool refreshed;		/* credentials were refreshed after the first denial */
	int64_t last_ok_ms;
	bool confirmed;		/* evidence complete but for the control probe */
};

/* What the watcher must do after verdict_case_add(). */
struct verdict_next {
	enum verdict verdict;	/* SUSPECT until confirmed */
	enum verdict_why why;
	bool refresh;		/* drop credentials and connections before the next probe of this volume */
	bool fresh_connection;
	bool need_control;	/* denials are complete: run the control probe (canary) and call verdict_control() */
	int64_t retry_in_ms;	/* when to probe this volume again; 0: at the normal interval */
};

/*
 * verdict_case_add - SUSPECT becomes complete after VERDICT_DENIALS in a row over at least VERDICT_SPAN_MS, the second
 * and later ones fresh, under a grant that has answered OK without its token or is older than VERDICT_YOUNG_MS. An OK
 * starts anew; UNREACHABLE, AGENT_FAULT and HEADER_FAULT neither count nor start anew. REVOKED and LOST need no more.
 * It becomes LOST when all of the row say that the key does not exist, or its end does that is complete by itself: a
 * key may be deleted long after a denial that was held.
 */
void verdict_case_add(struct verdict_case *c, const struct verdict_evidence *ev, struct verdict_next *next);

/*
 * verdict_control - the control probe's own verdict: OK confirms (to REVOKED or LOST), anything else is AGENT_FAULT
 * (hold, alarm). Without a canary, when the brake is not engaged: verdict_control(c, VERDICT_OK). SUSPECT while the
 * evidence is incomplete.
 */
enum verdict verdict_control(const struct verdict_case *c, enum verdict control);

/*
 * The brake for hosts without a canary: SUSPECT or LOST under three or more distinct keys within ten minutes holds all
 * until the caller releases it. Never applied to REVOKED from a key state, nor to many volumes of one key.
 */
#define VERDICT_BRAKE_KEYS 3
#define VERDICT_BRAKE_MS (10 * 60 * 1000)

struct verdict_brake {
	struct {
		uint64_t key_hash;	/* of the key ARN; 0: free */
		int64_t at_ms;
	} seen[VERDICT_BRAKE_KEYS];
	bool engaged;
	int64_t engaged_ms;
	bool released;
	int64_t released_ms;
};

/* verdict_brake_note - note a SUSPECT or LOST under a key; returns whether the brake is (now) engaged. */
bool verdict_brake_note(struct verdict_brake *b, const char *key_arn, int64_t now_ms);

/* verdict_brake_release - an operator confirmed: what is held goes on; the brake stays off for VERDICT_BRAKE_MS. */
void verdict_brake_release(struct verdict_brake *b, int64_t now_ms);

#endif
