// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/ipc.h"
#include "../common/json.h"
#include "../common/memory.h"
#include "../kms/command.h"
#include "../kms/plan.h"
#include "../kms/provider.h"
#include "runner.h"

#define FILE_MAX (60 * 1024)
/* Who waits for the run of somebody else has its failure too, or needs only the moment of one that works. */
#define ANSWER_MS (COMMAND_MS + 2000)

/* run_configured - what the profile says now. */
static int run_configured(const struct agentconf *conf, struct secret *out, struct err *e)
{
	struct secret text = SECRET_INIT;
	struct plan_texts texts = { 0 };
	struct plan plan;
	int rc;

	rc = provider_read(conf->host_credentials, RIGHTS_SECRET, FILE_MAX, &text, e);
	if (rc == -ENOENT)
		err_sys(e, rc, "cannot open %s", conf->host_credentials);
	if (rc)
		return rc;
	texts.text[0] = (struct span){ (const char *)text.data, text.len };
	rc = plan_make(&texts, conf->host_profile, &plan, e);
	if (rc == -ENOENT || (!rc && plan.source != PLAN_PROCESS))
		rc = err_set(e, -ENOENT, "%s [%s] has no credential_process any more", conf->host_credentials,
			     conf->host_profile);
	if (!rc)
		rc = command_run(plan.from.credential_process.at, plan.from.credential_process.len, COMMAND_MS, out, e);
	secret_wipe(&text);
	return rc;
}

static int tell(int sock, int result, const struct secret *out, const struct err *e)
{
	struct json_object *msg = json_object_new_object();
	int rc;

	js_put(msg, "rc", json_object_new_int(result));
	js_put_string(msg, "what", e->what);
	rc = js_put(msg, "len", json_object_new_int(out->len));
	if (!rc)
		rc = ipc_send(sock, msg, out->fd);
	json_object_put(msg);
	return rc;
}

static int answer(const struct agentconf *conf, int sock, struct err *e)
{
	struct secret out = SECRET_INIT;
	int rc;

	rc = run_configured(conf, &out, e);
	/* Once it is sent, it is the worker's, who wipes it. */
	if (tell(sock, rc, &out, e))
		secret_wipe(&out);
	secret_detach(&out);
	return rc;
}

/*
 * fail_waiting - who asked while a program ran that failed has the same answer, at once. With a run each, the second
 *	to wait for a program that hangs would be taken for unanswered, and the fault for the network's.
 */
static void fail_waiting(int sock, int result, const struct err *e)
{
	const struct secret none = SECRET_INIT;
	struct json_object *msg;
	int fd;

	while (!ipc_recv(sock, &msg, &fd, 0)) {
		json_object_put(msg);
		if (fd < 0)
			continue;
		tell(fd, result, &none, e);
		close(fd);
	}
}

static void __attribute__((noreturn)) serve(const struct agentconf *conf, int sock, pid_t parent)
{
	struct json_object *msg;
	struct err e;
	int fd, rc;

	/* Its end is that of the last who can ask, so that requests under way at a stop can still be answered. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    signal(SIGTERM, SIG_IGN) == SIG_ERR || signal(SIGINT, SIG_IGN) == SIG_ERR)
		_exit(1);
	memory_lock(MEMORY_TOUCHED);
	for (;;) {
		rc = ipc_recv(sock, &msg, &fd, -1);
		if (rc == -EBADMSG)
			continue;
		/* The server sees it, and ends as well. */
		if (rc)
			_exit(rc != -ECONNRESET);
		json_object_put(msg);
		if (fd < 0)
			continue;
		e = (struct err)ERR_INIT;
		rc = answer(conf, fd, &e);
		close(fd);
		if (rc)
			fail_waiting(sock, rc, &e);
	}
}

int runner_start(const struct agentconf *conf, struct runner *r, struct err *e)
{
	pid_t parent = getpid();
	int pair[2];

	*r = (struct runner)RUNNER_NONE;
	if (conf->host_source != CREDS_PROCESS)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(e, -errno, "cannot make sockets");
	r->pid = fork();
	if (!r->pid) {
		close(pair[0]);
		serve(conf, pair[1], parent);
	}
	close(pair[1]);
	if (r->pid < 0) {
		close(pair[0]);
		return err_sys(e, -errno, "cannot start a process");
	}
	r->sock = pair[0];
	return 0;
}

/* take - the answer of the runner. */
static int take(struct json_object *msg, int fd, struct secret *out, struct err *e)
{
	const char *what = "";
	int64_t rc = 0, len = 0;
	const struct js_member members[] = {
		{ "rc", JS_INT, 0, -4095, 0, .number = &rc },
		{ "what", JS_STRING, 0, 0, ERR_TEXT, .string = &what },
		{ "len", JS_INT, 0, 0, COMMAND_OUTPUT, .number = &len },
		{ .name = NULL },
	};
	int bad;

	bad = js_read(msg, members, e);
	if (bad)
		return bad;
	if (rc)
		return err_set(e, rc, "%s", what);
	bad = fd < 0 ? -EBADMSG : secret_attach(out, fd, COMMAND_OUTPUT);
	if (bad)
		return err_sys(e, bad, "the output of the program is not there");
	out->len = len;
	return 0;
}

int runner_run(void *ctx, const char *command, size_t len, struct secret *out, struct err *e)
{
	struct json_object *msg = json_object_new_object(), *reply = NULL;
	const struct runner *r = ctx;
	int pair[2], fd = -1, rc;

	(void)command;
	(void)len;
	*out = (struct secret)SECRET_INIT;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		json_object_put(msg);
		return err_sys(e, -errno, "cannot make sockets");
	}
	rc = msg ? ipc_send(r->sock, msg, pair[1]) : -ENOMEM;
	close(pair[1]);
	if (!rc)
		rc = ipc_recv(pair[0], &reply, &fd, ANSWER_MS);
	close(pair[0]);
	json_object_put(msg);
	if (rc)
		return err_sys(e, rc, "no answer from the process that runs programs");
	rc = take(reply, fd, out, e);
	json_object_put(reply);
	if (rc && fd >= 0)
		close(fd);
	return rc;
}

void runner_stop(struct runner *r)
{
	if (r->sock < 0)
		return;
	close(r->sock);
	waitpid(r->pid, NULL, 0);
	*r = (struct runner)RUNNER_NONE;
}
