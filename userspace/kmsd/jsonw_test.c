// SPDX-License-Identifier: GPL-2.0-or-later
/* The writer's JSON reads back as what was written; its buffer leaves no copy behind. */
#include "common/test.h"

#include <string.h>
#include <json-c/json.h>

#include "jsonw.h"

static void all_kinds(void **state)
{
	struct buf b = BUF_INIT;
	struct jsonw w = JSONW_INIT(&b);

	(void)state;
	jsonw_open(&w, NULL, '{');
	jsonw_string(&w, "s", "a\"b\\c\n\x01\x7f\xc3\xa9");
	jsonw_int(&w, "i", -7);
	jsonw_bool(&w, "t", true);
	jsonw_null(&w, "n");
	jsonw_time(&w, "d", 1600000000007);
	jsonw_base64(&w, "b", (const uint8_t *)"\xff\x00x", 3);
	jsonw_base64(&w, "e", (const uint8_t *)"", 0);
	jsonw_open(&w, "l", '[');
	jsonw_string(&w, NULL, "");
	jsonw_open(&w, NULL, '{');
	jsonw_close(&w, '}');
	jsonw_open(&w, NULL, '[');
	jsonw_close(&w, ']');
	jsonw_close(&w, ']');
	jsonw_raw(&w, "r", "{\"x\":1}");
	jsonw_close(&w, '}');
	assert_string_equal(b.data, "{\"s\":\"a\\\"b\\\\c\\u000a\\u0001\x7f\xc3\xa9\",\"i\":-7,\"t\":true,\"n\":null,"
				    "\"d\":1600000000.007,\"b\":\"/wB4\",\"e\":\"\",\"l\":[\"\",{},[]],\"r\":{\"x\":1}}");
	assert_int_equal(b.len, strlen(b.data));
	buf_wipe(&b);
}

static void any_string_reads_back(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		size_t len = test_random(&seed) % 40;
		struct buf b = BUF_INIT;
		struct jsonw w = JSONW_INIT(&b);
		struct json_object *o;
		char text[64];

		for (size_t n = 0; n < len; n++)
			text[n] = (char)(1 + test_random(&seed) % 127);
		text[len] = '\0';
		jsonw_open(&w, NULL, '[');
		jsonw_string(&w, NULL, text);
		jsonw_close(&w, ']');
		o = json_tokener_parse(b.data);
		assert_non_null(o);
		assert_string_equal(json_object_get_string(json_object_array_get_idx(o, 0)), text);
		json_object_put(o);
		buf_wipe(&b);
	}
}

static void a_buffer_grows_and_forgets(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		buf_printf(&b, "%03u", i);
		assert_int_equal(b.data[b.len], '\0');
	}
	assert_int_equal(b.len, 3000);
	assert_memory_equal(b.data + 2997, "999", 3);
	buf_wipe(&b);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
	assert_false(b.failed);
}

static void no_memory_is_noted_once_and_for_all(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_str(&b, "x");
	assert_false(buf_reserve(&b, SIZE_MAX / 2));
	assert_true(b.failed);
	buf_str(&b, "y");
	assert_string_equal(b.data, "x");
	buf_wipe(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(any_string_reads_back),
		cmocka_unit_test(a_buffer_grows_and_forgets),
		cmocka_unit_test(no_memory_is_noted_once_and_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
