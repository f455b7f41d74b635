// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "ipc.h"
#include "json.h"

#define IPC_DEPTH 16
#define IPC_BACKLOG 64

static int fill_address(struct sockaddr_un *sa, const char *path, struct err *e)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (!*path || strlen(path) >= sizeof(sa->sun_path))
		return err_set(e, -EINVAL, "socket path \"%.120s\" must be 1 to %zu bytes", path,
			       sizeof(sa->sun_path) - 1);
	strcpy(sa->sun_path, path);
	return 0;
}

static int connect_to(const char *path, int type, struct err *e)
{
	struct sockaddr_un sa;
	int sock, rc;

	rc = fill_address(&sa, path, e);
	if (rc)
		return rc;
	sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_sys(e, -errno, "cannot make a socket");
	do {
		rc = connect(sock, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : 0;
	} while (rc == -EINTR);
	if (rc) {
		close(sock);
		return err_sys(e, rc, "cannot connect to %s", path);
	}
	return sock;
}

int ipc_connect(const char *path, struct err *e)
{
	return connect_to(path, SOCK_SEQPACKET, e);
}

/*
 * lock_directory - two programs that start at once must not both take the other's fresh socket for an old one. The lock
 * goes with the descriptor, so nothing is left to clean up.
 */
static int lock_directory(const char *path, struct err *e)
{
	char copy[PATH_MAX];
	int dir;

	strcpy(copy, path);
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, -errno, "cannot open the directory of %s", path);
	while (flock(dir, LOCK_EX)) {
		int rc = -errno;

		if (rc == -EINTR)
			continue;
		close(dir);
		return err_sys(e, rc, "cannot lock the directory of %s", path);
	}
	return dir;
}

/* remove_stale - unlink the socket that nobody listens on; -EADDRINUSE for a live one or another kind of file. */
static int remove_stale(const char *path, int type, struct err *e)
{
	struct stat st;
	int sock;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EADDRINUSE, "%s exists and is not a socket", path);
	sock = connect_to(path, type, NULL);
	if (sock != -ECONNREFUSED) {
		if (sock >= 0)
			close(sock);
		return err_set(e, -EADDRINUSE, "%s is in use by a running program", path);
	}
	if (unlink(path))
		return err_sys(e, -errno, "cannot remove the old socket %s", path);
	return 0;
}

static int group_id(const char *name, gid_t *gid, struct err *e)
{
	struct group grp, *found;
	char buf[4096];
	int rc;

	rc = getgrnam_r(name, &grp, buf, sizeof(buf), &found);
	if (rc)
		return err_sys(e, -rc, "cannot look up group %s", name);
	if (!found)
		return err_set(e, -ENOENT, "there is no group %s", name);
	*gid = grp.gr_gid;
	return 0;
}

/* The rights are set between bind and listen: until then a connect is refused. */
static int bind_with_rights(int sock, const struct sockaddr_un *sa, mode_t mode, const gid_t *gid, struct err *e)
{
	if (bind(sock, (const struct sockaddr *)sa, sizeof(*sa)))
		return err_sys(e, -errno, "cannot bind %s", sa->sun_path);
	if ((gid && chown(sa->sun_path, -1, *gid)) || chmod(sa->sun_path, mode)) {
		err_sys(e, -errno, "cannot set the rights of %s", sa->sun_path);
		goto remove;
	}
	if (listen(sock, IPC_BACKLOG)) {
		err_sys(e, -errno, "cannot listen on %s", sa->sun_path);
		goto remove;
	}
	return 0;

remove:
	unlink(sa->sun_path);
	return e->rc;
}

static int listen_on(const char *path, int type, mode_t mode, const char *group, struct err *e)
{
	struct err unread = ERR_INIT;
	struct sockaddr_un sa;
	int sock, dir, rc;
	gid_t gid = 0;

	if (!e)
		e = &unread;
	rc = fill_address(&sa, path, e);
	if (rc)
		return rc;
	if (group) {
		rc = group_id(group, &gid, e);
		if (rc)
			return rc;
	}
	dir = lock_directory(path, e);
	if (dir < 0)
		return dir;
	rc = remove_stale(path, type, e);
	if (rc)
		goto close_dir;
	sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (sock < 0) {
		rc = err_sys(e, -errno, "cannot make a socket");
		goto close_dir;
	}
	rc = bind_with_rights(sock, &sa, mode, group ? &gid : NULL, e);
	if (rc)
		close(sock);
close_dir:
	close(dir);
	return rc ? rc : sock;
}

int ipc_listen(const char *path, mode_t mode, const char *group, struct err *e)
{
	return listen_on(path, SOCK_SEQPACKET, mode, group, e);
}

int ipc_listen_stream(const char *path, mode_t mode, const char *group, struct err *e)
{
	return listen_on(path, SOCK_STREAM, mode, group, e);
}

int ipc_peer(int sock, struct ipc_peer *peer)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return -errno;
	peer->uid = cred.uid;
	peer->gid = cred.gid;
	peer->pid = cred.pid;
	return 0;
}

/* wait_for - poll until @deadline (INT64_MAX: for ever). A hangup counts as ready: the next call reports it. */
static int wait_for(int sock, short events, int64_t deadline)
{
	struct pollfd pfd = { .fd = sock, .events = events };
	int64_t left;
	int n;

	for (;;) {
		left = deadline == INT64_MAX ? -1 : deadline - now_ms();
		if (deadline != INT64_MAX && left < 0)
			left = 0;
		n = poll(&pfd, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n && left <= INT_MAX)
			return -ETIMEDOUT;
	}
}

static void put_fd(struct msghdr *msg, int fd)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

int ipc_send(int sock, struct json_object *obj, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int64_t deadline = now_ms() + IPC_SEND_MS;
	const char *text;
	size_t len;
	int rc;

	text = js_text(obj, &len);
	if (!text)
		return -ENOMEM;
	if (len > IPC_MAX)
		return -EMSGSIZE;
	iov.iov_base = (void *)(uintptr_t)text;
	iov.iov_len = len;
	if (fd >= 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		put_fd(&msg, fd);
	}
	for (;;) {
		if (sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return errno == ECONNRESET ? -EPIPE : -errno;
		rc = wait_for(sock, POLLOUT, deadline);
		if (rc)
			return rc;
	}
}

/* take_fds - the descriptors that came: one into *fd; more than one, or a cut list, closes all. */
static int take_fds(struct msghdr *msg, int *fd)
{
	int rc = msg->msg_flags & MSG_CTRUNC ? -EBADMSG : 0;
	struct cmsghdr *c;
	int got = -1, one;
	size_t n, i;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(one));
			if (got < 0) {
				got = one;
			} else {
				close(one);
				rc = -EBADMSG;
			}
		}
	}
	if (rc && got >= 0) {
		close(got);
		got = -1;
	}
	*fd = got;
	return rc;
}

static int recv_packet(int sock, char *buf, size_t size, size_t *len, int *fd, int64_t deadline)
{
	union {
		char buf[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;
	int rc;

	for (;;) {
		rc = wait_for(sock, POLLIN, deadline);
		if (rc)
			return rc;
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (n >= 0)
			break;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	rc = take_fds(&msg, fd);
	if (rc)
		return rc;
	if (!n)
		rc = -ECONNRESET;
	else if (msg.msg_flags & MSG_TRUNC)
		rc = -EBADMSG;
	*len = n;
	return rc;
}

int ipc_recv(int sock, struct json_object **obj, int *fd, int timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
	int got = -1, rc;
	size_t len = 0;
	char *buf;

	*obj = NULL;
	if (fd)
		*fd = -1;
	buf = malloc(IPC_MAX);
	if (!buf)
		return -ENOMEM;
	rc = recv_packet(sock, buf, IPC_MAX, &len, &got, deadline);
	if (!rc)
		rc = js_parse(buf, len, IPC_DEPTH, obj, NULL);
	free(buf);
	if (!rc && fd)
		*fd = got;
	else if (got >= 0)
		close(got);
	return rc;
}
