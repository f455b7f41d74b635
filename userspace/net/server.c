// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>

#include "../common/clock.h"
#include "../common/ipc.h"
#include "../common/log.h"
#include "../common/memory.h"
#include "server.h"
#include "worker.h"

#define SHORT_OF_RESOURCES_MS 500

int server_listen(const char *path, struct err *e)
{
	int n = sd_listen_fds(1);

	if (n < 0)
		return err_sys(e, n, "cannot take the sockets that systemd handed over");
	if (!n)
		return ipc_listen(path, 0600, NULL, e);
	if (n > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, NULL, 0) <= 0) {
		err_set(e, -EINVAL, "systemd must hand over exactly one listening ListenSequentialPacket= socket");
		return err_hint(e, "see ecache-net.socket");
	}
	return SD_LISTEN_FDS_START;
}

static int block_signals(int *signals, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_sys(e, -errno, "cannot block signals");
	*signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*signals < 0)
		return err_sys(e, -errno, "cannot read signals");
	return 0;
}

static bool may_ask(const struct server *s, int sock)
{
	struct ipc_peer peer;
	int rc = ipc_peer(sock, &peer);

	if (!rc && (!peer.uid || peer.uid == s->allow_uid))
		return true;
	log_warn("refused a connection of user %d, process %d", rc ? -1 : (int)peer.uid, rc ? -1 : (int)peer.pid);
	return false;
}

/* be_worker - never returns. The worker dies with us, and leaves no trace of a key in memory that outlives it. */
static void __attribute__((noreturn)) be_worker(const struct server *s, int sock, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	/* A stop of the service is told to all its processes: what is under way has time to end (finish()). */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || signal(SIGTERM, SIG_IGN) == SIG_ERR ||
	    signal(SIGINT, SIG_IGN) == SIG_ERR || sigprocmask(SIG_SETMASK, &none, NULL))
		_exit(1);
	memory_lock(MEMORY_TOUCHED);
	close(s->listener);
	close(s->signals);
	_exit(worker_serve(s->conf, &s->shared, sock));
}

static int start_worker(struct server *s, int sock)
{
	pid_t parent = getpid(), pid;
	unsigned int i;

	pid = fork();
	if (!pid)
		be_worker(s, sock, parent);
	if (pid < 0) {
		log_err("cannot start a worker: %s", strerror(errno));
		return -EAGAIN;
	}
	for (i = 0; s->worker[i].pid; i++)
		;
	s->worker[i].pid = pid;
	s->worker[i].deadline_ms = now_ms() + s->worker_ms;
	s->nr++;
	return 0;
}

/* take_connection - negative when the system is short of something, so that it is no use to try at once. */
static int take_connection(struct server *s)
{
	int rc = 0, sock;

	sock = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	if (sock < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			log_err("cannot take a connection: %s", strerror(errno));
			return -errno;
		}
		return 0;	/* gone again, or interrupted */
	}
	if (may_ask(s, sock))
		rc = start_worker(s, sock);
	close(sock);
	return rc;
}

static void reap(struct server *s)
{
	unsigned int i;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (s->shared.runner && s->shared.runner->pid == pid)
			s->runner_gone = true;
		for (i = 0; i < SERVER_WORKERS && s->worker[i].pid != pid; i++)
			;
		if (i == SERVER_WORKERS)
			continue;
		s->worker[i].pid = 0;
		s->nr--;
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGTERM)
			log_err("a worker died of signal %d", WTERMSIG(status));
	}
}

/* end_late_workers - kill what is past its deadline; returns the ms until the next is, -1 when there is none. */
static int end_late_workers(struct server *s, int64_t now)
{
	int64_t left, least = -1;
	unsigned int i;

	for (i = 0; i < SERVER_WORKERS; i++) {
		if (!s->worker[i].pid)
			continue;
		left = s->worker[i].deadline_ms - now;
		if (left <= 0) {
			log_warn("a request took longer than %u ms, its worker is ended", s->worker_ms);
			kill(s->worker[i].pid, SIGKILL);
			/* not twice; its SIGCHLD comes */
			s->worker[i].deadline_ms = INT64_MAX;
			continue;
		}
		if (left < INT32_MAX && (least < 0 || left < least))
			least = left;
	}
	return least;
}

/* drain_signals - true when it is time to stop. */
static bool drain_signals(struct server *s)
{
	struct signalfd_siginfo si;
	bool stop = false;

	while (read(s->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap(s);
		else
			stop = true;
	}
	return stop || s->runner_gone;
}

/* next_sign - to systemd, twice in the time that it waits for one: when it is due, INT64_MAX when nobody waits. */
static int64_t next_sign(int64_t now)
{
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return INT64_MAX;
	sd_notify(0, "WATCHDOG=1");
	return now + (int64_t)(usec / 2000);
}

static int sooner(int wait_ms, int64_t left)
{
	if (left < 0)
		left = 0;
	return left < INT32_MAX && (wait_ms < 0 || left < wait_ms) ? (int)left : wait_ms;
}

static void serve(struct server *s)
{
	int64_t now = now_ms(), pause_until = 0, sign = next_sign(now);
	bool open;
	int wait_ms;

	for (;;) {
		struct pollfd pfd[2] = { { .fd = s->signals, .events = POLLIN },
					 { .fd = s->listener, .events = POLLIN } };

		now = now_ms();
		if (now >= sign)
			sign = next_sign(now);
		wait_ms = sooner(end_late_workers(s, now), sign - now);
		open = s->nr < s->max_workers && now >= pause_until;
		if (now < pause_until)
			wait_ms = sooner(wait_ms, pause_until - now);
		if (poll(pfd, open ? 2 : 1, wait_ms) < 0 && errno != EINTR)
			return;
		if ((pfd[0].revents & POLLIN) && drain_signals(s))
			return;
		if (open && (pfd[1].revents & POLLIN) && take_connection(s) < 0)
			pause_until = now_ms() + SHORT_OF_RESOURCES_MS;
	}
}

static void signal_workers(const struct server *s, int sig)
{
	unsigned int i;

	for (i = 0; i < SERVER_WORKERS; i++) {
		if (s->worker[i].pid)
			kill(s->worker[i].pid, sig);
	}
}

/* finish - let the workers end what they began, then end them. */
static void finish(struct server *s)
{
	int64_t deadline = now_ms() + SERVER_STOP_MS, left;

	signal_workers(s, SIGTERM);
	while (s->nr) {
		struct pollfd pfd = { .fd = s->signals, .events = POLLIN };

		left = deadline - now_ms();
		if (left <= 0) {
			signal_workers(s, SIGKILL);
			left = -1;
		}
		poll(&pfd, 1, left);
		drain_signals(s);
	}
}

int server_run(struct server *s, struct err *e)
{
	int rc, flags;

	memset(s->worker, 0, sizeof(s->worker));
	s->nr = 0;
	s->runner_gone = false;
	if (s->max_workers < 1 || s->max_workers > SERVER_WORKERS)
		return err_set(e, -EINVAL, "1 to %d workers", SERVER_WORKERS);
	/* A client that is gone again before accept() must not make us wait there. */
	flags = fcntl(s->listener, F_GETFL);
	if (flags < 0 || fcntl(s->listener, F_SETFL, flags | O_NONBLOCK))
		return err_sys(e, -errno, "cannot use the listening socket");
	rc = block_signals(&s->signals, e);
	if (rc)
		return rc;
	/* What ended before its signal was ours to see. */
	reap(s);
	sd_notify(0, "READY=1");
	if (!s->runner_gone)
		serve(s);
	sd_notify(0, "STOPPING=1");
	finish(s);
	close(s->signals);
	if (s->runner_gone)
		return err_set(e, -ECHILD, "the process that runs the credential_process has ended");
	return 0;
}
