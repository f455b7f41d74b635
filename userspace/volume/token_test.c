// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "token.h"

#define ARN "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define UUID "01234567-89ab-4cde-8f01-23456789abcd"
#define CONTEXT "{\"ecache:cache-id\":\"c1\",\"ecache:luks-uuid\":\"" UUID "\",\"ecache:format\":\"1\"}"
#define DIGEST "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

/* One line a member, in the documented order, so that a test can leave one out, repeat or replace it. */
static const char *const members[] = {
	"\"type\":\"ecache\"",
	"\"keyslots\":[]",
	"\"format\":1",
	"\"key_arn\":\"" ARN "\"",
	"\"grant_id\":\"0a1B\"",
	"\"ciphertext_blob\":\"AQIDBA==\"",
	"\"encryption_context\":" CONTEXT,
	"\"cipher\":\"aes-xts-plain64\"",
	"\"sector_size\":4096",
	"\"key_size\":64",
	"\"key_id\":\"00112233445566778899aabbccddeeff\"",
	"\"digest\":\"" DIGEST "\"",
};

#define NR (sizeof(members) / sizeof(*members))

/* Build a token: member @skip left out, @nr replaced by @with, @twice repeated at the end; -1: none. */
static size_t build(char *out, int skip, int nr, const char *with, int twice, const char *more)
{
	size_t i, n = 0;

	n += sprintf(out + n, "{");
	for (i = 0; i < NR; i++) {
		if ((int)i == skip)
			continue;
		n += sprintf(out + n, "%s%s", n > 1 ? "," : "", (int)i == nr ? with : members[i]);
	}
	if (twice >= 0)
		n += sprintf(out + n, ",%s", members[twice]);
	n += sprintf(out + n, "%s}", more);
	return n;
}

static int parse(const char *text, size_t len)
{
	struct token t, zero;
	struct err e = ERR_INIT;
	char *exact = malloc(len ? len : 1);	/* no NUL behind: the sanitizer sees an overrun */
	int rc;

	memset(&zero, 0, sizeof(zero));
	memcpy(exact, text, len);
	rc = token_parse(exact, len, &t, &e);
	free(exact);
	if (rc) {
		assert_int_equal(rc, -EINVAL);
		assert_non_null(strstr(e.what, "token"));
		assert_memory_equal(&t, &zero, sizeof(t));
	}
	return rc;
}

static void reads_every_member(void **state)
{
	char text[2048];
	struct token t;
	size_t len = build(text, -1, -1, NULL, -1, "");

	(void)state;
	assert_int_equal(token_parse(text, len, &t, NULL), 0);
	assert_string_equal(t.key_arn, ARN);
	assert_string_equal(t.grant_id, "0a1B");
	assert_int_equal(t.blob_len, 4);
	assert_memory_equal(t.blob, "\1\2\3\4", 4);
	assert_string_equal(t.cache_id, "c1");
	assert_string_equal(t.luks_uuid, UUID);
	assert_int_equal(t.sector_size, 4096);
	assert_int_equal(t.key_size, 64);
	assert_string_equal(t.key_id, "00112233445566778899aabbccddeeff");
	assert_string_equal(t.digest, DIGEST);
}

static void canonical_text_is_the_documented_order(void **state)
{
	char text[2048], *again;
	struct token t;
	size_t len = build(text, -1, -1, NULL, -1, "");

	(void)state;
	assert_int_equal(token_parse(text, len, &t, NULL), 0);
	assert_int_equal(token_text(&t, &again, NULL), 0);
	assert_string_equal(again, text);
	free(again);
}

static void hash_does_not_depend_on_form(void **state)
{
	char text[2048], a[TOKEN_HASH_LEN + 1], b[TOKEN_HASH_LEN + 1];
	struct token t;
	size_t len = build(text, 0, -1, NULL, 0, " \n ");	/* type last, blanks */

	(void)state;
	assert_int_equal(token_parse(text, len, &t, NULL), 0);
	assert_int_equal(token_hash(&t, a, NULL), 0);
	len = build(text, -1, -1, NULL, -1, "");
	assert_int_equal(token_parse(text, len, &t, NULL), 0);
	assert_int_equal(token_hash(&t, b, NULL), 0);
	assert_string_equal(a, b);
	t.blob[0] ^= 1;
	assert_int_equal(token_hash(&t, b, NULL), 0);
	assert_string_not_equal(a, b);
}

static void every_member_is_required_and_comes_once(void **state)
{
	char text[4096];
	size_t i;

	(void)state;
	for (i = 0; i < NR; i++) {
		assert_int_equal(parse(text, build(text, i, -1, NULL, -1, "")), -EINVAL);
		assert_int_equal(parse(text, build(text, -1, -1, NULL, i, "")), -EINVAL);
	}
}

static void other_members_are_refused(void **state)
{
	char text[4096];

	(void)state;
	assert_int_equal(parse(text, build(text, -1, -1, NULL, -1, ",\"endpoint\":\"https://x\"")), -EINVAL);
	assert_int_equal(parse(text, build(text, -1, 6, "\"encryption_context\":{\"ecache:cache-id\":\"c1\","
		"\"ecache:luks-uuid\":\"" UUID "\",\"ecache:format\":\"1\",\"more\":\"1\"}", -1, "")), -EINVAL);
	assert_int_equal(parse(text, build(text, -1, 6, "\"encryption_context\":{\"ecache:cache-id\":\"c1\","
		"\"ecache:luks-uuid\":\"" UUID "\",\"ecache:format\":\"1\",\"ecache:format\":\"1\"}", -1, "")),
		-EINVAL);
	assert_int_equal(parse(text, build(text, -1, 6, "\"encryption_context\":{\"ecache:cache-id\":\"c1\","
		"\"ecache:luks-uuid\":\"" UUID "\"}", -1, "")), -EINVAL);
}

static void wrong_forms_are_refused(void **state)
{
	static const struct {
		int nr;
		const char *with;
	} bad[] = {
		{ 0, "\"type\":\"luks2-keyring\"" }, { 0, "\"type\":1" },
		{ 1, "\"keyslots\":[\"0\"]" }, { 1, "\"keyslots\":{}" },
		{ 2, "\"format\":2" }, { 2, "\"format\":\"1\"" }, { 2, "\"format\":1.0" }, { 2, "\"format\":null" },
		{ 3, "\"key_arn\":\"arn:aws:kms:eu-central-1:123456789012:alias/x\"" },
		{ 3, "\"key_arn\":\"https://kms.example/\"" },
		{ 3, "\"key_arn\":\"" ARN "\\u0000x\"" },
		{ 4, "\"grant_id\":\"\"" }, { 4, "\"grant_id\":\"a-b\"" },
		{ 5, "\"ciphertext_blob\":\"\"" }, { 5, "\"ciphertext_blob\":\"AQIDBA=\"" },
		{ 5, "\"ciphertext_blob\":\"AQIDBB==\"" }, { 5, "\"ciphertext_blob\":\"AQID BA==\"" },
		{ 6, "\"encryption_context\":[]" },
		{ 7, "\"cipher\":\"aes-cbc-plain\"" }, { 7, "\"cipher\":\"aes-xts-plain64 \"" },
		{ 8, "\"sector_size\":8192" }, { 8, "\"sector_size\":513" }, { 8, "\"sector_size\":-512" },
		{ 9, "\"key_size\":48" }, { 9, "\"key_size\":\"64\"" },
		{ 10, "\"key_id\":\"00112233445566778899AABBCCDDEEFF\"" }, { 10, "\"key_id\":\"0\"" },
		{ 11, "\"digest\":\"\"" }, { 11, "\"digest\":\"####\"" },
	};
	char text[4096];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse(text, build(text, -1, bad[i].nr, bad[i].with, -1, "")), -EINVAL);
}

static void bounds(void **state)
{
	struct token *t = calloc(1, sizeof(*t));
	char text[2048], *out, *big;
	size_t len = build(text, -1, -1, NULL, -1, "");

	(void)state;
	assert_int_equal(token_parse(text, len, t, NULL), 0);
	memset(t->blob, 0xa5, KMS_BLOB_MAX);
	t->blob_len = KMS_BLOB_MAX;
	assert_int_equal(token_text(t, &out, NULL), 0);
	assert_int_equal(parse(out, strlen(out)), 0);
	free(out);
	t->blob_len = KMS_BLOB_MAX + 1;
	assert_int_equal(token_text(t, &out, NULL), -EINVAL);
	t->blob_len = 0;
	assert_int_equal(token_text(t, &out, NULL), -EINVAL);
	free(t);

	big = malloc(TOKEN_TEXT_MAX + 2);
	memset(big, ' ', TOKEN_TEXT_MAX + 1);
	memcpy(big, text, len);
	assert_int_equal(parse(big, TOKEN_TEXT_MAX), 0);
	assert_int_equal(parse(big, TOKEN_TEXT_MAX + 1), -EINVAL);
	memset(big, '[', TOKEN_TEXT_MAX);
	assert_int_equal(parse(big, TOKEN_TEXT_MAX), -EINVAL);
	free(big);
	assert_int_equal(parse("", 0), -EINVAL);
}

/* Whatever is accepted must be a whole, valid token: it can be written, and reads back as itself. */
static void check_accepted(const char *text, size_t len)
{
	struct token a, b;
	char *again;

	if (token_parse(text, len, &a, NULL))
		return;
	assert_int_equal(token_text(&a, &again, NULL), 0);
	assert_int_equal(token_parse(again, strlen(again), &b, NULL), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	free(again);
}

static void every_single_byte_change_is_harmless(void **state)
{
	char text[2048], *copy;
	size_t len = build(text, -1, -1, NULL, -1, ""), i;
	int c;

	(void)state;
	copy = malloc(len);
	for (i = 0; i < len; i++) {
		for (c = 0; c < 256; c++) {
			memcpy(copy, text, len);
			copy[i] = c;
			check_accepted(copy, len);
		}
		memcpy(copy, text, len);
		memmove(copy + i, copy + i + 1, len - i - 1);
		check_accepted(copy, len - 1);
		check_accepted(text, i);
		assert_int_equal(parse(text, i), -EINVAL);
	}
	free(copy);
}

static void random_splices_are_harmless(void **state)
{
	uint64_t seed = 0x5eed0f70ce;
	char text[2048], copy[4096];
	size_t len = build(text, -1, -1, NULL, -1, ""), from, to, n;
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		memcpy(copy, text, len);
		from = test_random(&seed) % len;
		to = test_random(&seed) % len;
		n = test_random(&seed) % 64;
		n = n > len - from ? len - from : n;
		memmove(copy + to + n, copy + to, len - to);
		memcpy(copy + to, text + from, n);
		check_accepted(copy, len + n);
	}
}

static void context_is_sorted(void **state)
{
	struct kms_context ctx;

	(void)state;
	volume_context("c1", UUID, &ctx);
	assert_int_equal(ctx.nr, 3);
	assert_string_equal(ctx.pair[0].key, "ecache:cache-id");
	assert_string_equal(ctx.pair[0].value, "c1");
	assert_string_equal(ctx.pair[1].key, "ecache:format");
	assert_string_equal(ctx.pair[1].value, "1");
	assert_string_equal(ctx.pair[2].key, "ecache:luks-uuid");
	assert_string_equal(ctx.pair[2].value, UUID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_member),
		cmocka_unit_test(canonical_text_is_the_documented_order),
		cmocka_unit_test(hash_does_not_depend_on_form),
		cmocka_unit_test(every_member_is_required_and_comes_once),
		cmocka_unit_test(other_members_are_refused),
		cmocka_unit_test(wrong_forms_are_refused),
		cmocka_unit_test(bounds),
		cmocka_unit_test(every_single_byte_change_is_harmless),
		cmocka_unit_test(random_splices_are_harmless),
		cmocka_unit_test(context_is_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
