// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>

#include "../common/log.h"
#include "../common/memory.h"
#include "../common/secret.h"
#include "sandbox.h"
#include "server.h"

#define NOBODY_ELSE ((uid_t)-1)

struct options {
	const char *config;
	uid_t allow_uid;
	int level;
};

static const char usage[] =
	"usage: ecache-net [--config FILE] [--allow-uid UID] [--debug]\n"
	"Speaks to the KMS for ecached, on the socket that systemd hands over or net-socket= of ecached.conf.\n"
	"\n"
	"  --config FILE    instead of " AGENTCONF_PATH "\n"
	"  --allow-uid UID  this user may ask, beside root\n"
	"  --debug          log each request (never keys or credentials)\n"
	"  --help, --version\n";

static bool parse_uid(const char *text, uid_t *uid)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n >= NOBODY_ELSE)
		return false;
	*uid = n;
	return true;
}

/* parse_options - 0 to go on, else the exit status plus one. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "allow-uid", required_argument, NULL, 'u' },
		{ "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'u':
			if (!parse_uid(optarg, &o->allow_uid)) {
				fprintf(stderr, "ecache-net: --allow-uid: \"%s\" is not a user id\n", optarg);
				return 3;
			}
			break;
		case 'd':
			o->level = LOG_DEBUG;
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		case 'V':
			puts("ecache-net " ECACHE_VERSION);
			return 1;
		default:
			fputs("Try ecache-net --help.\n", stderr);
			return 3;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "ecache-net: unexpected argument \"%s\"\nTry ecache-net --help.\n", argv[optind]);
		return 3;
	}
	return 0;
}

/* serve - from here on nothing can be run, but by the runner. */
static int serve(struct server *s, struct err *e)
{
	int rc;

	s->listener = server_listen(s->conf->net_socket, e);
	if (s->listener < 0)
		return s->listener;
	rc = sandbox_enter(e);
	if (!rc)
		rc = server_run(s, e);
	close(s->listener);
	/* One that systemd handed over is systemd's to keep. */
	if (s->listener != SD_LISTEN_FDS_START)
		unlink(s->conf->net_socket);
	return rc;
}

static int run(const struct options *o, struct err *e)
{
	struct server s = { .allow_uid = o->allow_uid, .max_workers = SERVER_WORKERS, .worker_ms = SERVER_WORKER_MS };
	struct credcache cache = CREDCACHE_INIT;
	struct runner runner = RUNNER_NONE;
	struct agentconf conf;
	int rc;

	rc = agentconf_load(o->config, &conf, e);
	if (rc)
		return rc;
	s.conf = &conf;
	rc = runner_start(&conf, &runner, e);
	if (rc)
		goto free_conf;
	if (runner.sock >= 0)
		s.shared.runner = &runner;
	rc = credcache_open(&cache, e);
	if (rc)
		goto stop_runner;
	s.shared.cache = &cache;
	s.shared.memo = memo_open(e);
	if (!s.shared.memo) {
		rc = e->rc;
		goto close_cache;
	}
	rc = serve(&s, e);
	memo_close(s.shared.memo);
close_cache:
	credcache_close(&cache);
stop_runner:
	runner_stop(&runner);
free_conf:
	agentconf_free(&conf);
	return rc;
}

int main(int argc, char **argv)
{
	struct options o = { .allow_uid = NOBODY_ELSE, .level = LOG_INFO };
	struct err e = ERR_INIT;
	int rc;

	rc = process_harden();
	if (rc) {
		fprintf(stderr, "ecache-net: cannot harden the process: %s\n", strerror(-rc));
		return 1;
	}
	rc = parse_options(argc, argv, &o);
	if (rc)
		return rc - 1;
	log_init("ecache-net", o.level);
	/* A KMS that hangs up while TLS writes ends the request, not who asks: we have libcurl leave signals alone. */
	signal(SIGPIPE, SIG_IGN);
	rc = memory_lock(MEMORY_TOUCHED);
	if (rc)
		log_info("not all memory is locked: credentials and data keys in flight may reach swap (%s)",
			 strerror(-rc));
	if (!run(&o, &e))
		return 0;
	log_err("%s", e.what);
	if (e.hint[0])
		log_err("%s", e.hint);
	return 1;
}
