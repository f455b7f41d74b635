// SPDX-License-Identifier: GPL-2.0-or-later
/* ecached.conf: what is accepted holds what agentconf.h promises; what is not says why. */
#include "fuzz/fuzz.h"

#include "common/agentconf.h"

#define NAME "ecached.conf"

static int absolute(const char *path)
{
	return path && *path == '/';
}

static void check_source(const struct agentconf *c)
{
	fuzz_check(c->host_source != CREDS_CHAIN);
	fuzz_check(c->host_profile && absolute(c->host_credentials));
	fuzz_check(!c->host_role_arn == (c->host_source != CREDS_WEB_IDENTITY));
	fuzz_check(!c->host_web_identity_token_file == (c->host_source != CREDS_WEB_IDENTITY));
	fuzz_check(!c->host_container_uri == (c->host_source != CREDS_CONTAINER));
	fuzz_check(!c->host_imds_endpoint || c->host_source == CREDS_IMDS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct agentconf none;
	struct agentconf c;
	struct err e = ERR_INIT;

	if (agentconf_parse(NAME, (const char *)data, size, &c, &e)) {
		fuzz_check(e.rc < 0 && !strncmp(e.what, NAME, strlen(NAME)) && !memcmp(&c, &none, sizeof(c)));
		return 0;
	}
	fuzz_check(c.region && *c.region && c.host_principal && c.default_key && c.canary_key);
	fuzz_check(c.policy.probe_interval >= 1 && c.policy.probe_interval <= 24 * 60 * 60);
	fuzz_check(c.policy.teardown_deadline >= 5 && c.policy.teardown_deadline <= 600);
	fuzz_check(*c.events_queue ? !strpbrk(c.events_queue, "?# ") : !c.events_endpoint && !c.events_profile);
	fuzz_check(!*c.policy.hook || absolute(c.policy.hook));
	fuzz_check(absolute(c.state_dir) && absolute(c.pin_dir) && absolute(c.audit_log));
	fuzz_check(absolute(c.net_socket) && absolute(c.control_socket));
	fuzz_check(!*c.metrics_socket || absolute(c.metrics_socket));
	check_source(&c);
	agentconf_free(&c);
	return 0;
}
