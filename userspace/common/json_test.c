// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "test.h"

static struct json_object *parsed(const char *text)
{
	struct json_object *o;
	struct err e = ERR_INIT;

	assert_int_equal(js_parse(text, strlen(text), 16, &o, &e), 0);
	return o;
}

static void only_one_object_is_json_enough(void **state)
{
	static const char *const bad[] = {
		"", " ", "{", "}", "[]", "1", "\"s\"", "null", "{}{}", "{} x", "{\"a\":1,}", "{\"a\":01}",
		"{a:1}", "{\"a\":\"\xff\"}",
	};
	struct json_object *o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (js_parse(bad[i], strlen(bad[i]), 16, &o, NULL) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		assert_null(o);
	}
	/* A NUL is text after the value, too. */
	assert_int_equal(js_parse("{}\0", 3, 16, &o, NULL), -EBADMSG);
}

static void white_space_around_is_fine(void **state)
{
	(void)state;
	json_object_put(parsed(" {\"a\" : 1 }\r\n"));
	json_object_put(parsed("{}"));
}

/* put_utf8 - @c in as many bytes as it needs, or in @bytes when that is more. */
static size_t put_utf8(char *to, uint32_t c, unsigned int bytes)
{
	unsigned int need = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;

	if (bytes < need)
		bytes = need;
	if (bytes == 1) {
		*to = (char)c;
		return 1;
	}
	for (i = bytes - 1; i; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	*to = (char)(0xff << (8 - bytes) | c);
	return bytes;
}

static void put_escape(char *to, uint32_t c)
{
	if (c < 0x10000)
		sprintf(to, "\\u%04x", c);
	else
		sprintf(to, "\\u%04X\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
}

/* Every character arrives as it was sent, in values and in names, escaped or not. */
static void all_of_unicode_is_read(void **state)
{
	char text[128], want[8], escape[16];
	struct json_object *o;
	uint32_t c;
	size_t n;

	(void)state;
	for (c = 0x20; c < 0x110000; c += c < 0x3000 ? 1 : 0xfb) {
		if (c == '"' || c == '\\' || (c >= 0xd800 && c < 0xe000))
			continue;
		n = put_utf8(want, c, 0);
		want[n] = '\0';
		put_escape(escape, c);
		snprintf(text, sizeof(text), "{\"%s\":\"a%s\\\\%s%s\"}", c & 1 ? escape : want, want, want, escape);
		o = parsed(text);
		if (!json_object_object_get_ex(o, want, NULL))
			fail_msg("U+%04X became %s", c, json_object_to_json_string(o));
		snprintf(text, sizeof(text), "a%s\\%s%s", want, want, want);
		assert_string_equal(json_object_get_string(json_object_object_get(o, want)), text);
		json_object_put(o);
	}
}

static void what_is_escaped_begins_no_escape(void **state)
{
	struct json_object *o = parsed("{\"a\":\"\\\\u00e4\\\\ud83d\\\\ude00\",\"b\":\"\\\\\\ud83d\\ude00\"}");

	(void)state;
	assert_string_equal(json_object_get_string(json_object_object_get(o, "a")), "\\u00e4\\ud83d\\ude00");
	assert_string_equal(json_object_get_string(json_object_object_get(o, "b")), "\\\xf0\x9f\x98\x80");
	json_object_put(o);
}

/* Too long, a surrogate, too large, cut off; and nothing that is escaped but is no escape. */
static void what_is_no_utf8_is_refused(void **state)
{
	static const struct {
		uint32_t point;
		unsigned int bytes;
	} bad[] = {
		{ 'a', 2 }, { 0, 2 }, { 'a', 3 }, { 0x7ff, 3 }, { 0xffff, 4 }, { 0xd800, 3 }, { 0xdfff, 3 },
		{ 0x110000, 4 }, { 0x1fffff, 4 },
	};
	static const char *const texts[] = {
		"{\"a\":\"\x80\"}", "{\"a\":\"\xc3\"}", "{\"a\":\"\xe2\x82\"}", "{\"a\":\"\xf8\x88\x80\x80\x80\"}",
		"{\"\xc3\xa4\":1,}", "{\"\xc3\xa4\":01}", "{\"a\":\"\\\xc3\xa4\"}", "{\"a\":\"\\\\\\\xc3\xa4\"}",
		"{\"a\":1}\xc3\xa4", "{\xc3\xa4:1}", "{\"a\":\"\xc3", "{\\ud83d\\ude00:1}", "{\"a\":1}\\ud83d\\ude00",
	};
	struct json_object *o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[32] = "{\"a\":\"";
		size_t n = strlen(text);

		n += put_utf8(text + n, bad[i].point, bad[i].bytes);
		strcpy(text + n, "\"}");
		if (js_parse(text, n + 2, 16, &o, NULL) != -EBADMSG)
			fail_msg("accepted: U+%X in %u bytes", bad[i].point, bad[i].bytes);
	}
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (js_parse(texts[i], strlen(texts[i]), 16, &o, NULL) != -EBADMSG)
			fail_msg("accepted: %s", texts[i]);
	}
}

static void depth_is_bounded(void **state)
{
	struct json_object *o;
	char deep[64] = "";
	int i;

	(void)state;
	for (i = 0; i < 15; i++)
		strcat(deep, "{\"");
	assert_int_equal(js_parse("{\"a\":{\"b\":{}}}", 14, 3, &o, NULL), 0);
	json_object_put(o);
	assert_int_equal(js_parse("{\"a\":{\"b\":{}}}", 14, 2, &o, NULL), -EBADMSG);
}

static void members_are_read_by_type_and_bounds(void **state)
{
	struct json_object *o = parsed("{\"s\":\"abc\",\"n\":-5,\"b\":true,\"o\":{},\"a\":[1,2],\"z\":null}");
	struct json_object *inner = NULL, *array = NULL;
	const char *s = NULL;
	int64_t n = 0, absent = 77;
	bool b = false;
	const struct js_member all[] = {
		{ "s", JS_STRING, 0, 1, 3, .string = &s },
		{ "n", JS_INT, 0, -5, 5, .number = &n },
		{ "b", JS_BOOL, .flag = &b },
		{ "o", JS_OBJECT, .object = &inner },
		{ "a", JS_ARRAY, 0, 0, 2, .object = &array },
		{ "z", JS_INT, JS_NULLABLE, 0, 1, .number = &absent },
		{ "y", JS_INT, JS_OPTIONAL, 0, 1, .number = &absent },
		{ .name = NULL },
	};

	(void)state;
	assert_int_equal(js_read(o, all, NULL), 0);
	assert_string_equal(s, "abc");
	assert_int_equal(n, -5);
	assert_true(b);
	assert_non_null(inner);
	assert_int_equal(json_object_array_length(array), 2);
	assert_int_equal(absent, 77);
	json_object_put(o);
}

static void refused(const char *text, struct js_member m, const char *why)
{
	const struct js_member members[] = { m, { .name = NULL } };
	struct json_object *o = parsed(text);
	struct err e = ERR_INIT;

	assert_int_equal(js_read(o, members, &e), -EBADMSG);
	assert_non_null(strstr(e.what, why));
	json_object_put(o);
}

static void bad_members_are_named(void **state)
{
	const struct js_member s = { "m", JS_STRING, 0, 2, 3, { NULL } };
	const struct js_member n = { "m", JS_INT, 0, 2, 3, { NULL } };
	const struct js_member b = { "m", JS_BOOL, 0, 0, 0, { NULL } };
	const struct js_member o = { "m", JS_OBJECT, 0, 0, 0, { NULL } };
	const struct js_member a = { "m", JS_ARRAY, 0, 1, 1, { NULL } };

	(void)state;
	refused("{}", s, "\"m\" is missing");
	refused("{\"m\":\"ab\",\"x\":1}", s, "unknown member \"x\"");
	refused("{\"m\":null}", s, "\"m\" must be a string");
	refused("{\"m\":\"a\"}", s, "\"m\" must be 2 to 3 bytes");
	refused("{\"m\":\"abcd\"}", s, "\"m\" must be 2 to 3 bytes");
	refused("{\"m\":\"a\\u0000b\"}", s, "NUL");
	refused("{\"m\":2}", s, "\"m\" must be a string");
	refused("{\"m\":\"2\"}", n, "\"m\" must be an integer");
	refused("{\"m\":2.0}", n, "\"m\" must be an integer");
	refused("{\"m\":true}", n, "\"m\" must be an integer");
	refused("{\"m\":1}", n, "\"m\" must be 2 to 3");
	refused("{\"m\":4}", n, "\"m\" must be 2 to 3");
	refused("{\"m\":18446744073709551615}", n, "\"m\" must be 2 to 3");
	refused("{\"m\":0}", b, "\"m\" must be true or false");
	refused("{\"m\":[]}", o, "\"m\" must be an object");
	refused("{\"m\":{}}", a, "\"m\" must be an array");
	refused("{\"m\":[]}", a, "\"m\" must be 1 to 1 elements");
	refused("{\"m\":[1,2]}", a, "\"m\" must be 1 to 1 elements");
}

static void other_members_are_allowed_only_by_read_some(void **state)
{
	const struct js_member none[] = { { .name = NULL } };
	struct json_object *o = parsed("{\"x\":1}");

	(void)state;
	assert_int_equal(js_read_some(o, none, NULL), 0);
	assert_int_equal(js_read(o, none, NULL), -EBADMSG);
	json_object_put(o);
}

static void building_stops_at_the_first_missing_piece(void **state)
{
	struct json_object *o = json_object_new_object();
	size_t len;

	(void)state;
	assert_int_equal(js_put_string(o, "a", "x/y"), 0);
	assert_int_equal(js_put(o, "b", NULL), -ENOMEM);
	assert_int_equal(js_put_null(o, "c"), 0);
	assert_int_equal(js_put(NULL, "d", json_object_new_int(1)), -ENOMEM);
	assert_int_equal(js_put_null(NULL, "d"), -ENOMEM);
	assert_string_equal(js_text(o, &len), "{\"a\":\"x/y\",\"c\":null}");
	assert_int_equal(len, 20);
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_one_object_is_json_enough),
		cmocka_unit_test(white_space_around_is_fine),
		cmocka_unit_test(all_of_unicode_is_read),
		cmocka_unit_test(what_is_escaped_begins_no_escape),
		cmocka_unit_test(what_is_no_utf8_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(members_are_read_by_type_and_bounds),
		cmocka_unit_test(bad_members_are_named),
		cmocka_unit_test(other_members_are_allowed_only_by_read_some),
		cmocka_unit_test(building_stops_at_the_first_missing_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
