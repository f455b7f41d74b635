// SPDX-License-Identifier: GPL-2.0-or-later
#include "ratelimit.h"

static unsigned int find_slot(struct ratelimit *r, uid_t uid, int64_t now_ms)
{
	unsigned int i, oldest = 1;

	for (i = uid ? 1 : 0; i < RATELIMIT_USERS; i++) {
		if (r->user[i].used && r->user[i].uid == uid)
			return i;
		if (!uid)
			break;
		if (!r->user[i].used) {
			oldest = i;
			break;
		}
		if (r->user[i].at_ms < r->user[oldest].at_ms)
			oldest = i;
	}
	i = uid ? oldest : 0;
	r->user[i].used = true;
	r->user[i].uid = uid;
	r->user[i].milli = RATELIMIT_BURST * 1000;
	r->user[i].at_ms = now_ms;
	return i;
}

bool ratelimit_take(struct ratelimit *r, uid_t uid, int64_t now_ms)
{
	unsigned int i = find_slot(r, uid, now_ms);
	int64_t passed = now_ms - r->user[i].at_ms;

	if (passed > 0) {
		if (passed > RATELIMIT_BURST * 1000 / RATELIMIT_PER_S)
			r->user[i].milli = RATELIMIT_BURST * 1000;
		else
			r->user[i].milli += passed * RATELIMIT_PER_S;
		if (r->user[i].milli > RATELIMIT_BURST * 1000)
			r->user[i].milli = RATELIMIT_BURST * 1000;
		r->user[i].at_ms = now_ms;
	}
	if (r->user[i].milli < 1000)
		return false;
	r->user[i].milli -= 1000;
	return true;
}
