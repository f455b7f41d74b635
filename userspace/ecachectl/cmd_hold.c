// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../volume/mapping.h"
#include "call.h"
#include "hold.h"
#include "verb.h"

struct real {
	const char *name;
	int signals;
};

/* lost - ecached died with our request: what that began is finished or undone by the next one, which we ask again. */
static int lost(struct err *e, int rc)
{
	if (rc == -ECONNRESET || rc == -EPIPE)
		rc = -ENOTCONN;
	e->rc = rc;
	return rc;
}

static int real_open(void *ctx, struct err *e)
{
	const struct real *r = ctx;

	return lost(e, call_until(call_request("open", r->name), r->signals, e));
}

static int real_close(void *ctx, struct err *e)
{
	const struct real *r = ctx;

	return lost(e, call_until(call_request("close", r->name), -1, e));
}

static void take_word(void *ctx, struct json_object *msg)
{
	struct json_object *revoked = json_object_object_get(msg, "revoked");
	const char *state = call_str(msg, "state");
	struct hold_word *w = ctx;
	const char *why = json_object_is_type(revoked, json_type_object) ? call_str(revoked, "reason") : NULL;

	snprintf(w->state, sizeof(w->state), "%s", state ? state : "");
	snprintf(w->why, sizeof(w->why), "%s", why ? why : "");
}

static int real_ask(void *ctx, struct hold_word *w, struct err *e)
{
	static const struct call_ops ops = { .volume = take_word };
	const struct real *r = ctx;

	memset(w, 0, sizeof(*w));
	return lost(e, call_run(call_request("status", r->name), &ops, w, false, NULL, e));
}

static enum hold_seen real_look(void *ctx)
{
	const struct dm dm = DM_KERNEL;
	const struct real *r = ctx;
	struct mapping m;
	int rc;

	rc = mapping_get(&dm, r->name, &m, NULL);
	if (rc)
		return rc == -EEXIST ? HOLD_ENDED : HOLD_UNSEEN;
	if (!m.exists || !m.is_ecache || m.status.state >= DM_STATE_REVOKING)
		return HOLD_ENDED;
	return m.status.state == DM_STATE_ACTIVE ? HOLD_OPEN : HOLD_LOCKED;
}

/* real_stop - the signal stays where it is, so that everybody sees it. */
static bool real_stop(void *ctx, int ms)
{
	const struct real *r = ctx;
	struct pollfd p = { .fd = r->signals, .events = POLLIN };
	int64_t until = now_ms() + ms, left;

	do {
		left = until - now_ms();
		if (poll(&p, 1, left > 0 ? (int)left : 0) > 0)
			return true;
	} while (left > 0);
	return false;
}

static void real_pause(void *ctx, int ms)
{
	(void)ctx;
	sleep_ms(ms);
}

static void real_tell(void *ctx, bool open, const char *status)
{
	const struct real *r = ctx;

	fprintf(stderr, "ecachectl: %s: %s\n", r->name, status);
	sd_notifyf(0, "%sSTATUS=%s", open ? "READY=1\n" : "", status);
}

static int cmd_hold(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL };
	struct real r = { .signals = -1 };
	const struct hold_world world = {
		.open = real_open, .close = real_close, .ask = real_ask, .look = real_look, .stop = real_stop,
		.pause = real_pause, .tell = real_tell, .ctx = &r,
	};
	struct err e = ERR_INIT;
	int status, rc;

	if (!verb_parse(v, argc, argv, NULL, operands, &status))
		return status;
	r.name = operands[0];
	rc = volume_name_check(r.name, &e);
	if (!rc) {
		r.signals = call_signals(&e);
		rc = r.signals < 0 ? r.signals : hold_run(&world, r.name, &e);
	}
	if (rc) {
		sd_notifyf(0, "STATUS=%s", e.what);
		return call_fail(&e, false);
	}
	sd_notify(0, "STATUS=closed");
	return EXIT_OK;
}

const struct verb verb_hold = {
	.name = "hold",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Open the volume, however long that takes, and close it on SIGTERM",
	.details = "For ecache@NAME.service: says to systemd when the volume is open and what it waits for. Fails when the volume is\n"
		   "revoked; ends when somebody closes it. A volume that is open already is taken over.",
	.func = cmd_hold,
};
