// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/conf.h"
#include "../common/log.h"
#include "../common/memory.h"
#include "../common/secret.h"
#include "audithead.h"
#include "check.h"
#include "listening.h"
#include "note.h"
#include "reload.h"
#include "scrape.h"
#include "tears.h"
#include "watch_clock.h"
#include "watching.h"
#include "worker.h"

#define SCAN_S 60
#define STOP_S 60	/* what is being undone or torn down may end; the next start finishes the rest */

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* The paths of struct env that are made of the configuration's. */
struct dirs {
	char state[PATH_MAX];
	char intent[PATH_MAX];
	char saved[PATH_MAX];
	char backup[PATH_MAX];
};

static void print_usage(FILE *to)
{
	fprintf(to, "usage: ecached [--config FILE] [--debug]\n"
		"       ecached [--config FILE] --check-config\n"
		"       ecached --help | --version\n\n"
		"  --config FILE   instead of " AGENTCONF_PATH "\n"
		"  --check-config  say what is wrong with it and the volumes' files, and exit\n"
		"  --debug         log everything\n");
}

/* options - the exit status, or -1 to go on. */
static int options(int argc, char **argv, const char **config, int *level)
{
	static const struct option longopts[] = {
		{ "config", required_argument, NULL, 'c' }, { "debug", no_argument, NULL, 'd' },
		{ "check-config", no_argument, NULL, 'C' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 },
	};
	bool check = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", longopts, NULL)) != -1) {
		switch (c) {
		case 'c':
			*config = optarg;
			break;
		case 'd':
			*level = LOG_DEBUG;
			break;
		case 'C':
			check = true;
			break;
		case 'h':
			print_usage(stdout);
			return EXIT_OK;
		case 'V':
			printf("ecached %s\n", ECACHE_VERSION);
			return EXIT_OK;
		default:
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "ecached: unexpected argument '%s'\n", argv[optind]);
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (check)
		return check_config(*config, stdout) ? EXIT_FAILED : EXIT_OK;
	return -1;
}

/* make_one - the rights as given, whatever the umask; what exists keeps its own. */
static int make_one(const char *path, mode_t mode, struct err *e)
{
	if (!mkdir(path, 0700))
		return chmod(path, mode) ? err_sys(e, -errno, "cannot set the rights of %s", path) : 0;
	return errno == EEXIST ? 0 : err_sys(e, -errno, "cannot make %s", path);
}

static int make_dir(const char *path, mode_t mode, struct err *e)
{
	char part[PATH_MAX];
	char *p;
	int rc;

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return err_set(e, -ENAMETOOLONG, "path too long: %.100s", path);
	for (p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		rc = make_one(part, 0755, e);
		if (rc)
			return rc;
		*p = '/';
	}
	return make_one(path, mode, e);
}

/* make_dir_of - the directory that a file will be in. */
static int make_dir_of(const char *file, mode_t mode, struct err *e)
{
	char dir[PATH_MAX];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", file);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	return make_dir(dir, mode, e);
}

static int prepare(struct daemon *d, struct dirs *dirs, struct err *e)
{
	struct env *env = &d->env;
	const char *base = d->conf.state_dir, *key;
	int rc;

	snprintf(dirs->state, sizeof(dirs->state), "%s/volumes", base);
	snprintf(dirs->intent, sizeof(dirs->intent), "%s/intents", base);
	snprintf(dirs->saved, sizeof(dirs->saved), "%s/saved", base);
	snprintf(dirs->backup, sizeof(dirs->backup), "%s/backups", base);
	*env = (struct env){
		.pin_dir = d->conf.pin_dir,
		.state_dir = dirs->state,
		.intent_dir = dirs->intent,
		.saved_dir = dirs->saved,
		.backup_dir = dirs->backup,
		.report_dir = ENV_REPORT_DIR,
		.lock_dir = ENV_LOCK_DIR,
		.audit_log = d->conf.audit_log,
		.net_socket = d->conf.net_socket,
		.watchdog_s = check_watchdog_s(),
		.conf = &d->conf,
		.dm = DM_KERNEL,
	};
	rc = policies_check(&d->conf.policy, env->watchdog_s, &key, e);
	if (rc)
		conf_blame(d->config, key, e);
	if (!rc)
		rc = make_dir(base, 0700, e);
	if (!rc)
		rc = make_dir(env->state_dir, 0700, e);
	if (!rc)
		rc = make_dir(env->intent_dir, 0700, e);
	if (!rc)
		rc = make_dir(env->saved_dir, 0700, e);
	if (!rc)
		rc = make_dir(env->backup_dir, 0700, e);
	if (!rc)
		rc = make_dir(env->pin_dir, 0755, e);
	if (!rc)
		rc = make_dir_of(env->audit_log, 0750, e);
	if (!rc)
		rc = make_dir_of(d->conf.control_socket, 0755, e);
	if (!rc && *d->conf.metrics_socket)
		rc = make_dir_of(d->conf.metrics_socket, 0755, e);
	if (!rc)
		rc = make_dir(env->report_dir, 0700, e);
	if (!rc)
		rc = make_dir(env->lock_dir, 0700, e);
	return rc;
}

static int on_scan(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;
	struct err e = ERR_INIT;

	(void)usec;
	if (d->stopping)
		return 0;
	if (volumes_scan(d, &e))
		log_err("cannot look at the volumes: %s", e.what);
	if (!revoker_alive(&d->revoker) && revoker_start(&d->revoker, &d->env.dm, &e))
		log_err("no process to destroy keys with: %s", e.what);
	sd_event_source_set_time_relative(s, SCAN_S * 1000000ULL);
	return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)si;
	if (d->stopping)
		return 0;
	sd_notify(0, "RELOADING=1");
	reload(d);
	audithead_look(d);
	sd_notifyf(0, "READY=1\nSTATUS=%zu volumes open%s%s", watch_count(&d->watch), *d->problem ? "; " : "",
		   d->problem);
	return 0;
}

static int on_stopped(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)usec;
	tears_pump(d);
	if (!d->nr_workers && !d->tears.first)
		return sd_event_exit(d->event, EXIT_OK);
	sd_event_source_set_time_relative(s, 100 * 1000);
	return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static int on_patience_over(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)usec;
	log_warn("%u workers still run; what they leave is finished at the next start", d->nr_workers);
	return sd_event_exit(d->event, EXIT_OK);
}

/*
 * on_stop - SIGTERM and SIGINT. Volumes stay open, keys stay where they are. Workers whose
 *	client is waiting undo, teardowns come to their end.
 */
static int on_stop(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)si;
	if (d->stopping)
		return 0;
	d->stopping = true;
	sd_notify(0, "STOPPING=1");
	log_info("stopping; %zu volumes stay open", watch_count(&d->watch));
	scrapes_stop(d);
	server_stop(d);
	watch_stopping(&d->watch, now_ms());
	watching_stop(d);
	tears_hurry(d);
	workers_hang_up(d);
	sd_event_add_time_relative(d->event, NULL, CLOCK_BOOTTIME, STOP_S * 1000000ULL, 0, on_patience_over, d);
	return sd_event_add_time_relative(d->event, NULL, CLOCK_BOOTTIME, 0, 0, on_stopped, d);
}

static int add_signal(struct daemon *d, int sig, sd_event_signal_handler_t handler)
{
	return sd_event_add_signal(d->event, NULL, sig, handler, d);
}

static int start_loop(struct daemon *d, struct err *e)
{
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	rc = sd_event_new(&d->event);
	if (rc >= 0)
		rc = add_signal(d, SIGTERM, on_stop);
	if (rc >= 0)
		rc = add_signal(d, SIGINT, on_stop);
	if (rc >= 0)
		rc = add_signal(d, SIGHUP, on_reload);
	if (rc >= 0)
		rc = sd_event_add_time_relative(d->event, &d->scan_timer, CLOCK_BOOTTIME, SCAN_S * 1000000ULL, 0,
						on_scan, d);
	if (rc >= 0)
		rc = sd_event_set_watchdog(d->event, true);
	return rc < 0 ? err_sys(e, rc, "cannot make the event loop") : 0;
}

static int serve(struct daemon *d, struct err *e)
{
	int rc;

	rc = start_loop(d, e);
	if (rc)
		return rc;
	audithead_start(d);
	rc = watching_start(d, e);
	if (!rc)
		rc = listening_start(d, e);
	if (!rc)
		rc = server_start(d, e);
	if (!rc)
		scrapes_start(d);
	if (!rc)
		rc = volumes_scan(d, e);
	if (rc)
		return rc;
	log_info("ecached %s is ready, %zu volumes open", ECACHE_VERSION, watch_count(&d->watch));
	sd_notifyf(0, "READY=1\nSTATUS=%zu volumes open", watch_count(&d->watch));
	rc = sd_event_loop(d->event);
	return rc < 0 ? err_sys(e, rc, "event loop") : 0;
}

static void cleanup(struct daemon *d)
{
	scrapes_stop(d);
	server_stop(d);
	listening_stop(d);
	if (d->watch.ops)
		watching_stop(d);
	tears_forget(d);
	notes_forget(d);
	volumes_forget(d);
	audithead_stop(d);
	sd_event_source_unref(d->scan_timer);
	sd_event_unref(d->event);
	revoker_stop(&d->revoker);
	agentconf_free(&d->conf);
}

int main(int argc, char **argv)
{
	struct daemon d = { .config = AGENTCONF_PATH, .listen_fd = -1, .revoker = REVOKER_INIT,
			    .audit = AUDIT_INIT };
	struct err e = ERR_INIT;
	int level = LOG_INFO, rc;
	struct dirs dirs;

	rc = options(argc, argv, &d.config, &level);
	if (rc >= 0)
		return rc;
	log_init("ecached", level);
	tears_init(&d);
	signal(SIGPIPE, SIG_IGN);
	if (process_harden()) {
		log_err("cannot protect this process from being dumped");
		return EXIT_FAILED;
	}
	rc = memory_lock(MEMORY_WHOLE);
	if (rc)
		log_warn("memory is not locked, and may be in the very swap that is to end: %s", strerror(-rc));
	rc = agentconf_load(d.config, &d.conf, &e);
	if (!rc)
		rc = prepare(&d, &dirs, &e);
	if (!rc)
		rc = revoker_start(&d.revoker, &d.env.dm, &e);
	if (!rc) {
		d.env.revoker = &d.revoker;
		rc = serve(&d, &e);
	}
	if (rc)
		log_err("%s%s%s", e.what, *e.hint ? " -- " : "", e.hint);
	cleanup(&d);
	return rc ? EXIT_FAILED : EXIT_OK;
}
