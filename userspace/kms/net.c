// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../common/ipc.h"
#include "net.h"

bool net_delivered(const struct net_answer *a)
{
	return a->a.transport == KMS_ANSWERED && a->a.http_status == 200 && !a->a.code[0];
}

/* ask - send and wait; -EAGAIN whatever went wrong on the way, since the caller can only come again. */
static int ask(const char *socket, struct json_object *msg, int fd, struct net_answer *a, int timeout_ms,
	       struct err *e)
{
	struct json_object *reply = NULL;
	int sock, rc;

	sock = ipc_connect(socket, e);
	if (sock < 0) {
		err_prefix(e, "ecache-net");
		err_hint(e, "is ecache-net.service running?");
		return -EAGAIN;
	}
	rc = ipc_send(sock, msg, fd);
	if (!rc)
		rc = ipc_recv(sock, &reply, NULL, timeout_ms);
	close(sock);
	if (rc) {
		err_sys(e, rc, "no answer from ecache-net");
		return -EAGAIN;
	}
	rc = net_answer_decode(reply, a);
	json_object_put(reply);
	if (rc)
		err_set(e, rc, "ecache-net answered what is none");
	return 0;
}

int net_call(const char *socket, const struct net_request *rq, struct secret *secret, struct net_answer *a,
	     int timeout_ms, struct err *e)
{
	bool wrap = rq->op && !strcmp(rq->op, "wrap");
	struct json_object *msg;
	int rc;

	memset(a, 0, sizeof(*a));
	a->a.transport = KMS_NOT_ASKED;
	if (secret && !wrap) {
		explicit_bzero(secret->data, secret->cap);
		secret->len = 0;
	}
	rc = net_request_encode(rq, secret ? secret->cap : 0, &msg);
	if (rc)
		return err_sys(e, rc, "cannot put the question to ecache-net");
	a->a.transport = KMS_NO_ANSWER;
	rc = ask(socket, msg, secret ? secret->fd : -1, a, timeout_ms, e);
	json_object_put(msg);
	if (!secret || wrap)
		return rc;
	if (!rc && net_delivered(a))
		secret->len = secret->cap;
	else
		explicit_bzero(secret->data, secret->cap);
	return rc;
}
