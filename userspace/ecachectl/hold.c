// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "hold.h"

#define STEP_MS 1000

struct hold {
	const struct hold_world *w;
	const char *name;
	char told[ERR_TEXT + 96];
};

/* tell - once: systemd keeps it. */
static void tell(struct hold *h, bool open, const char *status)
{
	if (!strcmp(h->told, status))
		return;
	snprintf(h->told, sizeof(h->told), "%s", status);
	h->w->tell(h->w->ctx, open, status);
}

/*
 * jittered - from half of @ms to all of it: a hundred volumes of a host, and all hosts of a KMS that was away, do not
 * come back together.
 */
static int jittered(int ms)
{
	unsigned int r;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = 0;
	return ms / 2 + (int)(r % (ms / 2 + 1));
}

/*
 * is_final - what no time heals: what this host has on record, or a name that nobody knows. A denial is not among it:
 * its owner may enable the key, or correct a policy.
 */
static bool is_final(struct hold *h, int rc)
{
	struct hold_word word;
	struct err e = ERR_INIT;

	switch (rc) {
	case -EKEYREVOKED:
	case -EACCES:
	case -EINVAL:
	case -EEXIST:
	case -ESTALE:
	case -EBADMSG:
		return true;
	case -ENOENT:		/* the volume, or only its disk as yet */
		return h->w->ask(h->w->ctx, &word, &e) == -ENOENT;
	default:
		return false;
	}
}

/* open_it - 0: open; 1: told to stop before. */
static int open_it(struct hold *h, struct err *e)
{
	int pause = HOLD_PAUSE_MS, ms, rc;
	char text[sizeof(h->told)];

	tell(h, false, "opening");
	for (;;) {
		*e = (struct err)ERR_INIT;
		rc = h->w->open(h->w->ctx, e);
		if (!rc || is_final(h, rc))
			return rc;
		if (rc == -ENOTCONN) {
			ms = HOLD_AGENT_MS;
		} else {
			ms = jittered(pause);
			pause = pause * 2 > HOLD_PAUSE_MAX_MS ? HOLD_PAUSE_MAX_MS : pause * 2;
		}
		snprintf(text, sizeof(text), "closed, trying again every %d s or less: %s", HOLD_PAUSE_MAX_MS / 1000,
			 e->what);
		tell(h, false, text);
		if (h->w->stop(h->w->ctx, ms))
			return 1;
	}
}

/* judge - ecached's word to one who has seen the volume end: 0 closed, 1 open again, 2 not over yet, or taken. */
static int judge(struct hold *h, const struct hold_word *word, struct err *e)
{
	if (!strcmp(word->state, "closed") || !strcmp(word->state, "broken"))
		return 0;
	if (!strcmp(word->state, "open") || !strcmp(word->state, "locked"))
		return 1;
	if (strcmp(word->state, "revoked") && strcmp(word->state, "tearing-down"))
		return 2;
	err_set(e, -EKEYREVOKED, "%s was revoked%s%s", h->name, *word->why ? ": " : "", word->why);
	err_hint(e, "Once the owner allows it again: ecachectl regrant %s", h->name);
	return e->rc;
}

/* look_why - 0: closed by others, 1: open again, or told to stop meanwhile, for the caller to see; else taken. */
static int look_why(struct hold *h, struct err *e)
{
	struct hold_word word;
	int waited, rc;

	for (waited = 0; ; waited += STEP_MS) {
		*e = (struct err)ERR_INIT;
		rc = h->w->ask(h->w->ctx, &word, e);
		if (rc == -ENOENT)
			return 0;	/* destroyed */
		if (!rc)
			rc = judge(h, &word, e);
		else if (waited < HOLD_WHY_MS)
			rc = 2;
		if (rc != 2)
			return rc;
		if (waited >= HOLD_WHY_MS)
			return err_set(e, -EIO, "%s has ended, and ecached says only: %s", h->name, word.state);
		if (h->w->stop(h->w->ctx, STEP_MS))
			return 1;
	}
}

/* keep_it - 0: closed by others; 1: told to stop. */
static int keep_it(struct hold *h, struct err *e)
{
	int rc;

	tell(h, true, "open");
	while (!h->w->stop(h->w->ctx, HOLD_LOOK_MS)) {
		switch (h->w->look(h->w->ctx)) {
		case HOLD_UNSEEN:
			break;
		case HOLD_OPEN:
			tell(h, true, "open");
			break;
		case HOLD_LOCKED:
			tell(h, true, "locked: nothing can be read or written; ecached opens it again when the KMS allows it (ecachectl status)");
			break;
		case HOLD_ENDED:
			rc = look_why(h, e);
			if (rc <= 0)
				return rc;
			break;
		}
	}
	return 1;
}

/* close_it - who has it open may be about to end, ecached about to start. */
static int close_it(struct hold *h, struct err *e)
{
	int waited, rc;

	tell(h, true, "closing");
	for (waited = 0; ; waited += STEP_MS) {
		*e = (struct err)ERR_INIT;
		rc = h->w->close(h->w->ctx, e);
		if (!rc || (rc == -ENOENT && h->w->look(h->w->ctx) == HOLD_ENDED))
			return 0;
		if ((rc != -EBUSY || waited >= HOLD_BUSY_MS) && (rc != -ENOTCONN || waited >= HOLD_CLOSE_MS))
			return err_prefix(e, "%s stays open", h->name);
		h->w->pause(h->w->ctx, STEP_MS);
	}
}

int hold_run(const struct hold_world *w, const char *name, struct err *e)
{
	struct hold h = { .w = w, .name = name };
	int rc;

	rc = open_it(&h, e);
	if (!rc)
		rc = keep_it(&h, e);
	else if (rc > 0)
		return 0;
	if (rc > 0)
		rc = close_it(&h, e);
	return rc;
}
