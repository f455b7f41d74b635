// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "provider.h"

#define METADATA_MS 2000
#define METADATA_ATTEMPTS 2

bool provider_plain(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	}
	return true;
}

/* good_value - what may stand in a header and in a signature. */
static bool good_value(const struct span *s, size_t max)
{
	return s->at && s->len && s->len <= max && provider_plain(s->at, s->len);
}

static char *put(char *p, const struct span *s)
{
	if (s->at)
		memcpy(p, s->at, s->len);
	p[s->len] = '\0';
	return p + s->len + 1;
}

enum look provider_keep(struct creds *out, const struct found *f, const char *where, struct err *e)
{
	const struct span *token = &f->session_token;
	char *p;
	int rc;

	if (!good_value(&f->access_key_id, 128) || !good_value(&f->secret_access_key, 256) ||
	    (token->len && !good_value(token, 8192))) {
		err_set(e, -EINVAL, "%s: the credentials are incomplete or hold a character that none has", where);
		err_hint(e, "both the access key id and the secret access key are needed");
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
	out->expires_s = f->expires_s;
	return FOUND;
}

/*
 * A secret that others can read is none, and what others can write could be swapped. The group's read bit is allowed:
 * systemd gives a credential to its service by an ACL, whose mask shows there.
 */
static int check_rights(const char *path, const struct stat *st, enum provider_rights rights, size_t max, struct err *e)
{
	mode_t refused = rights == RIGHTS_SECRET ? 0027 : 0022;

	if (!S_ISREG(st->st_mode))
		return err_set(e, -EINVAL, "%s is not a regular file", path);
	if (rights != RIGHTS_ANY && st->st_uid && st->st_uid != geteuid()) {
		err_set(e, -EPERM, "%s belongs to user %u, who is neither root nor we", path, (unsigned int)st->st_uid);
		return err_hint(e, "chown it to root");
	}
	if (rights != RIGHTS_ANY && (st->st_mode & refused)) {
		err_set(e, -EPERM, "%s %s but its mode is %04o", path,
			rights == RIGHTS_SECRET ? "holds secrets" : "leads to secrets",
			(unsigned int)st->st_mode & 07777);
		return err_hint(e, "chmod %s %s", rights == RIGHTS_SECRET ? "600" : "go-w", path);
	}
	if (st->st_size > (off_t)max)
		return err_set(e, -EFBIG, "%s is larger than %zu bytes", path, max);
	return 0;
}

int provider_read(const char *path, enum provider_rights rights, size_t max, struct secret *text, struct err *e)
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
	rc = check_rights(path, &st, rights, max, e);
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

int provider_get(const struct creds_net *net, struct request *rq, struct response *rs, struct err *e)
{
	int rc, n = 0;

	rq->timeout_ms = net->metadata_ms ? net->metadata_ms : METADATA_MS;
	rq->ca_file = net->ca_file;
	do {
		if (e)
			*e = (struct err)ERR_INIT;
		rc = transport_send(net->transport, rq, rs, e);
	} while ((rc == -EAGAIN || (!rc && rs->status >= 500)) && ++n < METADATA_ATTEMPTS);
	return rc;
}
