// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/log.h"
#include "listener.h"
#include "outbox.h"
#include "rates.h"
#include "root.h"
#include "state.h"
#include "workers.h"

#define CONNECTIONS_MAX 1000
#define THREADS_DEFAULT_MIN 2
#define THREADS_DEFAULT_MAX 8

static int set_string(char **slot, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (!copy)
		return err_sys(e, -ENOMEM, "configuration");
	free(*slot);
	*slot = copy;
	return 0;
}

/* default_threads - two even on one processor: while one waits for the disk, the other answers. */
static unsigned int default_threads(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus < THREADS_DEFAULT_MIN)
		return THREADS_DEFAULT_MIN;
	return cpus > THREADS_DEFAULT_MAX ? THREADS_DEFAULT_MAX : (unsigned int)cpus;
}

int config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	c->max_connections = 200;
	c->idle_timeout = 30;
	c->threads = default_threads();
	c->log_level = LOG_INFO;
	c->state_dir = strdup(STATE_DIR_DEFAULT);
	c->socket = strdup(CONFIG_SOCKET_DEFAULT);
	c->rate_limits = strdup("none");
	return c->state_dir && c->socket && c->rate_limits ? 0 : -ENOMEM;
}

void config_free(struct config *c)
{
	free(c->state_dir);
	free(c->socket);
	free(c->admin_socket);
	free(c->rate_limits);
	free(c->listen);
	free(c->tls_certificate);
	free(c->tls_key);
	free(c->root_secret);
	free(c->events_file);
	free(c->events_queue);
	free(c->events_credentials);
	memset(c, 0, sizeof(*c));
}

int config_set_state_dir(void *c, const char *value, struct err *e)
{
	if (*value != '/')
		return err_set(e, -EINVAL, "the state directory wants an absolute path, not \"%s\"", value);
	return set_string(&((struct config *)c)->state_dir, value, e);
}

int config_set_socket(void *c, const char *value, struct err *e)
{
	if (!strcmp(value, "none"))
		value = "";
	else if (*value != '/')
		return err_set(e, -EINVAL, "the socket wants an absolute path or \"none\", not \"%s\"", value);
	return set_string(&((struct config *)c)->socket, value, e);
}

int config_set_listen(void *c, const char *value, struct err *e)
{
	/* Whether there is TLS config_finish() knows. */
	int rc = listener_check_address(value, true, e);

	return rc ? rc : set_string(&((struct config *)c)->listen, value, e);
}

int config_set_root_secret(void *c, const char *value, struct err *e)
{
	int rc = root_check_spec(value, e);

	return rc ? rc : set_string(&((struct config *)c)->root_secret, value, e);
}

int config_set_log_level(void *c, const char *value, struct err *e)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = {
		{ "error", LOG_ERR },
		{ "warning", LOG_WARNING },
		{ "info", LOG_INFO },
		{ "debug", LOG_DEBUG },
	};

	for (unsigned int i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		if (!strcmp(levels[i].name, value)) {
			((struct config *)c)->log_level = levels[i].level;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "log level wants error, warning, info or debug, not \"%s\"", value);
}

static int parse_number(const char *value, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(value, &end, 10);
	return *value >= '0' && *value <= '9' && !*end && !errno && *out <= max ? 0 : -EINVAL;
}

static int set_connections(void *ctx, const char *value, struct err *e)
{
	struct config *c = ctx;
	unsigned long n;

	if (parse_number(value, CONNECTIONS_MAX, &n) || !n)
		return err_set(e, -EINVAL, "wants 1 to %d", CONNECTIONS_MAX);
	c->max_connections = (unsigned int)n;
	return 0;
}

static int set_path(char **slot, const char *value, struct err *e)
{
	if (*value != '/')
		return err_set(e, -EINVAL, "wants an absolute path, not \"%s\"", value);
	return set_string(slot, value, e);
}

static int set_admin_socket(void *ctx, const char *value, struct err *e)
{
	return set_path(&((struct config *)ctx)->admin_socket, value, e);
}

static int set_events_file(void *ctx, const char *value, struct err *e)
{
	return set_path(&((struct config *)ctx)->events_file, value, e);
}

static int set_events_queue(void *ctx, const char *value, struct err *e)
{
	struct queue_place place;
	/* Which region this service is in config files do not say; any will do to look at the URL. */
	int rc = queue_place(value, NULL, "local-1", &place, e);

	return rc ? rc : set_string(&((struct config *)ctx)->events_queue, value, e);
}

static int set_events_credentials(void *ctx, const char *value, struct err *e)
{
	return set_path(&((struct config *)ctx)->events_credentials, value, e);
}

static int set_tls_certificate(void *ctx, const char *value, struct err *e)
{
	return set_path(&((struct config *)ctx)->tls_certificate, value, e);
}

static int set_tls_key(void *ctx, const char *value, struct err *e)
{
	return set_path(&((struct config *)ctx)->tls_key, value, e);
}

static int set_rate_limits(void *ctx, const char *value, struct err *e)
{
	struct rates *r = NULL;
	int rc = rates_new(value, &r, e);

	rates_free(r);
	return rc ? rc : set_string(&((struct config *)ctx)->rate_limits, value, e);
}

static int set_threads(void *ctx, const char *value, struct err *e)
{
	struct config *c = ctx;
	unsigned long n;

	if (parse_number(value, WORKERS_MAX, &n) || !n)
		return err_set(e, -EINVAL, "wants 1 to %d", WORKERS_MAX);
	c->threads = (unsigned int)n;
	return 0;
}

static int set_idle_timeout(void *ctx, const char *value, struct err *e)
{
	return conf_duration(value, 1, 3600, &((struct config *)ctx)->idle_timeout, e);
}

static int add_user(struct config *c, const char *name, struct err *e)
{
	const struct passwd *pw = getpwnam(name);
	unsigned long id;

	if (c->nr_uids == CONFIG_IDS_MAX)
		return err_set(e, -E2BIG, "at most %d users", CONFIG_IDS_MAX);
	if (!pw && parse_number(name, 0xfffffffe, &id))
		return err_set(e, -ENOENT, "there is no user \"%s\"", name);
	c->uid[c->nr_uids++] = pw ? pw->pw_uid : (uid_t)id;
	return 0;
}

static int add_group(struct config *c, const char *name, struct err *e)
{
	const struct group *gr = getgrnam(name);
	unsigned long id;

	if (c->nr_gids == CONFIG_IDS_MAX)
		return err_set(e, -E2BIG, "at most %d groups", CONFIG_IDS_MAX);
	if (!gr && parse_number(name, 0xfffffffe, &id))
		return err_set(e, -ENOENT, "there is no group \"%s\"", name);
	c->gid[c->nr_gids++] = gr ? gr->gr_gid : (gid_t)id;
	return 0;
}

/* each_word - of a list separated by commas and blanks. */
static int each_word(struct config *c, const char *value, int (*fn)(struct config *c, const char *word, struct err *e),
		     struct err *e)
{
	char *copy = strdup(value), *save, *word;
	int rc = copy ? 0 : err_sys(e, -ENOMEM, "configuration");

	for (word = copy ? strtok_r(copy, ", \t", &save) : NULL; !rc && word; word = strtok_r(NULL, ", \t", &save))
		rc = fn(c, word, e);
	free(copy);
	return rc;
}

static int set_users(void *ctx, const char *value, struct err *e)
{
	return each_word(ctx, value, add_user, e);
}

static int set_groups(void *ctx, const char *value, struct err *e)
{
	struct config *c = ctx;

	c->groups_set = true;
	return each_word(c, value, add_group, e);
}

static const struct conf_key keys[] = {
	{ "state-dir", config_set_state_dir, 0 },
	{ "socket", config_set_socket, 0 },
	{ "listen", config_set_listen, 0 },
	{ "allow-user", set_users, 0 },
	{ "allow-group", set_groups, 0 },
	{ "max-connections", set_connections, 0 },
	{ "idle-timeout", set_idle_timeout, 0 },
	{ "threads", set_threads, 0 },
	{ "tls-certificate", set_tls_certificate, 0 },
	{ "tls-key", set_tls_key, 0 },
	{ "root-secret", config_set_root_secret, 0 },
	{ "events-file", set_events_file, 0 },
	{ "events-queue", set_events_queue, 0 },
	{ "events-credentials", set_events_credentials, 0 },
	{ "admin-socket", set_admin_socket, 0 },
	{ "rate-limits", set_rate_limits, 0 },
	{ "log-level", config_set_log_level, 0 },
	{ 0 },
};

const char *config_key_at(unsigned int i)
{
	return i < sizeof(keys) / sizeof(*keys) ? keys[i].name : NULL;
}

int config_read(struct config *c, const char *path, bool required, struct err *e)
{
	if (!required && access(path, F_OK) && errno == ENOENT)
		return 0;
	return conf_parse_file(path, keys, c, e);
}

int config_finish(struct config *c, struct err *e)
{
	int rc;

	if (!c->tls_certificate != !c->tls_key)
		return err_set(e, -EINVAL, "tls-certificate and tls-key go together");
	if (!c->events_queue != !c->events_credentials)
		return err_set(e, -EINVAL, "events-queue and events-credentials go together");
	rc = c->listen ? listener_check_address(c->listen, c->tls_key, e) : 0;
	if (rc || c->groups_set)
		return rc;
	if (add_group(c, CONFIG_GROUP_DEFAULT, NULL))
		log_info("there is no group \"%s\": only root and this user may connect to the socket",
			 CONFIG_GROUP_DEFAULT);
	return 0;
}
