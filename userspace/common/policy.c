// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "policy.h"

#define FAIL_AFTER "fail-after="

static const char *const policy_names[] = {
	[POLICY_TEARDOWN] = "teardown",
	[POLICY_LOCK] = "lock",
	[POLICY_HOLD] = "hold",
};

static const char *const after_lock_names[] = {
	[AFTER_LOCK_RESTART] = "restart",
	[AFTER_LOCK_STAY] = "stay",
};

const char *policy_name(enum policy p)
{
	return policy_names[p];
}

const char *after_lock_name(enum after_lock a)
{
	return after_lock_names[a];
}

void policies_init(struct policies *p)
{
	memset(p, 0, sizeof(*p));
	p->on_revoke = POLICY_TEARDOWN;
	p->on_disabled = POLICY_LOCK;
	p->after_lock = AFTER_LOCK_RESTART;
	p->probe_interval = 300;
	p->teardown_deadline = 20;
}

/* set - the bit goes with the value, so that a refused value counts as not said. */
static int set(struct policies *p, unsigned int bit, int rc)
{
	if (!rc)
		p->set |= bit;
	return rc;
}

static int parse_policy(const char *value, enum policy *out, struct err *e)
{
	size_t i;

	for (i = 0; i < sizeof(policy_names) / sizeof(*policy_names); i++) {
		if (!strcmp(value, policy_names[i])) {
			*out = i;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "must be teardown, lock or hold");
}

int policies_on_revoke(struct policies *p, const char *value, struct err *e)
{
	return set(p, POLICY_SET_ON_REVOKE, parse_policy(value, &p->on_revoke, e));
}

int policies_on_disabled(struct policies *p, const char *value, struct err *e)
{
	return set(p, POLICY_SET_ON_DISABLED, parse_policy(value, &p->on_disabled, e));
}

int policies_unreachable(struct policies *p, const char *value, struct err *e)
{
	int rc = 0;

	if (!strcmp(value, "hold"))
		p->fail_after = 0;
	else if (!strncmp(value, FAIL_AFTER, strlen(FAIL_AFTER)))
		rc = conf_duration(value + strlen(FAIL_AFTER), POLICY_FAIL_AFTER_MIN, POLICY_FAIL_AFTER_MAX,
				   &p->fail_after, e);
	else
		rc = err_set(e, -EINVAL, "must be hold or " FAIL_AFTER "DURATION");
	return set(p, POLICY_SET_UNREACHABLE, rc);
}

int policies_lease(struct policies *p, const char *value, struct err *e)
{
	int rc = 0;

	if (!strcmp(value, "off"))
		p->lease = 0;
	else
		rc = conf_duration(value, 1, POLICY_LEASE_MAX, &p->lease, e);
	return set(p, POLICY_SET_LEASE, rc);
}

int policies_after_lock(struct policies *p, const char *value, struct err *e)
{
	size_t i;

	for (i = 0; i < sizeof(after_lock_names) / sizeof(*after_lock_names); i++) {
		if (!strcmp(value, after_lock_names[i])) {
			p->after_lock = i;
			return set(p, POLICY_SET_AFTER_LOCK, 0);
		}
	}
	return err_set(e, -EINVAL, "must be restart or stay");
}

int policies_probe_interval(struct policies *p, const char *value, struct err *e)
{
	return set(p, POLICY_SET_PROBE,
		   conf_duration(value, POLICY_PROBE_MIN, POLICY_PROBE_MAX, &p->probe_interval, e));
}

int policies_teardown_deadline(struct policies *p, const char *value, struct err *e)
{
	return set(p, POLICY_SET_DEADLINE,
		   conf_duration(value, POLICY_DEADLINE_MIN, POLICY_DEADLINE_MAX, &p->teardown_deadline, e));
}

int policies_hook(struct policies *p, const char *value, struct err *e)
{
	if (!strcmp(value, "none")) {
		p->hook[0] = '\0';
		return set(p, POLICY_SET_HOOK, 0);
	}
	if (value[0] != '/')
		return err_set(e, -EINVAL, "must be the absolute path of a program, or none");
	if (strlen(value) > POLICY_HOOK_MAX)
		return err_set(e, -EINVAL, "path is longer than %d bytes", POLICY_HOOK_MAX);
	strcpy(p->hook, value);
	return set(p, POLICY_SET_HOOK, 0);
}

char *policies_text(const struct policies *p)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	if (p->set & POLICY_SET_ON_REVOKE)
		fprintf(f, "on-revoke=%s\n", policy_name(p->on_revoke));
	if (p->set & POLICY_SET_ON_DISABLED)
		fprintf(f, "on-disabled=%s\n", policy_name(p->on_disabled));
	if (p->set & POLICY_SET_UNREACHABLE && p->fail_after)
		fprintf(f, "unreachable=" FAIL_AFTER "%us\n", p->fail_after);
	else if (p->set & POLICY_SET_UNREACHABLE)
		fprintf(f, "unreachable=hold\n");
	if (p->set & POLICY_SET_LEASE && p->lease)
		fprintf(f, "lease=%us\n", p->lease);
	else if (p->set & POLICY_SET_LEASE)
		fprintf(f, "lease=off\n");
	if (p->set & POLICY_SET_AFTER_LOCK)
		fprintf(f, "after-lock=%s\n", after_lock_name(p->after_lock));
	if (p->set & POLICY_SET_PROBE)
		fprintf(f, "probe-interval=%us\n", p->probe_interval);
	if (p->set & POLICY_SET_DEADLINE)
		fprintf(f, "teardown-deadline=%us\n", p->teardown_deadline);
	if (p->set & POLICY_SET_HOOK)
		fprintf(f, "hook=%s\n", *p->hook ? p->hook : "none");
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}

struct policies policies_over(const struct policies *own, const struct policies *common)
{
	struct policies p = *common;

	p.set |= own->set;
	if (own->set & POLICY_SET_ON_REVOKE)
		p.on_revoke = own->on_revoke;
	if (own->set & POLICY_SET_ON_DISABLED)
		p.on_disabled = own->on_disabled;
	if (own->set & POLICY_SET_UNREACHABLE)
		p.fail_after = own->fail_after;
	if (own->set & POLICY_SET_LEASE)
		p.lease = own->lease;
	if (own->set & POLICY_SET_AFTER_LOCK)
		p.after_lock = own->after_lock;
	if (own->set & POLICY_SET_PROBE)
		p.probe_interval = own->probe_interval;
	if (own->set & POLICY_SET_DEADLINE)
		p.teardown_deadline = own->teardown_deadline;
	if (own->set & POLICY_SET_HOOK)
		strcpy(p.hook, own->hook);
	return p;
}

int policies_check(const struct policies *p, unsigned int watchdog_s, const char **key, struct err *e)
{
	const unsigned int least = 3 * (watchdog_s + POLICY_RESTART_S);

	if (p->lease && p->lease < least) {
		*key = "lease";
		err_set(e, -EINVAL, "lease: %us is under %us, three times the %us in which a hung ecached is killed and started again",
			p->lease, least, watchdog_s + POLICY_RESTART_S);
		return err_hint(e, "set lease=%us or more, or lease=off (WatchdogSec of ecached.service counts: %us)",
				least, watchdog_s);
	}
	if (p->fail_after && p->fail_after < 3 * p->probe_interval) {
		*key = "unreachable";
		err_set(e, -EINVAL, "unreachable: fail-after=%us is under three times the probe-interval of %us: one lost answer would lock the volume",
			p->fail_after, p->probe_interval);
		return err_hint(e, "set fail-after=%us or more, or a shorter probe-interval", 3 * p->probe_interval);
	}
	return 0;
}

unsigned int policies_lease_of(const struct policies *p)
{
	return p->lease && p->fail_after && p->fail_after < p->lease ? p->fail_after : p->lease;
}
