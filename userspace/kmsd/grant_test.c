// SPDX-License-Identifier: GPL-2.0-or-later
/* Grants: what a constraint lets pass, what a grantee may pass on, and that a token cannot be made up. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include "grant.h"
#include "root.h"

static void set_pairs(struct context *ctx, const char *text)
{
	struct json_object *o = json_tokener_parse(text);

	assert_int_equal(context_from_json(ctx, o), 0);
	json_object_put(o);
}

static void constraints(void **state)
{
	static const struct {
		const char *constraint;
		const char *request;
		bool subset;	/* passes EncryptionContextSubset */
		bool equals;	/* passes EncryptionContextEquals */
	} cases[] = {
		{ "{\"a\":\"1\"}", "{\"a\":\"1\"}", true, true },
		{ "{\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}", true, false },
		{ "{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\"}", false, false },
		{ "{\"a\":\"1\"}", "{}", false, false },
		{ "{\"a\":\"1\"}", "{\"a\":\"2\"}", false, false },
		{ "{\"a\":\"1\"}", "{\"b\":\"1\"}", false, false },
		/* the value is case-sensitive, the key is not */
		{ "{\"a\":\"x\"}", "{\"a\":\"X\"}", false, false },
		{ "{\"a\":\"1\"}", "{\"A\":\"1\"}", true, true },
		/* a key in two spellings passes only if both say the same */
		{ "{\"a\":\"1\"}", "{\"A\":\"1\",\"a\":\"2\"}", false, false },
		{ "{\"a\":\"1\"}", "{\"A\":\"1\",\"a\":\"1\"}", true, false },
		{ "{\"a\":\"1\",\"b\":\"2\"}", "{\"B\":\"2\",\"A\":\"1\"}", true, true },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct grant g = { .constraint = GRANT_CONTEXT_SUBSET };
		struct context ctx;

		set_pairs(&g.pairs, cases[i].constraint);
		set_pairs(&ctx, cases[i].request);
		if (grant_covers(&g, &ctx) != cases[i].subset)
			fail_msg("subset %s of %s", cases[i].constraint, cases[i].request);
		g.constraint = GRANT_CONTEXT_EQUALS;
		if (grant_covers(&g, &ctx) != cases[i].equals)
			fail_msg("%s equals %s", cases[i].constraint, cases[i].request);
		g.constraint = GRANT_UNCONSTRAINED;
		assert_true(grant_covers(&g, &ctx));
		context_free(&ctx);
		grant_free(&g);
	}
}

static void a_grantee_passes_on_no_more_than_he_has(void **state)
{
	enum { NONE = GRANT_UNCONSTRAINED, SUBSET = GRANT_CONTEXT_SUBSET, EQUALS = GRANT_CONTEXT_EQUALS };
	static const struct {
		const char *parent_op, *child_op;
		int parent, child;
		const char *parent_pairs, *child_pairs;
		bool ok;
	} cases[] = {
		{ "Decrypt", "Decrypt", NONE, NONE, "{}", "{}", true },
		{ "Decrypt", "Encrypt", NONE, NONE, "{}", "{}", false },
		{ "Decrypt", "Decrypt", NONE, EQUALS, "{}", "{\"a\":\"1\"}", true },
		{ "Decrypt", "Decrypt", SUBSET, NONE, "{\"a\":\"1\"}", "{}", false },
		{ "Decrypt", "Decrypt", SUBSET, SUBSET, "{\"a\":\"1\"}", "{\"a\":\"1\"}", true },
		{ "Decrypt", "Decrypt", SUBSET, SUBSET, "{\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}", true },
		{ "Decrypt", "Decrypt", SUBSET, SUBSET, "{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\"}", false },
		{ "Decrypt", "Decrypt", SUBSET, EQUALS, "{\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}", true },
		{ "Decrypt", "Decrypt", SUBSET, EQUALS, "{\"a\":\"1\"}", "{\"b\":\"2\"}", false },
		{ "Decrypt", "Decrypt", EQUALS, EQUALS, "{\"a\":\"1\"}", "{\"a\":\"1\"}", true },
		{ "Decrypt", "Decrypt", EQUALS, SUBSET, "{\"a\":\"1\"}", "{\"a\":\"1\"}", false },
		{ "Decrypt", "Decrypt", EQUALS, EQUALS, "{\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}", false },
		{ "Decrypt", "Decrypt", EQUALS, NONE, "{\"a\":\"1\"}", "{}", false },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct grant parent = { .operations = grant_operation_bit(cases[i].parent_op),
					.constraint = (enum grant_constraint)cases[i].parent };
		struct grant child = { .operations = grant_operation_bit(cases[i].child_op),
				       .constraint = (enum grant_constraint)cases[i].child };

		set_pairs(&parent.pairs, cases[i].parent_pairs);
		set_pairs(&child.pairs, cases[i].child_pairs);
		if (grant_no_wider(&parent, &child) != cases[i].ok)
			fail_msg("case %u", i);
		grant_free(&parent);
		grant_free(&child);
	}
}

static void operations_have_bits_and_names(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; grant_operation_name(i); i++)
		assert_int_equal(grant_operation_bit(grant_operation_name(i)), UINT32_C(1) << i);
	assert_true(i > 8);
	assert_int_equal(grant_operation_bit("Sign"), 0);
	assert_int_equal(grant_operation_bit("RevokeGrant"), 0);
	assert_int_equal(grant_operation_bit("ListGrants"), 0);
	assert_int_equal(grant_operation_bit("decrypt"), 0);
	assert_int_equal(grant_operation_bit(""), 0);
}

static void make_root(struct secret *root, uint8_t byte)
{
	assert_int_equal(secret_alloc(root, ROOT_SECRET_SIZE), 0);
	root->len = ROOT_SECRET_SIZE;
	memset(root->data, byte, root->len);
}

static void a_token_names_its_grant_and_nobody_else_can_make_it(void **state)
{
	static const char id[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	char token[GRANT_TOKEN_SIZE], again[GRANT_TOKEN_SIZE], out[HEX_ID_SIZE];
	struct secret root = SECRET_INIT, other = SECRET_INIT;

	(void)state;
	make_root(&root, 1);
	make_root(&other, 2);
	assert_int_equal(grant_token_make(&root, id, token), 0);
	assert_int_equal(grant_token_make(&root, id, again), 0);
	assert_string_not_equal(token, again);
	assert_int_equal(grant_token_read(&root, token, out), 0);
	assert_string_equal(out, id);
	assert_int_equal(grant_token_read(&other, token, out), -EBADMSG);
	for (unsigned int i = 0; token[i]; i++) {
		char saved = token[i];

		token[i] = saved == 'A' ? 'B' : 'A';
		assert_int_equal(grant_token_read(&root, token, out), -EBADMSG);
		token[i] = saved;
	}
	assert_int_equal(grant_token_read(&root, "", out), -EBADMSG);
	assert_int_equal(grant_token_read(&root, "AAAA", out), -EBADMSG);
	secret_wipe(&root);
	secret_wipe(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constraints),
		cmocka_unit_test(a_grantee_passes_on_no_more_than_he_has),
		cmocka_unit_test(operations_have_bits_and_names),
		cmocka_unit_test(a_token_names_its_grant_and_nobody_else_can_make_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
