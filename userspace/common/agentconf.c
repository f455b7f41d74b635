// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kms/arn.h"
#include "../kms/endpoint.h"
#include "../kms/queue.h"
#include "../kms/surroundings.h"
#include "agentconf.h"
#include "conf.h"
#include "fsio.h"
#include "ipc.h"

#define AGENTCONF_MAX (64 * 1024)

static int keep(char **slot, const char *value, struct err *e)
{
	*slot = strdup(value);
	return *slot ? 0 : err_set(e, -ENOMEM, "out of memory");
}

static int keep_text(char **slot, const char *value, struct err *e)
{
	return *value ? keep(slot, value, e) : err_set(e, -EINVAL, "must not be empty");
}

static int keep_path(char **slot, const char *value, struct err *e)
{
	return *value == '/' ? keep(slot, value, e) : err_set(e, -EINVAL, "must be an absolute path");
}

static int keep_yes_no(bool *slot, const char *value, struct err *e)
{
	*slot = !strcmp(value, "yes");
	if (!*slot && strcmp(value, "no"))
		return err_set(e, -EINVAL, "must be yes or no");
	return 0;
}

static int keep_endpoint(char **slot, const char *value, struct err *e)
{
	struct endpoint ep;
	int rc;

	/* The region does not matter for the form, and its line may come later. */
	rc = endpoint_parse(value, "us-east-1", &ep, e);
	return rc ? rc : keep(slot, value, e);
}

static int parse_kms_endpoint(void *ctx, const char *value, struct err *e)
{
	return keep_endpoint(&((struct agentconf *)ctx)->kms_endpoint, value, e);
}

static int parse_sts_endpoint(void *ctx, const char *value, struct err *e)
{
	return keep_endpoint(&((struct agentconf *)ctx)->sts_endpoint, value, e);
}

static int parse_kms_ca_file(void *ctx, const char *value, struct err *e)
{
	return keep_path(&((struct agentconf *)ctx)->kms_ca_file, value, e);
}

static int parse_use_fips(void *ctx, const char *value, struct err *e)
{
	return keep_yes_no(&((struct agentconf *)ctx)->use_fips, value, e);
}

static int parse_use_dualstack(void *ctx, const char *value, struct err *e)
{
	return keep_yes_no(&((struct agentconf *)ctx)->use_dualstack, value, e);
}

static int parse_region(void *ctx, const char *value, struct err *e)
{
	struct agentconf *c = ctx;
	int rc = arn_check_region(value, e);

	return rc ? rc : keep(&c->region, value, e);
}

static int parse_host_principal(void *ctx, const char *value, struct err *e)
{
	struct agentconf *c = ctx;
	int rc = arn_check_principal(value, e);

	return rc ? rc : keep(&c->host_principal, value, e);
}

static int parse_host_profile(void *ctx, const char *value, struct err *e)
{
	return keep_text(&((struct agentconf *)ctx)->host_profile, value, e);
}

static int parse_host_credentials(void *ctx, const char *value, struct err *e)
{
	return keep_path(&((struct agentconf *)ctx)->host_credentials, value, e);
}

static const struct {
	const char *name;
	enum creds_kind kind;
} sources[] = {
	{ "file", CREDS_FILE },
	{ "profile", CREDS_PROFILE },
	{ "process", CREDS_PROCESS },
	{ "web-identity", CREDS_WEB_IDENTITY },
	{ "container", CREDS_CONTAINER },
	{ "imds", CREDS_IMDS },
};

static int parse_host_source(void *ctx, const char *value, struct err *e)
{
	size_t i;

	for (i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		if (!strcmp(value, sources[i].name)) {
			((struct agentconf *)ctx)->host_source = sources[i].kind;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "must be file, profile, process, web-identity, container or imds");
}

static int parse_host_role_arn(void *ctx, const char *value, struct err *e)
{
	int rc = arn_check_principal(value, e);

	if (!rc && !strstr(value, ":role/"))
		rc = err_set(e, -EINVAL, "must be the ARN of a role");
	return rc ? rc : keep(&((struct agentconf *)ctx)->host_role_arn, value, e);
}

static int parse_host_role_session_name(void *ctx, const char *value, struct err *e)
{
	return keep_text(&((struct agentconf *)ctx)->host_role_session_name, value, e);
}

static int parse_host_web_identity_token_file(void *ctx, const char *value, struct err *e)
{
	return keep_path(&((struct agentconf *)ctx)->host_web_identity_token_file, value, e);
}

static int parse_host_container_uri(void *ctx, const char *value, struct err *e)
{
	char path[SURROUNDINGS_PATH];
	struct endpoint ep;
	int rc = surroundings_parse(value, "http://127.0.0.1", &ep, path, e);

	return rc ? rc : keep(&((struct agentconf *)ctx)->host_container_uri, value, e);
}

static int parse_host_container_token_file(void *ctx, const char *value, struct err *e)
{
	return keep_path(&((struct agentconf *)ctx)->host_container_token_file, value, e);
}

static int parse_host_imds_endpoint(void *ctx, const char *value, struct err *e)
{
	char path[SURROUNDINGS_PATH];
	struct endpoint ep;
	int rc = surroundings_parse(value, "http://127.0.0.1", &ep, path, e);

	if (!rc && (*value == '/' || strcmp(path, "/")))
		rc = err_set(e, -EINVAL, "must be http://HOST[:PORT]");
	return rc ? rc : keep(&((struct agentconf *)ctx)->host_imds_endpoint, value, e);
}

static int parse_default_key(void *ctx, const char *value, struct err *e)
{
	int rc = arn_check_key_name(value, e);

	return rc ? rc : keep(&((struct agentconf *)ctx)->default_key, value, e);
}

static int parse_canary_key(void *ctx, const char *value, struct err *e)
{
	struct agentconf *c = ctx;
	int rc = arn_check_key(value, e);

	return rc ? rc : keep(&c->canary_key, value, e);
}

static int parse_events_queue(void *ctx, const char *value, struct err *e)
{
	struct queue_place place;
	/* As with endpoints: only the form. */
	int rc = queue_place(value, NULL, "us-east-1", &place, e);

	return rc ? rc : keep(&((struct agentconf *)ctx)->events_queue, value, e);
}

static int parse_events_endpoint(void *ctx, const char *value, struct err *e)
{
	return keep_endpoint(&((struct agentconf *)ctx)->events_endpoint, value, e);
}

static int parse_events_profile(void *ctx, const char *value, struct err *e)
{
	return keep_text(&((struct agentconf *)ctx)->events_profile, value, e);
}

static int parse_on_revoke(void *ctx, const char *value, struct err *e)
{
	return policies_on_revoke(&((struct agentconf *)ctx)->policy, value, e);
}

static int parse_on_disabled(void *ctx, const char *value, struct err *e)
{
	return policies_on_disabled(&((struct agentconf *)ctx)->policy, value, e);
}

static int parse_unreachable(void *ctx, const char *value, struct err *e)
{
	return policies_unreachable(&((struct agentconf *)ctx)->policy, value, e);
}

static int parse_lease(void *ctx, const char *value, struct err *e)
{
	return policies_lease(&((struct agentconf *)ctx)->policy, value, e);
}

static int parse_after_lock(void *ctx, const char *value, struct err *e)
{
	return policies_after_lock(&((struct agentconf *)ctx)->policy, value, e);
}

static int parse_probe_interval(void *ctx, const char *value, struct err *e)
{
	return policies_probe_interval(&((struct agentconf *)ctx)->policy, value, e);
}

static int parse_teardown_deadline(void *ctx, const char *value, struct err *e)
{
	return policies_teardown_deadline(&((struct agentconf *)ctx)->policy, value, e);
}

static int parse_hook(void *ctx, const char *value, struct err *e)
{
	return policies_hook(&((struct agentconf *)ctx)->policy, value, e);
}

static int parse_state_dir(void *ctx, const char *value, struct err *e)
{
	return keep_path(&((struct agentconf *)ctx)->state_dir, value, e);
}

static int parse_pin_dir(void *ctx, const char *value, struct err *e)
{
	return keep_path(&((struct agentconf *)ctx)->pin_dir, value, e);
}

static int parse_audit_log(void *ctx, const char *value, struct err *e)
{
	return keep_path(&((struct agentconf *)ctx)->audit_log, value, e);
}

static int parse_net_socket(void *ctx, const char *value, struct err *e)
{
	return keep_path(&((struct agentconf *)ctx)->net_socket, value, e);
}

static int parse_control_socket(void *ctx, const char *value, struct err *e)
{
	return keep_path(&((struct agentconf *)ctx)->control_socket, value, e);
}

static int parse_metrics_socket(void *ctx, const char *value, struct err *e)
{
	char **slot = &((struct agentconf *)ctx)->metrics_socket;

	return strcmp(value, "none") ? keep_path(slot, value, e) : keep(slot, "", e);
}

static const struct conf_key keys[] = {
	{ "kms-endpoint", parse_kms_endpoint, 0 },
	{ "sts-endpoint", parse_sts_endpoint, 0 },
	{ "kms-ca-file", parse_kms_ca_file, 0 },
	{ "use-fips", parse_use_fips, 0 },
	{ "use-dualstack", parse_use_dualstack, 0 },
	{ "region", parse_region, 1 },
	{ "host-principal", parse_host_principal, 0 },
	{ "host-credentials-source", parse_host_source, 0 },
	{ "host-profile", parse_host_profile, 0 },
	{ "host-credentials", parse_host_credentials, 0 },
	{ "host-role-arn", parse_host_role_arn, 0 },
	{ "host-role-session-name", parse_host_role_session_name, 0 },
	{ "host-web-identity-token-file", parse_host_web_identity_token_file, 0 },
	{ "host-container-uri", parse_host_container_uri, 0 },
	{ "host-container-token-file", parse_host_container_token_file, 0 },
	{ "host-imds-endpoint", parse_host_imds_endpoint, 0 },
	{ "default-key", parse_default_key, 0 },
	{ "canary-key", parse_canary_key, 0 },
	{ "events-queue", parse_events_queue, 0 },
	{ "events-endpoint", parse_events_endpoint, 0 },
	{ "events-profile", parse_events_profile, 0 },
	{ "on-revoke", parse_on_revoke, 0 },
	{ "on-disabled", parse_on_disabled, 0 },
	{ "unreachable", parse_unreachable, 0 },
	{ "lease", parse_lease, 0 },
	{ "after-lock", parse_after_lock, 0 },
	{ "probe-interval", parse_probe_interval, 0 },
	{ "teardown-deadline", parse_teardown_deadline, 0 },
	{ "hook", parse_hook, 0 },
	{ "state-dir", parse_state_dir, 0 },
	{ "pin-dir", parse_pin_dir, 0 },
	{ "audit-log", parse_audit_log, 0 },
	{ "net-socket", parse_net_socket, 0 },
	{ "control-socket", parse_control_socket, 0 },
	{ "metrics-socket", parse_metrics_socket, 0 },
	{ NULL, NULL, 0 },
};

/* default_credentials - where systemd's LoadCredential= put the file, else where the administrator did. */
static int default_credentials(char **slot)
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");

	if (asprintf(slot, "%s/host-credentials", dir && *dir == '/' ? dir : "/etc/ecache") < 0) {
		*slot = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int set_default(char **slot, const char *value)
{
	if (!*slot)
		*slot = strdup(value);
	return *slot ? 0 : -ENOMEM;
}

/* check_source - what a source needs is there, and nothing of another: somebody would believe that it counts. */
static int check_source(const struct agentconf *c, const char **key, struct err *e)
{
	const bool file = c->host_source <= CREDS_PROCESS;
	const bool web = c->host_source == CREDS_WEB_IDENTITY;
	const struct {
		const char *key;
		const char *value;
		bool allowed, required;
	} rules[] = {
		{ "host-credentials", c->host_credentials, file, false },
		{ "host-profile", c->host_profile, file, false },
		{ "host-role-arn", c->host_role_arn, web, true },
		{ "host-role-session-name", c->host_role_session_name, web, false },
		{ "host-web-identity-token-file", c->host_web_identity_token_file, web, true },
		{ "host-container-uri", c->host_container_uri, c->host_source == CREDS_CONTAINER, true },
		{ "host-container-token-file", c->host_container_token_file, c->host_source == CREDS_CONTAINER, false },
		{ "host-imds-endpoint", c->host_imds_endpoint, c->host_source == CREDS_IMDS, false },
	};
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (rules[i].value && !rules[i].allowed) {
			*key = rules[i].key;
			err_set(e, -EINVAL, "%s has no meaning with this host-credentials-source", rules[i].key);
			return err_hint(e, "take the line out, or name the source that it belongs to"), -EINVAL;
		}
		if (!rules[i].value && rules[i].allowed && rules[i].required) {
			*key = "host-credentials-source";
			err_set(e, -EINVAL, "this host-credentials-source needs %s", rules[i].key);
			return err_hint(e, "add a line %s=...", rules[i].key), -EINVAL;
		}
	}
	return 0;
}

static int check_events(const struct agentconf *c, const char **key, struct err *e)
{
	if (c->events_queue || (!c->events_endpoint && !c->events_profile))
		return 0;
	*key = c->events_endpoint ? "events-endpoint" : "events-profile";
	err_set(e, -EINVAL, "%s has no meaning without events-queue", *key);
	return err_hint(e, "take the line out, or add a line events-queue=..."), -EINVAL;
}

/* elsewhere - an id or an alias is of the region that is asked. */
static bool elsewhere(const char *key, const char *region)
{
	return key && !strncmp(key, "arn:", 4) && !arn_in_region(key, region);
}

/* check_together - what no line by itself says; *key is the one to change. */
static int check_together(const struct agentconf *c, bool *local, const char **key, struct err *e)
{
	const struct endpoint_config where = {
		.kms = c->kms_endpoint, .sts = c->sts_endpoint, .fips = c->use_fips, .dualstack = c->use_dualstack,
	};
	struct endpoint ep, sts;
	int rc;

	*key = "kms-endpoint";
	rc = endpoint_resolve(&where, c->region, &ep, &sts, e);
	if (!rc)
		rc = check_source(c, key, e);
	if (!rc)
		rc = check_events(c, key, e);
	if (rc)
		return rc;
	*local = ep.local;
	if (elsewhere(c->canary_key, c->region))
		*key = "canary-key";
	else if (elsewhere(c->default_key, c->region))
		*key = "default-key";
	else
		return 0;
	err_set(e, -EINVAL, "%s is not in region %s", *key, c->region);
	return err_hint(e, "name a key of that region, or the region of the keys"), -EINVAL;
}

static int fill_defaults(struct agentconf *c, bool local)
{
	if ((!c->host_credentials && default_credentials(&c->host_credentials)) ||
	    set_default(&c->host_principal, "") || set_default(&c->host_profile, "default") ||
	    set_default(&c->default_key, local ? AGENTCONF_DEFAULT_KEY : "") || set_default(&c->canary_key, "") ||
	    set_default(&c->events_queue, "") || set_default(&c->state_dir, "/var/lib/ecache") ||
	    set_default(&c->pin_dir, "/etc/ecache/volumes.d") ||
	    set_default(&c->audit_log, "/var/log/ecache/audit.log") ||
	    set_default(&c->net_socket, ECACHE_NET_SOCKET) || set_default(&c->control_socket, ECACHED_SOCKET) ||
	    set_default(&c->metrics_socket, ECACHED_METRICS_SOCKET))
		return -ENOMEM;
	return 0;
}

int agentconf_parse(const char *name, const char *buf, size_t len, struct agentconf *out, struct err *e)
{
	struct agentconf c = { .host_source = CREDS_FILE };
	bool local = false;
	const char *key;
	int rc;

	memset(out, 0, sizeof(*out));
	policies_init(&c.policy);
	rc = conf_parse_buf(name, buf, len, keys, &c, e);
	if (!rc) {
		rc = check_together(&c, &local, &key, e);
		if (rc)
			conf_blame_text(name, buf, len, key, e);
	}
	if (!rc && fill_defaults(&c, local))
		rc = err_set(e, -ENOMEM, "%s: out of memory", name);
	if (rc) {
		agentconf_free(&c);
		return rc;
	}
	*out = c;
	return 0;
}

int agentconf_load(const char *path, struct agentconf *out, struct err *e)
{
	const char *name = path ? path : AGENTCONF_PATH;
	char *buf;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = fsio_read(name, AGENTCONF_MAX, &buf, &len, e);
	if (rc)
		return rc;
	rc = agentconf_parse(name, buf, len, out, e);
	free(buf);
	return rc;
}

void agentconf_free(struct agentconf *c)
{
	free(c->kms_endpoint);
	free(c->sts_endpoint);
	free(c->kms_ca_file);
	free(c->region);
	free(c->host_principal);
	free(c->host_profile);
	free(c->host_credentials);
	free(c->host_role_arn);
	free(c->host_role_session_name);
	free(c->host_web_identity_token_file);
	free(c->host_container_uri);
	free(c->host_container_token_file);
	free(c->host_imds_endpoint);
	free(c->default_key);
	free(c->canary_key);
	free(c->events_queue);
	free(c->events_endpoint);
	free(c->events_profile);
	free(c->state_dir);
	free(c->pin_dir);
	free(c->audit_log);
	free(c->net_socket);
	free(c->control_socket);
	free(c->metrics_socket);
	memset(c, 0, sizeof(*c));
}
