/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_VERDICT_H
#define ECACHE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "kms.h"

/*
 * What KMS's answers say about a volume's right to its key. Pure functions: answers and times in, verdict out; no I/O, no
 * clock, no allocation. They run in ecached, never in ecache-net. Times are CLOCK_BOOTTIME milliseconds.
 */
enum verdict {
	VERDICT_OK,
	VERDICT_REVOKED,
	VERDICT_LOST,		/* the key is deleted: final */
	VERDICT_SUSPECT,	/* may be REVOKED or LOST, not confirmed */
	VERDICT_UNREACHABLE,
	VERDICT_AGENT_FAULT,	/* our credentials or clock: never tear down */
	VERDICT_HEADER_FAULT,	/* wrong or damaged wrapped key */
};

const char *verdict_name(enum verdict v);

/* verdict_of_probe - one answer to Decrypt (DryRun or real), by itself. Total: every answer gives a verdict. */
enum verdict verdict_of_probe(const struct kms_answer *a);

/*
 * verdict_of_describe - one answer to DescribeKey with the key state it gave. NotFound by itself is SUSPECT and
 * is confirmed like a denial (to LOST).
 */
enum verdict verdict_of_describe(const struct kms_answer *a, enum kms_key_state state);

#define VERDICT_DENIALS 3
#define VERDICT_SPAN_MS 60000
#define VERDICT_YOUNG_MS (10 * 60 * 1000)	/* a grant this young may not have spread to every KMS host yet */

/* The evidence about one volume. Zeroed at the start; lives as long as the volume is watched. */
struct verdict_case {
	bool ok_once;		/* the grant answered OK without its token */
	int64_t grant_born_ms;	/* when the grant was made, 0 when unknown and old */
	unsigned int denials;	/* in a row, each on a fresh connection */
	int64_t first_denial_ms;
	int64_t last_denial_ms;
	enum verdict pending;	/* what confirmation would make of it: REVOKED or LOST */
	bool refreshed;		/* credentials were refreshed after the first denial */
	int64_t last_ok_ms;
	bool confirmed;		/* evidence complete but for the control probe */
};

/* What the watcher must do after verdict_case_add(). */
struct verdict_next {
	enum verdict verdict;	/* SUSPECT until confirmed */
	bool refresh;		/* drop credentials and connections before the next probe of this volume */
	bool fresh_connection;
	bool need_control;	/* denials are complete: run the control probe (canary) and call verdict_control() */
	int64_t retry_in_ms;	/* when to probe this volume again; 0: at the normal interval */
};

void verdict_case_add(struct verdict_case *c, enum verdict single, bool with_token, int64_t now_ms,
		      struct verdict_next *next);

/* verdict_control - the control probe's own verdict: OK confirms, anything else is AGENT_FAULT (hold, alarm). */
enum verdict verdict_control(const struct verdict_case *c, enum verdict control);

/*
 * The brake for hosts without a canary: SUSPECT or LOST under three or more distinct keys within ten minutes holds all
 * until an operator confirms. Never applied to REVOKED from a DescribeKey state, nor to many volumes of one key.
 */
#define VERDICT_BRAKE_KEYS 3
#define VERDICT_BRAKE_MS (10 * 60 * 1000)

struct verdict_brake {
	struct {
		uint64_t key_hash;	/* of the key ARN */
		int64_t at_ms;
	} seen[VERDICT_BRAKE_KEYS];
	bool engaged;
	int64_t engaged_ms;
};

/* verdict_brake_note - note a SUSPECT or LOST under a key; returns whether the brake is (now) engaged. */
bool verdict_brake_note(struct verdict_brake *b, const char *key_arn, int64_t now_ms);
void verdict_brake_release(struct verdict_brake *b);

#endif
