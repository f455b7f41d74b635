// SPDX-License-Identifier: GPL-2.0-or-later
/* A ciphertext opens under its key material and context, and under nothing else; its form is fixed. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include "blob.h"
#include "common/encode.h"

static const struct blob_id id = {
	.key_id = "332306ac-4b7e-4114-9282-8ecf0d4e9a24",
	.material_id = "48874be9b8dadc1f4b1da3793c5f9d58b287e5dec783bcc061ff9fa0d6fb0b8a",
};

static const uint8_t material[KEY_MATERIAL_SIZE] = { 1, 2, 3 };

static struct context context(const char *text)
{
	struct json_object *o = json_tokener_parse(text);
	struct context ctx;

	assert_int_equal(context_from_json(&ctx, o), 0);
	json_object_put(o);
	return ctx;
}

static void what_was_sealed_opens(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 64, 1024, BLOB_PLAIN_MAX };
	struct context ctx = context("{\"cache\":\"a\"}");
	uint8_t plain[BLOB_PLAIN_MAX], out[BLOB_PLAIN_MAX];

	(void)state;
	for (unsigned int i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)i;
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct buf blob = BUF_INIT;
		struct blob_id found;

		assert_int_equal(blob_seal(&id, material, &ctx, plain, sizes[i], &blob), 0);
		assert_int_equal(blob.len, sizes[i] + BLOB_OVERHEAD);
		assert_int_equal(blob_identify((uint8_t *)blob.data, blob.len, &found), 0);
		assert_string_equal(found.key_id, id.key_id);
		assert_string_equal(found.material_id, id.material_id);
		assert_int_equal(blob_open(material, &ctx, (uint8_t *)blob.data, blob.len, out), 0);
		assert_memory_equal(out, plain, sizes[i]);
		buf_wipe(&blob);
	}
	context_free(&ctx);
}

static void sizes_are_bounded(void **state)
{
	struct context ctx = context("{}");
	struct buf blob = BUF_INIT;
	uint8_t plain[BLOB_PLAIN_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(blob_seal(&id, material, &ctx, plain, 0, &blob), -EINVAL);
	assert_int_equal(blob_seal(&id, material, &ctx, plain, sizeof(plain), &blob), -EINVAL);
	assert_int_equal(blob.len, 0);
	context_free(&ctx);
}

static void no_two_are_alike(void **state)
{
	struct context ctx = context("{}");
	struct buf a = BUF_INIT, b = BUF_INIT;

	(void)state;
	assert_int_equal(blob_seal(&id, material, &ctx, (const uint8_t *)"same", 4, &a), 0);
	assert_int_equal(blob_seal(&id, material, &ctx, (const uint8_t *)"same", 4, &b), 0);
	assert_memory_not_equal(a.data + 49, b.data + 49, a.len - 49);
	buf_wipe(&a);
	buf_wipe(&b);
	context_free(&ctx);
}

static void every_changed_byte_and_every_cut_is_refused(void **state)
{
	struct context ctx = context("{\"cache\":\"a\"}");
	struct buf blob = BUF_INIT;
	uint8_t out[64];

	(void)state;
	assert_int_equal(blob_seal(&id, material, &ctx, (const uint8_t *)"secret", 6, &blob), 0);
	for (size_t i = 0; i < blob.len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			blob.data[i] = (char)(blob.data[i] ^ 1 << bit);
			if (blob_open(material, &ctx, (uint8_t *)blob.data, blob.len, out) != -EBADMSG)
				fail_msg("byte %zu bit %u", i, bit);
			blob.data[i] = (char)(blob.data[i] ^ 1 << bit);
		}
		assert_int_equal(blob_open(material, &ctx, (uint8_t *)blob.data, i, out), -EBADMSG);
	}
	assert_int_equal(blob_open(material, &ctx, (uint8_t *)blob.data, blob.len, out), 0);
	buf_wipe(&blob);
	context_free(&ctx);
}

static void another_context_or_material_is_refused(void **state)
{
	static const char *const others[] = {
		"{}", "{\"cache\":\"b\"}", "{\"Cache\":\"a\"}", "{\"cache\":\"a\",\"x\":\"\"}", "{\"cach\":\"ea\"}",
	};
	static const uint8_t other_material[KEY_MATERIAL_SIZE] = { 1, 2, 4 };
	struct context ctx = context("{\"cache\":\"a\"}");
	struct buf blob = BUF_INIT;
	uint8_t out[64];

	(void)state;
	assert_int_equal(blob_seal(&id, material, &ctx, (const uint8_t *)"secret", 6, &blob), 0);
	assert_int_equal(blob_open(other_material, &ctx, (uint8_t *)blob.data, blob.len, out), -EBADMSG);
	for (unsigned int i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct context other = context(others[i]);

		assert_int_equal(blob_open(material, &other, (uint8_t *)blob.data, blob.len, out), -EBADMSG);
		context_free(&other);
	}
	buf_wipe(&blob);
	context_free(&ctx);
}

/* A ciphertext of today must open in ten years: this one was made when the format was. */
static void the_format_is_fixed(void **state)
{
	static const char kept[] =
		"01332306ac4b7e411492828ecf0d4e9a2448874be9b8dadc1f4b1da3793c5f9d58b287e5dec783bcc061ff9fa0d6fb0b8a"
		"000102030405060708090a0b0c0d0e0f6465666768696a6b6c6d6e6fb7448d2434de88e8e7174c63a271c4050a6baec5a308";
	struct context ctx = context("{\"cache\":\"a\",\"ecache:format\":\"1\"}");
	uint8_t blob[256], out[64];
	size_t len = strlen(kept) / 2;

	(void)state;
	assert_int_equal(hex_decode(kept, strlen(kept), blob), 0);
	assert_int_equal(blob_open(material, &ctx, blob, len, out), 0);
	assert_int_equal(len - BLOB_OVERHEAD, 6);
	assert_memory_equal(out, "secret", 6);
	context_free(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_opens),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(no_two_are_alike),
		cmocka_unit_test(every_changed_byte_and_every_cut_is_refused),
		cmocka_unit_test(another_context_or_material_is_refused),
		cmocka_unit_test(the_format_is_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
