/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_CONFIG_H
#define KMSD_CONFIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"

/* What "serve" is told by kmsd.conf and its options. */

#define CONFIG_FILE_DEFAULT "/etc/ecache/kmsd.conf"
#define CONFIG_SOCKET_DEFAULT "/run/ecache-kmsd/kms.sock"
#define CONFIG_GROUP_DEFAULT "ecache"
#define CONFIG_IDS_MAX 32

struct config {
	char *state_dir;
	char *socket;			/* "" for none */
	char *admin_socket;		/* NULL: none */
	char *rate_limits;		/* of rates_new() */
	char *listen;			/* "127.0.0.1:PORT", "[::1]:PORT", with TLS any address; NULL: none */
	char *tls_certificate;		/* file; NULL: no TLS */
	char *tls_key;
	char *events_file;		/* NULL: none */
	char *events_queue;		/* URL; NULL: none */
	char *events_credentials;	/* file; there is one if there is a queue */
	char *root_secret;		/* of root_open(); NULL: in the state directory */
	uid_t uid[CONFIG_IDS_MAX];	/* who may connect to the socket, besides root and the server's own user */
	unsigned int nr_uids;
	gid_t gid[CONFIG_IDS_MAX];
	unsigned int nr_gids;
	bool groups_set;		/* allow-group was given: no default */
	unsigned int max_connections;
	unsigned int idle_timeout;	/* seconds */
	unsigned int threads;		/* that answer requests */
	int log_level;
};

int config_init(struct config *c);
void config_free(struct config *c);

/* config_read - file and line in @e when something is not right. @required: it must exist. */
int config_read(struct config *c, const char *path, bool required, struct err *e);

/* config_key_at - the names of all keys of the file, in turn; NULL at the end. */
const char *config_key_at(unsigned int i);

/* config_finish - what was not said: the default group, if there is one. -EINVAL when things do not go together. */
int config_finish(struct config *c, struct err *e);

/* Setters shared with the command line. */
int config_set_state_dir(void *c, const char *value, struct err *e);
int config_set_socket(void *c, const char *value, struct err *e);
int config_set_listen(void *c, const char *value, struct err *e);
int config_set_root_secret(void *c, const char *value, struct err *e);
int config_set_log_level(void *c, const char *value, struct err *e);

#endif
