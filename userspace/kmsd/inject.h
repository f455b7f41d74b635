/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_INJECT_H
#define KMSD_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "grant.h"
#include "http.h"
#include "rates.h"

/*
 * What a test of clients may ask a server for: faults, throttling, a wrong clock, the delay with which changes of
 * grants take effect at AWS, and what AWS leaves open. It lives in memory alone, and only if the server has an admin
 * socket. Any thread may ask; a NULL struct inject injects nothing.
 */
struct inject;

int inject_new(struct rates *rates, struct inject **out);
void inject_free(struct inject *in);

/* inject_command - one request of the admin socket, a line of JSON without its end; the answer, another, into @out. */
void inject_command(struct inject *in, const char *line, size_t len, struct buf *out);

/* A fault: what becomes of a request instead of its answer, and of which requests. */
enum inject_kind {
	INJECT_INTERNAL,		/* KMSInternalException */
	INJECT_DEPENDENCY_TIMEOUT,	/* DependencyTimeoutException */
	INJECT_KEY_UNAVAILABLE,		/* KeyUnavailableException */
	INJECT_THROTTLING,		/* ThrottlingException */
	INJECT_HANG,			/* no answer, the connection stays */
	INJECT_RESET,			/* no answer, the connection goes */
	INJECT_SLOW,			/* the answer, later */
	INJECT_TRUNCATE,		/* a part of the answer, then the connection goes */
	INJECT_GARBAGE,			/* bytes that are no JSON */
	INJECT_KINDS,
};

const char *inject_kind_name(enum inject_kind k);	/* "internal", "dependency-timeout"... */

/* What inject_pick() decides about a request. */
struct inject_verdict {
	bool undone;		/* the operation is not carried out */
	enum fault fault;	/* answered with this error, or FAULT_NONE */
	enum mishap mishap;
	unsigned int delay_ms;
};

/*
 * inject_pick - by the first fault that names this operation, principal (its name) and key (its ARN), each if it names
 * one at all, and whose chance and count let it. A fault that has done all it was to do is gone.
 */
struct inject_verdict inject_pick(struct inject *in, const char *op, const char *principal, const char *key_arn);

/* inject_clock_offset_ms - how far the server's clock is off, for signatures and Date headers. */
int64_t inject_clock_offset_ms(struct inject *in);

/* inject_pending_deletion - with which of AWS's two exceptions the use of a key that waits for its deletion ends. */
enum fault inject_pending_deletion(struct inject *in);

/* inject_grant_young - whether @g is not yet in effect at @now_ms for a request without its token. */
bool inject_grant_young(struct inject *in, const struct grant *g, int64_t now_ms);

/* inject_grant_gone - @g is being revoked or retired: it stays in effect for the delay. */
void inject_grant_gone(struct inject *in, const struct grant *g, int64_t now_ms);

/*
 * inject_each_gone - those of @grantee that are still in effect, until @fn does not return 0; what it returned last.
 * @fn must not ask inject.
 */
int inject_each_gone(struct inject *in, const char *key_id, const char *grantee, int64_t now_ms,
		     int (*fn)(void *ctx, struct grant *g), void *ctx);

#endif
