// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto_op.h"

#include <errno.h>
#include <string.h>

#include "authz.h"
#include "keyref.h"
#include "material.h"
#include "param.h"

void crypto_op_free(struct crypto_op *op)
{
	context_free(&op->context);
	key_free(&op->key);
}

enum fault crypto_op_algorithm(struct call *c, const char *member)
{
	const char *algorithm = CRYPTO_OP_ALGORITHM;
	enum fault f = param_string(c, member, 1, 64, &algorithm);

	if (f || !strcmp(algorithm, CRYPTO_OP_ALGORITHM))
		return f;
	if (!strcmp(algorithm, "RSAES_OAEP_SHA_1") || !strcmp(algorithm, "RSAES_OAEP_SHA_256") ||
	    !strcmp(algorithm, "SM2PKE"))
		return call_fail(c, FAULT_INVALID_KEY_USAGE, "Algorithm %s is incompatible with a symmetric key",
				 algorithm);
	return param_invalid(c, member, "Member must satisfy enum value set: [" CRYPTO_OP_ALGORITHM ", RSAES_OAEP_SHA_1, "
			     "RSAES_OAEP_SHA_256, SM2PKE]");
}

enum fault crypto_op_authorize(struct call *c, const char *name, const struct crypto_op *op)
{
	const struct authz a = { .context = &op->context, .alias = *op->alias ? op->alias : NULL,
				 .same_key = op->same_key };
	enum fault f = authz_key(c, name, &op->key, &a);

	return f ? f : keyref_usable(c, &op->key);
}

enum fault crypto_op_seal(struct call *c, const struct crypto_op *op, const uint8_t *plain, size_t len,
			  struct buf *blob)
{
	uint8_t material[KEY_MATERIAL_SIZE];
	struct blob_id id;
	int rc = material_load(c->svc, op->key.id, op->key.material_id, material);

	memcpy(id.key_id, op->key.id, sizeof(id.key_id));
	memcpy(id.material_id, op->key.material_id, sizeof(id.material_id));
	if (!rc)
		rc = blob_seal(&id, material, &op->context, plain, len, blob);
	explicit_bzero(material, sizeof(material));
	/* -ENOENT and -EBADMSG are the database's or the root secret's fault here, never the client's. */
	return rc ? call_internal(c, rc) : FAULT_NONE;
}

enum fault crypto_op_modifiers(struct call *c, bool dry_run, bool *ignore_ciphertext)
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

enum fault crypto_op_find_sealed(struct call *c, struct crypto_op *op, const struct buf *blob)
{
	struct blob_id id;
	enum fault f;

	if (op->ref)
		return keyref_find(c, op->ref, KEYREF_CRYPTO, &op->key, op->alias);
	if (blob_identify((const uint8_t *)blob->data, blob->len, &id))
		return invalid_ciphertext(c);
	f = keyref_load(c, id.key_id, &op->key);
	if (f == FAULT_NOT_FOUND)
		f = call_fail(c, FAULT_ACCESS_DENIED,
			      "The ciphertext refers to a key that does not exist, does not exist in this region, or you "
			      "are not allowed to access.");
	return f;
}

enum fault crypto_op_open(struct call *c, const struct crypto_op *op, const struct buf *blob, struct buf *plain,
			  struct blob_id *id)
{
	uint8_t material[KEY_MATERIAL_SIZE];
	int rc;

	if (blob_identify((const uint8_t *)blob->data, blob->len, id))
		return invalid_ciphertext(c);
	if (strcmp(id->key_id, op->key.id))
		return call_fail(c, FAULT_INCORRECT_KEY,
				 "The key ID in the request does not identify a key that can decrypt the ciphertext.");
	rc = material_load(c->svc, id->key_id, id->material_id, material);
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
