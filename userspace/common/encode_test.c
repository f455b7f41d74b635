// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "encode.h"
#include "test.h"

#define ROUNDS 4000
#define MAX 100

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t random_bytes(uint64_t *seed, uint8_t *out)
{
	size_t len = test_random(seed) % MAX, i;

	for (i = 0; i < len; i++)
		out[i] = test_random(seed) >> 24;
	return len;
}

static void hex_round_trips(void **state)
{
	uint8_t in[MAX], back[MAX];
	char text[2 * MAX + 1];
	uint64_t seed = 1;
	size_t len, i;
	int n;

	(void)state;
	for (n = 0; n < ROUNDS; n++) {
		len = random_bytes(&seed, in);
		hex_encode(in, len, text);
		assert_int_equal(strlen(text), 2 * len);
		assert_int_equal(strspn(text, "0123456789abcdef"), 2 * len);
		for (i = 0; i < 2 * len; i++) {
			if (test_random(&seed) & 1 && text[i] >= 'a')
				text[i] -= 'a' - 'A';
		}
		assert_int_equal(hex_decode(text, 2 * len, back), 0);
		assert_memory_equal(back, in, len);
	}
}

static void hex_agrees_with_printf(void **state)
{
	char text[3], want[3];
	unsigned int c;
	uint8_t b;

	(void)state;
	for (c = 0; c < 256; c++) {
		b = c;
		hex_encode(&b, 1, text);
		snprintf(want, sizeof(want), "%02x", c);
		assert_string_equal(text, want);
	}
}

static void hex_refuses_every_other_byte(void **state)
{
	unsigned int c, at;
	char text[4];
	uint8_t out[2];

	(void)state;
	for (c = 0; c < 256; c++) {
		for (at = 0; at < 4; at++) {
			memcpy(text, "09af", 4);
			text[at] = c;
			assert_int_equal(hex_decode(text, 4, out),
					 c && strchr("0123456789abcdefABCDEF", c) ? 0 : -EINVAL);
		}
	}
	assert_int_equal(hex_decode("abc", 3, out), -EINVAL);
}

static void base64_knows_the_vectors_of_rfc_4648(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
	};
	char text[16];
	uint8_t out[8];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		base64_encode((const uint8_t *)pairs[i][0], strlen(pairs[i][0]), text);
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(base64_decode(text, strlen(text), out, sizeof(out)), strlen(pairs[i][0]));
		assert_memory_equal(out, pairs[i][0], strlen(pairs[i][0]));
	}
}

static void base64_round_trips(void **state)
{
	uint8_t in[MAX], back[MAX];
	char text[2 * MAX];
	uint64_t seed = 2;
	size_t len;
	int n;

	(void)state;
	for (n = 0; n < ROUNDS; n++) {
		len = random_bytes(&seed, in);
		base64_encode(in, len, text);
		assert_int_equal(strlen(text) + 1, base64_size(len));
		assert_int_equal(base64_decode(text, strlen(text), back, len), len);
		assert_memory_equal(back, in, len);
		if (len)
			assert_int_equal(base64_decode(text, strlen(text), back, len - 1), -ENOSPC);
	}
}

/* The accepted texts are exactly the images of the encoder: decode, encode, compare. */
static void base64_accepts_one_text_for_one_value(void **state)
{
	char text[9] = "", again[16];
	uint64_t seed = 3;
	uint8_t out[6];
	unsigned int i, n, accepted = 0;
	ssize_t len;

	(void)state;
	for (n = 0; n < 200000; n++) {
		for (i = 0; i < 8; i++)
			text[i] = digits64[test_random(&seed) >> 20 & 63];
		switch (test_random(&seed) >> 20 & 3) {
		case 0:
			text[test_random(&seed) >> 20 & 7] = test_random(&seed) >> 20;
			break;
		case 1:
			text[6] = '=';
			text[7] = '=';
			break;
		case 2:
			text[7] = '=';
			break;
		}
		len = base64_decode(text, 8, out, sizeof(out));
		if (len < 0) {
			assert_int_equal(len, -EINVAL);
			continue;
		}
		accepted++;
		base64_encode(out, len, again);
		assert_memory_equal(again, text, 8);
	}
	assert_true(accepted > 20000 && accepted < 180000);
}

static void base64_refuses_what_is_not_a_digit(void **state)
{
	unsigned int c, at;
	char text[4];
	uint8_t out[3];

	(void)state;
	for (c = 0; c < 256; c++) {
		for (at = 0; at < 4; at++) {
			memcpy(text, "AAAA", 4);
			text[at] = c;
			if ((c && strchr(digits64, c)) || (c == '=' && at == 3))
				assert_true(base64_decode(text, 4, out, 3) > 0);
			else
				assert_int_equal(base64_decode(text, 4, out, 3), -EINVAL);
		}
	}
}

static void base64_refuses_other_spellings(void **state)
{
	static const char *const bad[] = {
		"A", "AA", "AAA", "AAAAA", "====", "A===", "=AAA", "AA=A", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n",
		"Zm 9v", " Zm9", "Zm9v====", "Zm-_",
	};
	uint8_t out[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(base64_decode(bad[i], strlen(bad[i]), out, sizeof(out)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_round_trips),
		cmocka_unit_test(hex_agrees_with_printf),
		cmocka_unit_test(hex_refuses_every_other_byte),
		cmocka_unit_test(base64_knows_the_vectors_of_rfc_4648),
		cmocka_unit_test(base64_round_trips),
		cmocka_unit_test(base64_accepts_one_text_for_one_value),
		cmocka_unit_test(base64_refuses_what_is_not_a_digit),
		cmocka_unit_test(base64_refuses_other_spellings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
