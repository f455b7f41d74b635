/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_TEAR_H
#define ECACHED_TEAR_H

#include "../volume/teardown.h"
#include "job.h"

/*
 * Ending access to a volume, and everything that remembers it: state, audit log, report,
 * journal.
 */
struct tear {
	const char *name;
	enum policy policy;		/* POLICY_TEARDOWN: terminal, marks the state; POLICY_LOCK */
	const char *unit;		/* "" none */
	const char *hook;		/* program, "" none */
	int64_t verdict_ms;		/* CLOCK_BOOTTIME of the confirmed verdict */
	int64_t deadline_ms;		/* from verdict_ms */
	const char *verdict;		/* a word: "revoked", "lost", "fail-after", "key-lost" */
	const char *reason;		/* the KMS's words, or whose order */
	const char *request_id;		/* "" none */
	bool boot_key;			/* no state to mark: the key is nowhere else */
	int64_t key_gone_ms;		/* after verdict_ms: the key went ahead; 0: it did not */
};

/*
 * tear_volume - to the end, by the supervisor of volume/teardown.h, which also has the
 *	records made and the report kept: it goes on when we are killed. The mark in the
 *	state refuses later opens; it is set for a volume that is not open, too. 0 when the
 *	key is gone.
 */
int tear_volume(const struct env *env, const struct tear *t, struct teardown_report *report, struct err *e);

/*
 * tear_mark - the lasting "no" alone, which the next start acts on: for a teardown that has to
 *	wait. -ENOENT: this host has no state of the volume, which was never opened here.
 */
int tear_mark(const struct env *env, const struct tear *t, struct err *e);

#endif
