// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "agentconf.h"

/* What a reload may take over while volumes are open, and what it may not. */

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

void agentconf_changes(const struct agentconf *a, const struct agentconf *b, char *names, size_t size)
{
	const struct {
		const char *name;
		bool same;
	} fixed[] = {
		{ "kms-endpoint", same(a->kms_endpoint, b->kms_endpoint) },
		{ "sts-endpoint", same(a->sts_endpoint, b->sts_endpoint) },
		{ "kms-ca-file", same(a->kms_ca_file, b->kms_ca_file) },
		{ "use-fips", a->use_fips == b->use_fips },
		{ "use-dualstack", a->use_dualstack == b->use_dualstack },
		{ "region", same(a->region, b->region) },
		{ "host-credentials-source", a->host_source == b->host_source },
		{ "host-profile", same(a->host_profile, b->host_profile) },
		{ "host-credentials", same(a->host_credentials, b->host_credentials) },
		{ "host-role-arn", same(a->host_role_arn, b->host_role_arn) },
		{ "host-role-session-name", same(a->host_role_session_name, b->host_role_session_name) },
		{ "host-web-identity-token-file",
		  same(a->host_web_identity_token_file, b->host_web_identity_token_file) },
		{ "host-container-uri", same(a->host_container_uri, b->host_container_uri) },
		{ "host-container-token-file", same(a->host_container_token_file, b->host_container_token_file) },
		{ "host-imds-endpoint", same(a->host_imds_endpoint, b->host_imds_endpoint) },
		{ "events-queue", same(a->events_queue, b->events_queue) },
		{ "events-endpoint", same(a->events_endpoint, b->events_endpoint) },
		{ "events-profile", same(a->events_profile, b->events_profile) },
		{ "state-dir", same(a->state_dir, b->state_dir) },
		{ "pin-dir", same(a->pin_dir, b->pin_dir) },
		{ "audit-log", same(a->audit_log, b->audit_log) },
		{ "net-socket", same(a->net_socket, b->net_socket) },
		{ "control-socket", same(a->control_socket, b->control_socket) },
		{ "metrics-socket", same(a->metrics_socket, b->metrics_socket) },
	};
	size_t i, used = 0;

	names[0] = '\0';
	for (i = 0; i < sizeof(fixed) / sizeof(*fixed) && used < size; i++) {
		if (!fixed[i].same)
			used += snprintf(names + used, size - used, "%s%s", used ? ", " : "", fixed[i].name);
	}
}

static void swap(char **a, char **b)
{
	char *c = *a;

	*a = *b;
	*b = c;
}

void agentconf_take(struct agentconf *c, struct agentconf *from)
{
	swap(&c->host_principal, &from->host_principal);
	swap(&c->default_key, &from->default_key);
	swap(&c->canary_key, &from->canary_key);
	c->policy = from->policy;
	agentconf_free(from);
}
