// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <systemd/sd-daemon.h>

#include "../common/agentconf.h"
#include "../common/conf.h"
#include "check.h"
#include "hook.h"
#include "job.h"

struct check {
	FILE *to;
	struct env env;
	unsigned int files, wrong;
};

unsigned int check_watchdog_s(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? (usec + 999999) / 1000000 : POLICY_WATCHDOG_S;
}

static void tell(struct check *c, const struct err *e)
{
	c->wrong++;
	fprintf(c->to, "%s\n", e->what);
	if (*e->hint)
		fprintf(c->to, "\t%s\n", e->hint);
}

static void check_hook(struct check *c, const char *file, const char *path)
{
	struct err e = ERR_INIT;

	if (!*path || !hook_check(path, &e))
		return;
	conf_blame(file, "hook", &e);
	tell(c, &e);
}

static int check_volume(void *ctx, const char *name)
{
	struct policies policies;
	struct check *c = ctx;
	struct err e = ERR_INIT;
	char file[PATH_MAX];
	struct pin pin;

	c->files++;
	if (pin_load(c->env.pin_dir, name, &pin, &e) || job_policies(&c->env, name, &pin, &policies, &e)) {
		tell(c, &e);
		return 0;
	}
	snprintf(file, sizeof(file), "%s/%s", c->env.pin_dir, name);
	if (pin.policy.set & POLICY_SET_HOOK)
		check_hook(c, file, pin.policy.hook);
	return 0;
}

static void check_all(struct check *c, const char *path, const struct agentconf *conf)
{
	struct err e = ERR_INIT;
	const char *key;

	c->env.conf = conf;
	c->env.pin_dir = conf->pin_dir;
	if (policies_check(&conf->policy, c->env.watchdog_s, &key, &e)) {
		conf_blame(path, key, &e);
		tell(c, &e);
	}
	check_hook(c, path, conf->policy.hook);
	memset(&e, 0, sizeof(e));
	if (pin_each(conf->pin_dir, check_volume, c, &e))
		tell(c, &e);
}

unsigned int check_config(const char *path, FILE *to)
{
	struct check c = { .to = to, .env.watchdog_s = check_watchdog_s() };
	struct err e = ERR_INIT;
	struct agentconf conf;

	if (agentconf_load(path, &conf, &e))
		tell(&c, &e);
	else
		check_all(&c, path, &conf);
	agentconf_free(&conf);
	if (!c.wrong)
		fprintf(to, "good: %s and the files of %u volume%s\n", path, c.files, c.files == 1 ? "" : "s");
	return c.wrong;
}
