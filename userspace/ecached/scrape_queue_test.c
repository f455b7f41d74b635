// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is served when many want metrics at once: virtual time, no sockets. */
#include "../common/test.h"
#include "scrape_queue.h"

enum { GROUP_MEMBER = 1000, PROMETHEUS = 500 };

static int add(struct scrape_queue *q, uid_t uid, int64_t now)
{
	int out, slot = scrape_queue_add(q, uid, now, &out);

	assert_int_equal(out, -1);
	return slot;
}

static int add_ready(struct scrape_queue *q, uid_t uid, int64_t now)
{
	int slot = add(q, uid, now);

	if (slot >= 0)
		scrape_queue_ready(q, slot);
	return slot;
}

static int take(struct scrape_queue *q, int64_t now)
{
	uid_t uid;

	return scrape_queue_take(q, now, &uid);
}

static void test_first_come_first_served_at_a_pace(void **state)
{
	struct scrape_queue q = { 0 };
	int a = add_ready(&q, 1, 0), b = add_ready(&q, 2, 1), c = add_ready(&q, 3, 2);

	(void)state;
	assert_int_equal(scrape_queue_due(&q), 0);
	assert_int_equal(take(&q, 10), a);
	assert_int_equal(take(&q, 10), -1);
	assert_int_equal(scrape_queue_due(&q), 10 + SCRAPE_GAP_MS);
	assert_int_equal(take(&q, 10 + SCRAPE_GAP_MS), b);
	assert_int_equal(take(&q, 10 + 2 * SCRAPE_GAP_MS), c);
	assert_int_equal(scrape_queue_due(&q), INT64_MAX);
}

static void test_one_user_has_only_a_part(void **state)
{
	struct scrape_queue q = { 0 };
	int64_t now = 0;
	unsigned int i, served = 0;
	int other;

	(void)state;
	for (i = 0; i < SCRAPE_CLIENTS_OF_ONE; i++)
		assert_true(add_ready(&q, GROUP_MEMBER, now) >= 0);
	assert_int_equal(add_ready(&q, GROUP_MEMBER, now), -1);
	for (; now < 20 * SCRAPE_GAP_MS; now += SCRAPE_GAP_MS)
		served += take(&q, now) >= 0;
	assert_int_equal(served, SCRAPES_OF_ONE);
	other = add_ready(&q, PROMETHEUS, now);
	assert_int_equal(take(&q, now), other);
	scrape_queue_ended(&q, GROUP_MEMBER);
	now += SCRAPE_GAP_MS;
	assert_true(take(&q, now) >= 0);
}

static void test_never_more_than_the_limit(void **state)
{
	struct scrape_queue q = { 0 };
	unsigned int i;
	int64_t now = 0;

	(void)state;
	for (i = 0; i < SCRAPES_MAX + 2; i++)
		assert_true(add_ready(&q, i, 0) >= 0);
	for (i = 0; i < SCRAPES_MAX; i++, now += SCRAPE_GAP_MS)
		assert_true(take(&q, now) >= 0);
	assert_int_equal(take(&q, now), -1);
	assert_int_equal(scrape_queue_due(&q), INT64_MAX);
	scrape_queue_ended(&q, 2);
	assert_true(take(&q, now) >= 0);
	assert_int_equal(q.nr_running, SCRAPES_MAX);
}

static void test_the_silent_make_room(void **state)
{
	struct scrape_queue q = { 0 };
	int first, out, slot, i;

	(void)state;
	first = add(&q, GROUP_MEMBER, 0);
	for (i = 1; i < SCRAPE_CLIENTS_OF_ONE; i++)
		add(&q, GROUP_MEMBER, i);
	slot = scrape_queue_add(&q, GROUP_MEMBER, 10, &out);
	assert_int_equal(out, first);
	assert_int_equal(slot, first);
	/* all full of silent ones of others: the oldest of anybody */
	for (i = SCRAPE_CLIENTS_OF_ONE; i < SCRAPE_CLIENTS; i++)
		add(&q, 2000 + i, 20 + i);
	slot = scrape_queue_add(&q, PROMETHEUS, 50, &out);
	assert_true(slot >= 0 && slot == out);
	assert_int_equal(q.slot[slot].uid, PROMETHEUS);
}

static void test_who_has_spoken_is_not_driven_out(void **state)
{
	struct scrape_queue q = { 0 };
	int i, out;

	(void)state;
	for (i = 0; i < SCRAPE_CLIENTS; i++)
		add_ready(&q, i, 0);
	assert_int_equal(scrape_queue_add(&q, PROMETHEUS, 1, &out), -1);
	assert_int_equal(out, -1);
}

static void test_silence_ends(void **state)
{
	struct scrape_queue q = { 0 };
	int a = add(&q, 1, 0), b = add_ready(&q, 1, 1);

	(void)state;
	q.nr_running = SCRAPES_MAX;
	assert_int_equal(scrape_queue_due(&q), SCRAPE_SILENT_MS);
	assert_int_equal(scrape_queue_silent(&q, SCRAPE_SILENT_MS - 1), -1);
	assert_int_equal(scrape_queue_silent(&q, SCRAPE_SILENT_MS), a);
	assert_int_equal(scrape_queue_silent(&q, 10 * SCRAPE_SILENT_MS), -1);
	assert_true(q.slot[b].used);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_come_first_served_at_a_pace),
		cmocka_unit_test(test_one_user_has_only_a_part),
		cmocka_unit_test(test_never_more_than_the_limit),
		cmocka_unit_test(test_the_silent_make_room),
		cmocka_unit_test(test_who_has_spoken_is_not_driven_out),
		cmocka_unit_test(test_silence_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
