// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/log.h"
#include "../volume/child.h"
#include "hook.h"

#define POLL_MS 20
#define ENV_NR 8

int hook_check(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st))
		return err_sys(e, -errno, "hook %s", path);
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0100)) {
		err_set(e, -EACCES, "hook %s is not a program", path);
		return err_hint(e, "chmod +x it, or set hook=none");
	}
	if (st.st_uid != geteuid() || (st.st_mode & 0022)) {
		err_set(e, -EPERM, "hook %s could be written by others", path);
		return err_hint(e, "check its content, then: chown root:root %s && chmod go-w %s", path, path);
	}
	return 0;
}

struct strings {
	char text[ENV_NR][1024];
	char *list[ENV_NR + 1];
	unsigned int nr;
};

static void add(struct strings *s, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	snprintf(s->text[s->nr], sizeof(s->text[0]), "%s=%s", name, value);
	s->list[s->nr] = s->text[s->nr];
	s->nr++;
}

/* become - the program itself. Signals as init gives them; the group is what is killed in the end. */
static void become(const struct hook *h, struct strings *env)
{
	char path[256], event[32], name[64];
	char *const argv[] = { path, event, name, NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	snprintf(path, sizeof(path), "%s", h->path);
	snprintf(event, sizeof(event), "%s", h->event);
	snprintf(name, sizeof(name), "%s", h->name);
	setpgid(0, 0);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || chdir("/"))
		_exit(126);
	execve(path, argv, env->list);
	_exit(127);
}

/* tell - child_settle() has closed the way to the journal; what is printed here ends up there all the same. */
static void tell(const struct hook *h, const char *what, int n, const char *end)
{
	char text[512];

	snprintf(text, sizeof(text), "<4>hook %s %s %s: %s%d%s\n", h->path, h->event, h->name, what, n, end);
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;		/* nobody is left to hear it */
}

static void watch_over(const struct hook *h, pid_t pid)
{
	int timeout = h->timeout_ms ? h->timeout_ms : HOOK_MS;
	int64_t end = now_ms() + timeout;
	int status = 0;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < end)
		sleep_ms(POLL_MS);
	/* What it left running in its group ends with it: a hook's time is bounded as a whole. */
	kill(-pid, SIGKILL);
	if (!got)
		tell(h, "did not end in ", timeout, " ms, killed");
	else if (got > 0 && WIFSIGNALED(status))
		tell(h, "died of signal ", WTERMSIG(status), "");
	else if (got > 0 && WEXITSTATUS(status))
		tell(h, "exited with status ", WEXITSTATUS(status), "");
}

static void supervise(const struct hook *h, struct strings *env)
{
	pid_t pid;

	child_settle("ecache-hook", NULL, 0);
	pid = fork();
	if (!pid)
		become(h, env);
	if (pid < 0) {
		tell(h, "no process for it (errno ", errno, ")");
		return;
	}
	setpgid(pid, pid);
	watch_over(h, pid);
}

void hook_start(const struct hook *h)
{
	struct strings env = { .nr = 0 };
	struct err e = ERR_INIT;
	char device[96];
	pid_t pid;

	if (!h->path || !*h->path)
		return;
	if (hook_check(h->path, &e)) {
		log_err("%s: %s, not run -- %s", h->name, e.what, e.hint);
		return;
	}
	snprintf(device, sizeof(device), "/dev/mapper/%s", h->name);
	add(&env, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	add(&env, "ECACHE_EVENT", h->event);
	add(&env, "ECACHE_VOLUME", h->name);
	add(&env, "ECACHE_DEVICE", device);
	add(&env, "ECACHE_VERDICT", h->verdict);
	add(&env, "ECACHE_REASON", h->reason);
	add(&env, "ECACHE_REQUEST_ID", h->request_id);
	add(&env, "ECACHE_UNIT", h->unit);
	pid = fork();
	if (!pid) {
		/* The supervisor is init's child, as a teardown's: it outlives the worker, and nobody need reap it. */
		if (!fork())
			supervise(h, &env);
		_exit(0);
	}
	if (pid < 0)
		log_err("%s: hook %s not run: no process", h->name, h->path);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
