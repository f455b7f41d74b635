// SPDX-License-Identifier: GPL-2.0-or-later
/* All policies with each other, under all that a KMS may say: what ecached.conf(5) promises, as a table in code. */
#include "../common/test.h"
#include "watch_target.h"

#define TICK 5000

/* What is left of a volume. */
enum left { LEFT_OPEN, LEFT_LOCKED, LEFT_WIPED, LEFT_GONE };	/* WIPED: by the kernel, whose lease nobody renewed */

static const char *const words[] = { "open", "locked", "wiped by the kernel", "torn down" };

static enum left left_of(const struct sim *s)
{
	if (target[1].gone)
		return LEFT_GONE;
	if (target[1].key)
		return LEFT_OPEN;
	return s->w.volumes && s->w.volumes->locked ? LEFT_LOCKED : LEFT_WIPED;
}

/* live_on - with the look that the daemon has at its mappings once a minute. */
static void live_on(struct sim *s, int64_t ms)
{
	int64_t end = s->now + ms;
	struct watch_volume *v;

	while (s->now < end) {
		run_for(s, TICK);
		expire(s);
		v = s->w.volumes;
		if (s->now / TICK % (MINUTE / TICK) == 0 && !target[1].key && !v->busy)
			watch_key_lost(&s->w, v, s->now);
	}
}

static void say_from_now_on(struct sim *s, enum says says)
{
	s->volume[1] = says;
	s->describe = says == SAYS_NOT_FOUND ? SAYS_NOT_FOUND : SAYS_OK;
}

static enum left by_policy(enum policy p, const struct watch_add *like)
{
	if (p == POLICY_TEARDOWN)
		return LEFT_GONE;
	if (p == POLICY_LOCK || like->fail_after_ms)
		return LEFT_LOCKED;
	/* held, but a lease is never renewed after the KMS's no */
	return like->lease_ms ? LEFT_WIPED : LEFT_OPEN;
}

/* promised - of an open volume, long after the KMS began to say so. */
static enum left promised(const struct watch_add *like, enum says says)
{
	switch (says) {
	case SAYS_OK:
		return LEFT_OPEN;
	case SAYS_DENIED:
		return by_policy(like->on_revoke, like);
	case SAYS_DISABLED:
		return by_policy(like->on_disabled, like);
	case SAYS_NOT_FOUND:
		return LEFT_GONE;
	default:
		return like->fail_after_ms ? LEFT_LOCKED : LEFT_OPEN;
	}
}

/* promised_then - the same, and then the KMS said something else for long. */
static enum left promised_then(const struct watch_add *like, enum left was, enum says says)
{
	enum left now;

	if (was == LEFT_GONE)
		return LEFT_GONE;
	if (was == LEFT_OPEN)
		return promised(like, says);
	if (says == SAYS_OK)
		return like->stays_locked ? LEFT_LOCKED : LEFT_OPEN;
	now = promised(like, says);
	/* Without a key nothing but a teardown makes a difference, and the lock of what the kernel has wiped. */
	return now == LEFT_GONE || (was == LEFT_WIPED && now == LEFT_LOCKED) ? now : was;
}

static struct watch_add number_of(unsigned int n)
{
	struct watch_add like = usual;

	like.on_revoke = n % 3;
	like.on_disabled = n / 3 % 3;
	like.fail_after_ms = n / 9 % 2 * 10 * MINUTE;
	like.lease_ms = n / 18 % 2 * 2 * MINUTE;
	like.stays_locked = n / 36 % 2;
	return like;
}

#define POLICIES (3 * 3 * 2 * 2 * 2)

static void expect(const struct sim *s, const struct watch_add *like, enum left want, const char *when, int a, int b)
{
	enum left got = left_of(s);

	if (got != want)
		fail_msg("on-revoke %s, on-disabled %s, fail-after %lld, lease %lld, after-lock %s: %s, not %s, %s (%d, then %d)",
			 policy_name(like->on_revoke), policy_name(like->on_disabled),
			 (long long)like->fail_after_ms, (long long)like->lease_ms, like->stays_locked ? "stay" : "restart",
			 words[got], words[want], when, a, b);
}

static void each_policy_with_each_other_and_each_two_words_of_the_kms(void **state)
{
	unsigned int n, a, b, seen[4] = { 0 };
	struct watch_add like;
	enum left want;
	struct sim *s;

	(void)state;
	for (n = 0; n < POLICIES * 49; n++) {
		like = number_of(n / 49);
		a = n / 7 % 7;
		b = n % 7;
		s = sim_with_targets(n + 1);
		open_as(s, 1, &like);
		live_on(s, 5 * MINUTE);
		expect(s, &like, LEFT_OPEN, "before anything", a, b);
		say_from_now_on(s, a);
		live_on(s, 20 * MINUTE);
		want = promised(&like, a);
		expect(s, &like, want, "at first", a, b);
		say_from_now_on(s, b);
		live_on(s, 20 * MINUTE);
		want = promised_then(&like, want, b);
		expect(s, &like, want, "then", a, b);
		assert_true(s->acts[WATCH_TEARDOWN] <= 1);
		assert_true(s->acts[WATCH_LOCK] <= 2);
		assert_true(!like.stays_locked || !s->acts[WATCH_REOPEN]);
		assert_int_equal(s->brakes, 0);
		seen[want]++;
		sim_free(s);
	}
	for (a = 0; a < 4; a++)
		assert_true(seen[a] > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_policy_with_each_other_and_each_two_words_of_the_kms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
