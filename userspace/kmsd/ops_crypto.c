// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authz.h"
#include "crypto_op.h"
#include "keyref.h"
#include "param.h"

#define DATA_KEY_MAX 1024

static enum fault read_common(struct call *c, struct crypto_op *op)
{
	enum fault f = param_string(c, "KeyId", 1, 2048, &op->ref);

	if (!f)
		f = param_bool(c, "DryRun", &op->dry_run);
	if (!f)
		f = param_context(c, "EncryptionContext", &op->context);
	if (!f)
		f = param_grant_tokens(c);
	if (!f)
		f = param_absent(c, "Recipient");
	return f;
}

/* find_and_authorize - for operations that must name their key. */
static enum fault find_and_authorize(struct call *c, const char *name, struct crypto_op *op)
{
	enum fault f;

	if (!op->ref)
		return param_invalid(c, "KeyId", "Member must not be null");
	f = keyref_find(c, op->ref, KEYREF_CRYPTO, &op->key, op->alias);
	return f ? f : crypto_op_authorize(c, name, op);
}

static enum fault read_data_key_size(struct call *c, int64_t *bytes)
{
	const char *spec = NULL;
	enum fault f;

	*bytes = 0;
	f = param_int(c, "NumberOfBytes", 1, DATA_KEY_MAX, bytes);
	if (!f)
		f = param_string(c, "KeySpec", 1, 16, &spec);
	if (f)
		return f;
	if (!spec == !*bytes)
		return call_fail(c, FAULT_VALIDATION, "Please specify either number of bytes or key spec.");
	if (!spec)
		return FAULT_NONE;
	if (!strcmp(spec, "AES_256"))
		*bytes = 32;
	else if (!strcmp(spec, "AES_128"))
		*bytes = 16;
	else
		return param_invalid(c, "KeySpec", "Member must satisfy enum value set: [AES_256, AES_128]");
	return FAULT_NONE;
}

static enum fault data_key_answer(struct call *c, const struct crypto_op *op, size_t bytes, bool with_plaintext)
{
	struct jsonw w = JSONW_INIT(&c->out);
	struct buf blob = BUF_INIT;
	uint8_t plain[DATA_KEY_MAX];
	enum fault f;
	int rc = crypto_random(plain, bytes);

	f = rc ? call_internal(c, rc) : crypto_op_seal(c, op, plain, bytes, &blob);
	if (!f) {
		jsonw_open(&w, NULL, '{');
		jsonw_base64(&w, "CiphertextBlob", (const uint8_t *)blob.data, blob.len);
		if (with_plaintext)
			jsonw_base64(&w, "Plaintext", plain, bytes);
		jsonw_string(&w, "KeyId", c->key_arn);
		jsonw_string(&w, "KeyMaterialId", op->key.material_id);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	explicit_bzero(plain, sizeof(plain));
	buf_wipe(&blob);
	return f;
}

static enum fault generate_data_key(struct call *c, const char *name, bool with_plaintext)
{
	struct crypto_op op = { 0 };
	int64_t bytes;
	enum fault f = read_common(c, &op);

	if (!f)
		f = read_data_key_size(c, &bytes);
	if (!f)
		f = find_and_authorize(c, name, &op);
	if (!f && op.dry_run)
		f = call_dry_run(c);
	if (!f)
		f = data_key_answer(c, &op, (size_t)bytes, with_plaintext);
	crypto_op_free(&op);
	return f;
}

enum fault op_generate_data_key(struct call *c)
{
	return generate_data_key(c, "GenerateDataKey", true);
}

enum fault op_generate_data_key_without_plaintext(struct call *c)
{
	return generate_data_key(c, "GenerateDataKeyWithoutPlaintext", false);
}

enum fault op_encrypt(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	struct buf plain = BUF_INIT, blob = BUF_INIT;
	struct crypto_op op = { 0 };
	enum fault f = read_common(c, &op);

	if (!f)
		f = crypto_op_algorithm(c, "EncryptionAlgorithm");
	if (!f)
		f = param_blob(c, "Plaintext", 1, BLOB_PLAIN_MAX, &plain);
	if (!f && !plain.len)
		f = param_invalid(c, "Plaintext", "Member must not be null");
	if (!f)
		f = find_and_authorize(c, "Encrypt", &op);
	if (!f && op.dry_run)
		f = call_dry_run(c);
	if (!f)
		f = crypto_op_seal(c, &op, (const uint8_t *)plain.data, plain.len, &blob);
	if (!f) {
		jsonw_open(&w, NULL, '{');
		jsonw_base64(&w, "CiphertextBlob", (const uint8_t *)blob.data, blob.len);
		jsonw_string(&w, "KeyId", c->key_arn);
		jsonw_string(&w, "EncryptionAlgorithm", CRYPTO_OP_ALGORITHM);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	buf_wipe(&plain);
	buf_wipe(&blob);
	crypto_op_free(&op);
	return f;
}

static enum fault decrypt_answer(struct call *c, const struct buf *plain, const struct blob_id *id)
{
	struct jsonw w = JSONW_INIT(&c->out);

	jsonw_open(&w, NULL, '{');
	jsonw_string(&w, "KeyId", c->key_arn);
	jsonw_base64(&w, "Plaintext", (const uint8_t *)plain->data, plain->len);
	jsonw_string(&w, "EncryptionAlgorithm", CRYPTO_OP_ALGORITHM);
	jsonw_string(&w, "KeyMaterialId", id->material_id);
	jsonw_close(&w, '}');
	return call_done(c);
}

static enum fault read_decrypt(struct call *c, struct crypto_op *op, struct buf *blob, bool *ignore_ciphertext)
{
	enum fault f = read_common(c, op);

	if (!f)
		f = crypto_op_algorithm(c, "EncryptionAlgorithm");
	if (!f)
		f = param_blob(c, "CiphertextBlob", 1, 6144, blob);
	if (!f)
		f = crypto_op_modifiers(c, op->dry_run, ignore_ciphertext);
	if (!f && *ignore_ciphertext && !op->ref)
		f = param_invalid(c, "KeyId", "Member must not be null with IGNORE_CIPHERTEXT");
	if (!f && !*ignore_ciphertext && !blob->len)
		f = param_invalid(c, "CiphertextBlob", "Member must not be null");
	return f;
}

enum fault op_decrypt(struct call *c)
{
	struct buf blob = BUF_INIT, plain = BUF_INIT;
	struct crypto_op op = { 0 };
	bool ignore_ciphertext;
	struct blob_id id;
	enum fault f;

	f = read_decrypt(c, &op, &blob, &ignore_ciphertext);
	if (!f)
		f = crypto_op_find_sealed(c, &op, &blob);
	if (!f)
		f = crypto_op_authorize(c, "Decrypt", &op);
	if (!f && !ignore_ciphertext)
		f = crypto_op_open(c, &op, &blob, &plain, &id);
	if (!f && op.dry_run)
		f = call_dry_run(c);
	if (!f)
		f = decrypt_answer(c, &plain, &id);
	buf_wipe(&blob);
	buf_wipe(&plain);
	crypto_op_free(&op);
	return f;
}

enum fault op_generate_random(struct call *c)
{
	struct jsonw w = JSONW_INIT(&c->out);
	uint8_t plain[DATA_KEY_MAX];
	const char *store = NULL;
	int64_t bytes = 0;
	enum fault f;
	int rc;

	f = param_int(c, "NumberOfBytes", 1, DATA_KEY_MAX, &bytes);
	if (!f && !bytes)
		f = param_invalid(c, "NumberOfBytes", "Member must not be null");
	if (!f)
		f = param_string(c, "CustomKeyStoreId", 1, 64, &store);
	if (!f)
		f = param_absent(c, "Recipient");
	if (!f)
		f = authz_account(c, "GenerateRandom", "*", &(struct authz){ 0 });
	if (!f && store)
		f = call_fail(c, FAULT_STORE_NOT_FOUND, "There is no custom key store %.64s", store);
	if (f)
		return f;
	rc = crypto_random(plain, (size_t)bytes);
	jsonw_open(&w, NULL, '{');
	if (!rc)
		jsonw_base64(&w, "Plaintext", plain, (size_t)bytes);
	jsonw_close(&w, '}');
	explicit_bzero(plain, sizeof(plain));
	return rc ? call_internal(c, rc) : call_done(c);
}
