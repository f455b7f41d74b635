// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>

#include "../common/encode.h"
#include "../common/test.h"
#include "plaintext.h"

/* On the heap and of the exact size, so that ASan sees a read past the end. */
static char *copy_of(const char *text, size_t len)
{
	char *p = malloc(len + !len);

	assert_non_null(p);
	memcpy(p, text, len);
	return p;
}

static int taken(const char *text, uint8_t *out, size_t cap, char **rest)
{
	char *body = copy_of(text, strlen(text));
	int n = plaintext_take(body, strlen(text), out, cap);

	if (rest) {
		*rest = malloc(strlen(text) + 1);
		assert_non_null(*rest);
		memcpy(*rest, body, strlen(text));
		(*rest)[strlen(text)] = '\0';
	}
	free(body);
	return n;
}

static void the_member_is_decoded_wherever_it_stands(void **state)
{
	static const char *const good[] = {
		"{\"Plaintext\":\"c2VjcmV0\"}",
		" {\n\"KeyId\" : \"a\" ,\t\"Plaintext\"\r: \"c2VjcmV0\" }\n",
		"{\"Plaintext\":\"c2VjcmV0\",\"KeyId\":\"a\",\"n\":[1,-2.5e+3,true,false,null,{\"Plaintext\":\"eA==\"}]}",
		"{\"x\":{\"Plaintext\":\"eA==\"},\"Plaintext\":\"c2VjcmV0\"}",
		"{\"x\":\"\\\"Plaintext\\\":\\\"eA==\\\"\",\"Plaintext\":\"c2VjcmV0\"}",
		"{\"Pl\\u0061intext\":\"c2VjcmV0\"}",
		"{\"Plaintext\":\"c\\u0032VjcmV0\"}",
		"{\"plaintext\":\"eA==\",\"Plaintext \":\"eA==\",\"Plaintex\":\"eA==\",\"Plaintext\":\"c2VjcmV0\"}",
	};
	uint8_t out[16];
	char *rest;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct json_object *o;

		memset(out, 0, sizeof(out));
		if (taken(good[i], out, sizeof(out), &rest) != 6)
			fail_msg("refused: %s", good[i]);
		assert_memory_equal(out, "secret", 6);
		/* what remains is the same object with the secret gone */
		assert_int_equal(strlen(rest), strlen(good[i]));
		assert_null(strstr(rest, "VjcmV0"));
		o = json_tokener_parse(rest);
		assert_non_null(o);
		json_object_put(o);
		free(rest);
	}
}

static void slashes_may_be_escaped(void **state)
{
	uint8_t out[3];

	(void)state;
	assert_int_equal(taken("{\"Plaintext\":\"\\/\\/\\u002F\\/\"}", out, 3, NULL), 3);
	assert_memory_equal(out, "\xff\xff\xff", 3);
}

static void all_else_is_refused_and_wiped(void **state)
{
	static const char *const bad[] = {
		"", "{}", "[]", "null", "\"Plaintext\"",
		"{\"Plaintext\":\"c2VjcmV0\"", "{\"Plaintext\":\"c2VjcmV0}",
		"{\"Plaintext\":\"c2VjcmV0\"}}", "{\"Plaintext\":\"c2VjcmV0\"} x",
		"{\"Plaintext\":\"c2VjcmV0\",}", "{\"Plaintext\":\"c2VjcmV0\"}{}",
		"{\"Plaintext\":\"c2VjcmV0\",\"Plaintext\":\"c2VjcmV0\"}",
		"{\"Plaintext\":\"c2VjcmV0\",\"\\u0050laintext\":\"c2VjcmV0\"}",
		"{\"Plaintext\":null}", "{\"Plaintext\":5}", "{\"Plaintext\":[\"c2VjcmV0\"]}", "{\"Plaintext\":\"\"}",
		"{\"Plaintext\":\"c2VjcmV\"}", "{\"Plaintext\":\"c2Vj cmV0\"}", "{\"Plaintext\":\"c2VjcmV0\\n\"}",
		"{\"Plaintext\":\"c2VjcmV\\u0130\"}", "{\"Plaintext\":\"c2VjcmV0c2VjcmV0c2VjcmV0\"}",
		"{'Plaintext':'c2VjcmV0'}", "{Plaintext:\"c2VjcmV0\"}", "{\"a\":{\"Plaintext\":\"c2VjcmV0\"}}",
		"{\"Plaintext\" \"c2VjcmV0\"}", "{\"Plaintext\":\"c2VjcmV0\\", "{\"Plaintext\":\"c2VjcmV0\\u00",
		"{\"Plaintext\":\"\\x41AAA\"}", "{\"a\":?,\"Plaintext\":\"c2VjcmV0\"}",
		"/**/{\"Plaintext\":\"c2VjcmV0\"}", "{\"a\":[1,\"Plaintext\":\"c2VjcmV0\"}",
		"{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]],\"Plaintext\":\"c2VjcmV0\"}",
		"{\"a\\n\":1,\"b\n\":2,\"Plaintext\":\"c2VjcmV0\"}", "{\"a\":,\"Plaintext\":\"c2VjcmV0\"}",
		"{\"a\" 1,\"Plaintext\":\"c2VjcmV0\"}", "{,\"Plaintext\":\"c2VjcmV0\"}",
	};
	uint8_t out[16], zero[16] = { 0 };
	char *rest;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		memset(out, 0xa5, sizeof(out));
		if (taken(bad[i], out, sizeof(out), &rest) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		assert_memory_equal(out, zero, sizeof(out));
		assert_int_equal(strspn(rest, " "), strlen(bad[i]));
		free(rest);
	}
	/* a NUL is no end */
	assert_int_equal(plaintext_take(memcpy(rest = malloc(26), "{\"Plaintext\":\"c2VjcmV0\"}\0", 26), 25, out, 16),
			 -EBADMSG);
	free(rest);
}

static void it_fits_or_it_is_refused(void **state)
{
	uint8_t out[6];

	(void)state;
	assert_int_equal(taken("{\"Plaintext\":\"c2VjcmV0\"}", out, 6, NULL), 6);
	assert_int_equal(taken("{\"Plaintext\":\"c2VjcmV0\"}", out, 5, NULL), -EBADMSG);
}

static void every_prefix_is_refused(void **state)
{
	static const char text[] = "{\"KeyId\":\"a\\u0041\",\"x\":[1,{\"y\":null}],\"Plaintext\":\"c2VjcmV0\"}";
	uint8_t out[16];
	char *body;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(text) - 1; len++) {
		body = copy_of(text, len);
		assert_int_equal(plaintext_take(body, len, out, sizeof(out)), -EBADMSG);
		free(body);
	}
	assert_int_equal(taken(text, out, sizeof(out), NULL), 6);
}

/*
 * Mutated answers: whenever ours takes a plaintext, json-c reads the same one from the same text (it takes the last of
 * two, we take none), and afterwards the text holds nothing of it.
 */
static void whatever_is_taken_is_what_json_says(void **state)
{
	static const char text[] = "{\"KeyId\":\"a\",\"x\":[1,{\"Plaintext\":\"eA==\"}],\"Plaintext\":\"c2VjcmV0\"}";
	static const char spice[] = "\"\\{}[],:ePlaintxu0 19/\n";
	uint64_t seed = 77;
	int round, took = 0;

	(void)state;
	for (round = 0; round < 100000; round++) {
		char body[sizeof(text)], before[sizeof(text)];
		struct json_object *o, *v;
		uint8_t out[32], want[32];
		int n, changes = 1 + test_random(&seed) % 3;

		strcpy(body, text);
		while (changes--)
			body[(test_random(&seed) >> 20) % (sizeof(text) - 1)] =
				spice[(test_random(&seed) >> 20) % (sizeof(spice) - 1)];
		strcpy(before, body);
		n = plaintext_take(body, strlen(body), out, sizeof(out));
		if (n < 0)
			continue;
		took++;
		o = json_tokener_parse(before);
		/* numbers and words are not ours to check */
		if (o) {
			assert_true(json_object_object_get_ex(o, "Plaintext", &v));
			assert_int_equal(base64_decode(json_object_get_string(v), json_object_get_string_len(v), want,
						       sizeof(want)), n);
			assert_memory_equal(out, want, n);
			json_object_put(o);
		}
	}
	assert_true(took > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_member_is_decoded_wherever_it_stands),
		cmocka_unit_test(slashes_may_be_escaped),
		cmocka_unit_test(all_else_is_refused_and_wiped),
		cmocka_unit_test(it_fits_or_it_is_refused),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(whatever_is_taken_is_what_json_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
