// SPDX-License-Identifier: GPL-2.0-or-later
/* Request rates: how many go through in a second, of which class, and what a specification may say. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include "call.h"
#include "rates.h"

static struct rates *make(const char *spec)
{
	struct rates *r = NULL;
	struct err e = ERR_INIT;

	if (rates_new(spec, &r, &e))
		fail_msg("%s: %s", spec, e.what);
	return r;
}

/* taken - how many of @tries at once go through. */
static unsigned int taken(struct rates *r, const char *op, unsigned int tries, int64_t now_ms)
{
	unsigned int yes = 0;

	while (tries--)
		yes += rates_take(r, op, now_ms);
	return yes;
}

static void a_second_has_as_many_as_it_says(void **state)
{
	struct rates *r = make("CreateGrant:50");

	(void)state;
	assert_int_equal(taken(r, "CreateGrant", 100, 5000), 50);
	assert_int_equal(taken(r, "CreateGrant", 100, 5000), 0);
	assert_int_equal(taken(r, "CreateGrant", 100, 5100), 5);
	/* an idle hour saves up a second's */
	assert_int_equal(taken(r, "CreateGrant", 100, 3600000), 50);
	/* of another class nothing is known */
	assert_int_equal(taken(r, "RevokeGrant", 1000, 5000), 1000);
	rates_free(r);
}

/* Whatever the rhythm of the tries, over T seconds no more than rate * (T + 1) pass, and no fewer than rate * T. */
static void the_rate_holds_for_any_rhythm(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		struct rates *r = make("Cryptographic:7");
		int64_t now = 1, end = 1 + 20000;
		unsigned int yes = 0;

		while (now < end) {
			yes += taken(r, "Decrypt", 8, now);
			now += 1 + (int64_t)(test_random(&seed) % 900);
		}
		assert_in_range(yes, 7 * 19, 7 * 21);
		rates_free(r);
	}
}

static void operations_on_key_material_share_one_rate(void **state)
{
	struct rates *r = make("Cryptographic:3");

	(void)state;
	assert_true(rates_take(r, "Decrypt", 1));
	assert_true(rates_take(r, "Encrypt", 1));
	assert_true(rates_take(r, "GenerateDataKeyWithoutPlaintext", 1));
	assert_false(rates_take(r, "GenerateDataKey", 1));
	assert_true(rates_take(r, "DescribeKey", 1));
	rates_free(r);
	assert_true(rates_take(NULL, "Decrypt", 1));
}

static void an_override_lasts_until_it_is_restored(void **state)
{
	struct rates *r = make("DescribeKey:2");

	(void)state;
	assert_int_equal(rates_override(r, "Frob", 1), -ENOENT);
	assert_int_equal(rates_override(r, "DescribeKey", 0), 0);
	assert_int_equal(taken(r, "DescribeKey", 10, 1000), 0);
	assert_int_equal(taken(r, "DescribeKey", 10, 9000), 0);
	assert_int_equal(rates_override(r, "Cryptographic", 1), 0);
	assert_int_equal(taken(r, "Decrypt", 10, 1000), 1);
	rates_restore(r);
	assert_int_equal(taken(r, "DescribeKey", 10, 1000), 2);
	assert_int_equal(taken(r, "Decrypt", 10, 1000), 10);
	rates_free(r);
}

static void every_operation_has_a_rate_at_aws(void **state)
{
	struct rates *r = make("aws");

	(void)state;
	for (unsigned int i = 0; operation_at(i); i++) {
		/* what is always refused costs nothing worth a limit */
		if (!operation_at(i)->refused && taken(r, operation_at(i)->name, 10001, 1) == 10001)
			fail_msg("%s", operation_at(i)->name);
	}
	assert_int_equal(taken(r, "CreateGrant", 100, 500000), 50);
	rates_free(r);
	r = make("aws,CreateGrant:70");
	assert_int_equal(taken(r, "CreateGrant", 100, 1), 70);
	rates_free(r);
	r = make("aws none");
	assert_int_equal(taken(r, "CreateGrant", 100, 1), 100);
	rates_free(r);
}

static void what_is_no_specification_is_refused(void **state)
{
	static const char *const bad[] = {
		"some", "CreateGrant", "CreateGrant:", "CreateGrant:x", "CreateGrant:-1", "CreateGrant:1x",
		"CreateGrant:1000001", "CreateGrant:99999999999999999999", "Frob:1", "Decrypt:1", ":1", "aws,some",
	};
	struct rates *r = NULL;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		if (rates_new(bad[i], &r, &e) != -EINVAL || !*e.what)
			fail_msg("%s", bad[i]);
		assert_null(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_has_as_many_as_it_says),
		cmocka_unit_test(the_rate_holds_for_any_rhythm),
		cmocka_unit_test(operations_on_key_material_share_one_rate),
		cmocka_unit_test(an_override_lasts_until_it_is_restored),
		cmocka_unit_test(every_operation_has_a_rate_at_aws),
		cmocka_unit_test(what_is_no_specification_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
