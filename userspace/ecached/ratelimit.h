/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_RATELIMIT_H
#define ECACHED_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A token bucket a user: what stands between a member of group ecache in a loop and a host
 * that forks all day. The table is small and fixed; the user seen longest ago makes room.
 * Root has a bucket of its own and cannot be crowded out.
 */
#define RATELIMIT_BURST 40
#define RATELIMIT_PER_S 20
#define RATELIMIT_USERS 16

struct ratelimit {
	struct {
		bool used;
		uid_t uid;
		int64_t milli;		/* thousandths of a token */
		int64_t at_ms;
	} user[RATELIMIT_USERS];	/* [0] is root's */
};

/*
 * ratelimit_take - one request of @uid at @now_ms (any monotonic clock): true when it may
 * go on.
 */
bool ratelimit_take(struct ratelimit *r, uid_t uid, int64_t now_ms);

#endif
