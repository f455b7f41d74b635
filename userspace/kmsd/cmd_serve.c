// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "admin.h"
#include "cmd.h"
#include "common/log.h"
#include "common/memory.h"
#include "events.h"
#include "lines.h"
#include "listener.h"
#include "server.h"
#include "state.h"
#include "upkeep.h"

#define EVENTS_TIMEOUT_MS 5000
#define EVENTS_PAUSE_MS 1000

struct sockets {
	int fd[SERVER_LISTENERS_MAX];
	unsigned int nr;
	bool own_unix;		/* we made the socket file, we remove it */
	bool passed_tcp;
};

/* lock_memory - buffers of HTTP and JSON libraries hold data keys for a moment: keep them out of swap if we may. */
static void lock_memory(void)
{
	if (memory_lock(MEMORY_WHOLE))
		log_info("not all memory is locked: data keys in flight may reach swap (LimitMEMLOCK=infinity locks it)");
}

static int inherit_sockets(struct sockets *s, int nr, const struct config *c, struct err *e)
{
	bool is_unix;
	int rc = 0;

	if (nr > SERVER_LISTENERS_MAX)
		return err_set(e, -E2BIG, "the service manager passed %d sockets; at most %d", nr,
			       SERVER_LISTENERS_MAX);
	for (int i = 0; !rc && i < nr; i++) {
		rc = listener_inherited(SD_LISTEN_FDS_START + i, c->tls_key, &is_unix, e);
		s->fd[s->nr++] = SD_LISTEN_FDS_START + i;
		s->passed_tcp = s->passed_tcp || (!rc && !is_unix);
	}
	return rc;
}

static int open_sockets(struct sockets *s, const struct config *c, struct err *e)
{
	char bound[128];
	int fd, rc, nr = sd_listen_fds(1);

	if (nr > 0) {
		rc = inherit_sockets(s, nr, c, e);
		if (rc)
			return rc;
	}
	if (!s->nr && !*c->socket && !c->listen) {
		err_set(e, -EINVAL, "neither a socket nor an address to listen on");
		return err_hint(e, "give --socket PATH or --listen ADDRESS:PORT");
	}
	if (!s->nr && *c->socket) {
		fd = listener_unix(c->socket, c, e);
		if (fd < 0)
			return fd;
		s->fd[s->nr++] = fd;
		s->own_unix = true;
		printf("listening on unix:%s\n", c->socket);
	}
	if (!s->passed_tcp && c->listen) {
		if (s->nr == SERVER_LISTENERS_MAX)
			return err_set(e, -E2BIG, "the service manager passed %u sockets: no place for listen=", s->nr);
		fd = listener_tcp(c->listen, c->tls_key, bound, sizeof(bound), e);
		if (fd < 0)
			return fd;
		s->fd[s->nr++] = fd;
		printf("listening on http%s://%s\n", c->tls_key ? "s" : "", bound);
	}
	return fflush(stdout) ? err_sys(e, -errno, "cannot write to stdout") : 0;
}

static int block_signals(struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, -errno, "signalfd") : fd;
}

static int serve_on(struct service *svc, const struct config *c, int signal_fd, struct err *e)
{
	struct sockets sockets = { .nr = 0 };
	struct server *server = NULL;
	struct admin *admin = NULL;
	int rc = open_sockets(&sockets, c, e);

	if (!rc && c->admin_socket)
		rc = admin_open(c->admin_socket, svc->inject, &admin, e);
	if (!rc)
		rc = server_start(&server, svc, c, sockets.fd, sockets.nr, admin, e);
	if (!rc) {
		sd_notifyf(0, "READY=1\nSTATUS=account %s, region %s", svc->account, svc->region);
		log_info("serving account %s, region %s", svc->account, svc->region);
		rc = server_run(server, signal_fd, e);
	}
	if (server)
		server_stop(server);
	admin_close(admin);
	if (sockets.own_unix)
		unlink(c->socket);
	return rc;
}

static int open_events(struct service *svc, const struct config *c, struct err *e)
{
	const struct outbox_config queue = {
		.url = c->events_queue,
		.credentials = c->events_credentials,
		.region = svc->region,
		.timeout_ms = EVENTS_TIMEOUT_MS,
		.pause_ms = EVENTS_PAUSE_MS,
	};

	if (!c->events_file && !c->events_queue)
		return 0;
	return events_open(c->events_file, c->events_queue ? &queue : NULL, &svc->events, e);
}

static int serve(const struct config *c, struct err *e)
{
	struct service svc = SERVICE_INIT;
	int rc, signal_fd, lock_fd = -1;
	char *trail = state_path(c->state_dir, STATE_TRAIL);

	signal_fd = block_signals(e);
	rc = signal_fd < 0 ? signal_fd : 0;
	if (!rc && !trail)
		rc = err_sys(e, -ENOMEM, "serve");
	if (!rc)
		rc = state_open(&svc, c->state_dir, c->root_secret, e);
	if (!rc) {
		lock_fd = state_lock(c->state_dir, e);
		rc = lock_fd < 0 ? lock_fd : 0;
	}
	if (!rc)
		rc = store_check(svc.store, e);
	if (!rc)
		rc = lines_open(trail, &svc.trail, e);
	if (!rc)
		rc = open_events(&svc, c, e);
	if (!rc) {
		rc = upkeep(&svc, service_clock_ms());
		if (rc)
			err_sys(e, rc, "cannot delete or rotate the keys that are due");
	}
	if (!rc)
		rc = rates_new(c->rate_limits, &svc.rates, e);
	if (!rc && c->admin_socket) {
		log_warn("faults can be asked for on %s: this server is for tests", c->admin_socket);
		rc = inject_new(svc.rates, &svc.inject);
		if (rc)
			err_sys(e, rc, "admin socket");
	}
	if (!rc)
		rc = serve_on(&svc, c, signal_fd, e);
	inject_free(svc.inject);
	rates_free(svc.rates);
	events_close(svc.events);
	lines_close(svc.trail);
	state_close(&svc);
	if (lock_fd >= 0)
		close(lock_fd);
	if (signal_fd >= 0)
		close(signal_fd);
	free(trail);
	return rc;
}

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "state-dir", required_argument, NULL, 's' },
	{ "socket", required_argument, NULL, 'u' },
	{ "listen", required_argument, NULL, 'l' },
	{ "log-level", required_argument, NULL, 'v' },
	{ "root-secret", required_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* set_state_dir - on the command line a relative path is the caller's; the server keeps no working directory. */
static int set_state_dir(void *c, const char *value, struct err *e)
{
	char *full = realpath(value, NULL);
	int rc;

	if (!full) {
		rc = err_sys(e, -errno, "cannot use the state directory %s", value);
		if (rc == -ENOENT)
			err_hint(e, "make it with: ecache-kmsd init --state-dir %s", value);
		return rc;
	}
	rc = config_set_state_dir(c, full, e);
	free(full);
	return rc;
}

/* configure - the file first, then the options, which win. Returns 0, an exit code as positive number, or -errno. */
static int configure(struct config *c, int argc, char **argv, struct err *e)
{
	static int (*const set[128])(void *c, const char *value, struct err *e) = {
		['s'] = set_state_dir,
		['u'] = config_set_socket,
		['l'] = config_set_listen,
		['v'] = config_set_log_level,
		['R'] = config_set_root_secret,
	};
	const char *value[128] = { NULL };
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h' || opt == '?')
			return opt == 'h' ? -ECANCELED : cmd_usage("serve: wrong option");
		value[opt] = optarg;
	}
	if (optind < argc)
		return cmd_usage("serve takes no argument: \"%s\"", argv[optind]);
	rc = config_read(c, value['c'] ? value['c'] : CONFIG_FILE_DEFAULT, value['c'], e);
	for (unsigned int i = 0; !rc && i < sizeof(set) / sizeof(*set); i++)
		if (set[i] && value[i])
			rc = set[i](c, value[i], e);
	return rc;
}

int cmd_serve(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct config c;
	int rc = config_init(&c);

	if (rc)
		err_sys(&e, rc, "serve");
	else
		rc = configure(&c, argc, argv, &e);
	if (!rc) {
		log_init("ecache-kmsd", c.log_level);
		rc = config_finish(&c, &e);
	}
	if (!rc) {
		lock_memory();
		rc = serve(&c, &e);
	}
	config_free(&c);
	if (rc == -ECANCELED)
		return cmd_help();
	if (rc > 0)
		return rc;
	return rc ? cmd_failed(&e) : EXIT_OK;
}
