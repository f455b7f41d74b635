// SPDX-License-Identifier: GPL-2.0-or-later
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "credentials.h"
#include "principal.h"
#include "root.h"

static const char admin_policy[] =
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}";

char *state_path(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *dir)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int sync_dir(const char *path)
{
	int rc = 0, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fsync(fd))
		rc = -errno;
	close(fd);
	return rc;
}

/* root_check - a value that only this root secret gives, kept in the database. */
static int root_check(const struct service *svc, uint8_t out[ROOT_CHECK_SIZE])
{
	return root_derive(&svc->root, ROOT_CHECK, svc->account, out);
}

static int fill_meta(struct service *svc)
{
	uint8_t check[ROOT_CHECK_SIZE];
	int rc = root_check(svc, check);

	if (!rc)
		rc = store_meta_set(svc->store, "account", svc->account, strlen(svc->account));
	if (!rc)
		rc = store_meta_set(svc->store, "region", svc->region, strlen(svc->region));
	if (!rc)
		rc = store_meta_set(svc->store, "root-check", check, sizeof(check));
	return rc;
}

static int add_admin(struct service *svc, const char *dir, struct err *e)
{
	struct principal p = { .name = STATE_ADMIN, .admin = true, .created_ms = service_clock_ms() };
	char secret[SECRET_KEY_SIZE];
	char *path = state_path(dir, STATE_CREDENTIALS "/" STATE_ADMIN);
	int rc = ident_new_unique_id(false, p.unique_id);

	p.policy = strdup(admin_policy);
	if (!p.policy || !path)
		rc = -ENOMEM;
	if (!rc)
		rc = principal_new_credentials(svc, &p, secret);
	if (!rc)
		rc = store_principal_add(svc->store, &p);
	if (rc)
		err_sys(e, rc, "cannot make the admin principal");
	else
		rc = credentials_write(path, p.name, p.access_key, secret, false, e);
	explicit_bzero(secret, sizeof(secret));
	principal_free(&p);
	free(path);
	return rc;
}

/* fill - everything inside a fresh directory; each file is durable when it returns. */
static int fill(struct service *svc, const char *dir, const char *root_spec, struct err *e)
{
	char *root = state_path(dir, STATE_ROOT_SECRET), *db = state_path(dir, STATE_DATABASE);
	char *credentials = state_path(dir, STATE_CREDENTIALS);
	int rc = -ENOMEM;

	if (!root || !db || !credentials) {
		err_sys(e, rc, "init");
		goto out;
	}
	rc = mkdir(credentials, 0700) ? err_sys(e, -errno, "cannot make %s", credentials) : 0;
	if (!rc)
		rc = root_spec ? root_open(root_spec, true, &svc->root, e) : root_create(root, &svc->root, e);
	if (!rc)
		rc = store_create(db, &svc->store, e);
	if (rc)
		goto out;
	rc = fill_meta(svc);
	if (rc)
		err_sys(e, rc, "cannot write the database");
	if (!rc)
		rc = add_admin(svc, dir, e);
	state_close(svc);
	if (!rc) {
		rc = sync_dir(dir);
		if (rc)
			err_sys(e, rc, "cannot sync %s", dir);
	}
out:
	free(root);
	free(db);
	free(credentials);
	return rc;
}

/* lock_dir - a descriptor that holds @dir, which is still the directory of that name. */
static int lock_dir(const char *dir, struct err *e)
{
	struct stat held, named;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &held) || lstat(dir, &named) || held.st_ino != named.st_ino) {
		close(fd);
		return err_set(e, -EBUSY, "another init is making %s", dir);
	}
	return fd;
}

/* take_new_dir - "DIR.new", empty and ours alone; what an interrupted init left there was never used. */
static int take_new_dir(const char *dir, struct err *e)
{
	int fd;

	if (mkdir(dir, 0700)) {
		if (errno != EEXIST)
			return err_sys(e, -errno, "cannot make %s", dir);
		fd = lock_dir(dir, e);
		if (fd < 0)
			return fd;
		remove_tree(dir);
		close(fd);
		if (mkdir(dir, 0700))
			return err_sys(e, -errno, "cannot make %s", dir);
	}
	return lock_dir(dir, e);
}

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool empty = d;

	while (d && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			empty = false;
	if (d)
		closedir(d);
	return empty;
}

/* check_target - absent, or an empty directory that the rename may replace. */
static int check_target(const char *dir, struct err *e)
{
	struct stat st;

	if (lstat(dir, &st))
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot stat %s", dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "%s is not a directory", dir);
	if (st.st_uid != geteuid())
		return err_set(e, -EPERM, "%s belongs to user %u: run init as that user", dir, st.st_uid);
	if (is_empty(dir))
		return 0;
	err_set(e, -EEXIST, "%s is not empty: it was initialised before, or is used for something else", dir);
	return err_hint(e, "choose another --state-dir; a KMS's state is never overwritten");
}

static int publish(const char *fresh, const char *dir, struct err *e)
{
	char *parent = strdup(dir), *slash;
	int rc;

	if (!parent)
		return err_sys(e, -ENOMEM, "init");
	/* Fails on a directory that somebody filled meanwhile. */
	rc = rename(fresh, dir) ? err_sys(e, -errno, "cannot put %s in place", dir) : 0;
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = '\0';
	if (!rc)
		rc = sync_dir(slash ? parent : ".");
	free(parent);
	return rc;
}

static int choose_names(struct service *svc, const char *account, const char *region, struct err *e)
{
	if (account && !ident_account_ok(account))
		return err_set(e, -EINVAL, "an account is 12 digits, not \"%s\"", account);
	if (!ident_region_ok(region))
		return err_set(e, -EINVAL, "a region is lowercase letters, digits and hyphens, not \"%s\"", region);
	strcpy(svc->region, region);
	if (account)
		strcpy(svc->account, account);
	else if (ident_new_account(svc->account))
		return err_set(e, -EIO, "no random numbers");
	return 0;
}

/* create_at - @dir has no slash at its end, so that "DIR.new" stands beside it. */
static int create_at(struct service *svc, const char *dir, const char *root, struct err *e)
{
	char *fresh;
	int rc, fd;

	if (asprintf(&fresh, "%s.new", dir) < 0)
		return err_sys(e, -ENOMEM, "init");
	fd = take_new_dir(fresh, e);
	rc = fd < 0 ? fd : fill(svc, fresh, root, e);
	if (!rc)
		rc = publish(fresh, dir, e);
	if (fd >= 0) {
		if (rc)
			remove_tree(fresh);
		close(fd);
	}
	free(fresh);
	return rc;
}

int state_create(const char *dir, const char *root, const char *account, const char *region, struct err *e)
{
	struct service svc = SERVICE_INIT;
	size_t len = strlen(dir);
	char *clean;
	int rc;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	clean = strndup(dir, len);
	if (!clean)
		return err_sys(e, -ENOMEM, "init");
	rc = choose_names(&svc, account, region, e);
	if (!rc)
		rc = check_target(clean, e);
	if (!rc)
		rc = create_at(&svc, clean, root, e);
	state_close(&svc);
	free(clean);
	return rc;
}

static int read_meta(struct service *svc, struct err *e)
{
	uint8_t stored[ROOT_CHECK_SIZE], want[ROOT_CHECK_SIZE];
	size_t account = 0, region = 0, check = 0;
	int rc;

	memset(svc->account, 0, sizeof(svc->account));
	memset(svc->region, 0, sizeof(svc->region));
	rc = store_meta_get(svc->store, "account", svc->account, sizeof(svc->account) - 1, &account);
	if (!rc)
		rc = store_meta_get(svc->store, "region", svc->region, sizeof(svc->region) - 1, &region);
	if (!rc)
		rc = store_meta_get(svc->store, "root-check", stored, sizeof(stored), &check);
	if (!rc && (!ident_account_ok(svc->account) || !ident_region_ok(svc->region) || check != sizeof(stored)))
		rc = -EBADMSG;
	if (!rc)
		rc = root_check(svc, want);
	if (rc)
		return err_sys(e, rc, "the database does not say whose it is");
	if (CRYPTO_memcmp(want, stored, sizeof(want))) {
		err_set(e, -EKEYREJECTED, "the root secret does not belong to this database");
		return err_hint(e, "restore the root secret and the database from the same backup");
	}
	return 0;
}

static int check_dir(const char *dir, struct err *e)
{
	struct stat st;
	int rc;

	if (stat(dir, &st)) {
		rc = err_sys(e, -errno, "cannot use the state directory %s", dir);
		if (rc == -ENOENT)
			err_hint(e, "make it with: ecache-kmsd init --state-dir %s", dir);
		return rc;
	}
	/* As the service manager makes it before the first start. */
	if (is_empty(dir)) {
		err_set(e, -ENOENT, "the state directory %s is empty", dir);
		return err_hint(e, "fill it with: ecache-kmsd init --state-dir %s", dir);
	}
	if (st.st_mode & 077) {
		err_set(e, -EPERM, "%s can be entered by others (mode %04o)", dir, (unsigned int)st.st_mode & 07777);
		return err_hint(e, "chmod 0700 %s", dir);
	}
	return 0;
}

/* open_root - the hint is for a secret that was put elsewhere. */
static int open_root(struct service *svc, const char *path, const char *spec, struct err *e)
{
	int rc = spec ? root_open(spec, false, &svc->root, e) : root_load(path, &svc->root, e);

	if (rc == -ENOENT && !spec)
		err_hint(e, "say where it is: --root-secret, or root-secret= in the configuration");
	return rc;
}

int state_open(struct service *svc, const char *dir, const char *root_spec, struct err *e)
{
	char *root = state_path(dir, STATE_ROOT_SECRET), *db = state_path(dir, STATE_DATABASE);
	int rc;

	svc->clock_ms = service_clock_ms;
	rc = root && db ? check_dir(dir, e) : err_sys(e, -ENOMEM, "state");
	if (!rc)
		rc = open_root(svc, root, root_spec, e);
	if (!rc)
		rc = store_open(db, &svc->store, e);
	if (!rc)
		rc = read_meta(svc, e);
	if (rc)
		state_close(svc);
	free(root);
	free(db);
	return rc;
}

static int in_use(const char *dir, struct err *e)
{
	err_set(e, -EBUSY, "another ecache-kmsd serves %s", dir);
	return err_hint(e, "stop it, or give this one a --state-dir of its own");
}

int state_lock(const char *dir, struct err *e)
{
	char *path = state_path(dir, STATE_LOCK);
	int fd, rc = 0;

	if (!path)
		return err_sys(e, -ENOMEM, "state");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		rc = err_sys(e, -errno, "cannot open %s", path);
	else if (flock(fd, LOCK_EX | LOCK_NB))
		rc = in_use(dir, e);
	if (rc && fd >= 0)
		close(fd);
	free(path);
	return rc ? rc : fd;
}

void state_close(struct service *svc)
{
	store_close(svc->store);
	svc->store = NULL;
	secret_wipe(&svc->root);
}
