// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authz.h"
#include "blob.h"
#include "keyref.h"
#include "param.h"
#include "root.h"

#define ALGORITHM "SYMMETRIC_DEFAULT"
#define DATA_KEY_MAX 1024

/* What every cryptographic operation begins with. */
struct crypto_op {
	const char *ref;		/* member KeyId, NULL when absent */
	bool dry_run;
	struct context context;
	struct key key;
	char alias[ALIAS_SIZE];
};

static void crypto_op_free(struct crypto_op *op)
{
	context_free(&op->context);
	key_free(&op->key);
}

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

static enum fault read_algorithm(struct call *c)
{
	const char *algorithm = ALGORITHM;
	enum fault f = param_string(c, "EncryptionAlgorithm", 1, 64, &algorithm);

	if (f || !strcmp(algorithm, ALGORITHM))
		return f;
	if (!strncmp(algorithm, "RSAES_OAEP_", 11) || !strcmp(algorithm, "SM2PKE"))
		return call_fail(c, FAULT_INVALID_KEY_USAGE, "Algorithm %s is incompatible with a symmetric key",
				 algorithm);
	return param_invalid(c, "EncryptionAlgorithm", "Member must satisfy enum value set: [" ALGORITHM "]");
}

/* authorize - permission first, then the key's state: nothing is told about a key that the caller may not use. */
static enum fault authorize(struct call *c, const char *name, struct crypto_op *op)
{
	enum fault f = authz_key(c, name, &op->key, &(struct authz){ .context = &op->context,
								      .alias = *op->alias ? op->alias : NULL });

	return f ? f : keyref_usable(c, &op->key);
}

/* find_and_authorize - for operations that must name their key. */
static enum fault find_and_authorize(struct call *c, const char *name, struct crypto_op *op)
{
	enum fault f;

	if (!op->ref)
		return param_invalid(c, "KeyId", "Member must not be null");
	f = keyref_find(c, op->ref, KEYREF_ANY, &op->key, op->alias);
	return f ? f : authorize(c, name, op);
}

/* load_material - the key material of that id in plain; the caller wipes it. */
static int load_material(struct call *c, const char *key_id, const char *material_id,
			 uint8_t material[KEY_MATERIAL_SIZE])
{
	uint8_t wrapped[WRAPPED_MATERIAL_SIZE];
	char name[KEY_ID_SIZE + HEX_ID_SIZE];
	int rc = store_material_get(c->svc->store, key_id, material_id, wrapped);

	snprintf(name, sizeof(name), "%s/%s", key_id, material_id);
	if (!rc)
		rc = root_unwrap(&c->svc->root, ROOT_KEY_MATERIAL, name, wrapped, sizeof(wrapped), material);
	return rc;
}

static enum fault seal(struct call *c, const struct crypto_op *op, const uint8_t *plain, size_t len, struct buf *blob)
{
	uint8_t material[KEY_MATERIAL_SIZE];
	struct blob_id id;
	int rc = load_material(c, op->key.id, op->key.material_id, material);

	memcpy(id.key_id, op->key.id, sizeof(id.key_id));
	memcpy(id.material_id, op->key.material_id, sizeof(id.material_id));
	if (!rc)
		rc = blob_seal(&id, material, &op->context, plain, len, blob);
	explicit_bzero(material, sizeof(material));
	/* -ENOENT and -EBADMSG are the database's or the root secret's fault here, never the client's. */
	return rc ? call_internal(c, rc) : FAULT_NONE;
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

	f = rc ? call_internal(c, rc) : seal(c, op, plain, bytes, &blob);
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
		f = read_algorithm(c);
	if (!f)
		f = param_blob(c, "Plaintext", 1, BLOB_PLAIN_MAX, &plain);
	if (!f && !plain.len)
		f = param_invalid(c, "Plaintext", "Member must not be null");
	if (!f)
		f = find_and_authorize(c, "Encrypt", &op);
	if (!f && op.dry_run)
		f = call_dry_run(c);
	if (!f)
		f = seal(c, &op, (const uint8_t *)plain.data, plain.len, &blob);
	if (!f) {
		jsonw_open(&w, NULL, '{');
		jsonw_base64(&w, "CiphertextBlob", (const uint8_t *)blob.data, blob.len);
		jsonw_string(&w, "KeyId", c->key_arn);
		jsonw_string(&w, "EncryptionAlgorithm", ALGORITHM);
		jsonw_close(&w, '}');
		f = call_done(c);
	}
	buf_wipe(&plain);
	buf_wipe(&blob);
	crypto_op_free(&op);
	return f;
}

/* read_modifiers - DryRunModifiers, which only a dry run may carry. */
static enum fault read_modifiers(struct call *c, bool dry_run, bool *ignore_ciphertext)
{
	struct json_object *list;
	enum fault f = param_array(c, "DryRunModifiers", 1, &list);

	*ignore_ciphertext = false;
	if (f || !list || !json_object_array_length(list))
		return f;
	if (strcmp(json_object_get_string(json_object_array_get_idx(list, 0)), "IGNORE_CIPHERTEXT"))
		return param_invalid(c, "DryRunModifiers", "Member must satisfy enum value set: [IGNORE_CIPHERTEXT]");
	if (!dry_run)
		return param_invalid(c, "DryRunModifiers", "Member needs DryRun");
	*ignore_ciphertext = true;
	return FAULT_NONE;
}

static enum fault invalid_ciphertext(struct call *c)
{
	return call_fail(c, FAULT_INVALID_CIPHERTEXT,
			 "The ciphertext is damaged, or was made under another encryption context or by another service");
}

/*
 * find_decrypt_key - named, or read from the ciphertext. A ciphertext whose key is not there must look like one whose
 * key the caller may not use.
 */
static enum fault find_decrypt_key(struct call *c, struct crypto_op *op, const struct buf *blob)
{
	struct blob_id id;
	enum fault f;

	if (op->ref)
		return keyref_find(c, op->ref, KEYREF_ANY, &op->key, op->alias);
	if (blob_identify((const uint8_t *)blob->data, blob->len, &id))
		return invalid_ciphertext(c);
	f = keyref_load(c, id.key_id, &op->key);
	if (f == FAULT_NOT_FOUND)
		f = call_fail(c, FAULT_ACCESS_DENIED,
			      "The ciphertext refers to a key that does not exist, does not exist in this region, or you "
			      "are not allowed to access.");
	return f;
}

static enum fault open_blob(struct call *c, const struct crypto_op *op, const struct buf *blob, struct buf *plain,
			    struct blob_id *id)
{
	uint8_t material[KEY_MATERIAL_SIZE];
	int rc;

	if (blob_identify((const uint8_t *)blob->data, blob->len, id))
		return invalid_ciphertext(c);
	if (strcmp(id->key_id, op->key.id))
		return call_fail(c, FAULT_INCORRECT_KEY,
				 "The key ID in the request does not identify a key that can decrypt the ciphertext.");
	rc = load_material(c, id->key_id, id->material_id, material);
	if (rc == -ENOENT)
		return invalid_ciphertext(c);
	if (rc)
		return call_internal(c, rc);
	rc = buf_reserve(plain, blob->len) ? 0 : -ENOMEM;
	if (!rc)
		rc = blob_open(material, &op->context, (const uint8_t *)blob->data, blob->len, (uint8_t *)plain->data);
	explicit_bzero(material, sizeof(material));
	if (rc == -EBADMSG)
		return invalid_ciphertext(c);
	if (rc)
		return call_internal(c, rc);
	plain->len = blob->len - BLOB_OVERHEAD;
	return FAULT_NONE;
}

static enum fault decrypt_answer(struct call *c, const struct buf *plain, const struct blob_id *id)
{
	struct jsonw w = JSONW_INIT(&c->out);

	jsonw_open(&w, NULL, '{');
	jsonw_string(&w, "KeyId", c->key_arn);
	jsonw_base64(&w, "Plaintext", (const uint8_t *)plain->data, plain->len);
	jsonw_string(&w, "EncryptionAlgorithm", ALGORITHM);
	jsonw_string(&w, "KeyMaterialId", id->material_id);
	jsonw_close(&w, '}');
	return call_done(c);
}

static enum fault read_decrypt(struct call *c, struct crypto_op *op, struct buf *blob, bool *ignore_ciphertext)
{
	enum fault f = read_common(c, op);

	if (!f)
		f = read_algorithm(c);
	if (!f)
		f = param_blob(c, "CiphertextBlob", 1, 6144, blob);
	if (!f)
		f = read_modifiers(c, op->dry_run, ignore_ciphertext);
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
		f = find_decrypt_key(c, &op, &blob);
	if (!f)
		f = authorize(c, "Decrypt", &op);
	if (!f && !ignore_ciphertext)
		f = open_blob(c, &op, &blob, &plain, &id);
	if (!f && op.dry_run)
		f = call_dry_run(c);
	if (!f)
		f = decrypt_answer(c, &plain, &id);
	buf_wipe(&blob);
	buf_wipe(&plain);
	crypto_op_free(&op);
	return f;
}
