// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "../common/clock.h"
#include "copying.h"

#define TELL_MS 500

static int go_on(void *ctx, uint64_t done, struct err *e)
{
	struct copying *c = ctx;
	int64_t now = now_ms();
	int rc;

	if (now - c->told_ms < TELL_MS && done < c->total)
		return 0;
	c->told_ms = now;
	if (talk_lost(c->talk))
		return err_set(e, -ECANCELED, "interrupted");
	rc = c->still ? c->still(c->ctx, e) : 0;
	if (!rc)
		talk_progress_of(c->talk, c->what, done, c->total, now - c->since_ms);
	return rc;
}

struct content_watch copying_watch(struct copying *c)
{
	c->since_ms = now_ms();
	c->told_ms = c->since_ms;
	return (struct content_watch){ .go_on = go_on, .ctx = c };
}
