/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_CRYPTO_OP_H
#define KMSD_CRYPTO_OP_H

#include "blob.h"
#include "call.h"
#include "context.h"

/* What the operations that seal and open have in common: a key, a context, permission, state, material. */

#define CRYPTO_OP_ALGORITHM "SYMMETRIC_DEFAULT"

struct crypto_op {
	const char *ref;		/* the member that names the key, NULL when absent */
	bool dry_run;
	struct context context;
	struct key key;
	char alias[ALIAS_SIZE];		/* by which the key was named, or "" */
	const char *same_key;		/* of ReEncrypt: "true" or "false" for kms:ReEncryptOnSameKey; else NULL */
};

void crypto_op_free(struct crypto_op *op);

/* crypto_op_algorithm - @member is absent or names the algorithm of symmetric keys. FAULT_INVALID_KEY_USAGE. */
enum fault crypto_op_algorithm(struct call *c, const char *member);

/* crypto_op_modifiers - DryRunModifiers, which only a dry run may carry. */
enum fault crypto_op_modifiers(struct call *c, bool dry_run, bool *ignore_ciphertext);

/*
 * crypto_op_find_sealed - the key that opens @blob: op->ref, or read from the ciphertext. A ciphertext whose key is not
 * there must look like one whose key the caller may not use.
 */
enum fault crypto_op_find_sealed(struct call *c, struct crypto_op *op, const struct buf *blob);

/*
 * crypto_op_authorize - permission to @name first, then the key's state: nothing is told about a key that the caller
 * may not use.
 */
enum fault crypto_op_authorize(struct call *c, const char *name, const struct crypto_op *op);

/* crypto_op_seal - under the key's current material; FAULT_INTERNAL. */
enum fault crypto_op_seal(struct call *c, const struct crypto_op *op, const uint8_t *plain, size_t len,
			  struct buf *blob);

/*
 * crypto_op_open - under the material that the ciphertext names, current or not, which @id then says. The caller wipes
 * @plain. FAULT_INVALID_CIPHERTEXT, FAULT_INCORRECT_KEY.
 */
enum fault crypto_op_open(struct call *c, const struct crypto_op *op, const struct buf *blob, struct buf *plain,
			  struct blob_id *id);

#endif
