// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "creds.h"
#include "profile.h"
#include "../common/fsio.h"

#define CREDS_FILE_MAX (60 * 1024)

/* What looking in one place gave. */
enum look { FOUND, NOT_HERE, FAILED };

/* good_value - what may stand in a header and in a signature: no blank, no control character. */
static bool good_value(const struct span *s, size_t max)
{
	size_t i;

	if (!s->at || !s->len || s->len > max)
		return false;
	for (i = 0; i < s->len; i++) {
		if (s->at[i] <= ' ' || s->at[i] >= 0x7f)
			return false;
	}
	return true;
}

static char *put(char *p, const struct span *s)
{
	if (s->at)
		memcpy(p, s->at, s->len);
	p[s->len] = '\0';
	return p + s->len + 1;
}

static enum look keep(struct creds *out, const struct profile *f, const char *where, struct err *e)
{
	const struct span *token = &f->session_token;
	char *p;
	int rc;

	if (!good_value(&f->access_key_id, 128) || !good_value(&f->secret_access_key, 256) ||
	    (token->len && !good_value(token, 8192))) {
		err_set(e, -EINVAL, "%s: the credentials are incomplete or hold a character that none has", where);
		err_hint(e, "both aws_access_key_id and aws_secret_access_key are needed");
		return FAILED;
	}
	rc = secret_alloc(&out->store, f->access_key_id.len + f->secret_access_key.len + token->len + 3);
	if (rc) {
		err_sys(e, rc, "cannot lock memory for credentials");
		return FAILED;
	}
	p = (char *)out->store.data;
	out->access_key_id = p;
	p = put(p, &f->access_key_id);
	out->secret_access_key = p;
	p = put(p, &f->secret_access_key);
	out->session_token = p;
	p = put(p, token);
	out->store.len = p - (char *)out->store.data;
	return FOUND;
}

static enum look from_environment(struct creds *out, struct err *e)
{
	static const char *const names[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" };
	struct profile f = { 0 };
	struct span *spans[] = { &f.access_key_id, &f.secret_access_key, &f.session_token };
	const char *value;
	size_t i;

	for (i = 0; i < 3; i++) {
		value = secure_getenv(names[i]);
		if (value && *value) {
			spans[i]->at = value;
			spans[i]->len = strlen(value);
		}
	}
	if (!f.access_key_id.at && !f.secret_access_key.at)
		return NOT_HERE;
	return keep(out, &f, "environment (AWS_ACCESS_KEY_ID...)", e);
}

/*
 * A secret that others can read is none, and one that others can write could be swapped. The group's read bit is
 * allowed: systemd gives a credential to its service by an ACL, whose mask shows there.
 */
static int check_rights(const char *path, const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode))
		return err_set(e, -EINVAL, "%s is not a regular file", path);
	if (st->st_uid && st->st_uid != geteuid()) {
		err_set(e, -EPERM, "%s belongs to user %u, who is neither root nor we", path, (unsigned int)st->st_uid);
		return err_hint(e, "chown it to root");
	}
	if (st->st_mode & 0027) {
		err_set(e, -EPERM, "%s holds secrets but its mode is %04o", path, (unsigned int)st->st_mode & 07777);
		return err_hint(e, "chmod 600 %s", path);
	}
	if (st->st_size > CREDS_FILE_MAX)
		return err_set(e, -EFBIG, "%s is larger than %d bytes", path, CREDS_FILE_MAX);
	return 0;
}

/* read_locked - a whole file into locked memory; -ENOENT when it is not there. */
static int read_locked(const char *path, struct secret *text, struct err *e)
{
	struct stat st;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_sys(e, -errno, "cannot open %s", path);
	if (fstat(fd, &st)) {
		rc = err_sys(e, -errno, "cannot read %s", path);
		goto close_fd;
	}
	rc = check_rights(path, &st, e);
	if (rc)
		goto close_fd;
	rc = secret_alloc(text, st.st_size + 1);
	if (rc) {
		err_sys(e, rc, "cannot lock memory for credentials");
		goto close_fd;
	}
	rc = read_all(fd, text->data, st.st_size);
	if (rc) {
		err_sys(e, rc, "cannot read %s", path);
		secret_wipe(text);
		goto close_fd;
	}
	text->len = st.st_size;
close_fd:
	close(fd);
	return rc;
}

static enum look from_file(const char *path, const char *profile, struct creds *out, struct err *e)
{
	struct secret text = SECRET_INIT;
	enum look look = NOT_HERE;
	struct profile f;
	char where[512];
	int rc;

	rc = read_locked(path, &text, e);
	if (rc)
		return rc == -ENOENT ? NOT_HERE : FAILED;
	snprintf(where, sizeof(where), "%.300s [%.100s]", path, profile);
	if (profile_find((const char *)text.data, text.len, profile, &f)) {
		if (f.access_key_id.at || f.secret_access_key.at) {
			look = keep(out, &f, where, e);
		} else if (f.unsupported) {
			err_set(e, -EOPNOTSUPP, "%s: %s is not supported", where, f.unsupported);
			err_hint(e, "give aws_access_key_id and aws_secret_access_key");
			look = FAILED;
		}
	}
	secret_wipe(&text);
	return look;
}

/* home_path - the variable's path, or NAME below the home directory; false when neither is known. */
static bool home_path(const char *variable, const char *name, char *out, size_t size)
{
	const char *path = secure_getenv(variable);
	const char *home = secure_getenv("HOME");
	int n = -1;

	if (path && *path)
		n = snprintf(out, size, "%s", path);
	else if (home && *home == '/')
		n = snprintf(out, size, "%s/.aws/%s", home, name);
	return n > 0 && (size_t)n < size;
}

int creds_load(const struct creds_source *src, struct creds *out, struct err *e)
{
	char files[2][PATH_MAX] = { "", "" };
	const char *profile = src->profile;
	struct err unread = ERR_INIT;
	enum look look = NOT_HERE;
	int i;

	if (!e)
		e = &unread;
	*out = (struct creds){ .store = SECRET_INIT };
	if (!profile && src->environment)
		profile = secure_getenv("AWS_PROFILE");
	if (!profile || !*profile)
		profile = "default";
	if (src->environment)
		look = from_environment(out, e);
	if (src->file) {
		snprintf(files[0], sizeof(files[0]), "%s", src->file);
	} else {
		home_path("AWS_SHARED_CREDENTIALS_FILE", "credentials", files[0], sizeof(files[0]));
		home_path("AWS_CONFIG_FILE", "config", files[1], sizeof(files[1]));
	}
	for (i = 0; look == NOT_HERE && i < 2; i++) {
		if (files[i][0])
			look = from_file(files[i], profile, out, e);
	}
	if (look == FOUND)
		return 0;
	if (look == FAILED)
		return e->rc;
	err_set(e, -ENOENT, "no AWS credentials: looked in %s%s%s%s for profile \"%s\"",
		src->environment ? "the environment, " : "", files[0][0] ? files[0] : "no file (HOME is not set)",
		files[1][0] ? ", " : "", files[1], profile);
	return err_hint(e, "a credentials file has a line [%s], then aws_access_key_id= and aws_secret_access_key=",
			profile);
}

void creds_wipe(struct creds *c)
{
	secret_wipe(&c->store);
	*c = (struct creds){ .store = SECRET_INIT };
}
