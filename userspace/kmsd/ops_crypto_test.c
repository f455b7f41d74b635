// SPDX-License-Identifier: GPL-2.0-or-later
/* Data keys, Encrypt and Decrypt: round trips, and the right refusal for each thing that can be wrong. */
#include "service_test.h"

#include "store_sql.h"

static const char no_context[] = "{}";

static void what_was_encrypted_decrypts(void **state)
{
	char key[ARN_SIZE], blob[512], body[2048];
	struct kit *k = *state;
	struct kit_answer a;

	kit_key(k, key);
	kit_encrypt(k, key, "{\"a\":\"\\u00e9\",\"b\":\"\"}", blob, sizeof(blob));
	snprintf(body, sizeof(body),
		 "{\"CiphertextBlob\":\"%s\",\"EncryptionContext\":{\"b\":\"\",\"a\":\"\\u00e9\"}}", blob);
	for (unsigned int i = 0; i < 2; i++) {
		kit_call(k, &a, "admin", "Decrypt", body);
		assert_int_equal(a.status, 200);
		assert_string_equal(kit_string(&a, "Plaintext"), "c2VjcmV0");
		assert_string_equal(kit_string(&a, "KeyId"), key);
		assert_string_equal(kit_string(&a, "EncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
		assert_true(ident_hex_id_ok(kit_string(&a, "KeyMaterialId")));
		kit_answer_free(&a);
		kit_reopen(k);
	}
}

static void data_keys_decrypt_to_themselves(void **state)
{
	static const struct {
		const char *size;
		size_t bytes;
	} cases[] = {
		{ "\"NumberOfBytes\":1", 1 }, { "\"NumberOfBytes\":64", 64 }, { "\"NumberOfBytes\":1024", 1024 },
		{ "\"KeySpec\":\"AES_256\"", 32 }, { "\"KeySpec\":\"AES_128\"", 16 },
	};
	char key[ARN_SIZE], body[4096], plain[2048], last[2048] = "";
	struct kit *k = *state;
	struct kit_answer a, b;

	kit_key(k, key);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",%s}", key, cases[i].size);
		kit_call(k, &a, "admin", "GenerateDataKey", body);
		assert_int_equal(a.status, 200);
		snprintf(plain, sizeof(plain), "%s", kit_string(&a, "Plaintext"));
		assert_int_equal(strlen(plain), (cases[i].bytes + 2) / 3 * 4);
		assert_string_not_equal(plain, last);
		strcpy(last, plain);
		snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"CiphertextBlob\":\"%s\"}", key,
			 kit_string(&a, "CiphertextBlob"));
		kit_call(k, &b, "admin", "Decrypt", body);
		assert_string_equal(kit_string(&b, "Plaintext"), plain);
		kit_answer_free(&b);
		kit_answer_free(&a);
		snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",%s}", key, cases[i].size);
		kit_call(k, &a, "admin", "GenerateDataKeyWithoutPlaintext", body);
		assert_int_equal(a.status, 200);
		assert_string_equal(kit_string(&a, "Plaintext"), "");
		assert_string_equal(kit_string(&a, "KeyId"), key);
		assert_true(*kit_string(&a, "CiphertextBlob"));
		kit_answer_free(&a);
	}
}

static void requests_are_checked(void **state)
{
	static const struct {
		const char *op;
		const char *rest;	/* behind KeyId */
		const char *fails;
	} cases[] = {
		{ "GenerateDataKey", "", "ValidationException" },
		{ "GenerateDataKey", ",\"NumberOfBytes\":32,\"KeySpec\":\"AES_256\"", "ValidationException" },
		{ "GenerateDataKey", ",\"NumberOfBytes\":0", "ValidationException" },
		{ "GenerateDataKey", ",\"NumberOfBytes\":1025", "ValidationException" },
		{ "GenerateDataKey", ",\"NumberOfBytes\":\"32\"", "SerializationException" },
		{ "GenerateDataKey", ",\"NumberOfBytes\":3.5", "SerializationException" },
		{ "GenerateDataKey", ",\"KeySpec\":\"AES_512\"", "ValidationException" },
		{ "GenerateDataKey", ",\"KeySpec\":\"AES_256\",\"Recipient\":{}", "UnsupportedOperationException" },
		{ "GenerateDataKey", ",\"KeySpec\":\"AES_256\",\"EncryptionContext\":[]", "SerializationException" },
		{ "GenerateDataKey", ",\"KeySpec\":\"AES_256\",\"EncryptionContext\":{\"a\":1}",
		  "ValidationException" },
		{ "GenerateDataKey", ",\"KeySpec\":\"AES_256\",\"DryRun\":true", "DryRunOperationException" },
		{ "GenerateDataKeyWithoutPlaintext", ",\"KeySpec\":\"AES_256\",\"DryRun\":true",
		  "DryRunOperationException" },
		{ "Encrypt", "", "ValidationException" },
		{ "Encrypt", ",\"Plaintext\":\"\"", "ValidationException" },
		{ "Encrypt", ",\"Plaintext\":\"a\"", "SerializationException" },
		{ "Encrypt", ",\"Plaintext\":7", "SerializationException" },
		{ "Encrypt", ",\"Plaintext\":\"YQ==\",\"EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"", "" },
		{ "Encrypt", ",\"Plaintext\":\"YQ==\",\"EncryptionAlgorithm\":\"RSAES_OAEP_SHA_256\"",
		  "InvalidKeyUsageException" },
		{ "Encrypt", ",\"Plaintext\":\"YQ==\",\"EncryptionAlgorithm\":\"ROT13\"", "ValidationException" },
		{ "Encrypt", ",\"Plaintext\":\"YQ==\",\"DryRun\":true", "DryRunOperationException" },
		{ "Encrypt", ",\"Plaintext\":\"YQ==\",\"DryRun\":false", "" },
		{ "Encrypt", ",\"Plaintext\":\"YQ==\",\"DryRun\":\"no\"", "SerializationException" },
		{ "Decrypt", "", "ValidationException" },
		{ "Decrypt", ",\"CiphertextBlob\":\"AAAA\"", "InvalidCiphertextException" },
		{ "Decrypt", ",\"CiphertextBlob\":\"?\"", "SerializationException" },
		{ "Decrypt", ",\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]", "ValidationException" },
		{ "Decrypt", ",\"DryRun\":true", "ValidationException" },
		{ "Decrypt", ",\"DryRun\":true,\"DryRunModifiers\":[\"X\"]", "ValidationException" },
		{ "Decrypt", ",\"DryRun\":true,\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]",
		  "DryRunOperationException" },
		{ "Decrypt",
		  ",\"DryRun\":true,\"CiphertextBlob\":\"AAAA\",\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]",
		  "DryRunOperationException" },
	};
	char key[ARN_SIZE];
	struct kit *k = *state;

	kit_key(k, key);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = kit_fails(k, "admin", cases[i].op, "{\"KeyId\":\"%s\"%s}", key, cases[i].rest);

		if (strcmp(got, cases[i].fails))
			fail_msg("%s %s: %s, not %s", cases[i].op, cases[i].rest, got, cases[i].fails);
	}
	assert_string_equal(kit_fails(k, "admin", "Encrypt", "{\"Plaintext\":\"YQ==\"}"), "ValidationException");
	assert_string_equal(kit_fails(k, "admin", "Decrypt", "{\"CiphertextBlob\":\"AAAA\"}"), "InvalidCiphertextException");
	assert_string_equal(kit_fails(k, "admin", "Decrypt",
				      "{\"DryRun\":true,\"DryRunModifiers\":[\"IGNORE_CIPHERTEXT\"]}"),
			    "ValidationException");
}

static void plaintexts_are_at_most_4096_bytes(void **state)
{
	char key[ARN_SIZE], text[8192];
	uint8_t bytes[4097] = { 0 };
	struct kit *k = *state;

	kit_key(k, key);
	base64_encode(bytes, 4096, text);
	assert_string_equal(kit_fails(k, "admin", "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"%s\"}", key, text), "");
	base64_encode(bytes, 4097, text);
	assert_string_equal(kit_fails(k, "admin", "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"%s\"}", key, text),
			    "ValidationException");
}

static void a_wrong_key_context_or_byte_is_told_apart(void **state)
{
	char key[ARN_SIZE], other[ARN_SIZE], blob[512], bad[512];
	struct kit *k = *state;

	kit_key(k, key);
	kit_key(k, other);
	kit_encrypt(k, key, "{\"cache\":\"a\"}", blob, sizeof(blob));
	assert_string_equal(kit_fails(k, "admin", "Decrypt", "{\"KeyId\":\"%s\",\"CiphertextBlob\":\"%s\","
				      "\"EncryptionContext\":{\"cache\":\"a\"}}", other, blob), "IncorrectKeyException");
	assert_string_equal(kit_fails(k, "admin", "Decrypt", "{\"CiphertextBlob\":\"%s\",\"EncryptionContext\":{\"cache\":\"b\"}}",
				      blob), "InvalidCiphertextException");
	/* unlike in a grant's constraint, the case of a key counts */
	assert_string_equal(kit_fails(k, "admin", "Decrypt", "{\"CiphertextBlob\":\"%s\",\"EncryptionContext\":{\"Cache\":\"a\"}}",
				      blob), "InvalidCiphertextException");
	for (size_t i = 0; i < strlen(blob); i++) {
		const char *got;

		strcpy(bad, blob);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		got = kit_fails(k, "admin", "Decrypt", "{\"KeyId\":\"%s\",\"CiphertextBlob\":\"%s\","
				"\"EncryptionContext\":{\"cache\":\"a\"}}", key, bad);
		if (!*got)
			fail_msg("character %zu", i);
		if (strcmp(got, "InvalidCiphertextException") && strcmp(got, "IncorrectKeyException") &&
		    strcmp(got, "SerializationException"))
			fail_msg("character %zu: %s", i, got);
	}
}

/* Whoever may not decrypt is told so, whatever he sends: nothing about the ciphertext. */
static void permission_comes_before_the_ciphertext(void **state)
{
	char key[ARN_SIZE], other[ARN_SIZE], blob[512], id[HEX_ID_SIZE], unknown[512];
	uint8_t raw[256];
	ssize_t n;
	struct kit *k = *state;

	kit_principal(k, "role/host", NULL);
	kit_key(k, key);
	kit_key(k, other);
	kit_encrypt(k, key, "{\"cache\":\"a\"}", blob, sizeof(blob));
	assert_string_equal(kit_fails(k, "host", "Decrypt", "{\"KeyId\":\"%s\",\"CiphertextBlob\":\"AAAA\"}", key),
			    "AccessDeniedException");
	assert_string_equal(kit_fails(k, "host", "Decrypt", "{\"KeyId\":\"%s\",\"CiphertextBlob\":\"%s\"}", other,
				      blob),
			    "AccessDeniedException");
	kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"%s\"}", key);
	assert_string_equal(kit_fails(k, "host", "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), "AccessDeniedException");
	kit_fails(k, "admin", "EnableKey", "{\"KeyId\":\"%s\"}", key);
	kit_grant(k, key, KIT_ROLE("host"), "[\"Decrypt\"]",
		  ",\"Constraints\":{\"EncryptionContextEquals\":{\"cache\":\"a\"}}", id, NULL);
	/* the agent's probe for access beside the grant */
	assert_string_equal(kit_fails(k, "host", "Decrypt", "{\"KeyId\":\"%s\",\"CiphertextBlob\":\"%s\",\"DryRun\":true,"
				      "\"EncryptionContext\":{\"probe\":\"x\"}}", key, blob), "AccessDeniedException");
	assert_string_equal(kit_fails(k, "host", "Decrypt", "{\"KeyId\":\"%s\",\"CiphertextBlob\":\"%s\",\"DryRun\":true,"
				      "\"EncryptionContext\":{\"cache\":\"a\"}}", key, blob), "DryRunOperationException");
	/* a key that is not there looks like one that may not be used */
	n = base64_decode(blob, strlen(blob), raw, sizeof(raw));
	raw[5] ^= 1;
	base64_encode(raw, (size_t)n, unknown);
	assert_string_equal(kit_fails(k, "admin", "Decrypt", "{\"CiphertextBlob\":\"%s\"}", unknown), "AccessDeniedException");
}

/* What the client cannot have caused must not read as his ciphertext's fault: an agent would call the header broken. */
static void a_damaged_database_is_our_fault(void **state)
{
	char key[ARN_SIZE], blob[512];
	struct kit *k = *state;

	kit_key(k, key);
	kit_encrypt(k, key, no_context, blob, sizeof(blob));
	assert_int_equal(sql_run(k->svc.store, "UPDATE material SET wrapped = zeroblob(61)", ""), 0);
	assert_string_equal(kit_fails(k, "admin", "Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), "KMSInternalException");
	assert_string_equal(kit_fails(k, "admin", "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key),
			    "KMSInternalException");
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_was_encrypted_decrypts),
		T(data_keys_decrypt_to_themselves),
		T(requests_are_checked),
		T(plaintexts_are_at_most_4096_bytes),
		T(a_wrong_key_context_or_byte_is_told_apart),
		T(permission_comes_before_the_ciphertext),
		T(a_damaged_database_is_our_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
