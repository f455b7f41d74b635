/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_HOOK_H
#define ECACHED_HOOK_H

#include <stdint.h>

#include "../common/err.h"

/*
 * A program of the operator's that is told what happens to a volume: PATH EVENT NAME, run
 * without a shell, as a process of init's, so that nobody waits for it. It gets HOOK_MS,
 * then it and what it started is killed. Its environment is PATH and the variables of struct
 * hook; standard input is empty, what it prints goes where ecached's messages go.
 */
#define HOOK_MS 30000

struct hook {
	const char *path;	/* absolute; "" or NULL: none */
	const char *event;	/* "teardown", "teardown-done", "lock", "lock-done", "reopened" */
	const char *name;	/* volume: ECACHE_VOLUME, and as ECACHE_DEVICE below /dev/mapper */
	const char *verdict;	/* ECACHE_VERDICT */
	const char *reason;	/* ECACHE_REASON */
	const char *request_id;	/* ECACHE_REQUEST_ID */
	const char *unit;	/* ECACHE_UNIT, "" none */
	int timeout_ms;		/* 0: HOOK_MS */
};

/*
 * hook_check - whether @path would be run: -EPERM, a program that others may write is none of
 *	the operator's; -ENOENT, -EACCES.
 */
int hook_check(const char *path, struct err *e);

/* hook_start - returns when it is on its way, or has been refused; what becomes of it is logged. */
void hook_start(const struct hook *h);

#endif
