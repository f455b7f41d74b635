// SPDX-License-Identifier: GPL-2.0-or-later
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "common/fsio.h"

#define WRAP_VERSION 1
#define KIND_FILE "file:"
#define KIND_CREDENTIAL "credential:"

/* These strings are part of what lasts on disk: changing one loses every key wrapped under it. */
static const char *const purposes[] = {
	[ROOT_KEY_MATERIAL] = "ecache-kmsd v1 key material",
	[ROOT_PRINCIPAL] = "ecache-kmsd v1 principal",
	[ROOT_GRANT_TOKEN] = "ecache-kmsd v1 grant token",
	[ROOT_CHECK] = "ecache-kmsd v1 check",
};

int root_create(const char *path, struct secret *root, struct err *e)
{
	int rc = secret_alloc(root, ROOT_SECRET_SIZE);

	if (rc)
		return err_sys(e, rc, "cannot get locked memory for the root secret");
	root->len = ROOT_SECRET_SIZE;
	rc = crypto_random(root->data, root->len);
	if (rc)
		rc = err_sys(e, rc, "no random numbers for the root secret");
	else
		rc = fsio_create(path, root->data, root->len, 0600, e);
	if (rc)
		secret_wipe(root);
	return rc;
}

/* check_file - @shown: the service manager decides who else may read it, and shows it to nobody else. */
static int check_file(int fd, const char *path, bool shown, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_sys(e, -errno, "cannot stat %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size != ROOT_SECRET_SIZE) {
		err_set(e, -EINVAL, "%s is not a root secret: want a file of %d bytes", path, ROOT_SECRET_SIZE);
		return err_hint(e, "put the copy that was kept elsewhere in its place; a new one opens nothing");
	}
	if (shown)
		return 0;
	if (st.st_mode & 077) {
		err_set(e, -EPERM, "%s can be read by others (mode %04o)", path, (unsigned int)st.st_mode & 07777);
		return err_hint(e, "chmod 0600 %s, and ask who has read it", path);
	}
	/* Root may, so that "principal add" works on the state of a service with a user of its own. */
	if (st.st_uid != geteuid() && geteuid()) {
		err_set(e, -EPERM, "%s belongs to user %u, not to user %u", path, st.st_uid, geteuid());
		return err_hint(e, "run as that user, or chown it if he is to know it no longer");
	}
	return 0;
}

static int load(const char *path, bool shown, struct secret *root, struct err *e)
{
	int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_sys(e, -errno, "cannot open the root secret %s", path);
	rc = check_file(fd, path, shown, e);
	if (rc)
		goto out;
	rc = secret_alloc(root, ROOT_SECRET_SIZE);
	if (rc) {
		err_sys(e, rc, "cannot get locked memory for the root secret");
		goto out;
	}
	rc = read_all(fd, root->data, ROOT_SECRET_SIZE);
	if (rc) {
		err_sys(e, rc, "cannot read the root secret %s", path);
		secret_wipe(root);
	} else {
		root->len = ROOT_SECRET_SIZE;
	}
out:
	close(fd);
	return rc;
}

int root_load(const char *path, struct secret *root, struct err *e)
{
	return load(path, false, root, e);
}

/* spec_value - what follows @kind in @spec, or NULL. */
static const char *spec_value(const char *spec, const char *kind)
{
	size_t len = strlen(kind);

	return strncmp(spec, kind, len) ? NULL : spec + len;
}

int root_check_spec(const char *spec, struct err *e)
{
	const char *path = spec_value(spec, KIND_FILE), *name = spec_value(spec, KIND_CREDENTIAL);

	if (path && *path == '/')
		return 0;
	if (name && *name && *name != '.' && !strchr(name, '/'))
		return 0;
	return err_set(e, -EINVAL, "the root secret wants file:/PATH or credential:NAME, not \"%s\"", spec);
}

static int open_credential(const char *name, struct secret *root, struct err *e)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char *path;
	int rc;

	if (!dir || *dir != '/') {
		err_set(e, -ENOENT, "there is no credential %s: the service manager has passed none", name);
		return err_hint(e, "run it as a service with LoadCredentialEncrypted=%s; see ecache-kmsd(8)", name);
	}
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return err_sys(e, -ENOMEM, "root secret");
	rc = load(path, true, root, e);
	free(path);
	return rc;
}

int root_open(const char *spec, bool create, struct secret *root, struct err *e)
{
	const char *path = spec_value(spec, KIND_FILE);
	int rc = root_check_spec(spec, e);

	if (rc)
		return rc;
	if (!path)
		return open_credential(spec_value(spec, KIND_CREDENTIAL), root, e);
	if (create && access(path, F_OK) && errno == ENOENT)
		return root_create(path, root, e);
	return root_load(path, root, e);
}

int root_derive(const struct secret *root, enum root_purpose purpose, const char *name, uint8_t out[AES_KEY_SIZE])
{
	struct buf info = BUF_INIT;
	int rc = -ENOMEM;

	/* The NUL between them: no purpose and name run together into another pair. */
	buf_add(&info, purposes[purpose], strlen(purposes[purpose]) + 1);
	buf_str(&info, name);
	if (!info.failed)
		rc = crypto_hkdf(root->data, root->len, NULL, 0, (const uint8_t *)info.data, info.len, out,
				 AES_KEY_SIZE);
	buf_wipe(&info);
	return rc;
}

int root_wrap(const struct secret *root, enum root_purpose purpose, const char *name, const uint8_t *plain, size_t len,
	      uint8_t *out)
{
	uint8_t key[AES_KEY_SIZE];
	struct crypto_aead a = { .key = key, .nonce = out + 1, .aad = out, .aad_len = 1 };
	int rc = root_derive(root, purpose, name, key);

	out[0] = WRAP_VERSION;
	if (!rc)
		rc = crypto_random(out + 1, GCM_NONCE_SIZE);
	if (!rc)
		rc = crypto_seal(&a, plain, len, out + 1 + GCM_NONCE_SIZE);
	explicit_bzero(key, sizeof(key));
	return rc;
}

int root_unwrap(const struct secret *root, enum root_purpose purpose, const char *name, const uint8_t *wrapped,
		size_t len, uint8_t *out)
{
	uint8_t key[AES_KEY_SIZE];
	struct crypto_aead a = { .key = key, .nonce = wrapped + 1, .aad = wrapped, .aad_len = 1 };
	int rc;

	if (len < ROOT_WRAP_OVERHEAD || wrapped[0] != WRAP_VERSION)
		return -EBADMSG;
	rc = root_derive(root, purpose, name, key);
	if (!rc)
		rc = crypto_open(&a, wrapped + 1 + GCM_NONCE_SIZE, len - 1 - GCM_NONCE_SIZE, out);
	explicit_bzero(key, sizeof(key));
	return rc;
}
