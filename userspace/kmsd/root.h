/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_ROOT_H
#define KMSD_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/secret.h"
#include "crypto.h"

/*
 * The root secret: 32 random bytes in a file of mode 0600, or a credential of the service manager, which may have kept
 * it encrypted under the TPM. It never encrypts anything itself; every use has a key of its own, derived by HKDF from
 * the purpose and the name of the thing. Without it the database is useless.
 */
#define ROOT_SECRET_SIZE 32
#define ROOT_CHECK_SIZE SHA256_SIZE

enum root_purpose {
	ROOT_KEY_MATERIAL,	/* wraps a KMS key's material; named by key id and material id */
	ROOT_PRINCIPAL,		/* wraps a principal's secret access key; named by its access key id */
	ROOT_GRANT_TOKEN,	/* authenticates grant tokens */
	ROOT_CHECK,		/* tells whether a database belongs to this root secret */
};

/* root_create - new secret in a new file at @path (-EEXIST), also in @root. */
int root_create(const char *path, struct secret *root, struct err *e);

/* root_load - refuses a file of the wrong size, of another owner, or that others can read. */
int root_load(const char *path, struct secret *root, struct err *e);

/*
 * root_open - the secret that @spec names: "file:PATH" (an absolute path, as root_load()), or "credential:NAME", which
 * the service manager has put into $CREDENTIALS_DIRECTORY. With @create a file that is not there is made.
 */
int root_open(const char *spec, bool create, struct secret *root, struct err *e);

/* root_check_spec - is it one of the two? -EINVAL. */
int root_check_spec(const char *spec, struct err *e);

int root_derive(const struct secret *root, enum root_purpose purpose, const char *name, uint8_t out[AES_KEY_SIZE]);

/* What root_wrap() adds: version, nonce, tag. */
#define ROOT_WRAP_OVERHEAD (1 + GCM_NONCE_SIZE + GCM_TAG_SIZE)

/* root_wrap - @out holds len + ROOT_WRAP_OVERHEAD bytes. */
int root_wrap(const struct secret *root, enum root_purpose purpose, const char *name, const uint8_t *plain, size_t len,
	      uint8_t *out);

/* root_unwrap - @out holds len - ROOT_WRAP_OVERHEAD bytes; -EBADMSG: another root, purpose, name, or damaged. */
int root_unwrap(const struct secret *root, enum root_purpose purpose, const char *name, const uint8_t *wrapped,
		size_t len, uint8_t *out);

#endif
