/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_AGENTCONF_H
#define ECACHE_AGENTCONF_H

#include <stdbool.h>
#include <stddef.h>

#include "../kms/creds.h"
#include "err.h"
#include "policy.h"

#define AGENTCONF_PATH "/etc/ecache/ecached.conf"
#define AGENTCONF_DEFAULT_KEY "alias/aws/elasticache"	/* ecache-kmsd makes it at first use */

/*
 * ecached.conf(5), read by ecached, ecachectl and ecache-net. Strings are never NULL unless said; "" means not set.
 * Durations are seconds.
 */
struct agentconf {
	char *kms_endpoint;	/* NULL: AWS's endpoint of the region */
	char *sts_endpoint;	/* NULL: by kms_endpoint */
	char *kms_ca_file;	/* path; NULL: this host's store */
	bool use_fips, use_dualstack;
	char *region;
	char *host_principal;	/* user or role ARN; "" */
	enum creds_kind host_source;	/* CREDS_FILE...; never CREDS_CHAIN */
	char *host_profile;	/* "default" */
	char *host_credentials;	/* path; $CREDENTIALS_DIRECTORY/host-credentials or /etc/ecache/host-credentials */
	char *host_role_arn;	/* of web identity, with the next two; NULL */
	char *host_role_session_name;
	char *host_web_identity_token_file;
	char *host_container_uri;	/* NULL but for CREDS_CONTAINER */
	char *host_container_token_file;	/* NULL: none */
	char *host_imds_endpoint;	/* NULL: the usual address */
	char *default_key;	/* key id, alias or ARN; AGENTCONF_DEFAULT_KEY on a local endpoint, else "" */
	char *canary_key;	/* key ARN; "": none */
	char *events_queue;	/* URL; "": none */
	char *events_endpoint;	/* NULL: the URL's host */
	char *events_profile;	/* of host_credentials; NULL: as the host */
	struct policies policy;	/* of volumes whose own file says nothing else */
	char *state_dir;	/* /var/lib/ecache */
	char *pin_dir;		/* /etc/ecache/volumes.d */
	char *audit_log;	/* /var/log/ecache/audit.log */
	char *net_socket;	/* /run/ecache-net/net.sock */
	char *control_socket;	/* /run/ecache/ecached.sock */
	char *metrics_socket;	/* /run/ecache/metrics.sock; "": none */
};

/* agentconf_load - the file at @path (NULL: AGENTCONF_PATH) with the defaults filled in. *out is zeroed on failure. */
int agentconf_load(const char *path, struct agentconf *out, struct err *e);

/* agentconf_parse - the same on memory; @name stands for the path in errors. */
int agentconf_parse(const char *name, const char *buf, size_t len, struct agentconf *out, struct err *e);

/*
 * agentconf_changes - the names of the settings that differ and are read at a start only, "" when there are none:
 * "region, net-socket", cut to @size.
 */
void agentconf_changes(const struct agentconf *a, const struct agentconf *b, char *names, size_t size);

/* agentconf_take - the other settings of @from, which may change while volumes are open; @from is freed. */
void agentconf_take(struct agentconf *c, struct agentconf *from);

/* agentconf_free - safe on a zeroed one. */
void agentconf_free(struct agentconf *c);

#endif
