/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_IPC_H
#define ECACHE_IPC_H

#include <stdbool.h>
#include <sys/types.h>
#include <json-c/json.h>

#include "err.h"

/*
 * The agent's local protocol: SOCK_SEQPACKET unix sockets, one JSON object a packet, at most IPC_MAX bytes,
 * optionally one file descriptor. Used between ecachectl and ecached and between ecached and ecache-net.
 * No key bytes ever go through it: keys travel as the memfd of a struct secret.
 */
#define IPC_MAX (64 * 1024)
#define IPC_SEND_MS 5000	/* a peer that does not read for so long is given up */

#define ECACHED_SOCKET "/run/ecache/ecached.sock"
#define ECACHED_METRICS_SOCKET "/run/ecache/metrics.sock"
#define ECACHE_NET_SOCKET "/run/ecache-net/net.sock"

/* ipc_listen - bind, mode and group (NULL: leave); an old socket file is replaced only if nobody listens on it. */
int ipc_listen(const char *path, mode_t mode, const char *group, struct err *e);

/* ipc_listen_stream - the same for a stream of bytes: what other protocols run on. */
int ipc_listen_stream(const char *path, mode_t mode, const char *group, struct err *e);

int ipc_connect(const char *path, struct err *e);

struct ipc_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

int ipc_peer(int sock, struct ipc_peer *peer);

/*
 * ipc_send - @fd -1: none. -EMSGSIZE above IPC_MAX; -EPIPE when the peer is gone (never SIGPIPE); -ETIMEDOUT when it
 * has not made room within IPC_SEND_MS.
 */
int ipc_send(int sock, struct json_object *msg, int fd);

/*
 * ipc_recv - one message; *msg is a JSON object to be put by the caller. *fd is -1 or a descriptor (CLOEXEC); with
 * fd NULL any descriptor received is closed. @timeout_ms -1: wait for ever. 0 on success, -ECONNRESET at the end,
 * -ETIMEDOUT, -EBADMSG when it is not one JSON object (depth at most 16).
 */
int ipc_recv(int sock, struct json_object **msg, int *fd, int timeout_ms);

#endif
