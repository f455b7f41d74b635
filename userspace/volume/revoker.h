/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_REVOKER_H
#define ECACHE_REVOKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../common/err.h"
#include "dm.h"

/*
 * The process that destroys keys: forked when the daemon starts, all of it in locked memory,
 * /dev/mapper/control open, so that neither memory pressure nor a hung disk can keep a revoke from
 * happening. It does nothing but `key revoke` and `key wipe` for whoever holds one of its sockets,
 * and ends when the last of them is closed.
 */
struct revoker {
	pid_t pid;
	int control;		/* socket on which clients' sockets are handed over */
};

#define REVOKER_INIT { .pid = -1, .control = -1 }

enum revoker_op { REVOKER_REVOKE = 1, REVOKER_WIPE = 2 };

/*
 * revoker_start - fork it. -EAGAIN, -ENOMEM; a failed mlockall is logged and survived. Call before
 * threads exist.
 */
int revoker_start(struct revoker *r, const struct dm *dm, struct err *e);

/* revoker_alive - false once it has died: start another one. Never waits. */
bool revoker_alive(struct revoker *r);

/*
 * revoker_connect - a new client socket (CLOEXEC), to be used by one process at a time. Never
 * waits: -EAGAIN.
 */
int revoker_connect(struct revoker *r, int *sock, struct err *e);

/*
 * revoker_call - by the holder of @sock: 0 when the target says that the key is gone; -ETIMEDOUT,
 * -EPIPE, or its errno.
 */
int revoker_call(int sock, enum revoker_op op, const char *name, int timeout_ms, struct err *e);

/*
 * revoker_ask - the same without waiting: the answer carries @serial. -EAGAIN: its queue is full; -EPIPE.
 * revoker_answer - 1: one has come, *rc is what revoker_call() would have returned; 0: none yet; -EPIPE: none will.
 */
int revoker_ask(int sock, enum revoker_op op, const char *name, uint32_t serial);
int revoker_answer(int sock, uint32_t *serial, int *rc);

/*
 * revoker_stop - close the control socket; the process ends with its last client. Reaps without
 * waiting for it.
 */
void revoker_stop(struct revoker *r);

#endif
