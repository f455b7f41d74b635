// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "../common/conf.h"
#include "../common/log.h"
#include "reload.h"

/* keep_old - the file is not taken; nothing of it, since its settings were meant together. */
static void keep_old(struct daemon *d, const struct err *e)
{
	snprintf(d->problem, sizeof(d->problem), "not taken, the settings from before stay: %s%s%s", e->what,
		 *e->hint ? " -- " : "", e->hint);
	log_fields(LOG_ERR, d->problem, "ECACHE_EVENT", "reload-failed", NULL);
}

static void take_new(struct daemon *d, struct agentconf *c)
{
	char names[512];

	agentconf_changes(&d->conf, c, names, sizeof(names));
	agentconf_take(&d->conf, c);
	d->watch.canary = *d->conf.canary_key;
	d->problem[0] = '\0';
	if (!*names) {
		log_info("%s is read again", d->config);
		return;
	}
	snprintf(d->problem, sizeof(d->problem), "%s: what has changed here counts after `systemctl restart ecache-net ecached` only (volumes stay open): %s",
		 d->config, names);
	log_fields(LOG_WARNING, d->problem, "ECACHE_EVENT", "restart-needed", NULL);
}

void reload(struct daemon *d)
{
	struct err e = ERR_INIT;
	struct agentconf c;
	const char *key;
	int rc;

	rc = agentconf_load(d->config, &c, &e);
	if (!rc) {
		rc = policies_check(&c.policy, d->env.watchdog_s, &key, &e);
		if (rc) {
			conf_blame(d->config, key, &e);
			agentconf_free(&c);
		}
	}
	if (rc)
		keep_old(d, &e);
	else
		take_new(d, &c);
	memset(&e, 0, sizeof(e));
	if (volumes_scan(d, &e))
		log_err("cannot look at the volumes: %s", e.what);
}
