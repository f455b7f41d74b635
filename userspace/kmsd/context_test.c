// SPDX-License-Identifier: GPL-2.0-or-later
/* Encryption contexts: what is one, and that no two different ones are authenticated alike. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include "context.h"

static struct context read(const char *text)
{
	struct json_object *o = json_tokener_parse(text);
	struct context ctx;

	assert_int_equal(context_from_json(&ctx, o), 0);
	json_object_put(o);
	return ctx;
}

static void pairs_are_sorted_whatever_their_order(void **state)
{
	struct context a = read("{\"b\":\"2\",\"a\":\"1\",\"B\":\"3\"}"), b = read("{\"B\":\"3\",\"a\":\"1\",\"b\":\"2\"}");
	struct buf x = BUF_INIT, y = BUF_INIT;

	(void)state;
	assert_int_equal(a.nr, 3);
	assert_string_equal(a.pair[0].key, "B");
	assert_string_equal(a.pair[2].key, "b");
	context_encode(&a, &x);
	context_encode(&b, &y);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	assert_true(context_equal(&a, &b));
	buf_wipe(&x);
	buf_wipe(&y);
	context_free(&a);
	context_free(&b);
}

static void nothing_is_the_empty_context(void **state)
{
	struct context a, b = read("{}");
	struct buf x = BUF_INIT, y = BUF_INIT;

	(void)state;
	assert_int_equal(context_from_json(&a, NULL), 0);
	context_encode(&a, &x);
	context_encode(&b, &y);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	buf_wipe(&x);
	buf_wipe(&y);
	context_free(&a);
	context_free(&b);
}

static void what_is_no_context_is_refused(void **state)
{
	static const char *const cases[] = {
		"[]", "\"a\"", "7", "{\"\":\"a\"}", "{\"a\":1}", "{\"a\":null}", "{\"a\":{}}", "{\"a\":\"x\\u0000y\"}",
	};
	char *big = malloc(CONTEXT_BYTES_MAX + 32);
	struct context ctx;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct json_object *o = json_tokener_parse(cases[i]);

		assert_int_equal(context_from_json(&ctx, o), -EINVAL);
		json_object_put(o);
	}
	/* 8192 bytes with the key are the most; one more is too many. */
	for (unsigned int extra = 0; extra < 2; extra++) {
		struct json_object *o;

		strcpy(big, "{\"a\":\"");
		memset(big + 6, 'x', CONTEXT_BYTES_MAX - 1 + extra);
		strcpy(big + 6 + CONTEXT_BYTES_MAX - 1 + extra, "\"}");
		o = json_tokener_parse(big);
		assert_int_equal(context_from_json(&ctx, o), extra ? -EINVAL : 0);
		context_free(&ctx);
		json_object_put(o);
	}
	free(big);
}

/* Any two of these differ; so must their encodings. */
static void different_contexts_encode_differently(void **state)
{
	static const char *const cases[] = {
		"{}", "{\"a\":\"\"}", "{\"a\":\"b\"}", "{\"ab\":\"\"}", "{\"b\":\"a\"}", "{\"A\":\"b\"}", "{\"a\":\"B\"}",
		"{\"a\":\"b\",\"c\":\"d\"}", "{\"a\":\"bcd\"}", "{\"abc\":\"d\"}", "{\"a\":\"d\",\"c\":\"b\"}", "{\"a\":\"b\\u0001\"}",
	};
	const unsigned int nr = sizeof(cases) / sizeof(*cases);

	(void)state;
	for (unsigned int i = 0; i < nr; i++) {
		for (unsigned int j = 0; j < i; j++) {
			struct context a = read(cases[i]), b = read(cases[j]);
			struct buf x = BUF_INIT, y = BUF_INIT;

			context_encode(&a, &x);
			context_encode(&b, &y);
			if (x.len == y.len && !memcmp(x.data, y.data, x.len))
				fail_msg("%s and %s", cases[i], cases[j]);
			assert_false(context_equal(&a, &b));
			buf_wipe(&x);
			buf_wipe(&y);
			context_free(&a);
			context_free(&b);
		}
	}
}

/* hash_of - and whether two contexts that match have it in common is what grants are found by. */
static void hash_of(const struct context *ctx, uint8_t out[SHA256_SIZE])
{
	assert_int_equal(context_folded_hash(ctx, out), 0);
}

static void contexts_that_match_hash_alike(void **state)
{
	static const char *const words[] = { "a", "A", "b", "B", "ab", "" };
	uint64_t seed = 11;
	unsigned int matched = 0;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		struct json_object *o[2];
		struct context ctx[2];
		uint8_t hash[2][SHA256_SIZE];

		for (unsigned int n = 0; n < 2; n++) {
			o[n] = json_object_new_object();
			for (unsigned int p = test_random(&seed) % 4; p; p--)
				json_object_object_add(o[n], words[test_random(&seed) % 5],
						       json_object_new_string(words[test_random(&seed) % 6]));
			assert_int_equal(context_from_json(&ctx[n], o[n]), 0);
			hash_of(&ctx[n], hash[n]);
		}
		if (context_matches(&ctx[0], &ctx[1])) {
			assert_memory_equal(hash[0], hash[1], SHA256_SIZE);
			matched += ctx[0].nr > 0;
		}
		for (unsigned int n = 0; n < 2; n++) {
			context_free(&ctx[n]);
			json_object_put(o[n]);
		}
	}
	assert_true(matched > 50);
}

static void contexts_that_differ_hash_differently(void **state)
{
	static const char *const cases[] = {
		"{}", "{\"a\":\"\"}", "{\"a\":\"b\"}", "{\"ab\":\"\"}", "{\"a\":\"B\"}", "{\"a\":\"b\",\"c\":\"d\"}",
	};
	uint8_t hash[sizeof(cases) / sizeof(*cases)][SHA256_SIZE];

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct context ctx = read(cases[i]);

		hash_of(&ctx, hash[i]);
		for (unsigned int j = 0; j < i; j++)
			assert_memory_not_equal(hash[i], hash[j], SHA256_SIZE);
		context_free(&ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_sorted_whatever_their_order),
		cmocka_unit_test(nothing_is_the_empty_context),
		cmocka_unit_test(what_is_no_context_is_refused),
		cmocka_unit_test(different_contexts_encode_differently),
		cmocka_unit_test(contexts_that_match_hash_alike),
		cmocka_unit_test(contexts_that_differ_hash_differently),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
