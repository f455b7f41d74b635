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
};

/*
 * tear_volume - the supervisor of volume/teardown.h first, then the records, which may wait
 *	for a disk, then the end of it. The mark in the state refuses later opens; it is
 *	set for a volume that is not open, too. 0 when the key is gone.
 */
int tear_volume(const struct env *env, const struct tear *t, struct teardown_report *report, struct err *e);

/* tear_report_load - the last report of a volume since boot; NULL when there is none. */
struct json_object *tear_report_load(const struct env *env, const char *name);

/*
 * tear_unit_to_start - whether a reopen after the last lock is to start the volume's unit; says
 *	so once.
 */
bool tear_unit_to_start(const struct env *env, const char *name);

#endif
