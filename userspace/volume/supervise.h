/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_SUPERVISE_H
#define ECACHE_SUPERVISE_H

#include "teardown.h"

/* Between teardown.c (the daemon's side) and supervise.c (the supervisor's): what is sent over the socket. */
struct teardown_event {
	unsigned int what;			/* enum teardown_step, or one of the events below */
	struct teardown_step_report report;
	struct {
		bool ahead, key_gone, removed, in_time;
		int64_t key_gone_ms, total_ms;
	} end;
};

enum {
	TEARDOWN_EVENT_RECORD = TEARDOWN_NR,	/* @report is the keeper's record */
	TEARDOWN_EVENT_END,			/* @end is valid */
};

/* teardown_order - the order of the steps for a teardown that begins at @now. */
void teardown_order(const struct teardown_spec *spec, int64_t now, enum teardown_step order[TEARDOWN_NR]);

/* teardown_until - until when order[@i] may run when it begins at @now. Pure. */
int64_t teardown_until(const struct teardown_spec *spec, const enum teardown_step order[TEARDOWN_NR], unsigned int i,
		       int64_t now);

/* supervise - run all steps, report to @events; @revoker is a client socket or -1. For a process of its own. */
void supervise(const struct teardown_spec *spec, const struct teardown_steps *steps, int revoker, int events);

#endif
