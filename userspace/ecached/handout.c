// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "../common/json.h"
#include "job.h"
#include "open.h"

/*
 * unwrap: the volume key in the clear, for a rescue with cryptsetup. The key goes from its
 * locked page into a descriptor of the caller's and nowhere else; ecachectl itself never
 * has it.
 *
 * A pipe or a socket hands it to another program and keeps nothing. A terminal shows and
 * keeps it: never. A regular file keeps it beside the data that it opens, so the caller has
 * to insist, and nobody else may have a right to the file. Anything else (a disk, a tape,
 * another character device) would be written over by mistake only: never.
 */
#define WRITE_MS 10000		/* a reader that does not read for so long is given up */

static int check_file(const struct stat *st, bool to_file, struct err *e)
{
	if (!to_file) {
		err_set(e, -EPERM, "the descriptor is a regular file, which would keep the key");
		return err_hint(e, "Give a pipe, as in `ecachectl unwrap NAME --to-fd 1 | PROGRAM`, or insist with "
				"--force.");
	}
	if (st->st_mode & 077)
		return err_set(e, -EPERM, "others than its owner may read or write that file (mode %04o)",
			       st->st_mode & 07777);
	return 0;
}

/* kind_of - what the key would go to, in a word for the audit log. */
static int kind_of(int fd, bool to_file, const char **kind, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || fstat(fd, &st))
		return err_sys(e, -errno, "cannot look at the descriptor");
	if ((flags & O_ACCMODE) == O_RDONLY)
		return err_set(e, -EBADF, "the descriptor is open for reading only");
	switch (st.st_mode & S_IFMT) {
	case S_IFIFO:
		*kind = "pipe";
		return 0;
	case S_IFSOCK:
		*kind = "socket";
		return 0;
	case S_IFREG:
		*kind = "file";
		return check_file(&st, to_file, e);
	default:
		err_set(e, -EPERM, "the descriptor is %s", isatty(fd) ? "a terminal, which would show the key" :
			"neither a pipe nor a socket nor a file");
		return err_hint(e, "Give a pipe, as in `ecachectl unwrap NAME --to-fd 1 | PROGRAM`.");
	}
}

/* hand_out - a key is smaller than PIPE_BUF: once there is room, the write does not wait. */
static int hand_out(int fd, const struct secret *key, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int rc;

	do {
		rc = poll(&p, 1, WRITE_MS);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return err_sys(e, -errno, "cannot wait for the reader of the key");
	if (!rc)
		return err_set(e, -ETIMEDOUT, "nobody reads what the key would be written to");
	rc = write_all(fd, key->data, key->len);
	return rc ? err_sys(e, rc, "cannot write the key to the descriptor") : 0;
}

int job_unwrap(struct job *j, struct err *e)
{
	char request_id[REQUEST_ID_SIZE];
	struct secret key = SECRET_INIT;
	const char *kind = NULL;
	int rc;

	rc = kind_of(j->rq->fd, j->rq->to_file, &kind, e);
	if (rc)
		return rc;
	rc = volume_key(j->env, j->talk, j->rq->name, kind, &key, request_id, e);
	if (rc)
		return rc;
	js_put_string(j->result, "name", j->rq->name);
	js_put(j->result, "bytes", json_object_new_int64((int64_t)key.len));
	js_put_string(j->result, "to", kind);
	js_put_string(j->result, "request_id", request_id);
	rc = hand_out(j->rq->fd, &key, e);
	secret_wipe(&key);
	return rc;
}
