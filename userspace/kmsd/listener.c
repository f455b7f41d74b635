// SPDX-License-Identifier: GPL-2.0-or-later
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define GROUPS_MAX 65536

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static bool is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
	return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

static int parse_address(const char *text, union address *out, socklen_t *len, struct err *e)
{
	const char *colon = strrchr(text, ':');
	char host[64], *end;
	unsigned long port;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!colon || colon == text || (size_t)(colon - text) >= sizeof(host) || colon[1] < '0' || colon[1] > '9')
		return err_set(e, -EINVAL, "\"%s\" is not ADDRESS:PORT", text);
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > 65535)
		return err_set(e, -EINVAL, "\"%s\" is no port", colon + 1);
	n = (size_t)(colon - text);
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons((uint16_t)port);
		*len = sizeof(out->in);
	} else {
		if (host[0] != '[' || host[n - 1] != ']')
			return err_set(e, -EINVAL, "\"%s\" is no numeric address", host);
		host[n - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &out->in6.sin6_addr) != 1)
			return err_set(e, -EINVAL, "\"%s\" is no numeric address", host + 1);
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons((uint16_t)port);
		*len = sizeof(out->in6);
	}
	return 0;
}

/* parse_allowed - data keys cross no network in the clear. */
static int parse_allowed(const char *text, bool tls, union address *out, socklen_t *len, struct err *e)
{
	int rc = parse_address(text, out, len, e);

	if (rc || tls || is_loopback(out))
		return rc;
	err_set(e, -EADDRNOTAVAIL, "%s is not a loopback address, and there is no TLS to protect data keys on a network",
		text);
	return err_hint(e, "give tls-certificate= and tls-key=, or listen on 127.0.0.1 or the unix socket");
}

int listener_check_address(const char *address, bool tls, struct err *e)
{
	union address a;
	socklen_t len;

	return parse_allowed(address, tls, &a, &len, e);
}

static void format_address(const union address *a, char *out, size_t size)
{
	char host[INET6_ADDRSTRLEN];

	if (a->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%u", host, ntohs(a->in.sin_port));
	} else {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		snprintf(out, size, "[%s]:%u", host, ntohs(a->in6.sin6_port));
	}
}

int listener_tcp(const char *address, bool tls, char *bound, size_t size, struct err *e)
{
	union address a;
	socklen_t len = 0;
	int fd, rc, on = 1;

	rc = parse_allowed(address, tls, &a, &len, e);
	if (rc)
		return rc;
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a.any, len) || listen(fd, BACKLOG) || getsockname(fd, &a.any, &len)) {
		rc = err_sys(e, -errno, "cannot listen on %s", address);
		close(fd);
		return rc;
	}
	format_address(&a, bound, size);
	return fd;
}

/* clear_stale - remove the socket file of a server that is gone; -EADDRINUSE when it is not gone. */
static int clear_stale(const union address *a, struct err *e)
{
	struct stat st;
	int fd, rc = 0;

	if (lstat(a->un.sun_path, &st))
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot stat %s", a->un.sun_path);
	if (!S_ISSOCK(st.st_mode)) {
		err_set(e, -EEXIST, "%s is there and is no socket", a->un.sun_path);
		return err_hint(e, "move it away, or choose another path for the socket");
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make a socket");
	/* EAGAIN: its backlog is full, so it lives. */
	if (!connect(fd, &a->any, sizeof(a->un)) || errno != ECONNREFUSED) {
		err_set(e, -EADDRINUSE, "another server listens on %s", a->un.sun_path);
		rc = err_hint(e, "stop it, or choose another path for the socket");
	} else if (unlink(a->un.sun_path)) {
		rc = err_sys(e, -errno, "cannot remove the stale %s", a->un.sun_path);
	}
	close(fd);
	return rc;
}

static int make_parent(const char *path, struct err *e)
{
	char *dir = strdup(path), *slash;
	int rc = 0;

	if (!dir)
		return err_sys(e, -ENOMEM, "socket");
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		if (!mkdir(dir, 0755))
			rc = chmod(dir, 0755) ? err_sys(e, -errno, "cannot open %s to others", dir) : 0;
		else if (errno != EEXIST)
			rc = err_sys(e, -errno, "cannot make %s", dir);
	}
	free(dir);
	return rc;
}

/* set_access - SO_PEERCRED decides; the file's mode is the first fence where one group is all that is allowed. */
static int set_access(const char *path, const struct config *c, struct err *e)
{
	bool one_group = c->nr_gids == 1 && !c->nr_uids;
	mode_t mode = !c->nr_gids && !c->nr_uids ? 0600 : one_group ? 0660 : 0666;

	if (one_group && chown(path, (uid_t)-1, c->gid[0]))
		return err_sys(e, -errno, "cannot give %s to group %u", path, c->gid[0]);
	return chmod(path, mode) ? err_sys(e, -errno, "cannot set the mode of %s", path) : 0;
}

int listener_unix(const char *path, const struct config *c, struct err *e)
{
	union address a = { 0 };
	int fd, rc;

	if (strlen(path) >= sizeof(a.un.sun_path))
		return err_set(e, -ENAMETOOLONG, "the socket path %s is longer than %zu bytes", path,
			       sizeof(a.un.sun_path) - 1);
	a.un.sun_family = AF_UNIX;
	strcpy(a.un.sun_path, path);
	rc = make_parent(path, e);
	if (!rc)
		rc = clear_stale(&a, e);
	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make a socket");
	/* The process's umask keeps others out until set_access(). */
	if (bind(fd, &a.any, sizeof(a.un)))
		rc = err_sys(e, -errno, "cannot bind %s", path);
	else
		rc = set_access(path, c, e);
	if (!rc && listen(fd, BACKLOG))
		rc = err_sys(e, -errno, "cannot listen on %s", path);
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

int listener_inherited(int fd, bool tls, bool *is_unix, struct err *e)
{
	socklen_t len = sizeof(union address), type_len = sizeof(int);
	union address a = { .any.sa_family = AF_UNSPEC };
	int type = 0;

	if (getsockname(fd, &a.any, &len) || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len))
		return err_sys(e, -errno, "the service manager passed something that is no socket");
	*is_unix = a.any.sa_family == AF_UNIX;
	if (!*is_unix && a.any.sa_family != AF_INET && a.any.sa_family != AF_INET6)
		type = 0;
	if (type != SOCK_STREAM || (!*is_unix && !tls && !is_loopback(&a)))
		return err_set(e, -EINVAL,
			       "the service manager passed a socket that is neither a unix nor (without TLS) a loopback stream socket");
	return 0;
}

static bool in_groups(const struct config *c, gid_t gid)
{
	for (unsigned int i = 0; i < c->nr_gids; i++)
		if (c->gid[i] == gid)
			return true;
	return false;
}

/* peer_groups_allowed - whether a supplementary group of the peer is allowed. */
static bool peer_groups_allowed(int fd, const struct config *c)
{
	gid_t few[32], *many = NULL, *gids = few;
	socklen_t len = sizeof(few);
	bool yes = false;
	int rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids, &len);

	/* The kernel has said how many bytes it wants. */
	if (rc && errno == ERANGE && len <= GROUPS_MAX * sizeof(*gids)) {
		many = malloc(len);
		gids = many;
		rc = gids ? getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids, &len) : -1;
	}
	for (size_t i = 0; !rc && !yes && i < len / sizeof(*gids); i++)
		yes = in_groups(c, gids[i]);
	free(many);
	return yes;
}

bool listener_allows(int fd, const struct config *c)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || len != sizeof(peer))
		return false;
	if (!peer.uid || peer.uid == geteuid() || in_groups(c, peer.gid))
		return true;
	for (unsigned int i = 0; i < c->nr_uids; i++)
		if (c->uid[i] == peer.uid)
			return true;
	return peer_groups_allowed(fd, c);
}
