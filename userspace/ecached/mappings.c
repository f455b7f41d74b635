// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/memory.h"
#include "mappings.h"

/*
 * The child's end: one packet a mapping, then an empty one. Both ends are the same program,
 * so the struct itself goes over.
 */
static int send_one(void *ctx, const struct mapping *m)
{
	return send(*(int *)ctx, m, sizeof(*m), MSG_NOSIGNAL) == sizeof(*m) ? 0 : -EPIPE;
}

static void ask(const struct dm *dm, int sock)
{
	if (!mapping_each(dm, send_one, &sock, NULL))
		send(sock, "", 1, MSG_NOSIGNAL);
}

static int add(struct mappings *out, const struct mapping *m)
{
	struct mapping *more = realloc(out->m, (out->nr + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	out->m = more;
	out->m[out->nr++] = *m;
	return 0;
}

static int collect(int sock, int timeout_ms, struct mappings *out)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int64_t end = now_ms() + timeout_ms, left;
	struct mapping m;
	ssize_t n;

	for (;;) {
		left = end - now_ms();
		if (left <= 0 || !poll(&p, 1, (int)left))
			return 0;
		n = recv(sock, &m, sizeof(m), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n == 1)
			out->complete = true;
		if (n != sizeof(m))
			return 0;
		if (add(out, &m))
			return -ENOMEM;
	}
}

int mappings_get(const struct dm *dm, int timeout_ms, struct mappings *out)
{
	int pair[2], rc;
	pid_t pid;

	memset(out, 0, sizeof(*out));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (!pid) {
		memory_lock(MEMORY_TOUCHED);
		ask(dm, pair[1]);
		_exit(0);
	}
	close(pair[1]);
	rc = pid < 0 ? -EAGAIN : collect(pair[0], timeout_ms, out);
	close(pair[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		if (out->complete)
			waitpid(pid, NULL, 0);
		else
			waitpid(pid, NULL, WNOHANG);	/* in D state it cannot be reaped now; init will */
	}
	if (rc)
		mappings_free(out);
	return rc;
}

void mappings_free(struct mappings *m)
{
	free(m->m);
	memset(m, 0, sizeof(*m));
}

const struct mapping *mappings_find(const struct mappings *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->nr; i++) {
		if (!strcmp(m->m[i].name, name))
			return &m->m[i];
	}
	return NULL;
}
