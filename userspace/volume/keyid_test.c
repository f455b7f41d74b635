// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <string.h>

#include "keyid.h"

static void fill(struct secret *s, size_t len)
{
	size_t i;

	assert_int_equal(secret_alloc(s, len), 0);
	s->len = len;
	for (i = 0; i < len; i++)
		s->data[i] = i;
}

/* From Python's hashlib; the keys are the bytes 00..3f and 00..1f. */
static void known_ids(void **state)
{
	struct secret s;
	char id[KEYID_LEN + 1];

	(void)state;
	fill(&s, 64);
	assert_int_equal(keyid_of(&s, id), 0);
	assert_string_equal(id, "e3d2739397fac6456a02a512b4212cc1");
	secret_wipe(&s);
	fill(&s, 32);
	assert_int_equal(keyid_of(&s, id), 0);
	assert_string_equal(id, "bddd0df447111c46340569d05bce40de");
	assert_int_equal(keyid_check(id), 0);
	secret_wipe(&s);
	assert_int_equal(keyid_of(&s, id), -EINVAL);
}

static void forms(void **state)
{
	(void)state;
	assert_int_equal(keyid_check("0123456789abcdef0123456789abcdef"), 0);
	assert_int_equal(keyid_check("0123456789abcdef0123456789abcde"), -EINVAL);
	assert_int_equal(keyid_check("0123456789abcdef0123456789abcdef0"), -EINVAL);
	assert_int_equal(keyid_check("0123456789ABCDEF0123456789abcdef"), -EINVAL);
	assert_int_equal(keyid_check(""), -EINVAL);
}

static void equal_halves_are_refused(void **state)
{
	struct secret s;
	size_t i;

	(void)state;
	fill(&s, 64);
	assert_int_equal(key_halves_differ(&s), 0);
	memcpy(s.data + 32, s.data, 32);
	assert_int_equal(key_halves_differ(&s), -EKEYREJECTED);
	for (i = 0; i < 64; i++) {
		s.data[i] ^= 1;
		assert_int_equal(key_halves_differ(&s), 0);
		s.data[i] ^= 1;
	}
	secret_wipe(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_ids),
		cmocka_unit_test(forms),
		cmocka_unit_test(equal_halves_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
