// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hold.h"

/*
 * A world with a clock of its own. What ecached answers comes from lists, whose last entry stands for all that follow;
 * what device-mapper shows from a list of moments. A list ends with an entry of zeroes.
 */
struct reply {
	int rc;
	const char *text;		/* open, close: what; ask: the state */
	const char *why;
};

struct moment {
	int at_ms;
	enum hold_seen seen;
};

struct world {
	const struct reply *opens, *closes, *asks;
	const struct moment *moments;
	int stop_at_ms;			/* -1: never */

	int now_ms, nr_opens, nr_closes, nr_asks;
	int opened_ms[64];
	bool ready;
	char status[700];
	char said[4096];		/* every status, a line each */
};

static const struct reply fine[] = { { .rc = 0, .text = "" }, { .text = NULL } };

static const struct reply *nth(const struct reply *r, int n)
{
	while (n-- > 0 && (r[1].rc || r[1].text))
		r++;
	return r;
}

static int fake_open(void *ctx, struct err *e)
{
	struct world *w = ctx;
	const struct reply *r = nth(w->opens, w->nr_opens);

	assert_true(w->nr_opens < 64);
	w->opened_ms[w->nr_opens++] = w->now_ms;
	return r->rc ? err_set(e, r->rc, "%s", r->text) : 0;
}

static int fake_close(void *ctx, struct err *e)
{
	struct world *w = ctx;
	const struct reply *r = nth(w->closes, w->nr_closes++);

	return r->rc ? err_set(e, r->rc, "%s", r->text) : 0;
}

static int fake_ask(void *ctx, struct hold_word *word, struct err *e)
{
	struct world *w = ctx;
	const struct reply *r = nth(w->asks, w->nr_asks++);

	memset(word, 0, sizeof(*word));
	if (r->rc)
		return err_set(e, r->rc, "%s", r->text);
	snprintf(word->state, sizeof(word->state), "%s", r->text);
	snprintf(word->why, sizeof(word->why), "%s", r->why ? r->why : "");
	return 0;
}

static enum hold_seen fake_look(void *ctx)
{
	struct world *w = ctx;
	const struct moment *m = w->moments;
	enum hold_seen seen = HOLD_OPEN;

	for (; m && m->at_ms; m++) {
		if (m->at_ms <= w->now_ms)
			seen = m->seen;
	}
	return seen;
}

static bool fake_stop(void *ctx, int ms)
{
	struct world *w = ctx;

	assert_true(w->now_ms < 3600 * 1000);	/* it would go on for ever */
	if (w->stop_at_ms >= 0 && w->now_ms + ms >= w->stop_at_ms) {
		if (w->now_ms < w->stop_at_ms)
			w->now_ms = w->stop_at_ms;
		return true;
	}
	w->now_ms += ms;
	return false;
}

static void fake_pause(void *ctx, int ms)
{
	struct world *w = ctx;

	w->now_ms += ms;
}

static void fake_tell(void *ctx, bool open, const char *status)
{
	struct world *w = ctx;
	size_t used = strlen(w->said);

	w->ready = w->ready || open;
	snprintf(w->status, sizeof(w->status), "%s", status);
	snprintf(w->said + used, sizeof(w->said) - used, "%s\n", status);
}

static int hold(struct world *w, struct err *e)
{
	const struct hold_world ops = {
		.open = fake_open, .close = fake_close, .ask = fake_ask, .look = fake_look, .stop = fake_stop,
		.pause = fake_pause, .tell = fake_tell, .ctx = w,
	};

	return hold_run(&ops, "v1", e);
}

static void open_until_told_to_stop(void **state)
{
	struct world w = { .opens = fine, .closes = fine, .stop_at_ms = 60000 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(hold(&w, &e), 0);
	assert_true(w.ready);
	assert_int_equal(w.nr_opens, 1);
	assert_int_equal(w.nr_closes, 1);
	assert_int_equal(w.now_ms, 60000);
	assert_string_equal(w.said, "opening\nopen\nclosing\n");
}

static void a_kms_that_is_away_is_waited_for(void **state)
{
	static const struct reply opens[] = {
		{ -EAGAIN, "no answer from the KMS for v1: connection refused", NULL },
		{ -EAGAIN, "no answer from the KMS for v1: connection refused", NULL },
		{ -EAGAIN, "no answer from the KMS for v1: connection refused", NULL },
		{ -EAGAIN, "no answer from the KMS for v1: connection refused", NULL },
		{ -EAGAIN, "no answer from the KMS for v1: connection refused", NULL },
		{ -EPERM, "KMS refuses the key for v1", NULL },
		{ 0, "", NULL },
		{ 0, NULL, NULL },
	};
	struct world w = { .opens = opens, .closes = fine, .stop_at_ms = 1000000 };
	struct err e = ERR_INIT;
	int i, gap, most = HOLD_PAUSE_MS;

	(void)state;
	assert_int_equal(hold(&w, &e), 0);
	assert_int_equal(w.nr_opens, 7);
	for (i = 1; i < w.nr_opens; i++) {
		gap = w.opened_ms[i] - w.opened_ms[i - 1];
		assert_in_range(gap, most / 2, most);
		most = most * 2 > HOLD_PAUSE_MAX_MS ? HOLD_PAUSE_MAX_MS : most * 2;
	}
	/* Why it waits is said once, until there is another reason. */
	assert_string_equal(w.said, "opening\n"
		"closed, trying again every 30 s or less: no answer from the KMS for v1: connection refused\n"
		"closed, trying again every 30 s or less: KMS refuses the key for v1\n"
		"open\nclosing\n");
}

static void hosts_do_not_come_back_together(void **state)
{
	static const struct reply opens[] = { { -EAGAIN, "away", NULL }, { 0, "", NULL }, { 0, NULL, NULL } };
	bool seen[HOLD_PAUSE_MS + 1] = { false };
	int i, nr = 0;

	(void)state;
	for (i = 0; i < 50; i++) {
		struct world w = { .opens = opens, .closes = fine, .stop_at_ms = 20000 };
		struct err e = ERR_INIT;

		assert_int_equal(hold(&w, &e), 0);
		nr += !seen[w.opened_ms[1]];
		seen[w.opened_ms[1]] = true;
	}
	assert_true(nr > 30);
}

static void an_ecached_that_restarts_is_soon_asked_again(void **state)
{
	static const struct reply opens[] = {
		{ -ENOTCONN, "cannot connect", NULL }, { -ENOTCONN, "cannot connect", NULL },
		{ -ENOTCONN, "cannot connect", NULL }, { 0, "", NULL }, { 0, NULL, NULL },
	};
	struct world w = { .opens = opens, .closes = fine, .stop_at_ms = 10000 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(hold(&w, &e), 0);
	assert_int_equal(w.opened_ms[3], 3 * HOLD_AGENT_MS);
}

static void told_to_stop_before_it_is_open(void **state)
{
	static const struct reply opens[] = { { -EAGAIN, "away", NULL }, { 0, NULL, NULL } };
	struct world w = { .opens = opens, .closes = fine, .stop_at_ms = 100000 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(hold(&w, &e), 0);
	assert_false(w.ready);
	assert_int_equal(w.nr_closes, 0);	/* what somebody else may have opened is his */
	/* While ecached is opening: it is open, so it must be closed. */
	w = (struct world){ .opens = fine, .closes = fine, .stop_at_ms = 0 };
	assert_int_equal(hold(&w, &e), 0);
	assert_int_equal(w.nr_closes, 1);
}

static void what_no_time_heals_is_a_failure(void **state)
{
	static const int final[] = { EKEYREVOKED, EACCES, EINVAL, EEXIST, ESTALE, EBADMSG };
	static const struct reply unknown[] = { { -ENOENT, "there is no volume v1", NULL }, { 0, NULL, NULL } };
	struct reply opens[2] = { { 0, "the reason", NULL }, { 0, NULL, NULL } };
	struct err e = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(final) / sizeof(final[0]); i++) {
		struct world w = { .opens = opens, .closes = fine, .asks = unknown, .stop_at_ms = -1 };

		opens[0].rc = -final[i];
		assert_int_equal(hold(&w, &e), -final[i]);
		assert_string_equal(e.what, "the reason");
		assert_int_equal(w.nr_opens, 1);
		assert_false(w.ready);
	}
	opens[0].rc = -ENOENT;
	assert_int_equal(hold(&(struct world){ .opens = opens, .asks = unknown, .stop_at_ms = -1 }, &e), -ENOENT);
}

static void a_disk_may_come_late(void **state)
{
	static const struct reply opens[] = {
		{ -ENOENT, "cannot open /dev/disk/by-id/x", NULL }, { 0, "", NULL }, { 0, NULL, NULL },
	};
	static const struct reply asks[] = { { 0, "closed", NULL }, { 0, NULL, NULL } };
	struct world w = { .opens = opens, .closes = fine, .asks = asks, .stop_at_ms = 60000 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(hold(&w, &e), 0);
	assert_int_equal(w.nr_opens, 2);
	assert_true(w.ready);
}

static void a_revoked_volume_fails_with_the_reason(void **state)
{
	static const struct reply asks[] = {
		{ -ENOTCONN, "cannot connect", NULL }, { 0, "tearing-down", "AccessDeniedException: no grant" },
		{ 0, NULL, NULL },
	};
	static const struct moment moments[] = { { 10000, HOLD_ENDED }, { 0 } };
	struct world w = { .opens = fine, .closes = fine, .asks = asks, .moments = moments, .stop_at_ms = -1 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(hold(&w, &e), -EKEYREVOKED);
	assert_string_equal(e.what, "v1 was revoked: AccessDeniedException: no grant");
	assert_in_range(w.now_ms, 10000, 10000 + HOLD_LOOK_MS + 1000);
	assert_int_equal(w.nr_closes, 0);
}

static void closed_by_hand_is_a_clean_end(void **state)
{
	static const struct reply closed[] = {
		{ 0, "closing", NULL }, { 0, "closed", NULL }, { 0, NULL, NULL },
	};
	static const struct reply destroyed[] = { { -ENOENT, "there is no volume v1", NULL }, { 0, NULL, NULL } };
	static const struct moment moments[] = { { 10000, HOLD_ENDED }, { 0 } };
	struct world w = { .opens = fine, .closes = fine, .asks = closed, .moments = moments, .stop_at_ms = -1 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(hold(&w, &e), 0);
	assert_int_equal(w.nr_closes, 0);
	w = (struct world){ .opens = fine, .asks = destroyed, .moments = moments, .stop_at_ms = -1 };
	assert_int_equal(hold(&w, &e), 0);
}

static void nobody_says_why_it_ended(void **state)
{
	static const struct reply asks[] = { { -ENOTCONN, "cannot connect", NULL }, { 0, NULL, NULL } };
	static const struct moment moments[] = { { 10000, HOLD_ENDED }, { 0 } };
	struct world w = { .opens = fine, .closes = fine, .asks = asks, .moments = moments, .stop_at_ms = -1 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(hold(&w, &e), -ENOTCONN);
	assert_in_range(w.now_ms, 10000 + HOLD_WHY_MS, 10000 + HOLD_WHY_MS + HOLD_LOOK_MS + 1000);
}

static void a_lock_is_waited_out_and_said(void **state)
{
	static const struct moment moments[] = {
		{ 10000, HOLD_LOCKED }, { 20000, HOLD_UNSEEN }, { 30000, HOLD_LOCKED }, { 40000, HOLD_OPEN }, { 0 },
	};
	static const struct reply busy[] = { { 0, "open", NULL }, { 0, NULL, NULL } };
	static const struct moment blink[] = { { 10000, HOLD_ENDED }, { 12000, HOLD_OPEN }, { 0 } };
	struct world w = { .opens = fine, .closes = fine, .moments = moments, .stop_at_ms = 60000 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(hold(&w, &e), 0);
	assert_string_equal(w.said, "opening\nopen\n"
		"locked: nothing can be read or written; ecached opens it again when the KMS allows it (ecachectl status)\n"
		"open\nclosing\n");
	/* Closed and opened again by somebody: it is held on. */
	w = (struct world){ .opens = fine, .closes = fine, .asks = busy, .moments = blink, .stop_at_ms = 60000 };
	assert_int_equal(hold(&w, &e), 0);
	assert_int_equal(w.nr_closes, 1);
	assert_int_equal(w.now_ms, 60000);
}

static void a_close_is_tried_again(void **state)
{
	static const struct reply closes[] = {
		{ -EBUSY, "v1 is in use by mount", NULL }, { -ENOTCONN, "cannot connect", NULL }, { 0, "", NULL },
		{ 0, NULL, NULL },
	};
	static const struct reply used[] = { { -EBUSY, "v1 is in use by valkey", NULL }, { 0, NULL, NULL } };
	static const struct reply away[] = { { -ENOTCONN, "cannot connect", NULL }, { 0, NULL, NULL } };
	static const struct reply no[] = { { -ENOMEM, "no room for swapoff", NULL }, { 0, NULL, NULL } };
	struct world w = { .opens = fine, .closes = closes, .stop_at_ms = 10000 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(hold(&w, &e), 0);
	assert_int_equal(w.nr_closes, 3);
	w = (struct world){ .opens = fine, .closes = used, .stop_at_ms = 10000 };
	assert_int_equal(hold(&w, &e), -EBUSY);
	assert_string_equal(e.what, "v1 stays open: v1 is in use by valkey");
	assert_in_range(w.now_ms, 10000 + HOLD_BUSY_MS, 10000 + HOLD_BUSY_MS + 1000);
	w = (struct world){ .opens = fine, .closes = away, .stop_at_ms = 10000 };
	assert_int_equal(hold(&w, &e), -ENOTCONN);
	assert_in_range(w.now_ms, 10000 + HOLD_CLOSE_MS, 10000 + HOLD_CLOSE_MS + 1000);
	w = (struct world){ .opens = fine, .closes = no, .stop_at_ms = 10000 };
	assert_int_equal(hold(&w, &e), -ENOMEM);
	assert_int_equal(w.nr_closes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_until_told_to_stop),
		cmocka_unit_test(a_kms_that_is_away_is_waited_for),
		cmocka_unit_test(hosts_do_not_come_back_together),
		cmocka_unit_test(an_ecached_that_restarts_is_soon_asked_again),
		cmocka_unit_test(told_to_stop_before_it_is_open),
		cmocka_unit_test(what_no_time_heals_is_a_failure),
		cmocka_unit_test(a_disk_may_come_late),
		cmocka_unit_test(a_revoked_volume_fails_with_the_reason),
		cmocka_unit_test(closed_by_hand_is_a_clean_end),
		cmocka_unit_test(nobody_says_why_it_ended),
		cmocka_unit_test(a_lock_is_waited_out_and_said),
		cmocka_unit_test(a_close_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
